// A private Dovecot for tests: IMAP with TLS on a free port of loopback, any user with one password, each with an
// empty mailbox of their own in the server's folder. Its syntax of configuration changed with 2.4; both are here.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ImapFlow } from "imapflow";
import { makeCertificate } from "./certificate.ts";
import { dovecotBinary } from "./service-binaries.ts";
import { type Faults, freePort, startServer, unprivileged } from "./services.ts";

export interface DovecotOptions {
  /** Of the only namespace; Dovecot's usual one is "" and "/". */
  prefix?: string;
  separator?: string;
  /** What the server says after login that it can do, in place of the truth; 2.3 and later say the rest before. */
  capability?: string;
  /** Rights of the owner in the folders that something was delivered to, by the letters of RFC 4314: "lr" may only look. */
  rights?: string;
}

export interface DovecotService extends Faults {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly password: string;
  /** PEM of its certificate, which is for localhost. */
  readonly ca: string;
  /** As an MDA does it: writes them into the Maildir, in this order. `at` is when the mailbox got them. */
  deliver(user: string, mails: readonly string[], to?: { folder?: string; at?: Date }): void;
  /** As somebody else who looks into that mailbox. */
  as<T>(user: string, work: (client: ImapFlow) => Promise<T>): Promise<T>;
  /** Forgets a folder's UIDs, as a restored backup does: it has another UIDVALIDITY then. Only while it is down. */
  forgetUids(user: string): void;
}

const PASSWORD = "p@ss/w:rd";

export async function dovecotService(options: DovecotOptions = {}): Promise<DovecotService> {
  const binary = dovecotBinary();
  if (binary.missing !== null) throw new Error(binary.missing);
  const version = execFileSync(binary.path, ["--version"], { encoding: "utf8" });
  const [port, { cert, key }] = [await freePort(), makeCertificate()];
  const as = async <T>(user: string, work: (client: ImapFlow) => Promise<T>): Promise<T> => {
    const client = new ImapFlow({
      ...{ host: "127.0.0.1", port, secure: true, servername: "localhost", tls: { ca: cert } },
      ...{ auth: { user, pass: PASSWORD }, logger: false, disableAutoIdle: true, connectionTimeout: 2_000 },
    });
    client.on("error", () => {});
    await client.connect();
    try {
      return await work(client);
    } finally {
      client.close();
    }
  };
  const owner = unprivileged() ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  let folder = "";
  let delivered = 0;
  const server = await startServer({
    name: "dovecot",
    group: true,
    prepare: async (own) => {
      folder = own;
      for (const name of ["mail", "run", "state"]) mkdirSync(path.join(own, name), { mode: 0o755 });
      // The process that opens mail is another user and must come through.
      chmodSync(own, 0o711);
      chownSync(path.join(own, "mail"), owner.uid, owner.gid);
      writeFileSync(path.join(own, "cert.pem"), cert);
      writeFileSync(path.join(own, "key.pem"), key, { mode: 0o600 });
      const syntax = /^2\.[0-3]\./.test(version) ? before24 : since24;
      writeFileSync(
        path.join(own, "dovecot.conf"),
        syntax({ folder: own, port, owner, version, ...options }),
      );
    },
    command: (own) => [binary.path, "-F", "-c", path.join(own, "dovecot.conf")],
    gentle: "SIGTERM",
    answers: () => as("nobody", async () => {}),
    port,
  });
  return {
    ...{ host: "127.0.0.1", port, password: PASSWORD, ca: cert, as, ...server },
    deliver: (user, mails, { folder: name = "INBOX", at } = {}) => {
      const root = path.join(folder, "mail", user);
      const maildir = name === "INBOX" ? root : path.join(root, `.${name}`);
      for (const place of [root, maildir, ...["cur", "new", "tmp"].map((one) => path.join(maildir, one))]) {
        mkdirSync(place, { recursive: true });
        chownSync(place, owner.uid, owner.gid);
      }
      if (options.rights !== undefined)
        writeFileSync(path.join(maildir, "dovecot-acl"), `owner ${options.rights}\n`, { mode: 0o644 });
      const second = Math.floor(Date.now() / 1_000);
      for (const mail of mails) {
        // Dovecot orders what is new by second and microsecond.
        const file = `${second}.M${String(++delivered).padStart(6, "0")}P${process.pid}.localhost`;
        const [tmp, arrived] = [path.join(maildir, "tmp", file), path.join(maildir, "new", file)];
        writeFileSync(tmp, mail);
        chownSync(tmp, owner.uid, owner.gid);
        if (at !== undefined) utimesSync(tmp, at, at);
        renameSync(tmp, arrived);
      }
    },
    forgetUids: (user) => {
      for (const file of ["uidlist", "uidvalidity"])
        rmSync(path.join(folder, "mail", user, `dovecot-${file}`), { force: true });
      for (const file of [
        "dovecot.index",
        "dovecot.index.log",
        "dovecot.index.cache",
        "dovecot.list.index.log",
      ])
        rmSync(path.join(folder, "mail", user, file), { force: true });
    },
  };
}

