// The listener for reports on real sockets, spoken to by nodemailer's client and, where no client would, by hand.
import { connect } from "node:net";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { afterEach, expect, test } from "vitest";
import { KEPT_BYTES } from "../../../src/adapters/intake/message.ts";
import {
  createSmtpIntake,
  type SmtpIntake,
  type SmtpIntakeOptions,
} from "../../../src/adapters/intake/smtp.ts";
import { systemClock } from "../../../src/clock.ts";
import { EXCERPT_LENGTH } from "../../../src/delivery/intake.ts";
import { makeToken } from "../../../src/delivery/token.ts";
import { makeCertificate } from "../../world/certificate.ts";
import {
  bounceMail,
  createLedger,
  personalMail,
  readSmall,
  SECRET,
  tokenOf,
  until,
} from "../../world/reports.ts";

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function intakeOf(options: Partial<SmtpIntakeOptions> = {}) {
  return createSmtpIntake({
    listen: { host: "127.0.0.1", port: 0 },
    protocol: "smtp",
    returnPath: "bounces+{token}@bounces.example.com",
    secret: SECRET,
    read: readSmall,
    clock: systemClock,
    ...options,
  });
}

async function listening(options: Partial<SmtpIntakeOptions> = {}) {
  const ledger = createLedger();
  const intake = intakeOf({ name: "bounces.example.com", ...options });
  await intake.start(ledger.deliver);
  ends.push(() => intake.stop());
  return { intake, ledger };
}

const addressOf = (token: string) => `bounces+${token}@bounces.example.com`;

interface Answer {
  accepted: string[];
  rejected: string[];
  /** "250", or the first line of what was refused. */
  said: string;
}

/** One mail by one connection of nodemailer. */
async function mailTo(
  intake: SmtpIntake,
  to: string | string[],
  raw: string | Buffer,
  { from = "", lmtp = false } = {},
): Promise<Answer> {
  const connection = new SMTPConnection({
    host: "127.0.0.1",
    port: intake.port(),
    lmtp,
    tls: { rejectUnauthorized: false },
  });
  const failed = new Promise<never>((_, reject) => connection.on("error", reject));
  failed.catch(() => {});
  await Promise.race([failed, new Promise<void>((resolve) => connection.connect(() => resolve()))]);
  try {
    const sent = new Promise<Answer>((resolve) => {
      connection.send({ from, to }, raw, (error, info) => {
        if (error)
          return resolve({ accepted: [], rejected: [to].flat(), said: error.response || error.message });
        resolve({
          accepted: info.accepted.map(String),
          rejected: info.rejected.map(String),
          said: info.response,
        });
      });
    });
    return await Promise.race([sent, failed]);
  } finally {
    connection.close();
  }
}

/** A connection that is spoken on by hand. */
function visitor(intake: SmtpIntake) {
  const socket = connect(intake.port(), "127.0.0.1");
  let heard = "";
  socket.on("data", (chunk) => {
    heard += chunk.toString("latin1");
  });
  // An error is followed by the close.
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  ends.push(() => void socket.destroy());
  return {
    heard: () => heard,
    say: (text: string) => socket.write(text),
    hangUp: () => socket.destroy(),
    closed,
  };
}

/** Says everything at once and hears whatever comes back until the other side hangs up. */
async function sayAll(intake: SmtpIntake, text: string): Promise<string> {
  const one = visitor(intake);
  await until("a greeting", () => one.heard().startsWith("220"));
  one.say(text);
  await one.closed;
  return one.heard();
}

