// The conformance suite of roads, walked by mail over real SMTP, by webhook over real HTTP, by a real command; and what
// each of them has alone.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { simpleParser } from "mailparser";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCommandRoad } from "../../src/adapters/alert/command.ts";
import { createMailRoad } from "../../src/adapters/alert/mail.ts";
import { createWebhookRoad } from "../../src/adapters/alert/webhook.ts";
import { createSmtpTransport } from "../../src/adapters/smtp/transport.ts";
import { systemClock } from "../../src/clock.ts";
import { startProvider } from "../../src/sandbox/provider-server.ts";
import { refuseAll } from "../../src/sandbox/scripts.ts";
import { relayTo } from "../unit/smtp/world.ts";
import { ALERT, describeRoad, LIMIT_MS, type Manner, type RoadWorld } from "./alert-roads.ts";

const FIRST = "oncall@example.org";
const DEPUTY = "boss@example.org";
const SECRET_BYTES = Buffer.alloc(32, 5);
const SECRET = `whsec_${SECRET_BYTES.toString("base64")}`;
const QUICK = { connectMs: LIMIT_MS, greetingMs: LIMIT_MS, replyMs: LIMIT_MS, dotMs: LIMIT_MS, quitMs: 100 };

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return (server.address() as AddressInfo).port;
}

/** A port on which nobody listens any more. */
async function deadPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function mailWorld(manner: Manner, doubt: string | null = null): Promise<RoadWorld> {
  const provider = await startProvider({ id: "other", keepMessages: true });
  if (manner === "refuses") provider.setScript(refuseAll("550 5.7.1 not you", { phase: "rcpt" }));
  if (manner === "silent") provider.setScript(() => ({ delayMs: 60_000 }));
  const port = manner === "absent" ? await deadPort() : provider.port;
  return {
    road: createMailRoad({
      first: [FIRST],
      deputy: [DEPUTY],
      transport: createSmtpTransport({
        routes: new Map([["default", relayTo(port)]]),
        helo: "client.example",
        timeouts: QUICK,
      }),
      wayOf: async () => ({ route: "default", doubt }),
      letterhead: () => ({
        from: { name: "Example Hosting", address: "support@hosting.example" },
        replyTo: null,
        domain: "hosting.example",
        returnPath: null,
        unsubscribeUrl: null,
      }),
      sign: (raw) => raw,
      clock: systemClock,
      limitMs: LIMIT_MS,
    }),
    arrived: async () => {
      const mails = provider.log.flatMap(({ outcome, raw }) =>
        outcome === "accepted" && raw !== undefined ? [raw] : [],
      );
      return Promise.all(
        mails.map(async (raw) => {
          const { subject, text } = await simpleParser(raw);
          return `${subject}\n${text?.replace(/\s+/g, " ")}`;
        }),
      );
    },
    close: () => provider.close(),
  };
}

interface Call {
  headers: IncomingHttpHeaders;
  body: string;
}

async function hook(
  manner: Manner,
  status = 204,
): Promise<{ port: number; calls: Call[]; close(): Promise<void> }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    if (manner === "silent") return;
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      calls.push({ headers: request.headers, body });
      response.writeHead(manner === "refuses" ? 503 : status, { location: "/elsewhere" }).end("words");
    });
  });
  const port = await listening(server);
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, calls, close };
}

async function webhookWorld(manner: Manner): Promise<RoadWorld> {
  const { port, calls, close } = await hook(manner);
  const at = manner === "absent" ? await deadPort() : port;
  return {
    road: createWebhookRoad({
      url: `http://127.0.0.1:${at}/hook`,
      secret: SECRET,
      clock: systemClock,
      limitMs: LIMIT_MS,
    }),
    arrived: async () => calls.map(({ body }) => JSON.stringify(JSON.parse(body), null, 1)),
    close,
  };
}

