// Real Redis and PostgreSQL for tests: BELLWETHER_TEST_REDIS_URL and BELLWETHER_TEST_POSTGRES_URL where they are set,
// otherwise a private server of the test file's own, on a free port of loopback with its data in a folder of its own.
// None outlives the process that started it, however that ends. Where the binaries come from is service-binaries.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import pg from "pg";
import { postgresBinaries, redisBinary } from "./service-binaries.ts";

/** A server that a test may take away. Only a private one can be stopped, killed or started. */
export interface Faults {
  /** True: started here, so that faults can be made; false: somebody else's. */
  readonly own: boolean;
  /** Ends it in order; its data stay. */
  stop(): Promise<void>;
  /** Kill -9. */
  kill(): Promise<void>;
  /** Stops its process where it stands: it stays connected and says nothing, until it is thawed. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, with the data it had. */
  start(): Promise<void>;
  /** Ends it for good and removes its data. */
  end(): Promise<void>;
}

export interface RedisService extends Faults {
  readonly url: string;
  /** FLUSHALL; of a server that is not our own, nothing but what is in the database of its URL. */
  flush(): Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

export interface PostgresService extends Faults {
  /** Of the database `postgres`, or as it was given. */
  readonly url: string;
  createDatabase(): Promise<TestDatabase>;
}

export interface ServicePlace {
  /** The folder in which its own folder is made; the system's for temporary files unless given. */
  within?: string;
}

/** Starts in some 50 ms, so that every test file can have its own. */
export async function redisService(options: ServicePlace = {}): Promise<RedisService> {
  const given = process.env.BELLWETHER_TEST_REDIS_URL;
  if (given !== undefined) {
    const flush = () => withRedis(given, (redis) => redis.flushdb());
    return { url: given, flush, ...foreign("Redis") };
  }
  const binary = redisBinary();
  if (binary.missing !== null) throw new Error(binary.missing);
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const server = await startServer({
    name: "redis",
    ...options,
    prepare: async () => undefined,
    // Everything a client was told to be kept survives kill -9, as on a production server with an AOF.
    command: (folder) => [
      binary.path,
      ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
      ...["--appendonly", "yes", "--appendfsync", "everysec"],
    ],
    gentle: "SIGTERM",
    answers: () => withRedis(url, (redis) => redis.ping()),
    port,
  });
  return { url, flush: () => withRedis(url, (redis) => redis.flushall()), ...server };
}

/** Takes one to two seconds to start (initdb), so one a test file, and a database a test. */
export async function postgresService(options: ServicePlace = {}): Promise<PostgresService> {
  const given = process.env.BELLWETHER_TEST_POSTGRES_URL;
  if (given !== undefined) {
    return { url: given, createDatabase: () => createDatabase(given), ...foreign("PostgreSQL") };
  }
  const binaries = postgresBinaries();
  if (binaries.missing !== null) throw new Error(binaries.missing);
  const port = await freePort();
  const url = `postgresql://bellwether@127.0.0.1:${port}/postgres`;
  const user = unprivileged();
  const server = await startServer({
    name: "postgres",
    ...options,
    ...(user === undefined ? {} : { user }),
    prepare: (folder) =>
      run(
        path.join(binaries.path, "initdb"),
        [
          ...["--pgdata", path.join(folder, "data"), "--username", "bellwether", "--auth", "trust"],
          ...["--encoding", "UTF8", "--locale", "C", "--no-sync"],
        ],
        folder,
        user,
      ),
    // fsync stays on: what is tested is a server that keeps what it has confirmed. The rest is small.
    command: (folder) => [
      path.join(binaries.path, "postgres"),
      ...["-D", path.join(folder, "data"), "-p", String(port), "-h", "127.0.0.1", "-k", ""],
      ...settings({
        fsync: "on",
        synchronous_commit: "on",
        max_connections: "60",
        shared_buffers: "32MB",
        max_wal_size: "256MB",
        autovacuum_naptime: "10s",
      }),
    ],
    gentle: "SIGINT",
    answers: () => withPostgres(url, (client) => client.query("SELECT 1")),
    port,
  });
  return { url, createDatabase: () => createDatabase(url), ...server };
}

async function createDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `bellwether_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  await withPostgres(serverUrl, (client) => client.query(`CREATE DATABASE ${name}`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () =>
      withPostgres(serverUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

export interface Unprivileged {
  uid: number;
  gid: number;
}

export interface ServerOptions extends ServicePlace {
  name: string;
  user?: Unprivileged;
  /** True: it is many processes, and whatever is done to one is done to all. */
  group?: boolean;
  /** Fills the server's folder before its first start. */
  prepare: (folder: string) => Promise<void>;
  command: (folder: string) => readonly string[];
  /** The signal upon which it ends in order without waiting for its clients. */
  gentle: NodeJS.Signals;
  /** Rejects as long as the server does not serve. */
  answers: () => Promise<void>;
  port: number;
}

/** For the servers of other files; what it promises is said at Faults. */
export async function startServer(options: ServerOptions): Promise<Faults> {
  const folder = mkdtempSync(path.join(options.within ?? os.tmpdir(), `bellwether-${options.name}-`));
  if (options.user !== undefined) chownSync(folder, options.user.uid, options.user.gid);
  const pidFile = path.join(folder, "server.pid");
  const keeper = keep(folder, pidFile);
  const logFile = path.join(folder, "server.log");
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const [file, ...args] = options.command(folder);
    if (server !== undefined || file === undefined) return;
    const log = openSync(logFile, "w");
    const child = spawn(file, args, {
      cwd: folder,
      stdio: ["ignore", log, log],
      detached: options.group === true,
      ...options.user,
    });
    closeSync(log);
    // Whoever forgets to end it shall not wait for it.
    child.unref();
    server = child;
    let problem = "";
    if (child.pid !== undefined) writeFileSync(pidFile, String(targetOf(child.pid)));
    child.on("error", (error) => {
      problem = String(error);
      server = undefined;
    });
    child.once("exit", () => {
      server = undefined;
      rmSync(pidFile, { force: true });
    });
    const until = Date.now() + 20_000;
    for (;;) {
      const failure = await options.answers().then(
        () => null,
        (error: unknown) => String(error),
      );
      if (failure === null) return;
      if (server !== child || Date.now() > until) {
        const said = problem + readFileSync(logFile, "utf8").slice(-4_000);
        throw new Error(`${options.name} did not start on port ${options.port} (${failure}): ${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Minus the pid is its process group. */
  function targetOf(pid: number): number {
    return options.group === true ? -pid : pid;
  }

  function send(signal: NodeJS.Signals): void {
    if (server?.pid !== undefined) process.kill(targetOf(server.pid), signal);
  }

  async function halt(signal: NodeJS.Signals): Promise<void> {
    const child = server;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.ref();
    send(signal);
    await gone;
    // The children of a PostgreSQL that was killed notice it a moment later, and keep its memory segment until then.
    await refused(options.port);
  }

  await options.prepare(folder);
  await start();
  return {
    own: true,
    start,
    stop: () => halt(options.gentle),
    kill: () => halt("SIGKILL"),
    freeze: () => send("SIGSTOP"),
    thaw: () => send("SIGCONT"),
    end: async () => {
      await halt("SIGKILL");
      keeper.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

/** A process that waits for the end of this one, however it comes, and takes the server and its folder with it. */
function keep(folder: string, pidFile: string): ChildProcess {
  const script =
    'trap "" INT TERM HUP; cat >/dev/null; kill -s KILL -- "$(cat "$2")" 2>/dev/null; sleep 1; rm -rf "$1"';
  const keeper = spawn("sh", ["-c", script, "sh", folder, pidFile], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  keeper.unref();
  if (keeper.stdin instanceof Socket) keeper.stdin.unref();
  return keeper;
}

function foreign(name: string): Faults {
  const refuse = (): never => {
    throw new Error(`the ${name} of the tests is not our own: no fault can be made`);
  };
  return {
    ...{ own: false, stop: refuse, kill: refuse, start: refuse, freeze: refuse, thaw: refuse },
    end: async () => undefined,
  };
}

/** PostgreSQL refuses to run as root, as Dovecot does to open mail; undefined where we are not root. */
export function unprivileged(): Unprivileged | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const user = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  if (user === undefined) throw new Error("there is neither a user postgres nor nobody to run PostgreSQL as");
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

async function withRedis(url: string, work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(url, {
    ...{ lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 },
    // A timer that ioredis leaves behind after a refused connection.
    disconnectTimeout: 100,
  });
  redis.on("error", () => undefined);
  try {
    await redis.connect();
    await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function withPostgres(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

const settings = (values: Record<string, string>): string[] =>
  Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

async function run(file: string, args: string[], cwd: string, user?: Unprivileged): Promise<void> {
  const child = spawn(file, args, { cwd, stdio: ["ignore", "ignore", "pipe"], ...user });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    said += text.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${said}`);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function refused(port: number): Promise<void> {
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (!open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
