// What the findings about the sender mean for the mails that are to leave: a blocker stays one only for lanes of
// providers that refuse for it, by their own published rules; for everybody else it is a warning. Pure.
import { isIP } from "node:net";
import { providerTitle } from "../../provider/directory.ts";
import type { Finding, FindingCode } from "./finding.ts";
import type { Leaving } from "./leaving.ts";
import {
  DKIM_FAULTS,
  PROVIDER_RULES,
  type ProviderRule,
  REFUSED_BY_ALL,
  SPF_FAULTS,
} from "./provider-rules.ts";

/** Mails to a provider. */
export interface LaneMails {
  provider: string;
  mails: number;
}

/** `lanes`: those of a campaign; null: no campaign is meant, any provider might get any number of mails. */
export function judgeSender(given: {
  findings: readonly Finding[];
  leavings: readonly Leaving[];
  lanes: readonly LaneMails[] | null;
}): Finding[] {
  const { findings, leavings, lanes } = given;
  const fails = (codes: readonly FindingCode[], leaving: Leaving) =>
    findings.some((one) => one.severity === "blocker" && codes.includes(one.code) && concerns(one, leaving));
  const proofless = (leaving: Leaving) =>
    fails(SPF_FAULTS, leaving) && (fails(DKIM_FAULTS, leaving) || leaving.signs === "nobody");
  const wanted = lanes ?? [...new Set(PROVIDER_RULES.map(({ provider }) => provider))].map(anyMails);
  const judged = findings.map((finding) => {
    if (finding.severity !== "blocker") return finding;
    if (leavings.length > 0 && leavings.every(({ assumed }) => assumed)) return assumedOnly(finding);
    const refusing = wanted.flatMap((lane): Refusal[] => {
      const leaving = wayOf(lane.provider, leavings);
      if (leaving === undefined || leaving.assumed || !concerns(finding, leaving)) return [];
      if (REFUSED_BY_ALL.includes(finding.code)) return [{ ...lane, rule: null }];
      const rule = PROVIDER_RULES.find(
        (one) => applies(one, finding, lane) && (one.either === undefined || proofless(leaving)),
      );
      return rule === undefined ? [] : [{ ...lane, rule }];
    });
    return refusing.length === 0 ? weakened(finding) : refused(finding, refusing, lanes !== null);
  });
  return together(judged);
}

interface Refusal extends LaneMails {
  /** null: not one provider's own rule. */
  rule: ProviderRule | null;
}

function anyMails(provider: string): LaneMails {
  return { provider, mails: Number.POSITIVE_INFINITY };
}

function wayOf(provider: string, leavings: readonly Leaving[]): Leaving | undefined {
  return (
    leavings.find((one) => one.provider === provider) ?? leavings.find(({ provider: id }) => id === null)
  );
}

/** What is said of an address concerns only mail that leaves from it. */
function concerns({ subject }: Finding, { addresses }: Leaving): boolean {
  return subject === undefined || isIP(subject) === 0 || addresses.includes(subject);
}

function applies(rule: ProviderRule, { code, subject = "" }: Finding, lane: LaneMails): boolean {
  if (rule.provider !== lane.provider || !rule.codes.includes(code) || lane.mails < rule.fromMails)
    return false;
  return rule.ipv6Only === undefined || isIP(subject) !== 4;
}

function refused(finding: Finding, refusing: readonly Refusal[], counted: boolean): Finding {
  const from = finding.subject !== undefined && isIP(finding.subject) !== 0 ? ` from ${finding.subject}` : "";
  const who = refusing
    .map(({ provider, mails }) => `${providerTitle(provider)}${counted ? ` (${mails} here)` : ""}`)
    .join(", ");
  const rules = [...new Set(refusing.flatMap(({ rule }) => (rule === null ? [] : [ruleText(rule)])))];
  const by = rules.length === 0 ? "" : ` By ${rules.join("; ")}.`;
  return {
    ...finding,
    message: `${finding.message} Every mail${from} to these is refused: ${who}.${by}`,
    providers: refusing.map(({ provider }) => provider),
  };
}

function ruleText({ name, since, fromMails }: ProviderRule): string {
  const date = since === null ? "" : `, since ${since}`;
  return `${name}${date}${fromMails > 0 ? `, from ${fromMails} mails a day on` : ""}`;
}

function weakened(finding: Finding): Finding {
  return { ...finding, severity: "warning" };
}

function assumedOnly(finding: Finding): Finding {
  return { ...finding, severity: "warning", basis: "assumed" };
}

/** What DNS did not answer for one and the same cause is one trouble, not ten. */
function together(findings: readonly Finding[]): Finding[] {
  const silent = findings.filter(({ code }) => code === "dns-unanswered");
  const causes = new Map<string, Finding[]>();
  for (const finding of silent) {
    const why = finding.message.slice(finding.message.lastIndexOf(": ") + 2);
    causes.set(why, [...(causes.get(why) ?? []), finding]);
  }
  const rest = findings.filter(({ code }) => code !== "dns-unanswered");
  const merged = [...causes].flatMap(([why, group]): Finding[] => {
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    const names = [...new Set(group.map(({ subject }) => subject))].join(", ");
    return [{ ...first, message: `DNS did not answer ${group.length} questions (${names}): ${why}` }];
  });
  return [...rest, ...merged];
}
