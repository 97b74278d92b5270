// DMARC as receivers read it (RFC 7489): the record of the domain that readers see or of its organisation, what it asks
// for, and whether the envelope's domain or the signature's is of the same organisation. Pure; what was not answered is
// never a blocker.
import { organisationOf } from "../../provider/directory.ts";
import type { Finding } from "./finding.ts";
import { type DnsAnswer, measured, tagOf, unanswered } from "./sender-dns.ts";

export interface DmarcQuestion {
  /** Of From, which readers see. */
  readonly fromDomain: string;
  /** Of the envelope sender; null: not known. */
  readonly returnDomain: string | null;
  /** The d= of our signature; null: we do not sign. */
  readonly signingDomain: string | null;
  /** What we do not sign a relay may. */
  readonly mayBeSigned: boolean;
  /** The domain's own place first, then its organisation's (section 6.6.3). */
  readonly places: readonly { readonly name: string; readonly answer: DnsAnswer }[];
}

export function judgeDmarc(question: DmarcQuestion): Finding[] {
  const [own] = question.places;
  if (own === undefined) return [];
  for (const { name, answer } of question.places) {
    if (answer.kind === "failed") return [unanswered(`DMARC at ${name}`, answer.why, name)];
    const records =
      answer.kind === "none" ? [] : answer.values.filter((text) => /^v=DMARC1\s*(;|$)/i.test(text));
    const [record] = records;
    if (records.length > 1) {
      return [
        measured("blocker", "dmarc-missing", {
          message: `${name} has ${records.length} DMARC records: that counts as none.`,
          hint: "Leave one of them.",
          subject: name,
        }),
      ];
    }
    if (record !== undefined) return judgeAlignment(question, { name, record, isOwn: name === own.name });
  }
  return [
    measured("blocker", "dmarc-missing", {
      message: `There is no DMARC record at ${question.places.map((one) => one.name).join(" or ")}.`,
      hint: `Publish at ${own.name}: TXT "v=DMARC1; p=none".`,
      subject: own.name,
    }),
  ];
}

/** Section 3.1: relaxed is one organisation, strict one domain; one of the two proofs is enough. */
function judgeAlignment(
  { fromDomain, returnDomain, signingDomain, mayBeSigned }: DmarcQuestion,
  { name, record, isOwn }: { name: string; record: string; isOwn: boolean },
): Finding[] {
  const aligned = (domain: string | null, mode: string | null) =>
    domain !== null &&
    (mode?.toLowerCase() === "s"
      ? domain === fromDomain
      : organisationOf(domain) === organisationOf(fromDomain));
  if (aligned(signingDomain, tagOf(record, "adkim")) || aligned(returnDomain, tagOf(record, "aspf")))
    return [];
  // A subdomain of the organisation that has the record follows its sp, where there is one.
  const asked = (isOwn ? null : tagOf(record, "sp")) ?? tagOf(record, "p");
  const policy = asked?.toLowerCase() ?? "none";
  const strict = policy === "reject" || policy === "quarantine";
  const signed = signingDomain === null ? "we do not sign with DKIM" : `DKIM signs for ${signingDomain}`;
  const words = {
    message: `Readers see ${fromDomain}, but SPF speaks for ${returnDomain ?? "nobody"} and ${signed}: DMARC fails${strict ? `, and ${name} asks receivers to ${policy} such mail` : ""}.`,
    hint: `Use a return_path at ${fromDomain} or below it, or sign with DKIM for ${fromDomain} (domain and [sender.dkim] below [sender]).`,
    subject: name,
  };
  // A relay that signs for this domain would make it right.
  if (signingDomain === null && mayBeSigned)
    return [{ ...measured("warning", "dmarc-unaligned", words), basis: "assumed" }];
  return [measured("blocker", strict ? "dmarc-rejects" : "dmarc-unaligned", words)];
}
