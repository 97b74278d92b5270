// A mailbox intake on a private Dovecot, and what lies in the mailbox, for the tests of test/stack.
import type { ImapFlow } from "imapflow";
import { afterEach } from "vitest";
import { createImapIntake, type ImapTiming } from "../../src/adapters/intake/imap.ts";
import { systemClock } from "../../src/clock.ts";
import type { Bookmarks, Intake } from "../../src/delivery/intake.ts";
import { type DovecotOptions, type DovecotService, dovecotService } from "./dovecot.ts";
import { createLedger, readSmall } from "./reports.ts";

export const PROCESSED = "Bellwether processed";

const ends: (() => Promise<void>)[] = [];

/** To be called once in a file that uses what is here. */
export function endIntakesAfterEach(): void {
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
}

/** A server for one test. */
export async function served(options: DovecotOptions): Promise<DovecotService> {
  const dovecot = await dovecotService(options);
  ends.push(() => dovecot.end());
  return dovecot;
}

export interface Watch {
  user: string;
  folder?: string;
  pass?: string;
  timing?: Partial<ImapTiming>;
  read?: typeof readSmall;
  unreadable?: (error: unknown) => void;
  bookmarks?: Bookmarks;
}

export function intakeOf(dovecot: DovecotService, watch: Watch): Intake {
  const { user, folder, pass, timing, read, bookmarks, unreadable } = watch;
  const intake = createImapIntake({
    mailbox: {
      ...{ host: "localhost", port: dovecot.port, implicitTls: true, user },
      ...{ pass: pass ?? dovecot.password, folder: folder ?? "INBOX" },
    },
    read: read ?? readSmall,
    bookmarks: bookmarks ?? createBookmarks(),
    clock: systemClock,
    ca: dovecot.ca,
    ...(unreadable === undefined ? {} : { unreadable }),
    timing: { retryFirstMs: 50, retryLongestMs: 200, ...timing },
  });
  ends.push(() => intake.stop());
  return intake;
}

export async function watching(dovecot: DovecotService, watch: Watch) {
  const [ledger, intake] = [createLedger(), intakeOf(dovecot, watch)];
  await intake.start(ledger.deliver);
  return { ledger, intake };
}

export function createBookmarks(): Bookmarks {
  const kept = new Map<string, string>();
  return {
    load: async (intake) => kept.get(intake) ?? null,
    save: async (intake, place) => void kept.set(intake, place),
  };
}

interface Lying {
  subject: string;
  flags: string[];
}

export const lyingIn = (dovecot: DovecotService, user: string, folder: string): Promise<Lying[]> =>
  dovecot.as(user, async (client: ImapFlow) => {
    const there = await client.list();
    if (!there.some(({ path }) => path === folder)) return [];
    await client.mailboxOpen(folder, { readOnly: true });
    const rows = await client.fetchAll("1:*", { envelope: true, flags: true });
    return rows.map((row) => ({
      subject: row.envelope?.subject ?? "",
      flags: [...(row.flags ?? [])].filter((flag) => flag !== "\\Recent"),
    }));
  });

export const tokensOf = (ledger: ReturnType<typeof createLedger>) =>
  ledger.all().map(({ report }) => report.marks.tokens[0] ?? "");

export async function countIn(
  dovecot: DovecotService,
  user: string,
  ...folders: string[]
): Promise<number[]> {
  const counts = [];
  for (const folder of folders) counts.push((await lyingIn(dovecot, user, folder)).length);
  return counts;
}