async function commandWorld(manner: Manner, script?: string): Promise<RoadWorld & { folder: string }> {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-command-"));
  const scripts: Record<Manner, string> = {
    takes: 'let s="";process.stdin.on("data",d=>{s+=d}).on("end",()=>require("fs").appendFileSync("told",s))',
    refuses: 'console.error("no pager, 42");process.exit(3)',
    silent: "setTimeout(()=>{},60000)",
    absent: "",
  };
  writeFileSync(path.join(folder, "page.cjs"), script ?? scripts[manner]);
  const program = manner === "absent" ? path.join(folder, "missing") : process.execPath;
  return {
    folder,
    road: createCommandRoad({ command: [program, "page.cjs"], directory: folder, limitMs: LIMIT_MS }),
    arrived: async () => {
      const file = path.join(folder, "told");
      if (!existsSync(file)) return [];
      return readFileSync(file, "utf8").trimEnd().split("\n");
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

describeRoad("mail", mailWorld);
describeRoad("webhook", webhookWorld);
describeRoad("command", commandWorld);

const never = () => new AbortController().signal;
const message = { alert: ALERT, target: "", deputy: false, id: "alert_abc" };

describe("a mail", () => {
  it("says that no machine shall answer, and is from the sender of the notices", async () => {
    const provider = await mailWorld("takes");
    onTestFinished(() => provider.close());
    await provider.road.tell({ ...message, target: FIRST }, never());
    const [told = ""] = await provider.arrived();
    expect(told).toContain("Held: Gmail");
  });

  it("to a provider that is stopped is tried once, and is not relied on", async () => {
    for (const manner of ["takes", "refuses"] as const) {
      const world = await mailWorld(manner, "mail to Gmail is stopped");
      const said = await world.road.tell({ ...message, target: FIRST }, never());
      expect(said).toMatchObject({ ok: manner === "takes", final: true });
      expect(said.answer).toMatch(/^not sure \(mail to Gmail is stopped\): \d/);
      await world.close();
    }
  });
});

describe("a webhook", () => {
  it("that redirects is a failure, and is not followed", async () => {
    const { port, calls, close } = await hook("takes", 307);
    onTestFinished(close);
    const road = createWebhookRoad({ url: `http://127.0.0.1:${port}/a`, secret: null, clock: systemClock });
    expect(await road.tell(message, never())).toEqual({
      ok: false,
      answer: "HTTP 307, and redirects are not followed",
    });
    expect(calls).toHaveLength(1);
  });

  it("without a secret is not signed, and a password in its address is used and not told", async () => {
    const { port, calls, close } = await hook("takes");
    onTestFinished(close);
    const url = `http://user:p%40ss@127.0.0.1:${port}/a`;
    expect(await createWebhookRoad({ url, secret: null, clock: systemClock }).tell(message, never())).toEqual(
      {
        ok: true,
        answer: "HTTP 204",
      },
    );
    expect(calls[0]?.headers["webhook-signature"]).toBeUndefined();
    expect(calls[0]?.headers.authorization).toBe(`Basic ${Buffer.from("user:p@ss").toString("base64")}`);
  });
});

describe("a command", () => {
  it("finds the alert in variables, and nothing of Bellwether's own beside", async () => {
    process.env.BELLWETHER_SMTP_URL = "smtp://u:secret@h";
    onTestFinished(() => {
      delete process.env.BELLWETHER_SMTP_URL;
    });
    const names = 'Object.entries(process.env).filter(([n])=>n.startsWith("BELLWETHER_"))';
    const world = await commandWorld("takes", `require("fs").writeFileSync("told",JSON.stringify(${names}))`);
    onTestFinished(() => world.close());
    await world.road.tell(message, never());
    const found = Object.fromEntries(JSON.parse((await world.arrived())[0] ?? "[]"));
    expect(found).toMatchObject({ BELLWETHER_ALERT_ID: "12", BELLWETHER_ALERT_PROVIDER: "google" });
    expect(found.BELLWETHER_SMTP_URL).toBeUndefined();
  });

  it("is not read by a shell, and need not read what it is given", async () => {
    const world = await commandWorld("takes", 'require("fs").writeFileSync("told",process.argv[2])');
    onTestFinished(() => world.close());
    const command = [process.execPath, "page.cjs", "$HOME; echo `id` > owned"];
    const road = createCommandRoad({ command, directory: world.folder });
    expect(await road.tell(message, never())).toEqual({ ok: true, answer: "it ended with 0" });
    expect(await world.arrived()).toEqual(["$HOME; echo `id` > owned"]);
    expect(existsSync(path.join(world.folder, "owned"))).toBe(false);
  });

  it("that does not end is ended with all that it has started", async () => {
    const started = `const c=require("child_process").spawn(process.execPath,["-e","setTimeout(()=>{},60000)"]);
      require("fs").writeFileSync("told",String(c.pid));process.on("SIGTERM",()=>{});setTimeout(()=>{},60000)`;
    const world = await commandWorld("silent", started);
    onTestFinished(() => world.close());
    const { answer } = await world.road.tell(message, never());
    expect(answer).toBe("it did not end within 1 s");
    const pid = Number((await world.arrived())[0]);
    expect(pid).toBeGreaterThan(0);
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // Ended, and nobody has asked after it yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
