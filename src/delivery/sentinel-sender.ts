// Sends the sentinels that are due: at most one a campaign and route, whoever else looks for them. A process that dies
// on the way leaves one that will be missing, which is the careful side.
import type { Clock } from "../clock.ts";
import type { Signer } from "./mailer.ts";
import { type SentinelStore, sentinelMail } from "./sentinel.ts";
import type { Transport } from "./transport.ts";

const LOOK_MS = 500;
/** A relay that is away is asked again so much later. */
const AWAY_MS = 10_000;

/** Runs until the signal; never rejects. */
export async function sendSentinels(options: {
  store: SentinelStore;
  transport: Transport;
  clock: Clock;
  secret: string;
  /** From the letterhead. */
  from: string;
  returnPath: string | null;
  domain: string;
  sign: Signer;
  /** A relay, whose reports come by mail or in a log. */
  isWatched: (route: string) => boolean;
  signal: AbortSignal;
}): Promise<void> {
  const { store, clock, signal, isWatched } = options;
  while (!signal.aborted) {
    let restMs = LOOK_MS;
    try {
      for (const { campaignId, route } of await store.due()) {
        if (signal.aborted || !isWatched(route)) continue;
        const id = await store.begin(campaignId, route);
        if (id === null) continue;
        const heard = await sendOne(options, id, route);
        await store.settle(id, heard);
        if (heard.is === "unreachable") restMs = AWAY_MS;
      }
    } catch {
      // The database is away: whoever sends says so.
    }
    await clock.sleep(restMs, signal);
  }
}

async function sendOne(
  { transport, clock, secret, from, returnPath, domain, sign }: Parameters<typeof sendSentinels>[0],
  id: number,
  route: string,
): Promise<Parameters<SentinelStore["settle"]>[1]> {
  const answer = await transport.connect(route, "");
  if (!answer.ok) return { is: "unreachable" };
  const { connection } = answer;
  try {
    const mail = sentinelMail({ id, secret, from, returnPath, domain, nowMs: clock.now() });
    const heard = await connection.send({ ...mail, raw: sign(mail.raw) }, () => true);
    if (heard.kind === "refused") return { is: "refused", reply: heard.reply };
    // Without an answer after the last dot it may come back all the same.
    if (heard.kind === "accepted" || (heard.kind === "lost" && heard.handedOver)) return { is: "sent" };
    return { is: "unreachable" };
  } finally {
    await connection.close();
  }
}
