// The mailbox intake against a real Dovecot: what lies there, what comes, what fails on either side. Every test has a
// mailbox of its own; mails are put there as another client does it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KEPT_BYTES } from "../../src/adapters/intake/message.ts";
import { makeCertificate } from "../world/certificate.ts";
import { type DovecotService, dovecotService } from "../world/dovecot.ts";
import {
  countIn,
  createBookmarks,
  endIntakesAfterEach,
  intakeOf,
  lyingIn,
  PROCESSED,
  served,
  tokensOf,
  watching,
} from "../world/imap-intake.ts";
import {
  autoReply,
  bounceMail,
  createLedger,
  personalMail,
  readSmall,
  tokenOf,
  until,
} from "../world/reports.ts";
import { dovecotMissing } from "../world/service-binaries.ts";

const missing = dovecotMissing();
endIntakesAfterEach();

describe.skipIf(missing !== null)("a mailbox", () => {
  let dovecot: DovecotService;
  beforeAll(async () => {
    dovecot = await dovecotService();
  });
  afterAll(() => dovecot?.end());

  test("reports that lie there are recorded in their order and then moved; people's mail stays unread", async () => {
    const user = "anna";
    const [one, two, answered] = [tokenOf(1), tokenOf(2), tokenOf(3)];
    dovecot.deliver(user, [
      bounceMail(one),
      personalMail("a question"),
      autoReply(`bounces+${answered}@bounces.example.com`, "away-1"),
      autoReply("support@example.com", "away-2"),
      bounceMail(two),
    ]);
    const { ledger, intake } = await watching(dovecot, { user });
    await until("it is through", () => intake.health().lagMs === 0);
    expect(tokensOf(ledger)).toEqual([one, answered, "", two]);
    expect(ledger.all().map(({ intake: name, report }) => `${name} ${report.kind}`)).toEqual([
      ...["imap bounce", "imap auto-reply", "imap auto-reply", "imap bounce"],
    ]);
    expect(await lyingIn(dovecot, user, "INBOX")).toEqual([
      { subject: "a question", flags: ["$BellwetherSeen"] },
      { subject: "Out of office", flags: ["$BellwetherSeen"] },
    ]);
    expect(await lyingIn(dovecot, user, PROCESSED)).toEqual([
      { subject: "Undelivered Mail Returned to Sender", flags: [] },
      { subject: "Out of office", flags: [] },
      { subject: "Undelivered Mail Returned to Sender", flags: [] },
    ]);
    expect(intake.health()).toMatchObject({ name: "imap", state: "alive", trouble: null });
    expect(intake.health().seenAtMs).toBeGreaterThan(Date.now() - 2_000);
    // Somebody puts one back: it is brought again, and is the same thing.
    await dovecot.as(user, async (client) => {
      await client.mailboxOpen(PROCESSED);
      await client.messageMove("1", "INBOX");
    });
    await until("it is brought again", () => ledger.all().length === 5);
    expect(ledger.all()[4]?.key).toBe(ledger.all()[0]?.key);
  });

  test("what arrives is brought at once, by IDLE, and what was looked at is not read again", async () => {
    const user = "berta";
    const read: string[] = [];
    const { ledger, intake } = await watching(dovecot, {
      user,
      read: (raw) => {
        read.push(/^Subject: (.*)\r/m.exec(raw.toString())?.[1] ?? "");
        return readSmall(raw);
      },
    });
    await until("it waits", () => intake.health().lagMs === 0);
    // It asks by itself after 50 seconds only.
    for (const number of [1, 2, 3]) {
      dovecot.deliver(user, [personalMail(`question ${number}`), bounceMail(tokenOf(number))]);
      await until("it is brought", () => ledger.all().length === number);
    }
    expect(tokensOf(ledger)).toEqual([1, 2, 3].map((number) => tokenOf(number)));
    await intake.stop();
    const again = await watching(dovecot, {
      user,
      read: (raw) => {
        read.push("again");
        return readSmall(raw);
      },
    });
    await until("it waits again", () => again.intake.health().lagMs === 0);
    expect(read.filter((subject) => subject.startsWith("question")).sort()).toEqual([
      ...["question 1", "question 2", "question 3"],
    ]);
    expect(read).not.toContain("again");
  });

  test("what cannot be recorded stays where it is, and comes again as the same thing", async () => {
    const user = "carla";
    const anHourAgo = new Date(Math.floor((Date.now() - 3_600_000) / 1_000) * 1_000);
    dovecot.deliver(user, [bounceMail(tokenOf(1)), personalMail("a question")], { at: anHourAgo });
    const [ledger, intake] = [createLedger(), intakeOf(dovecot, { user })];
    const keys: string[] = [];
    ledger.failing = new Error("the database at db.internal is away");
    await intake.start(async (incoming) => {
      keys.push(...incoming.map(({ key }) => key));
      await ledger.deliver(incoming);
    });
    await until("it was tried three times", () => keys.length >= 3);
    expect(await countIn(dovecot, user, "INBOX", PROCESSED)).toEqual([2, 0]);
    const { state, trouble, lagMs } = intake.health();
    expect([state, trouble]).toEqual(["failing", "what came in could not be recorded"]);
    expect(Math.round((lagMs ?? 0) / 60_000)).toBe(60);
    ledger.failing = null;
    await until("it is well again", () => intake.health().state === "alive");
    expect(await countIn(dovecot, user, "INBOX", PROCESSED)).toEqual([1, 1]);
    expect(new Set(keys).size).toBe(1);
    expect(ledger.all().map(({ key, receivedAtMs }) => ({ key, receivedAtMs }))).toEqual([
      { key: keys[0], receivedAtMs: anHourAgo.getTime() },
    ]);
  });

  test("a server that dies between recording and moving is waited for, and brings the same thing", async () => {
    const user = "dora";
    dovecot.deliver(user, [bounceMail(tokenOf(1)), personalMail("a question")]);
    const [ledger, intake] = [createLedger(), intakeOf(dovecot, { user })];
    let killed: Promise<void> | null = null;
    await intake.start(async (incoming) => {
      await ledger.deliver(incoming);
      killed ??= dovecot.kill();
      await killed;
    });
    await until("it is noticed", () => intake.health().state === "failing");
    await until("nobody listens", () => intake.health().trouble?.includes("nothing that listens") === true);
    expect(intake.health().lagMs).toBeNull();
    // As after a restore: UIDs from before mean nothing any more.
    dovecot.forgetUids(user);
    await dovecot.start();
    await until("it is back", () => intake.health().state === "alive");
    expect(ledger.all()).toHaveLength(2);
    expect(ledger.all()[1]?.key).toBe(ledger.all()[0]?.key);
    expect(await countIn(dovecot, user, "INBOX", PROCESSED)).toEqual([1, 1]);
    dovecot.deliver(user, [bounceMail(tokenOf(2))]);
    await until("it goes on", () => ledger.all().length === 3);
  });

  test("a server that hangs is given up and tried again", async () => {
    const user = "emma";
    const timing = { silenceMs: 300, pollMs: 200, connectMs: 500, greetingMs: 500 };
    const { ledger, intake } = await watching(dovecot, { user, timing });
    await until("it waits", () => intake.health().lagMs === 0);
    const seen = intake.health().seenAtMs ?? 0;
    await until("it is asked again and again", () => (intake.health().seenAtMs ?? 0) > seen + 400);
    dovecot.freeze();
    await until("it is noticed", () => intake.health().state === "failing");
    expect(intake.health().trouble).toMatch(
      /^localhost:\d+ (was silent too long|does not answer|took|hung up)/,
    );
    dovecot.thaw();
    dovecot.deliver(user, [bounceMail(tokenOf(1))]);
    await until("it is brought", () => ledger.all().length === 1);
    await until("it is well again", () => intake.health().state === "alive");
  });

  test("two hundred at once come in order, fifty at a time, each moved only when it is recorded", async () => {
    const user = "frida";
    const numbers = Array.from({ length: 200 }, (_, index) => index + 1);
    dovecot.deliver(
      user,
      numbers.map((number) => bounceMail(tokenOf(number))),
    );
    const [ledger, intake] = [createLedger(), intakeOf(dovecot, { user })];
    const left: number[] = [];
    await intake.start(async (incoming) => {
      left.push(...(await countIn(dovecot, user, "INBOX")));
      await ledger.deliver(incoming);
    });
    await until("all are through", () => intake.health().lagMs === 0);
    expect(tokensOf(ledger)).toEqual(numbers.map((number) => tokenOf(number)));
    expect(left).toEqual([200, 150, 100, 50]);
    expect(await countIn(dovecot, user, "INBOX", PROCESSED)).toEqual([0, 200]);
  });

  test("of a mail of thirty megabytes only the beginning is fetched", async () => {
    const user = "gerda";
    const body = `${"x".repeat(74)}\r\n`.repeat(400_000);
    dovecot.deliver(user, [bounceMail(tokenOf(1), { body }), bounceMail(tokenOf(2))]);
    const lengths: number[] = [];
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const sample = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }, 5);
    const { ledger, intake } = await watching(dovecot, {
      user,
      read: (raw) => {
        lengths.push(raw.length);
        return readSmall(raw);
      },
    });
    await until("both are through", () => intake.health().lagMs === 0);
    clearInterval(sample);
    expect(lengths[0]).toBe(KEPT_BYTES);
    expect(lengths[1]).toBeLessThan(1_000);
    expect(tokensOf(ledger)).toEqual([tokenOf(1), tokenOf(2)]);
    expect(peak).toBeLessThan(15_000_000);
    expect(await countIn(dovecot, user, "INBOX", PROCESSED)).toEqual([0, 2]);
  });

  test("a mail that the parser fails on stays, and holds nobody up", async () => {
    const user = "hanna";
    dovecot.deliver(user, [personalMail("poison"), bounceMail(tokenOf(1))]);
    const told: unknown[] = [];
    const { ledger, intake } = await watching(dovecot, {
      user,
      read: (raw) => {
        if (raw.includes("poison")) throw new RangeError("a defect");
        return readSmall(raw);
      },
      unreadable: (error) => told.push(error),
    });
    await until("it is through", () => intake.health().lagMs === 0);
    expect(tokensOf(ledger)).toEqual([tokenOf(1)]);
    expect(told).toEqual([new RangeError("a defect")]);
    expect(await lyingIn(dovecot, user, "INBOX")).toEqual([
      { subject: "poison", flags: ["$BellwetherSeen"] },
    ]);
  });

  test("a wrong password and a missing folder are told in words, without the password", async () => {
    const wrong = await watching(dovecot, { user: "ida", pass: "letmein" });
    await until("it is refused", () => wrong.intake.health().state === "failing");
    const trouble = wrong.intake.health().trouble;
    expect(trouble).toMatch(/^localhost:\d+ refuses the user or password of \[bounces\.imap\] url \("/);
    expect(trouble).not.toContain("letmein");
    const nowhere = await watching(dovecot, { user: "ida", folder: "Bounces" });
    await until("it is not found", () => nowhere.intake.health().state === "failing");
    expect(nowhere.intake.health().trouble).toBe('the mailbox has no folder "Bounces"; it has "INBOX"');
    // It is looked for again, and found once somebody has made it.
    await dovecot.as("ida", (client) => client.mailboxCreate("Bounces"));
    dovecot.deliver("ida", [bounceMail(tokenOf(1))], { folder: "Bounces" });
    await until("it is brought", () => nowhere.ledger.all().length === 1);
    await until("it is put away", async () => {
      const counts = await countIn(dovecot, "ida", "Bounces", `Bounces/${PROCESSED}`);
      return counts.join() === "0,1";
    });
  });

  test("a certificate that nobody vouches for ends it before the password is sent", async () => {
    const { intake } = await watching({ ...dovecot, ca: makeCertificate().cert }, { user: "jana" });
    await until("it is refused", () => intake.health().state === "failing");
    expect(intake.health().trouble).toMatch(/^localhost:\d+ could not be spoken to with TLS: /);
  });

  test("stop waits for what is being recorded and then moves it", async () => {
    const user = "klara";
    dovecot.deliver(user, [bounceMail(tokenOf(1))]);
    const [ledger, intake] = [createLedger(), intakeOf(dovecot, { user })];
    let open = () => {};
    ledger.gate = new Promise((resolve) => {
      open = resolve;
    });
    await intake.start(ledger.deliver);
    await until("it is being recorded", () => ledger.begun === 1);
    const stopped = Promise.all([intake.stop(), intake.stop()]);
    const first = await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, 200, "waits"))]);
    expect(first).toBe("waits");
    open();
    await stopped;
    expect(await countIn(dovecot, user, "INBOX", PROCESSED)).toEqual([0, 1]);
  });
});

