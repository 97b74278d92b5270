// From a cause to the words of its alert, for the three readers of a hold: who must act now, who must repair, who answers
// the phone. Everything foreign is redacted and made safe here, once: every road tells the same words.
import type { Reason } from "../bounce/reason.ts";
import { redactReply } from "../bounce/redact.ts";
import type { Hold } from "../breaker/hold.ts";
import { providerTitle } from "../provider/directory.ts";
import { shownTime } from "../report/find.ts";
import { safeLines, safeText } from "../report/safe-text.ts";
import type { AlertCard } from "./alert.ts";
import type { Cause, Counts } from "./cause.ts";

/** `counts`: null where the cause has no campaign. `publicUrl`: how people reach the console; null: they cannot. */
export function cardOf(cause: Cause, counts: Counts | null, publicUrl: string | null): AlertCard {
  const { subject, ...said } = wordsOf(cause, counts ?? NOTHING);
  const campaign = "campaign" in cause ? cause.campaign : null;
  const provider = "provider" in cause ? cause.provider : null;
  const path = campaign === null ? "" : `/campaigns/${campaign.id}`;
  return {
    subject: clip(clean(subject), SUBJECT_LENGTH),
    happened: clean(said.happened),
    now: clean(said.now),
    engineer: clean(said.engineer),
    tell: clean(said.tell),
    evidence: (said.evidence ?? []).slice(-3).map((reply) => safeLines(redactReply(reply)).join("\n")),
    resume: said.resume ?? null,
    link: publicUrl === null ? null : `${publicUrl.replace(/\/$/, "")}${path}`,
    campaign: campaign === null ? null : { id: campaign.id, name: clean(campaign.name) },
    provider,
  };
}

/** What a test says, by every road. */
export function testCard(publicUrl: string | null): AlertCard {
  return {
    subject: "Test: alerts of Bellwether reach you",
    happened: "Somebody typed `alerts test`. Nothing is wrong.",
    now: "Nothing.",
    engineer: "Nothing.",
    tell: "Nothing.",
    evidence: [],
    resume: null,
    link: publicUrl,
    campaign: null,
    provider: null,
  };
}

interface Words {
  subject: string;
  happened: string;
  now: string;
  engineer: string;
  tell: string;
  evidence?: readonly string[];
  resume?: string;
}

const NOTHING: Counts = { recipients: 0, told: 0, uncertain: 0, failed: 0 };
const FINE = "Nothing is wrong with your mailbox.";

