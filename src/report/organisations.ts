// Organisations that refuse us by a rule of their own, and the letter that asks their administrator to admit our mail:
// what to admit, and why. Words only; who is one of them is decided where the rows are.
import { describeReason } from "../bounce/advice.ts";
import type { Reason } from "../bounce/reason.ts";
import { redactReply } from "../bounce/redact.ts";
import { providerTitle } from "../provider/directory.ts";
import { OTHER } from "../provider/provider.ts";

/** An organisation (or in the long tail an MX site), in one lane. */
export interface RefusingOrganisation {
  /** Its domain: the name by which it returns. */
  organisation: string;
  provider: string;
  /** Addresses of this campaign that were refused or set aside. */
  addresses: number;
  reason: Reason;
  /** One of its replies, redacted; null: forgotten. */
  reply: string | null;
}

/** Who sends, as an administrator must know it. */
export interface SenderFacts {
  /** Address in the From. */
  from: string;
  /** Domain of the envelope sender, and of the DKIM signature. */
  returnDomain: string;
  signingDomain: string;
  /** As receivers see them; empty: not configured. */
  addresses: readonly string[];
}

export function organisationOfRow(row: {
  unit: string;
  provider: string;
  count: number;
  reason: Reason | null;
  reply: string | null;
}): RefusingOrganisation {
  return {
    organisation: row.unit,
    provider: row.provider,
    addresses: row.count,
    reason: row.reason ?? "policy",
    reply: row.reply === null ? null : redactReply(row.reply),
  };
}

/** To be copied into a mail or read on the telephone; lines without a line end at the last. */
export function letterTo(organisation: RefusingOrganisation, sender: SenderFacts): string {
  const { organisation: name, provider, addresses, reason, reply } = organisation;
  const at = provider === OTHER ? "your mail system" : `your mail system (${providerTitle(provider)})`;
  const domains = [...new Set([domainOf(sender.from), sender.returnDomain, sender.signingDomain])];
  const lines = [
    `To the mail administrator of ${name}:`,
    `We send your people notices about services that they have with us. A rule of ${at} refuses them: ${describeReason(reason)}. ${addresses === 1 ? "One address has" : `${addresses} addresses have`} not been told.`,
    "Please admit our mail:",
    `- from: ${sender.from}`,
    `- ${domains.length === 1 ? "domain" : "domains"}: ${domains.join(", ")}`,
  ];
  if (sender.addresses.length > 0) lines.push(`- sent by: ${sender.addresses.join(", ")}`);
  if (reply !== null) lines.push(`Your server's words: ${reply.replace(/\s*\r?\n\s*/g, " ").trim()}`);
  lines.push("Tell us when it is done: we send the notice once more.");
  return lines.join("\n");
}

/** "from support@example.com, sent by 192.0.2.1": the same in half a sentence. */
export function whatToAdmit(sender: SenderFacts): string {
  const by = sender.addresses.length > 0 ? `, sent by ${sender.addresses.join(" and ")}` : "";
  return `from ${sender.from}${by}`;
}

function domainOf(address: string): string {
  return address.split("@").at(-1) ?? address;
}
