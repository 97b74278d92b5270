// The files that run the program elsewhere, compared with the code: commands, variables, ports, times, what is copied.
// No container is started here; what can be run of them without one (the health check, the units' syntax) is run.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startWatchServer } from "../src/adapters/observe/http.ts";
import { TIMEOUTS } from "../src/adapters/smtp/dial.ts";
import { systemClock } from "../src/clock.ts";
import { type Environment, readEnvironment } from "../src/config/environment.ts";
import { loadConfig } from "../src/config/load.ts";
import { SCHEMA } from "../src/config/schema.ts";

const ROOT = path.resolve(import.meta.dirname, "..");
const read = (file: string) => readFileSync(path.join(ROOT, file), "utf8");

const dockerfile = read("Dockerfile").replace(/\\\n\s*/g, " ");
const instructions = (name: string) =>
  [...dockerfile.matchAll(new RegExp(`^\\s*${name} (.*)$`, "gm"))].map(([, rest = ""]) => rest);
const compose = read("docker-compose.yml");
const units = {
  server: read("packaging/systemd/bellwether.service"),
  worker: read("packaging/systemd/bellwether-worker@.service"),
};
const manifest = JSON.parse(read("package.json"));
const commands = new Set([...read("src/main.ts").matchAll(/command\("([a-z]+)"/g)].map(([, name]) => name));

/** The lines of a block of the compose file, without their indent: what stands below `head`, deeper than it. */
function block(text: string, head: RegExp): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => head.test(line));
  expect(start, String(head)).toBeGreaterThanOrEqual(0);
  const indent = (line: string) => line.length - line.trimStart().length;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.trim() !== "" && indent(line) <= indent(lines[start] ?? ""));
  return rest.slice(0, end < 0 ? undefined : end).join("\n");
}

/** Names and values of an `environment:`, as Compose fills in what is in ${} when only the password is set. */
function environment(text: string): Environment {
  const filled = (value: string) =>
    value.replace(/\$\{(\w+)(?::([?-])([^}]*))?\}/g, (_all, name, how, word) => {
      if (how === "-") return word;
      expect(name).toBe("POSTGRES_PASSWORD");
      return "secret";
    });
  return Object.fromEntries(
    [...text.matchAll(/^ +([A-Z_]+): "?(.*?)"?$/gm)].map(([, name, value = ""]) => [name, filled(value)]),
  );
}

const setting = (unit: string, name: string) =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value);

/** "11min" and "11m" to ms. */
function milliseconds(text: string | undefined): number {
  const [, count, letter] = /^(\d+)(m|s)/.exec(text ?? "") ?? [];
  return Number(count) * (letter === "m" ? 60_000 : 1_000);
}

