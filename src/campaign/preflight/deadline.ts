// Can everybody be told in time? Rate and daily limit of the routes against the moment after which the notice is late or
// no longer true. An estimate for people, pure: it counts what must be waited for and nothing else, so that what it calls
// too late is too late.
import { shownDuration } from "../../breaker/silence.ts";
import { providerTitle } from "../../provider/directory.ts";
import type { Finding } from "./finding.ts";
import type { ProbedRoute } from "./routes.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Whatever takes longer is not waited for by anybody. */
const FOR_EVER_MS = 366 * DAY_MS;

export interface RouteAhead {
  size: number;
  rate: { count: number; perMs: number } | null;
  /** Mails a day of UTC. */
  dailyLimit: number | null;
  /** Of these, taken on the day on which it begins. */
  usedToday: number;
  beginsMs: number;
}

/** Ms from the beginning until the last mail may leave. */
export function routeDurationMs({ size, rate, dailyLimit, usedToday, beginsMs }: RouteAhead): number {
  const eachMs = rate === null ? 0 : rate.perMs / rate.count;
  if (dailyLimit === null) return size * eachMs;
  const within = (ms: number, limit: number) =>
    eachMs === 0 ? limit : Math.min(limit, Math.floor(ms / eachMs));
  const tonightMs = DAY_MS - (beginsMs % DAY_MS);
  const today = within(tonightMs, Math.max(0, dailyLimit - usedToday));
  if (size <= today) return size * eachMs;
  const aDay = within(DAY_MS, dailyLimit);
  const rest = size - today;
  const fullDays = Math.ceil(rest / aDay) - 1;
  if (!(fullDays * DAY_MS < FOR_EVER_MS)) return FOR_EVER_MS;
  return tonightMs + fullDays * DAY_MS + (rest - fullDays * aDay) * eachMs;
}

export function checkDeadline(options: {
  routes: readonly ProbedRoute[];
  /** Recipients by provider. */
  providers: readonly (readonly [string, number])[];
  /** What the ramp takes besides; 0: nothing is known of it. */
  rampMs: number;
  beginsMs: number;
  nowMs: number;
  tellByMs: number | null;
  validUntilMs: number | null;
}): Finding[] {
  const { routes, providers, rampMs, beginsMs, nowMs, tellByMs, validUntilMs } = options;
  const endMs = Math.min(tellByMs ?? Number.POSITIVE_INFINITY, validUntilMs ?? Number.POSITIVE_INFINITY);
  // Of a moment that has passed already another finding speaks.
  if (!Number.isFinite(endMs) || endMs <= beginsMs) return [];
  const isToday = Math.floor(nowMs / DAY_MS) === Math.floor(beginsMs / DAY_MS);
  const findings: Finding[] = [];
  for (const { name, provider, serves, rate, dailyLimit, today } of routes) {
    const size = providers.reduce((sum, [id, number]) => (serves.includes(id) ? sum + number : sum), 0);
    const ms = routeDurationMs({ size, rate, dailyLimit, usedToday: isToday ? today : 0, beginsMs });
    if (ms === 0 || beginsMs + ms + rampMs <= endMs) continue;
    const what = provider === null ? "the relay" : `the route to ${providerTitle(provider)}`;
    const pace = [
      ...(rate === null ? [] : [`${rate.count} mails in ${shownDuration(rate.perMs)}`]),
      ...(dailyLimit === null ? [] : [`${dailyLimit} a day`]),
    ];
    const long = ms >= FOR_EVER_MS ? "more than a year" : `about ${shownDuration(ms + rampMs)}`;
    const ramp = rampMs > 0 ? " and the ramp" : "";
    const which = endMs === tellByMs ? "tell_by" : "valid_until";
    findings.push({
      code: "deadline-too-near",
      severity: "warning",
      basis: "configured",
      message: `${size} mails take ${long} with ${what}'s ${pace.join(" and ")}${ramp}; that is later than ${which} (${new Date(endMs).toISOString()}).`,
      hint: `Let it begin earlier or tell fewer, or raise rate and daily_limit of ${provider === null ? "[smtp]" : "this route in [[routes]]"} if the relay allows it. What is not sent by valid_until expires.`,
      subject: provider ?? name,
    });
  }
  return findings;
}
