// The road by mail: straight to the configured route, past lanes and windows, with a patience of its own. Where that
// route or the addressee's provider is stopped at this moment it is tried once, and what comes of it is not relied on.
import { randomUUID } from "node:crypto";
import { subjectOf, textOf } from "../../alert/message.ts";
import type { Message, Road, RoadAnswer } from "../../alert/road.ts";
import type { Clock } from "../../clock.ts";
import type { Letterhead, Signer } from "../../delivery/mailer.ts";
import type { Heard } from "../../delivery/outcome.ts";
import type { Mail, Transport } from "../../delivery/transport.ts";
import { createComposer } from "../../template/compose.ts";

const LIMIT_MS = 30_000;

export function createMailRoad(options: {
  first: readonly string[];
  deputy: readonly string[];
  /** With timeouts below the limit. */
  transport: Transport;
  /** By which route an address's mail goes, and why nobody can rely on it now; null: nothing is known against it. */
  wayOf: (address: string) => Promise<{ route: string; doubt: string | null }>;
  letterhead: () => Letterhead;
  sign: Signer;
  clock: Clock;
  limitMs?: number;
}): Road {
  const { first, deputy, clock, limitMs = LIMIT_MS } = options;

  async function send(message: Message, signal: AbortSignal): Promise<RoadAnswer> {
    const { route, doubt } = await options.wayOf(message.target);
    const { transport } = options;
    const domain = message.target.slice(message.target.lastIndexOf("@") + 1);
    const connected = await transport.connect(route, transport.destination(route, domain));
    if (!connected.ok) return doubted(connected.failure.reply ?? connected.failure.message, false, doubt);
    try {
      // Given up while it was connected: nothing is begun.
      const heard = await connected.connection.send(compose(message, options), () => !signal.aborted);
      return doubted(wordsOf(heard), heard.kind === "accepted", doubt);
    } finally {
      await connected.connection.close();
    }
  }

  return {
    name: "mail",
    targets: { first, deputy },
    tell: async (message, given) => {
      const limit = AbortSignal.timeout(limitMs);
      const signal = AbortSignal.any([limit, given]);
      const late = new Promise<RoadAnswer>((resolve) => {
        const answer = () =>
          resolve({
            ok: false,
            answer: limit.aborted ? `no answer within ${Math.round(limitMs / 1000)} s` : "this process ends",
          });
        if (signal.aborted) answer();
        signal.addEventListener("abort", answer, { once: true });
      });
      if (signal.aborted) return late;
      const sent = send(message, signal).catch((error: unknown) => ({
        ok: false,
        answer: error instanceof Error ? error.message : String(error),
      }));
      return Promise.race([sent, late]);
    },
  };

  function compose(
    { alert, target, deputy: isDeputy, id }: Message,
    { letterhead, sign }: Pick<typeof options, "letterhead" | "sign">,
  ): Mail {
    const { from, replyTo, domain } = letterhead();
    const composer = createComposer({
      from: from.name === null ? { address: from.address } : { name: from.name, address: from.address },
      ...(replyTo === null ? {} : { replyTo: { address: replyTo } }),
      domain,
      fixedHeaders: [
        // RFC 3834: no machine shall answer.
        ["Auto-Submitted", "auto-generated"],
        ["X-Bellwether-Alert", id],
      ],
    });
    const text = textOf(alert, isDeputy);
    const { raw, smtpUtf8 } = composer({
      to: { name: null, address: target },
      subject: subjectOf(alert, isDeputy),
      text,
      html: `<pre style="white-space:pre-wrap;font:inherit">${escaped(text)}</pre>`,
      messageId: randomUUID(),
      date: new Date(clock.now()),
      headers: alert.urgency === "high" ? [["Importance", "high"]] : [],
    });
    return { from: from.address, to: target, raw: sign(raw), smtpUtf8 };
  }
}

function doubted(answer: string, ok: boolean, doubt: string | null): RoadAnswer {
  if (doubt === null) return { ok, answer };
  // A provider that stops us is not asked again and again.
  return { ok, answer: `not sure (${doubt}): ${answer}`, final: true };
}

function wordsOf(heard: Heard): string {
  switch (heard.kind) {
    case "accepted":
    case "refused":
      return heard.reply;
    case "lost":
      return heard.message;
    case "returned":
      return "it was not sent";
  }
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