function wordsOf(cause: Cause, counts: Counts): Words {
  const far = `${counts.told} of ${counts.recipients} told`;
  switch (cause.kind) {
    case "lane-held": {
      const { hold, provider, untilMs, campaign } = cause;
      const back = "Nothing gets lost: whoever was refused gets the notice after a resume.";
      const time = untilMs === null ? "" : shownTime(new Date(untilMs).toISOString());
      return {
        ...heldWords(hold),
        subject: `Held: ${shortTitle(provider)} ${whatHeld(hold)} - ${far}`,
        now:
          untilMs === null
            ? `${back} The other providers go on.`
            : `Nothing, unless it comes again: it goes on by itself at ${time}.`,
        resume: `bellwether resume ${campaign.id} --provider ${provider}`,
      };
    }
    case "route-held":
      return {
        ...heldWords(cause.hold),
        subject: `Held: our relay refuses our mail (${shortReason(cause.hold.reason)}) - ${far}`,
        now: "Nothing gets lost: every lane on this route waits, and no client is blamed.",
        resume: `bellwether resume ${cause.campaign.id}`,
      };
    case "lane-blind": {
      const who = providerTitle(cause.provider);
      return {
        subject: `Blind: our relay does not say what becomes of mail to ${shortTitle(cause.provider)} - ${far}`,
        happened: cause.text,
        now: "Look into the relay's queue, or ask somebody with a mailbox there. If the mails arrive, resume; if they do not, have the relay repaired first.",
        engineer: `Look at the relay's queue and log for ${who} (Postfix: mailq). Let [bounces] bring what comes back, so that the next campaign is not blind.`,
        tell: `Our notice to ${who} may be late. ${FINE}`,
        resume: `bellwether resume ${cause.campaign.id} --provider ${cause.provider}`,
      };
    }
    case "campaign-paused": {
      const missed = cause.by === "schedule";
      return {
        subject: missed
          ? `Not begun: the moment was missed - ${clip(cause.campaign.name, 40)}`
          : `Paused: nothing more is sent - ${far}`,
        happened: cause.why,
        now: missed
          ? "Look whether it is still worth telling: resume begins it at once, cancel ends it."
          : "Read the report and decide: resume goes on, cancel ends it. `untold` lists whoever has not got the notice.",
        engineer: missed
          ? "Find out what did not run at that moment: `serve`, the database, the machine."
          : "Repair what the report names. If the list is old, send to a corrected one.",
        tell: "The notice may come later than announced. Please look at our status page, or ask us.",
        resume: `bellwether resume ${cause.campaign.id}`,
      };
    }
    case "campaign-failures":
      return {
        subject: `Ended: ${counts.recipients - counts.told} of ${counts.recipients} not told - ${clip(cause.campaign.name, 40)}`,
        happened: `Everything was tried. ${counts.told} of ${counts.recipients} were told, ${counts.failed} were not${counts.uncertain > 0 ? `, and of ${counts.uncertain} nobody knows` : ""}.`,
        now: `Tell the others by another way; the list: bellwether untold ${cause.campaign.id}`,
        engineer: "Nothing, unless the report shows a cause of ours.",
        tell: "Ask for the address at which they read mail, and tell them what the notice says.",
      };
    case "uncertain":
      return {
        subject: `Uncertain: ${counts.uncertain} ${counts.uncertain === 1 ? "mail" : "mails"}, a sending process died - ${far}`,
        happened: cause.text,
        now: `The rest goes on by itself if a process runs. These mails may have arrived or not, and are never sent again by themselves: bellwether uncertain ${cause.campaign.id}`,
        engineer: "Find out why the process died: its log, the system's log (out of memory), the machine.",
        tell: `You may not have got our notice. ${FINE}`,
      };
    case "intake-dead":
      return {
        subject: `Deaf: reports do not come in (${cause.intake})`,
        happened: `The source of reports ${cause.intake} fails since ${shownTime(new Date(cause.sinceMs).toISOString())}: ${cause.trouble}`,
        now: "What comes back is not seen: bounces are not counted, and lanes behind a relay stop growing. What was missed is read when it answers again.",
        engineer:
          "Repair what the message names: address, password, rights, space. `status` shows when it is alive.",
        tell: "Nothing: clients do not notice it.",
      };
  }
}

function heldWords(hold: Hold): Pick<Words, "happened" | "engineer" | "tell" | "evidence"> {
  return { happened: hold.message, engineer: hold.advice, tell: hold.tell, evidence: hold.evidence };
}

/** "Gmail" of "Gmail / Google Workspace". */
function shortTitle(provider: string): string {
  return providerTitle(provider).split(" / ")[0] ?? provider;
}

function whatHeld({ fault, detector, reason }: Hold): string {
  if (detector === "pace") return "asks us to slow down";
  if (detector === "deferral") return "puts off all our mail";
  if (detector === "complaint") return "tells of too many complaints";
  if (detector === "provider-incident") return "says that good addresses do not exist";
  if (fault === "address") return "says too many addresses do not exist";
  return `refuses ${fault === "content" ? "this text" : "our mail"} (${shortReason(reason)})`;
}

const SHORT: Partial<Record<Reason, string>> = {
  auth: "SPF, DKIM or DMARC",
  "reverse-dns": "reverse DNS",
  tls: "TLS",
  spam: "taken for spam",
  blocked: "blocked",
  "relay-denied": "access denied",
  unclassified: "in unknown words",
};

/** For a lock screen; the whole meaning is in the message. */
function shortReason(reason: Reason): string {
  return SHORT[reason] ?? reason.replaceAll("-", " ");
}

/** A phone shows some sixty characters; the first ones must say it, the rest is for the list of mails. */
const SUBJECT_LENGTH = 120;

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}

function clean(text: string): string {
  return safeText(redactReply(text));
}
