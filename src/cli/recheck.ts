// Before held lanes go on: DNS is asked whether the cause is still there, the wait after a failed trial is told, and
// what a person overrides is recorded. Says what it saw; which lanes may go on is decided in recovery.ts.
import type { Bellwether } from "../application.ts";
import type { Campaign } from "../campaign/campaign.ts";
import type { Finding } from "../campaign/preflight/finding.ts";
import type { SenderCheck } from "../campaign/preflight/sender-check.ts";
import { checksFor, type HeldLane, judgeResume, type Stay } from "../campaign/recovery.ts";
import { providerTitle } from "../provider/directory.ts";
import { shownTime } from "../report/find.ts";
import { buildReport } from "../report/report.ts";
import { tellFinding } from "./findings.ts";
import type { Io } from "./io.ts";

/** The lanes that stay held, by provider. `early`: a person said yes to going on before the time. */
export async function recheck(given: {
  app: Bellwether;
  io: Io;
  campaign: Campaign;
  /** That lane alone; null: all that are held. */
  provider: string | null;
  overrides: Readonly<Record<string, string>>;
  early: boolean;
}): Promise<string[]> {
  const { app, io, campaign, provider, overrides } = given;
  const lanes = await heldLanes(app, campaign.id, provider);
  if (lanes.length === 0) return [];
  const findings = await app.checkSender(checksFor(lanes));
  tellSeen(io, findings, overrides);
  const judge = (early: boolean) =>
    judgeResume({ lanes, findings, overrides, early, nowMs: app.clock.now() });
  let verdict = judge(given.early);
  const waiting = verdict.stays.filter((stay) => stay.untilMs !== null);
  for (const stay of waiting) io.say(waitText(stay, app.clock.now()));
  // Whoever types it where nobody can be asked has decided: it costs one mail, and nothing may hang on a question.
  if (waiting.length > 0 && (!io.canAsk || (await io.confirm("Try it now all the same?"))))
    verdict = judge(true);
  for (const stay of verdict.stays) await tellStay(app, io, campaign, stay);
  for (const { code, message } of verdict.overridden)
    await app.campaigns.note(campaign.id, "override", `"${message}" was overridden: ${overrides[code]}`);
  return verdict.stays.map((stay) => stay.provider);
}

/** Those that their own breaker holds: what a person or the route stops has no cause that DNS could show. */
async function heldLanes(app: Bellwether, campaignId: number, provider: string | null): Promise<HeldLane[]> {
  const { lanes } = await buildReport(app.reports, campaignId);
  return lanes.flatMap(({ provider: id, hold, forAll }) => {
    if (hold === undefined || forAll === true || hold.scope === "route") return [];
    if (provider !== null && provider !== id) return [];
    const { reason, fault, scope, resumeFrom } = hold;
    return [
      {
        provider: id,
        reason,
        fault,
        scope,
        resumeFromMs: resumeFrom === undefined ? null : Date.parse(resumeFrom),
      },
    ];
  });
}

function tellSeen(
  io: Io,
  findings: ReadonlyMap<SenderCheck, readonly Finding[]>,
  overrides: Readonly<Record<string, string>>,
): void {
  if (findings.size === 0) return;
  const found = [...findings.values()].flat();
  if (found.length === 0)
    io.say(`Looked again in DNS: ${[...findings.keys()].map((one) => SEEN[one]).join(", ")}.`);
  for (const finding of found) tellFinding(io, finding, overrides[finding.code]);
}

const SEEN: Readonly<Record<SenderCheck, string>> = {
  "reverse-dns": "every address has a name that leads back to it",
  domain: "the sender's domain takes mail",
  spf: "SPF is there",
  dkim: "the DKIM key is the one we sign with",
  dmarc: "DMARC is there",
};

function waitText({ provider, untilMs }: Stay, nowMs: number): string {
  const from = untilMs ?? nowMs;
  const minutes = Math.ceil((from - nowMs) / 60_000);
  const until = shownTime(new Date(from).toISOString());
  return `${providerTitle(provider)} refused the last trial too: another one makes sense from ${until} on (in ${minutes} min).`;
}

async function tellStay(app: Bellwether, io: Io, campaign: Campaign, stay: Stay): Promise<void> {
  const title = providerTitle(stay.provider);
  const codes = [...new Set(stay.broken.map((finding) => finding.code))];
  if (codes.length === 0) {
    io.say(`${title} stays held until then.`);
    return;
  }
  const how = codes.map((code) => `--override ${code}="why"`).join(" ");
  io.say(
    `${title} stays held: its cause is still there. Repair it and \`resume\` again, or go on in spite of it: ${how}`,
  );
  const saw = stay.broken.map((finding) => finding.message).join(" ");
  await app.campaigns.note(campaign.id, "recheck", `${title} stays held: ${saw}`);
}