interface Facts extends DovecotOptions {
  folder: string;
  port: number;
  owner: { uid: number; gid: number };
  version: string;
}

/** Who is not root has no other users for its parts, and no chroot. */
function withoutRoot(): string {
  if (process.getuid?.() === 0) return "";
  const user = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
  const services = ["anvil", "imap-login", "stats"].map((name) => `service ${name} {\n  chroot =\n}`);
  return `default_internal_user = ${user}\ndefault_login_user = ${user}\n${services.join("\n")}`;
}

/** `forEver` is how a process is told to serve any number of sessions; one of them starts faster than many. */
function services(port: number, forEver: string): string {
  return `
service imap-login {
  ${forEver}
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
}`;
}

function before24({ folder, port, owner, prefix = "", separator = "/", capability, rights }: Facts): string {
  return `
protocols = imap
listen = 127.0.0.1
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
ssl = yes
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
ssl_dh =
mail_location = maildir:${folder}/mail/%u
first_valid_uid = ${owner.uid}
first_valid_gid = ${owner.gid}
# Who fails often is not made to wait here, and no test pulls the plug of the machine.
auth_failure_delay = 0
mail_fsync = never
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
${capability === undefined ? "" : `imap_capability = ${capability}`}
${rights === undefined ? "" : `mail_plugins = acl\nplugin {\n  acl = vfile\n}`}
namespace inbox {
  inbox = yes
  prefix = ${prefix}
  separator = ${separator}
}
passdb {
  driver = static
  args = password=${PASSWORD}
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${folder}/mail/%u
}
${services(port, "service_count = 0")}
${withoutRoot()}
`;
}

function since24(facts: Facts): string {
  const { folder, port, owner, version, prefix = "", separator = "/", capability, rights } = facts;
  const number = /^\d+\.\d+\.\d+/.exec(version)?.[0] ?? "2.4.0";
  return `
dovecot_config_version = ${number}
dovecot_storage_version = ${number}
protocols = imap
listen = 127.0.0.1
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
ssl = yes
ssl_server_cert_file = ${folder}/cert.pem
ssl_server_key_file = ${folder}/key.pem
mail_driver = maildir
mail_path = ${folder}/mail/%{user}
mail_home = ${folder}/mail/%{user}
mail_uid = ${owner.uid}
mail_gid = ${owner.gid}
first_valid_uid = ${owner.uid}
first_valid_gid = ${owner.gid}
# Who fails often is not made to wait here, and no test pulls the plug of the machine.
auth_failure_delay = 0
mail_fsync = never
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
${capability === undefined ? "" : `imap_capability = ${capability}`}
${rights === undefined ? "" : `mail_plugins {\n  acl = yes\n}\nacl_driver = vfile`}
namespace inbox {
  inbox = yes
  prefix = ${prefix}
  separator = ${separator}
}
passdb static {
  password = ${PASSWORD}
}
userdb static {
}
${services(port, "restart_request_count = unlimited")}
${withoutRoot()}
`;
}