describe("Dockerfile", () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));

  it("builds and runs on one pinned image, whose Node the program supports", () => {
    const images = instructions("FROM").map((rest) => rest.replace(/ AS .*/, ""));
    expect(images).toHaveLength(2);
    expect(new Set(images).size).toBe(1);
    const [, major, minor] = /^node:(\d+)\.(\d+)\.\d+-bookworm-slim$/.exec(images[0] ?? "") ?? [];
    const [, least = "", leastMinor] = /^>=(\d+)\.(\d+)$/.exec(manifest.engines.node) ?? [];
    expect(major).toBe(least);
    expect(Number(minor)).toBeGreaterThanOrEqual(Number(leastMinor));
  });

  it("does not run as root, and installs no compiler in what is shipped", () => {
    expect(last).toMatch(/^USER bellwether$/m);
    expect(last.indexOf("\nUSER ")).toBeLessThan(last.indexOf("\nENTRYPOINT "));
    expect(last).not.toMatch(/apt-get|npm/);
  });

  it("starts the program's own entry with a command that it has", () => {
    expect(JSON.parse(instructions("ENTRYPOINT")[0] ?? "")).toEqual([
      "node",
      `/app/${manifest.bin.bellwether}`,
    ]);
    const [command] = JSON.parse(instructions("CMD").at(-1) ?? "");
    expect(commands).toContain(command);
  });

  it("ships what the package ships, and copies nothing that is ignored or not there", () => {
    const shipped = [...last.matchAll(/^COPY (?:--from=build )?(.*)$/gm)].flatMap(([, rest = ""]) =>
      rest.split(" ").slice(0, -1),
    );
    for (const file of manifest.files) {
      expect(
        shipped.map((source) => source.replace("/app/", "")),
        file,
      ).toContain(file);
    }
    const allowed = [...read(".dockerignore").matchAll(/^!(.*)$/gm)].map(([, name]) => name);
    const fromHere = instructions("COPY")
      .filter((rest) => !rest.startsWith("--from"))
      .flatMap((rest) => rest.split(" ").slice(0, -1));
    expect(new Set(fromHere)).toEqual(new Set(allowed));
    for (const source of fromHere) expect(existsSync(path.join(ROOT, source)), source).toBe(true);
    // Without the star everything would go, and with it the database of whoever builds.
    expect(read(".dockerignore")).toMatch(/^\*$/m);
  });

  it("says npm scripts that the package has", () => {
    const said = [...dockerfile.matchAll(/npm run (\w+)/g)].map(([, name = ""]) => name);
    expect(said).toEqual(["prepare"]);
    for (const name of said) expect(manifest.scripts).toHaveProperty(name);
    const rebuilt = [...dockerfile.matchAll(/npm rebuild (\S+)/g)].map(([, name]) => name);
    expect(rebuilt).toEqual(Object.keys(manifest.allowScripts));
  });

  it("listens where it is asked for its health", () => {
    const [listen] = instructions("ENV").filter((rest) => rest.startsWith("BELLWETHER_SERVER_LISTEN="));
    const env = { BELLWETHER_SERVER_LISTEN: listen?.split("=")[1] };
    const { port } = loadConfig({ cwd: "/nonexistent", env }).server.listen;
    expect(instructions("EXPOSE")).toEqual([String(port)]);
    expect(dockerfile).toContain(`http://127.0.0.1:${port}/healthz`);
  });

  it("has a health check that passes while the process answers, and fails when it does not", async () => {
    const check = /HEALTHCHECK .*? CMD (\[.*\])/.exec(dockerfile)?.[1] ?? "";
    const [node, ...args]: string[] = JSON.parse(check);
    expect(node).toBe("node");
    const server = await startWatchServer({
      listen: { host: "127.0.0.1", port: 0 },
      metrics: { text: async () => "", contentType: "text/plain" },
      // Not ready is not dead: a database that is down must not get every worker restarted.
      ready: async () => "the database does not answer",
      clock: systemClock,
    });
    const real = args.map((arg) => arg.replace("127.0.0.1:3000", `127.0.0.1:${server.port}`));
    expect(real).not.toEqual(args);
    const exit = () =>
      new Promise((resolve) => execFile(process.execPath, real, (error) => resolve(error?.code ?? 0)));
    try {
      expect(await exit()).toBe(0);
    } finally {
      await server.close();
    }
    expect(await exit()).toBe(1);
  });
});