test("a report to an address of ours is recorded before it is accepted, with the token that it came to", async () => {
  const { intake, ledger } = await listening();
  const token = tokenOf(17, 2);
  let open = () => {};
  ledger.gate = new Promise((resolve) => {
    open = resolve;
  });
  let answered = false;
  const answer = mailTo(intake, addressOf(token), bounceMail(tokenOf(99))).finally(() => {
    answered = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(answered).toBe(false);
  open();
  expect(await answer).toMatchObject({ accepted: [addressOf(token)], said: "250 2.6.0 recorded" });
  const [incoming] = ledger.all();
  expect(incoming?.intake).toBe("smtp");
  expect(incoming?.report.kind).toBe("bounce");
  // First the one that it came to: the other is what the mail says.
  expect(incoming?.report.marks.tokens).toEqual([token, tokenOf(99)]);
  expect(incoming?.excerpt).toMatch(
    /^From: MAILER-DAEMON@relay\.example\nTo: .*\n[\s\S]*550 5\.1\.1 no such user/,
  );
  expect(incoming?.excerpt).not.toContain("Received:");
  expect(intake.health()).toMatchObject({ name: "smtp", state: "alive", trouble: null });
  expect(intake.health().broughtAtMs).toBeGreaterThan(Date.now() - 5_000);
});

test("case that was folded on the way, and a sender that is not empty, change nothing", async () => {
  const { intake, ledger } = await listening();
  const token = tokenOf(17);
  const answer = await mailTo(intake, addressOf(token).toUpperCase(), bounceMail(token), {
    from: "postmaster@relay.example",
  });
  expect(answer.said).toMatch(/^250/);
  expect(ledger.all()[0]?.report.marks.tokens).toEqual([token]);
});

const forged = makeToken({ delivery: 17, attempt: 1 }, "another secret");
test.each([
  ["a token that another secret signed", addressOf(forged)],
  ["a token for another delivery", addressOf(tokenOf(17).replace(/^h-/, "i-"))],
  ["no token", "bounces+@bounces.example.com"],
  ["the address without its tag", "bounces@bounces.example.com"],
  ["another domain", `bounces+${tokenOf(17)}@example.com`],
  ["a subdomain", `bounces+${tokenOf(17)}@x.bounces.example.com`],
  ["somebody elsewhere (relaying)", "victim@elsewhere.example"],
  ["relaying by a percent sign", `victim%elsewhere.example@bounces.example.com`],
  ["a BATV wrapper", `prvs=1234567890=bounces+${tokenOf(17)}@bounces.example.com`],
  ["an SRS wrapper", `SRS0=abcd=EF=example.com=bounces+${tokenOf(17)}@bounces.example.com`],
  ["the postmaster", "postmaster@bounces.example.com"],
])("%s is refused at RCPT", async (_what, address) => {
  const { intake, ledger } = await listening();
  const answer = await mailTo(intake, address, bounceMail(tokenOf(17)));
  expect(answer.said).toBe("550 5.1.1 no such address here");
  expect(ledger.calls).toEqual([]);
  expect(intake.counts()).toMatchObject({ recorded: 0, refusedRecipients: 1 });
});

test("a message for two of ours and a stranger is one thing with two tokens, and the stranger is refused", async () => {
  const { intake, ledger } = await listening();
  const [one, two] = [tokenOf(1), tokenOf(2)];
  const to = [addressOf(two), "stranger@elsewhere.example", addressOf(one)];
  const answer = await mailTo(intake, to, personalMail("hello"));
  expect(answer).toMatchObject({
    accepted: [addressOf(two), addressOf(one)],
    rejected: ["stranger@elsewhere.example"],
  });
  expect(ledger.calls).toHaveLength(1);
  expect(ledger.all().map(({ report }) => report.marks.tokens)).toEqual([[two, one]]);
});

test("what cannot be recorded is answered 451, and is the same thing when it comes again", async () => {
  const { intake, ledger } = await listening();
  const token = tokenOf(17);
  ledger.failing = new Error("connect ECONNREFUSED user:password@db");
  const first = await mailTo(intake, addressOf(token), bounceMail(token));
  expect(first.said).toBe("451 4.3.0 it could not be recorded, try again later");
  const trouble = "what came in could not be recorded";
  expect(intake.health()).toMatchObject({ state: "failing", trouble });
  ledger.failing = null;
  // The second time it comes by way of another relay.
  const later = `Received: from relay2.example by mx; later\r\n${bounceMail(token)}`;
  for (const raw of [bounceMail(token), later]) {
    expect((await mailTo(intake, addressOf(token), raw)).said).toMatch(/^250/);
  }
  // The same words to another address of ours are another report.
  await mailTo(intake, addressOf(tokenOf(18)), bounceMail(token));
  const keys = ledger.all().map(({ key }) => key);
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
  expect(intake.health()).toMatchObject({ state: "alive", trouble: null });
});

test("a message above the limit is refused at MAIL when it says so and at the dot when it does not", async () => {
  const { intake, ledger } = await listening({ limits: { messageBytes: 100_000 } });
  const said = await sayAll(intake, "EHLO c\r\nMAIL FROM:<> SIZE=100001\r\nQUIT\r\n");
  expect(said).toMatch(/250[- ]SIZE 100000\r\n[\s\S]*552 5\.3\.4/);
  const raw = bounceMail(tokenOf(1), { body: "x".repeat(70).concat("\r\n").repeat(2_000) });
  const unsaid = await sayAll(
    intake,
    `EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<${addressOf(tokenOf(1))}>\r\nDATA\r\n${raw}\r\n.\r\nQUIT\r\n`,
  );
  expect(unsaid).toMatch(/354[\s\S]*552 5\.3\.4[\s\S]*221/);
  expect(ledger.calls).toEqual([]);
});

test("of a big message only the beginning is read and kept", async () => {
  const lengths: number[] = [];
  const { intake, ledger } = await listening({
    read: (raw) => {
      lengths.push(raw.length);
      return readSmall(raw);
    },
  });
  const token = tokenOf(1);
  const raw = bounceMail(token, { body: "x".repeat(70).concat("\r\n").repeat(50_000) });
  expect((await mailTo(intake, addressOf(token), raw)).said).toMatch(/^250/);
  expect(lengths).toEqual([KEPT_BYTES]);
  expect(ledger.all()[0]?.excerpt).toHaveLength(EXCERPT_LENGTH);
});

test("commands that were pipelined through the message are no commands", async () => {
  const { intake, ledger } = await listening();
  const rcpt = `RCPT TO:<${addressOf(tokenOf(1))}>`;
  // A bare line feed before the dot ends no message (RFC 5321 section 4.1.1.4): what follows is still in it.
  const smuggled = `hello\n.\nMAIL FROM:<a@b.example>\r\nRCPT TO:<${addressOf(tokenOf(2))}>\r\nDATA\r\nfalse\r\n.\r\n`;
  const heard = await sayAll(
    intake,
    `EHLO c\r\nMAIL FROM:<>\r\n${rcpt}\r\nRCPT TO:<victim@elsewhere.example>\r\nDATA\r\nSubject: x\r\n\r\n${smuggled}RSET\r\nQUIT\r\n`,
  );
  expect(heard.match(/354/g)).toHaveLength(1);
  expect(ledger.calls).toHaveLength(1);
  expect(ledger.all()[0]?.report.marks.tokens[0]).toBe(tokenOf(1));
  expect(ledger.all()[0]?.excerpt).toContain("MAIL FROM:<a@b.example>");
});

test("a pipelined DATA behind nothing but refused recipients is refused, and a login is not known", async () => {
  const { intake, ledger } = await listening();
  const heard = await sayAll(
    intake,
    "EHLO c\r\nAUTH PLAIN AGEAYg==\r\nWIZ x\r\nMAIL FROM:<>\r\nRCPT TO:<v@elsewhere.example>\r\nDATA\r\nQUIT\r\n",
  );
  const codes = heard.match(/^\d{3} /gm);
  expect(codes).toEqual(["220 ", "250 ", "500 ", "500 ", "250 ", "550 ", "503 ", "221 "]);
  expect(heard).not.toMatch(/AUTH|STARTTLS/);
  expect(ledger.calls).toEqual([]);
});

test("a client that hangs up inside its message leaves nothing behind", async () => {
  const { intake, ledger } = await listening();
  const one = visitor(intake);
  await until("a greeting", () => one.heard().startsWith("220"));
  one.say(`EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<${addressOf(tokenOf(1))}>\r\nDATA\r\nSubject: x\r\n\r\nhal`);
  await until("the message may begin", () => one.heard().includes("354"));
  one.hangUp();
  expect((await mailTo(intake, addressOf(tokenOf(2)), bounceMail(tokenOf(2)))).said).toMatch(/^250/);
  expect(ledger.all().map(({ report }) => report.marks.tokens)).toEqual([[tokenOf(2)]]);
});

test("a silent client and one that dribbles are told 421", async () => {
  const silent = await listening({ limits: { silenceMs: 200 } });
  expect(await sayAll(silent.intake, "EHLO c\r\n")).toMatch(/421 4\.4\.2 Timeout/);
  const dribbled = await listening({ limits: { sessionMs: 400 } });
  const one = visitor(dribbled.intake);
  await until("a greeting", () => one.heard().startsWith("220"));
  const drip = setInterval(() => one.say("N"), 20);
  await until("it is sent away", () => one.heard().includes("421 4.4.2 the session takes too long"));
  clearInterval(drip);
});

test("connections that are one too many are told 421 and counted", async () => {
  const { intake } = await listening({ limits: { connectionsPerAddress: 2 } });
  const open = [0, 1].map(() => connect(intake.port(), "127.0.0.1"));
  const greeted = await Promise.all(
    open.map((socket) => new Promise((resolve) => socket.once("data", (data) => resolve(String(data))))),
  );
  expect(greeted).toEqual(Array(2).fill("220 bounces.example.com ESMTP Bellwether takes reports\r\n"));
  const third = connect(intake.port(), "127.0.0.1");
  const said = await new Promise((resolve) => third.once("data", (data) => resolve(String(data))));
  expect(said).toMatch(/^421 too many connections/);
  expect(intake.counts().refusedConnections).toBe(1);
  for (const socket of [...open, third]) socket.destroy();
});

test("a mail that the parser fails on is handed over as it is, and somebody is told", async () => {
  const told: unknown[] = [];
  const { intake, ledger } = await listening({
    read: () => {
      throw new RangeError("a defect");
    },
    unreadable: (error) => told.push(error),
  });
  expect((await mailTo(intake, addressOf(tokenOf(1)), personalMail("odd"))).said).toMatch(/^250/);
  expect(ledger.all()[0]).toMatchObject({
    report: { kind: "not-a-bounce", marks: { tokens: [tokenOf(1)] } },
  });
  expect(told).toEqual([new RangeError("a defect")]);
});

test("with a certificate STARTTLS is offered and used", async () => {
  const { intake, ledger } = await listening({ tls: makeCertificate() });
  expect(await sayAll(intake, "EHLO c\r\nQUIT\r\n")).toContain("250-STARTTLS");
  // nodemailer goes over to TLS where it is offered.
  expect((await mailTo(intake, addressOf(tokenOf(1)), bounceMail(tokenOf(1)))).said).toMatch(/^250/);
  expect(ledger.calls).toHaveLength(1);
});

test("LMTP answers for each recipient, when all of them are recorded or none", async () => {
  const { intake, ledger } = await listening({ protocol: "lmtp" });
  const [one, two] = [addressOf(tokenOf(1)), addressOf(tokenOf(2))];
  const dialogue = (raw: string) =>
    `LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<${one}>\r\nRCPT TO:<x@elsewhere.example>\r\nRCPT TO:<${two}>\r\nDATA\r\n${raw}\r\n.\r\nQUIT\r\n`;
  ledger.failing = new Error("down");
  const refused = await sayAll(intake, dialogue(bounceMail(tokenOf(1))));
  expect(refused.match(/^451 4\.3\.0 /gm)).toHaveLength(2);
  ledger.failing = null;
  const taken = await sayAll(intake, dialogue(bounceMail(tokenOf(1))));
  expect(taken.match(/^250 2\.6\.0 recorded/gm)).toHaveLength(2);
  expect(taken.match(/^550 5\.1\.1 /gm)).toHaveLength(1);
  expect(ledger.calls).toHaveLength(1);
  expect(await mailTo(intake, one, bounceMail(tokenOf(1)), { lmtp: true })).toMatchObject({
    accepted: [one],
  });
});

test("stop waits for what is being recorded and sends everybody else away", async () => {
  const { intake, ledger } = await listening({ limits: { drainMs: 300 } });
  let open = () => {};
  ledger.gate = new Promise((resolve) => {
    open = resolve;
  });
  const answer = mailTo(intake, addressOf(tokenOf(1)), bounceMail(tokenOf(1)));
  const [idle, slow] = [visitor(intake), visitor(intake)];
  await until("both are greeted", () => [idle, slow].every(({ heard }) => heard().startsWith("220")));
  idle.say("EHLO c\r\n");
  slow.say(`EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<${addressOf(tokenOf(2))}>\r\nDATA\r\nhal`);
  await until("one is inside a message", () => slow.heard().includes("354"));
  await until("the other's is being recorded", () => ledger.begun === 1);
  let stopped = false;
  const stop = Promise.all([intake.stop(), intake.stop()]).then(() => {
    stopped = true;
  });
  await until("the idle one is sent away", () => idle.heard().includes("421 4.4.2 the server shuts down"));
  await until("the slow one is cut", () => /354[\s\S]*421/.test(slow.heard()));
  expect(stopped).toBe(false);
  open();
  expect((await answer).said).toMatch(/^250/);
  await stop;
  expect(ledger.calls).toHaveLength(1);
  await expect(mailTo(intake, addressOf(tokenOf(3)), bounceMail(tokenOf(3)))).rejects.toThrow(/ECONNREFUSED/);
});

test("a port that is taken is for a person to mend", async () => {
  const { intake } = await listening();
  const port = intake.port();
  await expect(listening({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
    code: "listen-failed",
    message: `127.0.0.1:${port} cannot be listened on: another process listens there`,
    hint: expect.stringContaining("[bounces.smtp] listen"),
  });
});

test("stopped before it was started it stays so", async () => {
  const intake = intakeOf();
  expect(intake.health()).toMatchObject({ state: "starting", seenAtMs: null });
  await intake.stop();
  await intake.start(async () => {});
  expect(intake.port()).toBe(0);
});
