// A real Postfix of the test's own, as a relay: its configuration, queue and log in a temporary folder, on a free port
// of loopback, and everything it takes goes to one host. It never touches an instance of the system. Needs root, as
// Postfix does; where it comes from is service-binaries.ts.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { postfixBinary } from "./service-binaries.ts";
import { freePort } from "./services.ts";

const execute = promisify(execFile);

export interface PostfixOptions {
  /** Where all mail goes next. */
  next: { host: string; port: number };
  /** Further lines of main.cf, such as { soft_bounce: "yes" }. */
  settings?: Readonly<Record<string, string>>;
  /** Every mail goes out of the queue and comes back under another id, as with a content filter (amavis). */
  filtered?: boolean;
}

export interface PostfixService {
  readonly host: string;
  readonly port: number;
  /** Its log, `maillog_file`. */
  readonly log: string;
  readonly folder: string;
  /** Tries at once what is deferred. */
  flush(): Promise<void>;
  /** Rotates the log as Postfix does itself: renamed, reopened, compressed. */
  rotate(): Promise<void>;
  /** Moves the log to `log + suffix` and has Postfix open a new one, as logrotate does. */
  moveLog(suffix: string): Promise<void>;
  /** Runs one of its programs with its configuration: ("postsuper", "-h", id). */
  run(program: string, ...args: string[]): Promise<string>;
  logText(): string;
  /** Ends it and removes all that it had. */
  end(): Promise<void>;
}

export async function postfixService(options: PostfixOptions): Promise<PostfixService> {
  const binary = postfixBinary();
  if (binary.missing !== null) throw new Error(binary.missing);
  const folder = mkdtempSync(path.join(os.tmpdir(), "bellwether-postfix-"));
  // Its daemons work as another user and must be able to go through.
  chmodSync(folder, 0o755);
  const config = path.join(folder, "config");
  const log = path.join(folder, "mail.log");
  const port = await freePort();
  const backPort = options.filtered ? await freePort() : null;
  for (const name of ["config", "queue", "data"]) mkdirSync(path.join(folder, name), { mode: 0o755 });
  chownSync(path.join(folder, "data"), userId("postfix"), 0);
  const lines = {
    compatibility_level: "3.6",
    queue_directory: path.join(folder, "queue"),
    data_directory: path.join(folder, "data"),
    maillog_file: log,
    maillog_file_prefixes: folder,
    maillog_file_compressor: "gzip",
    myhostname: "relay.example",
    mydestination: "",
    local_recipient_maps: "",
    alias_maps: "",
    alias_database: "",
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    mynetworks: "127.0.0.0/8",
    smtpd_relay_restrictions: "permit_mynetworks, reject",
    relayhost: `[${options.next.host}]:${options.next.port}`,
    smtp_dns_support_level: "disabled",
    smtp_tls_security_level: "none",
    // Seconds instead of minutes: what is deferred is tried again while the test looks on.
    queue_run_delay: "1s",
    minimal_backoff_time: "1s",
    maximal_backoff_time: "2s",
    in_flow_delay: "0",
    ...(backPort === null ? {} : { content_filter: `smtp:[127.0.0.1]:${backPort}` }),
    ...options.settings,
  };
  const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(path.join(config, "main.cf"), text.join(""));
  writeFileSync(
    path.join(config, "master.cf"),
    [
      `127.0.0.1:${port} inet n - n - - smtpd`,
      "pickup unix n - n 60 1 pickup",
      "cleanup unix n - n - 0 cleanup",
      "qmgr unix n - n 300 1 qmgr",
      "tlsmgr unix - - n 1000? 1 tlsmgr",
      "rewrite unix - - n - - trivial-rewrite",
      "bounce unix - - n - 0 bounce",
      "defer unix - - n - 0 bounce",
      "trace unix - - n - 0 bounce",
      "flush unix n - n 1000? 0 flush",
      "smtp unix - - n - - smtp",
      "relay unix - - n - - smtp",
      "error unix - - n - - error",
      "retry unix - - n - - error",
      "discard unix - - n - - discard",
      "local unix - n n - - local",
      "virtual unix - n n - - virtual",
      "anvil unix - - n - 1 anvil",
      "scache unix - - n - 1 scache",
      "showq unix n - n - - showq",
      "postlog unix-dgram n - n - 1 postlogd",
      // A filter that changes nothing: the door behind it is all that there is of it.
      ...(backPort === null
        ? []
        : [`127.0.0.1:${backPort} inet n - n - - smtpd -o content_filter= -o myhostname=filter.example`]),
      "",
    ].join("\n"),
  );
  const run = async (program: string, ...args: string[]) =>
    (
      await execute(path.join(path.dirname(binary.path), program), ["-c", config, ...args], {
        timeout: 20_000,
      })
    ).stdout;
  const logText = () => {
    try {
      return readFileSync(log, "utf8");
    } catch {
      return "";
    }
  };

  const master = spawn(binary.path, ["-c", config, "start-fg"], { stdio: "ignore", detached: true });
  master.unref();
  const gone = new Promise<void>((resolve) => master.once("exit", () => resolve()));
  const keeper = keep(folder, master.pid ?? 0);
  const service: PostfixService = {
    host: "127.0.0.1",
    port,
    log,
    folder,
    flush: async () => void (await run("postqueue", "-f")),
    rotate: async () => void (await run("postfix", "logrotate")),
    async moveLog(suffix) {
      await execute("mv", [log, log + suffix]);
      await run("postfix", "reload");
    },
    run,
    logText,
    async end() {
      if (master.exitCode === null && master.signalCode === null) {
        // "postfix stop" does the same, and then sleeps for seconds.
        const pid = masterPid(folder);
        if (pid !== null) process.kill(pid, "SIGTERM");
        master.kill("SIGTERM");
        await gone;
      }
      keeper.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
  const until = Date.now() + 20_000;
  while (!logText().includes("daemon started") || !(await answers(port))) {
    if (master.exitCode !== null || Date.now() > until) {
      const said = logText().slice(-4_000);
      await service.end();
      throw new Error(`Postfix did not start on port ${port}: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return service;
}

/** A process that waits for the end of this one, however it comes, and takes Postfix and its folder with it. */
function keep(folder: string, pid: number): ChildProcess {
  // The daemons are of the master's process group.
  const script =
    'trap "" INT TERM HUP; cat >/dev/null; kill -9 "-$(tr -d " " <"$1/queue/pid/master.pid")" "$2" 2>/dev/null; sleep 1; rm -rf "$1"';
  const keeper = spawn("sh", ["-c", script, "sh", folder, String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  keeper.unref();
  if (keeper.stdin instanceof Socket) keeper.stdin.unref();
  return keeper;
}

function masterPid(folder: string): number | null {
  try {
    const pid = Number(readFileSync(path.join(folder, "queue/pid/master.pid"), "utf8"));
    return pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

function userId(name: string): number {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((user) => user.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`there is no user ${name} to run Postfix as`);
  return Number(line.split(":")[2]);
}

/** Whether somebody greets there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new Socket();
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once("error", () => end(false));
    socket.once("data", (data) => end(data.toString().startsWith("220")));
    socket.connect(port, "127.0.0.1");
  });
}