describe("docker-compose.yml", () => {
  const common = block(compose, /^x-bellwether:/);
  const service = (name: string) => block(block(compose, /^services:/), new RegExp(`^ {2}${name}:`));

  it("configures the cluster mode with variables that load, towards services that it has", () => {
    const env = environment(block(common, /environment:/));
    const config = loadConfig({ cwd: "/nonexistent", env });
    expect(config.database).toMatchObject({ kind: "postgresql" });
    expect(config.redis).not.toBeNull();
    expect(config.sender.from?.address).toBe("support@example.com");
    expect(config.smtp).toMatchObject({ target: { host: "sink", port: 1025 }, feedback: "final" });
    expect(Object.keys(env).sort()).toEqual([
      "BELLWETHER_DATABASE_URL",
      "BELLWETHER_REDIS_URL",
      "BELLWETHER_SENDER_FROM",
      "BELLWETHER_SERVER_LISTEN",
      "BELLWETHER_SMTP_FEEDBACK",
      "BELLWETHER_SMTP_URL",
    ]);
    const url = new URL(env.BELLWETHER_DATABASE_URL ?? "");
    const postgres = environment(block(service("postgres"), /environment:/));
    expect([url.hostname, url.username, url.password, url.pathname]).toEqual([
      "postgres",
      postgres.POSTGRES_USER,
      postgres.POSTGRES_PASSWORD,
      `/${postgres.POSTGRES_DB}`,
    ]);
    expect(new URL(env.BELLWETHER_REDIS_URL ?? "").hostname).toBe("redis");
    const sink = environment(block(service("sink"), /environment:/));
    expect(sink.MP_SMTP_BIND_ADDR).toBe(`0.0.0.0:${new URL(env.BELLWETHER_SMTP_URL ?? "").port}`);
    const published = /"127\.0\.0\.1:\d+:(\d+)"/.exec(service("server"))?.[1];
    expect(Number(published)).toBe(config.server.listen.port);
  });

  it("runs a server and two workers by commands that the program has", () => {
    for (const [name, command] of [
      ["server", "serve"],
      ["worker", "worker"],
    ] as const) {
      expect(service(name)).toContain("<<: *bellwether");
      expect(JSON.parse(/command: (\[.*\])/.exec(service(name))?.[1] ?? "")).toEqual([command]);
      expect(commands).toContain(command);
    }
    expect(service("worker")).toMatch(/replicas: 2$/m);
  });

  it("keeps what must last: checksums, an append-only file, volumes; and pins every image", () => {
    expect(service("postgres")).toContain('POSTGRES_INITDB_ARGS: "--data-checksums"');
    expect(service("redis")).toContain('"--appendonly", "yes"');
    const volumes = [...block(compose, /^volumes:/).matchAll(/^ {2}(\w+):$/gm)].map(([, name]) => name);
    for (const name of volumes) expect(service(name ?? ""), name).toMatch(new RegExp(`- ${name}:/`));
    for (const [, image] of compose.matchAll(/image: (\S+)/g)) expect(image).toMatch(/:v?\d/);
    expect(compose).toContain(`image: bellwether:${manifest.version}`);
  });

  it("publishes nothing beyond this machine", () => {
    const ports = [...compose.matchAll(/^ +- "([\d.:]+)"$/gm)].map(([, port]) => port);
    expect(ports).toHaveLength(2);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it("gives a final dot the time that the program gives it", () => {
    expect(milliseconds(/stop_grace_period: (.*)/.exec(common)?.[1])).toBeGreaterThan(TIMEOUTS.dotMs);
  });
});

describe.each(Object.entries(units))("the systemd unit of the %s", (name, unit) => {
  it("starts a command that the program has, and ends it as the program wants", () => {
    const [, entry, command] = /^\/usr\/bin\/node \/opt\/bellwether\/(\S+) (\S+)$/.exec(
      setting(unit, "ExecStart")[0] ?? "",
    ) ?? [""];
    expect([entry, command]).toEqual([manifest.bin.bellwether, name === "server" ? "serve" : "worker"]);
    expect(commands).toContain(command);
    expect(setting(unit, "KillSignal")).toEqual(["SIGTERM"]);
    expect(milliseconds(setting(unit, "TimeoutStopSec")[0])).toBeGreaterThan(TIMEOUTS.dotMs);
  });

  it("sets variables that exist", () => {
    const env = Object.fromEntries(
      setting(unit, "Environment").map((pair) => pair.replaceAll("%i", "7").split("=")),
    );
    expect(readEnvironment(env, SCHEMA, "/nonexistent").problems).toEqual([]);
    const { host, port } = loadConfig({ cwd: "/nonexistent", env }).server.listen;
    expect([host, port]).toEqual(["127.0.0.1", name === "server" ? 3000 : 3007]);
  });

  it("may write its state directory alone, which is where it works", () => {
    expect(setting(unit, "ProtectSystem")).toEqual(["strict"]);
    expect(setting(unit, "WorkingDirectory")).toEqual([`/var/lib/${setting(unit, "StateDirectory")[0]}`]);
    expect(setting(unit, "ReadWritePaths")).toEqual([]);
    expect(setting(unit, "User")).toEqual(["bellwether"]);
  });
});

describe("the systemd units", () => {
  it("differ in name, port and command only", () => {
    const lines = (unit: string) => new Set(unit.split("\n").filter((line) => !line.startsWith("#")));
    const only = (one: Set<string>, other: Set<string>) => [...one].filter((line) => !other.has(line));
    const [server, worker] = [lines(units.server), lines(units.worker)];
    expect(only(server, worker).map((line) => line.split("=")[0])).toEqual(["Description", "ExecStart"]);
    expect(only(worker, server).map((line) => line.split("=")[0])).toEqual([
      "Description",
      "Environment",
      "ExecStart",
    ]);
  });

  // Skipped where there is no systemd, such as on a Mac.
  const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
  it.skipIf(!hasSystemd)("are understood by systemd without a complaint", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "bellwether-units-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const [from, to] of [
      ["bellwether.service", "bellwether.service"],
      ["bellwether-worker@.service", "bellwether-worker@1.service"],
    ] as const) {
      const file = path.join(folder, to);
      copyFileSync(path.join(ROOT, "packaging/systemd", from), file);
      const said = execFileSync("sh", ["-c", 'systemd-analyze verify "$0" 2>&1 || true', file], {
        encoding: "utf8",
      });
      // Node may be elsewhere on this machine; on the one that is meant it is there.
      expect(said.split("\n").filter((line) => line !== "" && !/is not executable/.test(line))).toEqual([]);
    }
  });
});
