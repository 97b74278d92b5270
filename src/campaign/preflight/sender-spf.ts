// What an SPF evaluation means, address by address, as receivers make it (RFC 7208): does the record let this address
// send, can it be read to its end, and does it say anything at all. Pure; evaluating is behind the port SpfEvaluator.
import type { Finding } from "./finding.ts";
import { measured, unanswered } from "./sender-dns.ts";

export interface SpfVerdict {
  readonly result: "pass" | "fail" | "softfail" | "neutral" | "none" | "permerror" | "temperror";
  /** Of permerror and temperror: what went wrong, in the evaluator's words. */
  readonly why: string;
}

/** At most 10 look-ups, 2 of them void (RFC 7208 section 4.6.4). Never rejects. */
export type SpfEvaluator = (question: {
  address: string;
  /** Of the envelope sender. */
  domain: string;
  helo: string | null;
}) => Promise<SpfVerdict>;

export function judgeSpfVerdicts(given: {
  domain: string;
  /** The domain's own record. */
  record: string;
  verdicts: readonly { address: string; verdict: SpfVerdict }[];
}): Finding[] {
  const { domain, record, verdicts } = given;
  const findings: Finding[] = [];
  const broken = verdicts.find(({ verdict }) => verdict.result === "permerror");
  if (broken !== undefined) {
    findings.push(
      measured("blocker", "spf-broken", {
        message: `SPF of ${domain} cannot be evaluated: ${plain(broken.verdict.why)}. Receivers count that as a failure.`,
        hint: `Correct "${record}": at most 10 terms that ask DNS (include, a, mx, ptr, exists, redirect), those of included records too, and none that leads nowhere. Write ip4: and ip6: in their place.`,
        subject: domain,
      }),
    );
  }
  for (const { address, verdict } of verdicts) {
    const { result } = verdict;
    if (result === "temperror") findings.push(unanswered(`SPF of ${domain}`, verdict.why, address));
    if (result !== "fail" && result !== "softfail" && result !== "neutral" && result !== "none") continue;
    findings.push(
      measured("blocker", "spf-fails", {
        message: `SPF of ${domain} does not let ${address} send (the result is ${result}).`,
        hint: `Publish at ${domain} in place of the old record: TXT "${withAddress(record, address)}"`,
        subject: address,
      }),
    );
  }
  return [...findings, ...judgeAll(domain, record)];
}

/** The record's last word: for anybody else. */
function judgeAll(domain: string, record: string): Finding[] {
  const terms = record.toLowerCase().split(/\s+/);
  const all = terms.find((term) => /^[+?~-]?all$/.test(term));
  const said = (severity: Finding["severity"], message: string) => [
    measured(severity, "spf-open", {
      message,
      hint: `End the record of ${domain} with ~all or -all.`,
      subject: domain,
    }),
  ];
  if (all === "all" || all === "+all")
    return said("warning", `SPF of ${domain} lets anybody send in its name (${all}): receivers distrust it.`);
  if (all === "?all" || (all === undefined && !terms.some((term) => term.startsWith("redirect="))))
    return said("info", `SPF of ${domain} says nothing about servers that it does not name.`);
  return [];
}

/** The same record with one address more. */
function withAddress(record: string, address: string): string {
  const terms = record.trim().split(/\s+/);
  const end = terms.findIndex((term) => /^([+?~-]?all$|redirect=)/i.test(term));
  terms.splice(end < 0 ? terms.length : end, 0, `${address.includes(":") ? "ip6" : "ip4"}:${address}`);
  return terms.join(" ");
}

function plain(why: string): string {
  if (why === "Too many DNS requests") return "it needs more than 10 look-ups";
  if (why === "Too many void DNS results") return "more than 2 of its look-ups find nothing";
  return why === "" ? "it has an error" : why;
}
