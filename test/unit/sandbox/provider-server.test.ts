import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Phase } from "../../../src/bounce/reason.ts";
import { readJournal } from "../../../src/sandbox/provider-log.ts";
import {
  type SimulatedProvider,
  type SimulatedProviderOptions,
  startProvider,
} from "../../../src/sandbox/provider-server.ts";
import { type DropPoint, delayAll, dropAt, refuseAll, refuseIf } from "../../../src/sandbox/scripts.ts";
import { makeCertificate } from "../../world/certificate.ts";
import { RawClient, sendMail } from "./client.ts";

const open: SimulatedProvider[] = [];
async function provider(options: Partial<SimulatedProviderOptions> = {}): Promise<SimulatedProvider> {
  const started = await startProvider({ id: "google", ...options });
  open.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const TLS = { starttls: makeCertificate() };
const AUTH = { user: "mailer", pass: "secret" };
const trust = { tls: { rejectUnauthorized: false } };

test("a mail is accepted and logged once, with its id, its delivery and its bytes", async () => {
  const google = await provider({ keepMessages: true });
  const text = "Message-Id: <7@x.example>\r\nX-Bellwether-Delivery: 12.1\r\n\r\nhello\r\n";
  const seen = await sendMail(google.port, { to: "u@gmail.com", text });
  expect(seen).toMatchObject({ code: 250, text: expect.stringMatching(/queued as [0-9A-F]{10}$/) });
  expect([...google.accepted()]).toEqual([["u@gmail.com", 1]]);
  expect(google.log).toMatchObject([
    {
      outcome: "accepted",
      phase: "dot",
      provider: "google",
      recipient: "u@gmail.com",
      sender: "a@sender.example",
      messageId: "<7@x.example>",
      delivery: "12.1",
      bytes: text.length,
      reply: seen.text,
    },
  ]);
  expect(google.log[0]?.raw?.toString()).toBe(text);
});

describe("a refusal is heard verbatim in every phase", () => {
  const reply = "550-5.7.25 [2001:db8::25] no PTR\n550 5.7.25 record. x1 - gsmtp";
  const phases: Phase[] = ["connect", "ehlo", "tls", "auth", "mail", "rcpt", "data", "dot"];
  test.each(phases)("at %s", async (phase) => {
    const features = phase === "tls" ? TLS : phase === "auth" ? { auth: AUTH } : {};
    const google = await provider({ script: refuseAll(reply, { phase }), features });
    const seen = await sendMail(
      google.port,
      { to: "u@gmail.com" },
      phase === "auth" ? { auth: AUTH } : { requireTLS: phase === "tls" },
    );
    // nodemailer falls back to HELO when EHLO is refused; it hears the same there. Of STARTTLS it keeps no text.
    if (phase !== "tls") {
      expect(seen.code).toBe(550);
      expect(seen.text.replaceAll("\r", "")).toBe(reply);
    }
    expect(google.log[0]).toMatchObject({ outcome: "refused", phase, reply: reply.replace("\n", "\r\n") });
    expect(google.accepted().size).toBe(0);
  });
});

describe("the connection is cut at the named point", () => {
  const cases: [DropPoint, RegExp, string][] = [
    ["before-banner", /^$/, "dropped"],
    ["after-banner", /^220 .*\r\n$/, "dropped"],
    ["at-ehlo", /^220 .*\r\n$/, "dropped"],
    ["at-mail", /250 SMTPUTF8\r\n$/, "dropped"],
    ["at-rcpt", /250 2\.1\.0 Ok\r\n$/, "dropped"],
    ["at-data", /250 2\.1\.5 Ok\r\n$/, "dropped"],
    ["after-354", /354 .*\r\n$/, "dropped"],
    ["mid-data", /354 .*\r\n$/, "dropped"],
    ["at-dot", /354 .*\r\n$/, "dropped"],
    ["at-dot-taken", /354 .*\r\n$/, "accepted"],
    ["after-dot-reply", /250 2\.0\.0 Ok: queued as .*\r\n$/, "accepted"],
  ];
  test.each(cases)("%s", async (point, last, outcome) => {
    const google = await provider({ script: dropAt(point) });
    const client = new RawClient(google.port);
    const dialogue: [RegExp, string][] = [
      [/220 /, "EHLO c\r\n"],
      [/250 SMTPUTF8/, "MAIL FROM:<a@b.example>\r\n"],
      [/2\.1\.0/, "RCPT TO:<u@gmail.com>\r\n"],
      [/2\.1\.5/, "DATA\r\n"],
      [/354/, "half of it\r\n"],
    ];
    for (const [heard, line] of dialogue) {
      const on = await client.hear(heard).catch(() => null);
      if (on === null) break;
      client.send(line);
    }
    client.send("\r\n.\r\n");
    expect(await client.end()).toMatch(last);
    await google.when((p) => p.connections.now === 0);
    expect(google.log.map((entry) => entry.outcome)).toEqual([outcome]);
    expect(google.accepted().get("u@gmail.com")).toBe(outcome === "accepted" ? 1 : undefined);
  });

  test("at-auth and in the middle of the TLS handshake", async () => {
    const google = await provider({ script: dropAt("at-auth"), features: { auth: AUTH } });
    expect(await sendMail(google.port, { to: "u@gmail.com" }, { auth: AUTH })).toMatchObject({ code: null });
    const other = await provider({ script: dropAt("at-tls"), features: TLS });
    expect(await sendMail(other.port, { to: "u@x.example" }, trust)).toMatchObject({ code: null });
    expect([...google.log, ...other.log].map((entry) => [entry.phase, entry.outcome])).toEqual([
      ["auth", "dropped"],
      ["tls", "dropped"],
    ]);
  });
});

test("a 421 closes the connection, any other refusal leaves it open", async () => {
  const google = await provider({
    script: refuseIf((moment) => moment.recipient === "late@gmail.com", "421 4.7.0 go away", {
      phase: "rcpt",
    }),
  });
  const client = new RawClient(google.port);
  client.send("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<>\r\nRCPT TO:<late@gmail.com>\r\nNOOP\r\n");
  const heard = await client.end();
  expect(heard).toContain("501 5.1.3");
  expect(heard.endsWith("421 4.7.0 go away\r\n")).toBe(true);
  expect(google.log).toMatchObject([{ outcome: "deferred", phase: "rcpt", attempt: 1 }]);
});

test("commands that come together are answered together and in order, over several mails", async () => {
  const google = await provider();
  const client = new RawClient(google.port);
  const mail = (to: string) => `MAIL FROM:<a@b.example>\r\nRCPT TO:<${to}>\r\nDATA\r\n`;
  client.send(`EHLO c\r\n${mail("one@gmail.com")}`);
  await client.hear(/354/);
  // The final dot, cut in two, with the next envelope in the same packet.
  client.send("x\r\n.");
  client.send(`\r\n${mail("two@gmail.com")}`);
  await client.hear(/queued[\s\S]*354/);
  client.send(".\r\nQUIT\r\n");
  const codes = [...(await client.end()).matchAll(/^(\d{3}) /gm)].map((found) => found[1]);
  expect(codes).toEqual("220 250 250 250 354 250 250 250 354 250 221".split(" "));
  expect(google.log.map((entry) => [entry.recipient, entry.bytes])).toEqual([
    ["one@gmail.com", 3],
    ["two@gmail.com", 0],
  ]);
});

test("extensions are announced as configured", async () => {
  const plain = await provider({ features: { pipelining: false, smtpUtf8: false } });
  const full = await provider({ features: { ...TLS, auth: AUTH, dsn: true, size: 1000 } });
  const hello = async (port: number) => {
    const client = new RawClient(port);
    client.send("EHLO c\r\nQUIT\r\n");
    return (await client.end())
      .split("\r\n")
      .slice(2, -2)
      .map((line) => line.slice(4));
  };
  expect(await hello(plain.port)).toEqual(["8BITMIME", "ENHANCEDSTATUSCODES"]);
  expect(await hello(full.port)).toEqual([
    "8BITMIME",
    "ENHANCEDSTATUSCODES",
    "PIPELINING",
    "SIZE 1000",
    "DSN",
    "SMTPUTF8",
    "STARTTLS",
    "AUTH PLAIN LOGIN",
  ]);
});

test("doubled dots come out single, eight-bit bytes unchanged, however the bytes are cut", async () => {
  const google = await provider({ keepMessages: true });
  const text = "Subject: dots\r\n\r\n.\r\n..two\r\nGr\u00fc\u00dfe .\r\n. end\r\n";
  await sendMail(google.port, { to: "u@gmail.com", text });
  expect(google.log[0]?.raw?.toString()).toBe(text);
});

test("STARTTLS and AUTH work together, a wrong password is told 535, none 530", async () => {
  const relay = await provider({ features: { ...TLS, auth: AUTH } });
  const to = { to: "u@gmail.com" };
  for (const method of ["PLAIN", "LOGIN"])
    expect(await sendMail(relay.port, to, { ...trust, auth: { ...AUTH, method } })).toMatchObject({
      code: 250,
    });
  const wrong = { ...trust, auth: { user: "mailer", pass: "guess" } };
  expect(await sendMail(relay.port, to, wrong)).toMatchObject({
    code: 535,
    command: expect.stringContaining("AUTH"),
  });
  expect(await sendMail(relay.port, to, trust)).toMatchObject({ code: 530 });
  expect(relay.counts).toMatchObject({ accepted: 2, refused: 2 });
});

test("LMTP gives each recipient an answer of its own", async () => {
  const google = await provider({
    features: { lmtp: true },
    script: refuseIf((moment) => moment.recipient === "b@gmail.com", "552 5.2.2 full"),
  });
  const client = new RawClient(google.port);
  const to = ["a", "b", "c"].map((user) => `RCPT TO:<${user}@gmail.com>\r\n`).join("");
  client.send(`LHLO c\r\nMAIL FROM:<>\r\n${to}DATA\r\n`);
  await client.hear(/354/);
  client.send("x\r\n.\r\nQUIT\r\n");
  expect((await client.end()).split("\r\n").slice(-5)).toEqual([
    expect.stringMatching(/^250/),
    "552 5.2.2 full",
    expect.stringMatching(/^250/),
    "221 2.0.0 Bye",
    "",
  ]);
  expect([...google.accepted().keys()]).toEqual(["a@gmail.com", "c@gmail.com"]);
});

test("what DSN asks for is in the log, and a mail beyond SIZE is refused by MAIL or by the dot", async () => {
  const google = await provider({ features: { dsn: true, size: 20 } });
  const client = new RawClient(google.port);
  client.send("EHLO c\r\nMAIL FROM:<a@b.example> SIZE=21\r\nMAIL FROM:<a@b.example> RET=HDRS ENVID=e7\r\n");
  client.send("RCPT TO:<u@gmail.com> NOTIFY=SUCCESS,FAILURE\r\nDATA\r\n");
  await client.hear(/354/);
  client.send(`${"x".repeat(30)}\r\n.\r\n`);
  await client.hear(/552[\s\S]*552/);
  expect(google.log.map((entry) => [entry.phase, entry.outcome, entry.envid, entry.notify])).toEqual([
    ["mail", "refused", undefined, undefined],
    ["dot", "refused", "e7", "SUCCESS,FAILURE"],
  ]);
});

test("connections are counted, and one too many is told 421", async () => {
  const google = await provider({ maxConnections: 1 });
  const first = new RawClient(google.port);
  await first.hear(/220/);
  const second = await sendMail(google.port, { to: "u@gmail.com" });
  expect(second).toMatchObject({ code: 421 });
  first.cut();
  await google.when((p) => p.connections.now === 0);
  expect(await sendMail(google.port, { to: "u@gmail.com" })).toMatchObject({ code: 250 });
  expect(google.connections).toMatchObject({ peak: 2, total: 3 });
});

test("one server plays several providers, each with its own count", async () => {
  const relay = await provider({
    id: "other",
    route: (domain) => (domain === "gmail.com" ? "google" : "other"),
    script: refuseIf((moment) => moment.provider === "google" && moment.seen > 1, "google-no-ptr"),
  });
  for (const to of ["a@x.example", "b@gmail.com", "c@Gmail.com", "d@x.example"])
    await sendMail(relay.port, { to });
  expect(relay.log.map((entry) => [entry.provider, entry.outcome])).toEqual([
    ["other", "accepted"],
    ["google", "accepted"],
    ["google", "refused"],
    ["other", "accepted"],
  ]);
});

describe("time", () => {
  /** A clock on which nothing happens until the test says so. */
  function frozenClock() {
    const sleepers: { ms: number; wake: () => void }[] = [];
    return {
      sleepers,
      now: () => 1000,
      monotonic: () => 0,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve) => {
          sleepers.push({ ms, wake: resolve });
          signal?.addEventListener("abort", () => resolve(), { once: true });
        }),
    };
  }
  async function nextSleep(clock: ReturnType<typeof frozenClock>, n: number): Promise<void> {
    while (clock.sleepers.length < n) await new Promise((resolve) => setImmediate(resolve));
  }

  test("a burst of commands has one reply delay, not one each", async () => {
    const clock = frozenClock();
    const google = await provider({ clock, replyDelayMs: 20 });
    const client = new RawClient(google.port);
    await nextSleep(clock, 1);
    clock.sleepers[0]?.wake();
    await client.hear(/220/);
    client.send("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@gmail.com>\r\nDATA\r\n");
    await nextSleep(clock, 2);
    expect(client.heard).not.toContain("250");
    clock.sleepers[1]?.wake();
    await client.hear(/354/);
    expect(clock.sleepers.map((sleeper) => sleeper.ms)).toEqual([20, 20]);
  });

  test("a scripted delay holds back its own reply and what comes after, not what came before", async () => {
    const clock = frozenClock();
    const google = await provider({ clock, script: delayAll(500, "rcpt") });
    const client = new RawClient(google.port);
    client.send("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@gmail.com>\r\nNOOP\r\n");
    await client.hear(/2\.1\.0/);
    await nextSleep(clock, 1);
    expect(client.heard).not.toContain("2.1.5");
    clock.sleepers[0]?.wake();
    await client.hear(/2\.1\.5 Ok\r\n250 2\.0\.0 Ok/);
  });

  test("a mail whose final dot came is judged although the client died while it waited", async () => {
    const clock = frozenClock();
    const google = await provider({ clock, script: delayAll(60_000, "dot") });
    const client = new RawClient(google.port);
    client.send("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@gmail.com>\r\nDATA\r\n");
    await client.hear(/354/);
    client.send("x\r\n.\r\n");
    await nextSleep(clock, 1);
    expect(google.accepted().size).toBe(0);
    client.cut();
    clock.sleepers[0]?.wake();
    await google.when((p) => p.accepted().get("u@gmail.com") === 1);
  });
});

