// What a sink in another process can be told: rules as plain data, and the script that they stand for.
import type { Phase } from "../../src/bounce/reason.ts";
import type { Moment, Script } from "../../src/sandbox/moment.ts";
import {
  combine,
  type DropPoint,
  delayAll,
  domainOf,
  dropAt,
  type ReplyLike,
  refuseIf,
  refuseShare,
} from "../../src/sandbox/scripts.ts";

/** Whom it concerns (all that is given must fit), and what is done; the first rule that answers is heard. */
export interface SinkRule {
  provider?: string;
  domains?: readonly string[];
  recipients?: readonly string[];
  /** Only from the mail after the n-th of that provider. */
  after?: number;
  /** Only the first n attempts of each recipient. */
  firstAttempts?: number;
  /** Only this share (0 to 1) of the addresses. */
  share?: number;
  seed?: number;
  /** One of: refuse (or accept) with these words, cut the connection, be late. */
  reply?: ReplyLike;
  drop?: DropPoint;
  delayMs?: number;
  /** Of `reply` and `delayMs`. */
  phase?: Phase;
}

export function scriptFromRules(rules: readonly SinkRule[]): Script {
  return combine(...rules.map(scriptFromRule));
}

function scriptFromRule(rule: SinkRule): Script {
  const domains = rule.domains === undefined ? undefined : new Set(rule.domains);
  const recipients = rule.recipients === undefined ? undefined : new Set(rule.recipients);
  const inShare = rule.share === undefined ? undefined : refuseShare(rule.share, rule.seed ?? 1, "in", {});
  const beforeRcpt = (moment: Moment) => moment.recipient === null;
  const fits = (moment: Moment): boolean =>
    (rule.provider === undefined || moment.provider === rule.provider) &&
    (domains === undefined || (moment.recipient !== null && domains.has(domainOf(moment.recipient)))) &&
    (recipients === undefined || (moment.recipient !== null && recipients.has(moment.recipient))) &&
    (rule.after === undefined || moment.seen > rule.after - (beforeRcpt(moment) ? 1 : 0)) &&
    (rule.firstAttempts === undefined || moment.attempt <= rule.firstAttempts) &&
    (inShare === undefined || inShare({ ...moment, phase: "dot" }) !== undefined);
  if (rule.drop !== undefined) return dropAt(rule.drop, fits);
  const options = {
    ...(rule.phase === undefined ? {} : { phase: rule.phase }),
    ...(rule.delayMs === undefined ? {} : { delayMs: rule.delayMs }),
  };
  if (rule.reply !== undefined) return refuseIf(fits, rule.reply, options);
  const late = delayAll(rule.delayMs ?? 0, rule.phase);
  return (moment) => (fits(moment) ? late(moment) : undefined);
}