describe.skipIf(missing !== null)("a server of another kind", () => {
  test("without MOVE a mail is copied and only that one expunged; folders are named as its namespace wants", async () => {
    const dovecot = await served({
      ...{ prefix: "INBOX.", separator: ".", capability: "IMAP4rev1 NAMESPACE UIDPLUS" },
    });
    dovecot.deliver("anna", [personalMail("somebody deletes this"), bounceMail(tokenOf(1))]);
    await dovecot.as("anna", async (client) => {
      await client.mailboxOpen("INBOX");
      await client.messageFlagsAdd("1", ["\\Deleted"]);
    });
    // It has no IDLE either.
    const { ledger, intake } = await watching(dovecot, { user: "anna", timing: { pollMs: 100 } });
    await until("it is through", () => intake.health().lagMs === 0);
    expect(await lyingIn(dovecot, "anna", "INBOX")).toEqual([
      { subject: "somebody deletes this", flags: ["\\Deleted"] },
    ]);
    expect(await countIn(dovecot, "anna", `INBOX.${PROCESSED}`)).toEqual([1]);
    dovecot.deliver("anna", [bounceMail(tokenOf(2))]);
    await until("it is found by asking", () => ledger.all().length === 2);
  });

  test("with neither, nothing is moved and everything is marked", async () => {
    const dovecot = await served({ capability: "IMAP4rev1 NAMESPACE IDLE" });
    dovecot.deliver("anna", [bounceMail(tokenOf(1)), personalMail("a question")]);
    const { ledger, intake } = await watching(dovecot, { user: "anna" });
    await until("it is through", () => intake.health().lagMs === 0);
    expect(tokensOf(ledger)).toEqual([tokenOf(1)]);
    expect((await lyingIn(dovecot, "anna", "INBOX")).map(({ flags }) => flags)).toEqual([
      ["$BellwetherSeen"],
      ["$BellwetherSeen"],
    ]);
    expect(intake.health()).toMatchObject({
      ...{ state: "alive", trouble: expect.stringContaining("can move no mail") },
    });
  });

  test("a folder that may only be read is read once, by a bookmark, until its UIDs are given out anew", async () => {
    const dovecot = await served({ rights: "lr" });
    const [user, bookmarks] = ["anna", createBookmarks()];
    const read: string[] = [];
    const watch = {
      ...{ user, bookmarks },
      read: (raw: Buffer) => {
        read.push(raw.toString());
        return readSmall(raw);
      },
    };
    dovecot.deliver(user, [bounceMail(tokenOf(1)), personalMail("a question")]);
    for (const number of [1, 2]) {
      const { intake, ledger } = await watching(dovecot, watch);
      await until("it is through", () => intake.health().lagMs === 0);
      expect(tokensOf(ledger)).toEqual(number === 1 ? [tokenOf(1)] : []);
      await intake.stop();
    }
    expect(read).toHaveLength(2);
    dovecot.deliver(user, [bounceMail(tokenOf(2))]);
    const third = await watching(dovecot, watch);
    await until("the new one is brought", () => third.ledger.all().length === 1);
    expect(tokensOf(third.ledger)).toEqual([tokenOf(2)]);
    await third.intake.stop();
    await dovecot.stop();
    dovecot.forgetUids(user);
    await dovecot.start();
    const fourth = await watching(dovecot, watch);
    await until("it is through", () => fourth.intake.health().lagMs === 0);
    expect(tokensOf(fourth.ledger).sort()).toEqual([tokenOf(1), tokenOf(2)].sort());
  });
});
