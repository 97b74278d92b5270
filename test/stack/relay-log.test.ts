// The log intake behind a real Postfix, which relays to a simulated provider: what it bounces, defers and delivers
// is brought with the id that its 250 gave, through rotations and a content filter.
import { createTransport } from "nodemailer";
import { afterEach, describe, expect, test } from "vitest";
import { createLogIntake } from "../../src/adapters/intake/log.ts";
import { relayIdOf } from "../../src/adapters/smtp/reply.ts";
import { systemClock } from "../../src/clock.ts";
import type { Incoming } from "../../src/delivery/intake.ts";
import { basket, memoryBookmarks } from "../world/bookmarks.ts";
import { type PostfixOptions, type PostfixService, postfixService } from "../world/postfix.ts";
import { postfixMissing } from "../world/service-binaries.ts";
import { type SinkRule, startSinkProcess } from "../world/sink.ts";

const missing = postfixMissing();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const RULES: readonly SinkRule[] = [
  { recipients: ["gone@example.com"], reply: "550 5.1.1 <gone@example.com>: User unknown", phase: "rcpt" },
  {
    recipients: ["grey@example.com"],
    firstAttempts: 1,
    reply: "451 4.7.1 Greylisted, try again later",
    phase: "rcpt",
  },
  {
    recipients: ["noptr@example.com"],
    reply: "550 5.7.25 The IP address sending this message does not have a PTR record setup",
    phase: "dot",
  },
];

async function world(options: Partial<PostfixOptions> = {}) {
  const sink = await startSinkProcess({ rules: RULES });
  ends.push(() => sink.stop());
  const postfix = await postfixService({ next: sink, ...options });
  ends.push(() => postfix.end());
  const bookmarks = memoryBookmarks();
  const follow = async () => {
    const bring = basket();
    const intake = createLogIntake({
      file: postfix.log,
      bookmarks,
      clock: systemClock,
      pollMs: 20,
      graceMs: 300,
    });
    await intake.start(bring.deliver);
    ends.push(() => intake.stop());
    return { ...bring, intake };
  };
  return { sink, postfix, follow };
}

/** The id under which the relay keeps it. */
async function send({ host, port }: PostfixService, to: string): Promise<string> {
  const transport = createTransport({ host, port, ignoreTLS: true });
  const messageId = `<${to.split("@")[0]}@bulk.example>`;
  const info = await transport.sendMail({
    from: "bounces@bulk.example",
    to,
    subject: "s",
    text: "t",
    messageId,
  });
  return relayIdOf(info.response) ?? "";
}

const about = (brought: readonly Incoming[], id: string) =>
  brought
    .filter(({ report }) => report.marks.relayIds.includes(id))
    .map(({ report }) => ({
      action: report.recipients[0]?.action,
      address: report.recipients[0]?.address,
      reason: report.recipients[0]?.classification?.reason ?? null,
      messageIds: report.marks.messageIds,
    }));

describe.skipIf(missing !== null)("the log of a real Postfix", () => {
  test("tells what was delivered, delayed and refused, by the id of its 250", async () => {
    const { postfix, follow } = await world();
    const { brought, until, intake } = await follow();
    const [ok, gone, grey, noptr] = await Promise.all(
      ["ok", "gone", "grey", "noptr"].map((name) => send(postfix, `${name}@example.com`)),
    );
    await until(() => about(brought, grey ?? "").length === 1);
    await postfix.flush();
    await until(() =>
      [ok, gone, grey, noptr].every((id) =>
        about(brought, id ?? "").some(({ action }) => action === "delivered" || action === "failed"),
      ),
    );
    const told = { messageIds: [expect.stringMatching(/@bulk\.example$/)] };
    const of = (id: string | undefined) => about(brought, id ?? "");
    expect(of(ok)).toMatchObject([{ action: "delivered", address: "ok@example.com", reason: null, ...told }]);
    expect(of(gone)).toMatchObject([
      { action: "failed", address: "gone@example.com", reason: "user-unknown" },
    ]);
    expect(of(noptr)).toMatchObject([{ action: "failed", reason: "reverse-dns", ...told }]);
    expect(of(grey)[0]).toMatchObject({ action: "delayed", reason: "greylisted" });
    expect(of(grey).at(-1)).toMatchObject({ action: "delivered", reason: null, ...told });
    expect(intake.health()).toMatchObject({ state: "alive", trouble: null });
    // Local time and zone were understood.
    const atMs = brought[0]?.report.atMs ?? 0;
    expect(Math.abs(Date.now() - atMs)).toBeLessThan(30_000);
  }, 30_000);

  test("is followed through rotations, and from where it stopped", async () => {
    const { postfix, follow } = await world();
    const first = await follow();
    const ids: string[] = [];
    const sendOne = async () => void ids.push(await send(postfix, `ok${ids.length}@example.com`));
    await sendOne();
    await postfix.moveLog(".1");
    await sendOne();
    await postfix.rotate();
    await sendOne();
    await first.until(() => ids.every((id) => about(first.brought, id).length === 1));
    await first.intake.stop();

    // All of it while nobody looks: two mails, in a file that is moved away and packed, and one in the new file.
    const before = ids.length;
    await sendOne();
    await sendOne();
    await expect.poll(() => postfix.logText().match(/status=sent/g)?.length, { timeout: 5_000 }).toBe(3);
    await postfix.rotate();
    await sendOne();
    const second = await follow();
    await second.until(() => ids.slice(before).every((id) => about(second.brought, id).length === 1));
    expect(second.brought).toHaveLength(ids.length - before);
    expect(second.intake.health().trouble).toBeNull();
  }, 30_000);

  test("with a content filter tells the end, and not that the filter took it", async () => {
    const { postfix, follow } = await world({ filtered: true });
    const { brought, until } = await follow();
    const ok = await send(postfix, "ok@example.com");
    const gone = await send(postfix, "gone@example.com");
    await until(() => about(brought, ok).length > 0 && about(brought, gone).length > 0);
    expect(about(brought, ok)).toMatchObject([{ action: "delivered" }]);
    expect(about(brought, gone)).toMatchObject([{ action: "failed", reason: "user-unknown" }]);
    expect(postfix.logText()).toMatch(new RegExp(`${gone}: to=<gone@example.com>.* status=sent .*queued as`));
  }, 30_000);
});
