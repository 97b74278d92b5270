// Where the servers of the tests come from: PATH, Debian's places, or, for root on Debian, its packages, which are
// installed without starting a service of theirs. What is missing is said, so that a skipped test has its reason.
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** `path` names a program (Redis) or a folder of programs (PostgreSQL); `missing` says why there is none. */
export type Binary = { path: string; missing: null } | { path: null; missing: string };

/** Null: tests can have a Redis. Otherwise the reason for skipping them, which is also written to stderr. */
export function redisMissing(): string | null {
  return process.env.BELLWETHER_TEST_REDIS_URL === undefined ? told(redisBinary().missing) : null;
}

/** Null: tests can have a PostgreSQL. Otherwise the reason for skipping them, which is also written to stderr. */
export function postgresMissing(): string | null {
  return process.env.BELLWETHER_TEST_POSTGRES_URL === undefined ? told(postgresBinaries().missing) : null;
}

/** Null: tests can have a Dovecot. Otherwise the reason for skipping them, which is also written to stderr. */
export function dovecotMissing(): string | null {
  return told(dovecotBinary().missing);
}

export function dovecotBinary(): Binary {
  return foundOrInstalled("dovecot-imapd", null, () => {
    const dovecot = onPath("dovecot");
    // dovecot-core alone serves no IMAP.
    return dovecot !== null && isProgram("/usr/lib/dovecot/imap") ? dovecot : null;
  });
}

/** Null: tests can have a Postfix. Otherwise the reason for skipping them, which is also written to stderr. */
export function postfixMissing(): string | null {
  return told(postfixBinary().missing);
}

/** Its master changes users and owns its queue: only root can run one. */
export function postfixBinary(): Binary {
  if (process.getuid?.() !== 0) return { path: null, missing: "only root can run a Postfix" };
  return foundOrInstalled("postfix", null, () => onPath("postfix"));
}

/** Null: tests can have a DNS server. Otherwise the reason for skipping them, which is also written to stderr. */
export function knotMissing(): string | null {
  return told(knotBinary().missing);
}

export function knotBinary(): Binary {
  return foundOrInstalled("knot", null, () => onPath("knotd"));
}

export function redisBinary(): Binary {
  return foundOrInstalled("redis-server", "BELLWETHER_TEST_REDIS_URL", () => onPath("redis-server"));
}

export function postgresBinaries(): Binary {
  return foundOrInstalled("postgresql", "BELLWETHER_TEST_POSTGRES_URL", () => {
    // Newest first. initdb must be there too: a package of the server's library alone has none.
    const places = debianVersions().map((version) => `/usr/lib/postgresql/${version}/bin`);
    const ours = places.find((place) => isProgram(path.join(place, "initdb")));
    if (ours !== undefined) return ours;
    const initdb = onPath("initdb");
    return initdb === null ? null : path.dirname(initdb);
  });
}

/** `variable` names a server of somebody else's that would do as well. */
function foundOrInstalled(debianPackage: string, variable: string | null, find: () => string | null): Binary {
  let found = find();
  let failure = "not root on a Debian that could install it";
  if (found === null && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    failure = install(debianPackage) ?? "its package is installed and has no such program";
    found = find();
  }
  if (found !== null) return { path: found, missing: null };
  const unset = variable === null ? "" : `, and ${variable} is not set`;
  return { path: null, missing: `no ${debianPackage} here (${failure})${unset}` };
}

const POLICY = "/usr/sbin/policy-rc.d";

/** Returns what went wrong, null when nothing did. */
function install(debianPackage: string): string | null {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const apt = (...args: string[]) =>
    execFileSync("apt-get", ["-q", "-y", "-o", "DPkg::Lock::Timeout=120", ...args], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 240_000,
    });
  // Debian starts what it installs, unless this file says no.
  const ours = !existsSync(POLICY);
  try {
    if (ours) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    try {
      apt("install", "--no-install-recommends", debianPackage);
    } catch {
      // A fresh container has no package lists yet.
      apt("update");
      apt("install", "--no-install-recommends", debianPackage);
    }
    return null;
  } catch (error) {
    return `apt-get failed: ${error instanceof Error ? error.message.slice(0, 300) : String(error)}`;
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

function told(missing: string | null): string | null {
  if (missing !== null) process.stderr.write(`\nSKIPPED: ${missing}\n\n`);
  return missing;
}

function debianVersions(): string[] {
  const folder = "/usr/lib/postgresql";
  if (!existsSync(folder)) return [];
  return readdirSync(folder).sort((a, b) => Number(b) - Number(a));
}

function onPath(program: string): string | null {
  const folders = [...(process.env.PATH ?? "").split(path.delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => path.join(folder, program)).find(isProgram) ?? null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