test("a client that goes before the final dot leaves an abandoned mail", async () => {
  const google = await provider();
  const client = new RawClient(google.port);
  client.send("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@gmail.com>\r\nDATA\r\n");
  await client.hear(/354/);
  client.send("half");
  client.cut();
  await google.when((p) => p.counts.abandoned === 1);
  expect(google.accepted().size).toBe(0);
});

test("the journal has the entry before the client has the reply", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-journal-"));
  try {
    const journal = path.join(folder, "google.jsonl");
    const google = await provider({ journal });
    const found = await new Promise<string>((resolve, reject) => {
      const socket = connect(google.port, "127.0.0.1", () => {
        socket.write("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@gmail.com>\r\nDATA\r\n");
      });
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        if (chunk.includes("354")) socket.write("x\r\n.\r\n");
        if (!chunk.includes("queued")) return;
        resolve(readFileSync(journal, "utf8"));
        socket.destroy();
      });
    });
    expect(found.endsWith("}\n")).toBe(true);
    expect(readJournal(journal)).toEqual(google.log.map((entry) => ({ ...entry })));
    expect(readJournal(journal)).toMatchObject([{ outcome: "accepted", recipient: "u@gmail.com" }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("it can be closed twice and before its start, and comes back on the same port", async () => {
  const google = await provider();
  const { port } = google;
  await sendMail(port, { to: "u@gmail.com" });
  const client = new RawClient(port);
  await client.hear(/220/);
  await google.close();
  await google.close();
  await client.end();
  expect(await sendMail(port, { to: "u@gmail.com" })).toMatchObject({ code: null });
  await google.start();
  expect(google.port).toBe(port);
  expect(await sendMail(port, { to: "u@gmail.com" })).toMatchObject({ code: 250 });
  expect(google.accepted().get("u@gmail.com")).toBe(2);
});

test("a port that is taken is an error that says so", async () => {
  const google = await provider();
  await expect(startProvider({ id: "yahoo", port: google.port })).rejects.toMatchObject({
    code: "listen-failed",
    message: expect.stringContaining(String(google.port)),
  });
});

test("only the latest messages keep their bytes when a number is given", async () => {
  const google = await provider({ keepMessages: 2 });
  for (const user of ["a", "b", "c"]) await sendMail(google.port, { to: `${user}@gmail.com` });
  expect(google.log.map((entry) => entry.raw !== undefined)).toEqual([false, true, true]);
});
