// Who would get it: addresses that belong to a function, domains that nobody has or somebody mistyped, addresses that
// are left out, and how the others are shared out among providers. Pure; the counts come from one pass over the import.
import type { Reason } from "../../bounce/reason.ts";
import { providerTitle } from "../../provider/directory.ts";
import type { ProviderAnswer } from "../../provider/lookup.ts";
import { OTHER } from "../../provider/provider.ts";
import type { BY_HAND } from "../suppression.ts";
import type { Finding } from "./finding.ts";
import { counted, SHOWN, type Tally } from "./tally.ts";
import { meantDomain } from "./typo-domains.ts";

/** Below, who goes where is seen at a glance. */
const WORTH_SHARES = 100;

/** Of RFC 2142, and what forms and offices use; they are read by many, by a machine, or by nobody. */
const ROLES = new Set(
  (
    "abuse admin administrator billing compliance contact devnull donotreply do-not-reply ftp help hostmaster info " +
    "inquiries jobs kontakt legal list mail mailer-daemon marketing news no-reply noc noreply nobody office postmaster " +
    "press privacy root sales security service spam support sysadmin team test unsubscribe usenet uucp webmaster www"
  ).split(" "),
);

/** Whether an address stands for a function instead of a person; `key`: in lower case. */
export function isRole(key: string): boolean {
  const at = key.lastIndexOf("@");
  const plus = key.indexOf("+");
  return ROLES.has(key.slice(0, plus > 0 && plus < at ? plus : at));
}

export type WhySuppressed = Reason | typeof BY_HAND;
export type SuppressedCounts = ReadonlyMap<WhySuppressed, number>;

const WHY: Partial<Record<WhySuppressed, string>> = {
  "by-hand": "by hand",
  complaint: "after a complaint",
  "user-unknown": "the mailbox does not exist",
  "host-unknown": "the domain does not exist",
  disabled: "the mailbox is closed",
};

export function checkAudience(options: {
  recipients: number;
  domains: ReadonlyMap<string, number>;
  answers: ReadonlyMap<string, ProviderAnswer>;
  roles: Tally;
  suppressed: SuppressedCounts;
  /** Recipients by provider, largest first. */
  providers: readonly (readonly [string, number])[];
  /** Nothing leaves this machine: what DNS says of the domains is of no use. */
  isSandbox: boolean;
}): Finding[] {
  const { recipients, domains, answers, roles, providers } = options;
  const findings: Finding[] = [];
  const left = [...options.suppressed].sort((a, b) => b[1] - a[1]);
  const leftOut = left.reduce((sum, [, number]) => sum + number, 0);
  if (leftOut > 0) {
    const isAll = leftOut >= recipients;
    const reasons = left.map(([reason, number]) => `${number} (${WHY[reason] ?? reason})`).join(", ");
    findings.push({
      code: "suppressed",
      severity: isAll ? "warning" : "info",
      basis: "measured",
      message: `${isAll ? "All" : leftOut} of ${counted(recipients, "address", "addresses")} are suppressed and get no mail: ${reasons}.`,
      hint: "`untold` lists them, `suppressions list` says why, `suppressions remove ADDRESS` takes one back.",
    });
  }
  findings.push(...domainFindings(domains, answers, options.isSandbox));
  if (roles.count > 0) {
    findings.push({
      code: "role-addresses",
      severity: "info",
      basis: "measured",
      message: `${counted(roles.count, "address belongs", "addresses belong")} to a function and not to a person: ${roles.examples.join(", ")}${roles.count > roles.examples.length ? ", ..." : ""}.`,
      hint: "They are read by several people, or by nobody, and complain more often. Ask those clients for a person's address.",
    });
  }
  const [largest] = providers;
  if (recipients >= WORTH_SHARES && largest !== undefined) {
    const shares = providers
      .slice(0, 5)
      .map(([id, number]) => `${providerTitle(id)} ${percent(number / recipients)}`);
    const rest = providers.length > shares.length ? `, ${providers.length - shares.length} more` : "";
    findings.push({
      code: "audience-shares",
      severity: "info",
      basis: "measured",
      message: `${recipients} addresses at ${counted(providers.length, "provider", "providers")}: ${shares.join(", ")}${rest}. The largest lane is ${providerTitle(largest[0])} with ${largest[1]}.`,
      hint: "A provider that refuses us stops its own lane; what the largest one says decides most.",
    });
  }
  return findings;
}

function domainFindings(
  domains: ReadonlyMap<string, number>,
  answers: ReadonlyMap<string, ProviderAnswer>,
  isSandbox: boolean,
): Finding[] {
  const findings: Finding[] = [];
  const mistyped = createList();
  const dead = createList();
  for (const [domain, number] of domains) {
    const answer = answers.get(domain);
    // Whoever has a provider's MX behind it is somebody's real domain.
    const meant = answer === undefined || answer.provider === OTHER ? meantDomain(domain) : null;
    if (meant !== null) mistyped.add(`${domain} (${meant}?)`, number);
    else if (answer?.basis === "none" && !isSandbox) dead.add(domain, number);
  }
  if (mistyped.addresses > 0) {
    findings.push({
      code: "domain-mistyped",
      severity: "warning",
      basis: "measured",
      message: `${counted(mistyped.addresses, "address is", "addresses are")} probably mistyped: ${mistyped.text()}.`,
      hint: "Ask those clients. Such domains often belong to somebody who collects what was meant for others.",
    });
  }
  if (dead.addresses > 0) {
    findings.push({
      code: "domain-takes-no-mail",
      severity: "warning",
      basis: "measured",
      message: `${counted(dead.addresses, "address is", "addresses are")} at a domain that does not exist or takes no mail: ${dead.text()}.`,
      hint: "They will bounce. Correct them in the CSV file, or tell these clients otherwise.",
    });
  }
  return findings;
}

/** The domains with most addresses, as they are quoted; a million different ones leave no more behind than twenty. */
function createList() {
  let top: [string, number][] = [];
  let different = 0;
  const list = {
    addresses: 0,
    add: (domain: string, number: number) => {
      list.addresses += number;
      different += 1;
      top.push([domain, number]);
      if (top.length > 2 * SHOWN) top = largest();
    },
    text: () => {
      const shown = largest().map(([domain, number]) => (number > 1 ? `${number} at ${domain}` : domain));
      return `${shown.join(", ")}${different > shown.length ? ` and ${different - shown.length} more domains` : ""}`;
    },
  };
  const largest = () => top.sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
  return list;
}

function percent(share: number): string {
  return share < 0.01 ? "under 1 %" : `${Math.round(100 * share)} %`;
}
