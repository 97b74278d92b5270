// From a claimed delivery to its mail: the frozen content of its campaign, rendered for its clients, composed, and
// addressed with a return path that names this very attempt.
import type { Campaign } from "../campaign/campaign.ts";
import { recipientOf } from "../campaign/preflight/rendering.ts";
import type { Content } from "../campaign/store.ts";
import type { Clock } from "../clock.ts";
import { createComposer } from "../template/compose.ts";
import { notificationHeaders } from "../template/headers.ts";
import { createRenderer, type Rendered } from "../template/renderer.ts";
import { compileTemplate } from "../template/template.ts";
import type { ClaimedDelivery } from "./delivery.ts";
import type { MailSource } from "./sender.ts";
import { makeMessageName, makeToken } from "./token.ts";
import type { Mail } from "./transport.ts";

/** Who sends, from the configuration. */
export interface Letterhead {
  from: { name: string | null; address: string };
  replyTo: string | null;
  /** Right side of Message-IDs. */
  domain: string;
  /** With `{token}` in it; null: bounces go to `from`. */
  returnPath: string | null;
  unsubscribeUrl: string | null;
}

/** Adds a DKIM signature, or returns the message as it is. */
export type Signer = (raw: Buffer) => Buffer;

export interface MailContext {
  render: (delivery: Pick<ClaimedDelivery, "address" | "clients">) => Rendered;
  compose: (delivery: ClaimedDelivery) => Mail;
}

/** Campaigns whose compiled content is kept. */
const KEPT = 16;

export function createMailSource(options: {
  letterhead: Letterhead;
  secret: string;
  clock: Clock;
  sign: Signer;
  contentOf: (campaignId: number, revision: number) => Promise<{ campaign: Campaign; content: Content }>;
}): MailSource {
  const contexts = new Map<string, MailContext>();
  const keyOf = (campaignId: number, revision: number) => `${campaignId}/${revision}`;
  return {
    load: async (campaignId, revision) => {
      const key = keyOf(campaignId, revision);
      if (contexts.has(key)) return;
      const { campaign, content } = await options.contentOf(campaignId, revision);
      for (const old of contexts.keys()) {
        if (contexts.size < KEPT) break;
        contexts.delete(old);
      }
      contexts.set(key, createMailContext({ ...options, campaign, content }));
    },
    mailOf: (delivery) => {
      const context = contexts.get(keyOf(delivery.campaignId, delivery.revision));
      if (context === undefined)
        throw new Error(`The content of campaign ${delivery.campaignId} is not loaded.`);
      return context.compose(delivery);
    },
  };
}

export function createMailContext(options: {
  letterhead: Letterhead;
  secret: string;
  clock: Clock;
  sign: Signer;
  campaign: Pick<Campaign, "id">;
  content: Content;
}): MailContext {
  const { letterhead, secret, campaign, content } = options;
  const template = compileTemplate(content.source);
  const senderName = letterhead.from.name;
  const render = createRenderer({
    template,
    values: content.values,
    ...(senderName === null ? {} : { senderName }),
  });
  const composer = createComposer({
    from:
      senderName === null ? { address: letterhead.from.address } : { ...letterhead.from, name: senderName },
    ...(letterhead.replyTo === null ? {} : { replyTo: { address: letterhead.replyTo } }),
    domain: letterhead.domain,
    fixedHeaders: [],
  });
  const renderFor = (delivery: Pick<ClaimedDelivery, "address" | "clients">) =>
    render(recipientOf(delivery.address, delivery.clients));

  return {
    render: renderFor,
    compose: (delivery) => {
      const { subject, html, text } = renderFor(delivery);
      const token = makeToken({ delivery: delivery.id, attempt: delivery.attempt }, secret);
      const name = delivery.clients.find((client) => client.name !== null)?.name ?? null;
      const { raw, smtpUtf8 } = composer({
        to: { name, address: delivery.address },
        subject,
        html,
        text,
        messageId: makeMessageName({ delivery: delivery.id, revision: delivery.revision }, secret),
        date: new Date(options.clock.now()),
        headers: notificationHeaders({
          templateClass: template.class,
          campaignId: String(campaign.id),
          deliveryToken: token,
          feedback: { customer: letterhead.domain, sender: "bellwether" },
          listDomain: letterhead.domain,
          ...(letterhead.unsubscribeUrl === null ? {} : { unsubscribeUrl: letterhead.unsubscribeUrl }),
        }),
      });
      const from = letterhead.returnPath?.replace("{token}", token) ?? letterhead.from.address;
      return { from, to: delivery.address, raw: options.sign(raw), smtpUtf8, envid: token };
    },
  };
}

/** What a signature by DKIM adds, bytes: with an RSA key of 2048 bits and our list of headers. */
const SIGNATURE_BYTES = 800;

/** How large the mail to an address would be on the wire, in bytes, give or take its tokens and with room for a signature. */
export function sizeOfMail(options: {
  letterhead: Letterhead;
  clock: Clock;
  content: Content;
  address: string;
  clients: ClaimedDelivery["clients"];
}): number {
  const { address, clients } = options;
  const context = createMailContext({ ...options, secret: "", sign: (raw) => raw, campaign: { id: 1 } });
  const numbers = { id: 1, campaignId: 1, laneId: 1, epoch: 1, attempt: 1, try: 0, losses: 0, waited: 0 };
  const delivery = { ...numbers, worker: "", revision: 1, domain: "", address, clients };
  return context.compose(delivery).raw.length + SIGNATURE_BYTES;
}
