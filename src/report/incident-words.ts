// What an incident report tells clients, in English and in French: shorter and softer than a post-mortem, without the words
// of our trade. Facts alone: no promise and no repair that nobody has written down.
import { describeReason } from "../bounce/advice.ts";
import type { Reason } from "../bounce/reason.ts";
import { providerTitle } from "../provider/directory.ts";
import { OTHER } from "../provider/provider.ts";
import { type Incident, type Trouble, toldOf } from "./incident-summary.ts";
import { createMinutes, shownDuration } from "./minutes.ts";
import { shownCount } from "./safe-text.ts";
import type { Telling } from "./telling.ts";
import { untoldOf } from "./totals.ts";

export type Language = "en" | "fr";

/** The values of the template `incident-report` that are words; each may be edited by a person before it is sent. */
export interface IncidentWords {
  /** At most 120 characters. */
  incident: string;
  /** Paragraphs. */
  short: string;
  cause: string;
  figures: string[];
  timeline: string[];
  actions: string[];
}

const LONGEST_TITLE = 120;
/** Entries that the template's lists take. */
const LONGEST_TIMELINE = 60;

const CAUSES_FR: Readonly<Partial<Record<Reason, string>>> = {
  auth: "nos messages ne prouvaient pas assez qu’ils viennent de notre domaine (SPF, DKIM, DMARC)",
  "reverse-dns": "l’adresse de notre serveur d’envoi n’avait pas de nom inverse dans le DNS",
  blocked: "l’adresse ou le domaine d’envoi était bloqué",
  policy: "une règle du fournisseur refusait notre envoi",
  "rate-limited": "nous envoyions trop de messages en trop peu de temps",
  tls: "la connexion n’était pas chiffrée comme le fournisseur l’exige",
  "relay-denied": "le serveur n’acceptait pas nos messages pour ce domaine",
  "user-unknown": "trop d’adresses de notre liste n’existent pas ou plus",
  "host-unknown": "trop de domaines de notre liste n’existent pas ou plus",
  disabled: "trop de boîtes de notre liste sont fermées",
  network: "le serveur du fournisseur était injoignable",
  system: "le fournisseur avait une panne de son côté",
  spam: "le texte du message était pris pour du courrier indésirable",
  virus: "une pièce jointe ou un lien était jugé dangereux",
  "too-big": "le message était trop grand",
  malformed: "le message ne respectait pas une norme",
};

export function incidentWords(telling: Telling, incident: Incident, language: Language): IncidentWords {
  const minutes = createMinutes(
    telling.facts.zone,
    telling.facts.events.map((one) => one.at),
    language,
  );
  return (language === "en" ? english : french)({ ...telling, minutes }, incident);
}

function english({ report, facts, minutes, clean }: Telling, incident: Incident): IncidentWords {
  const { troubles, since, until, mails, refused, late, untold } = incident;
  const name = clean(report.name);
  const who = whose(troubles, "en");
  const all = report.totals.recipients;
  const ours = troubles.some((one) => one.fault === "sender" || one.fault === "content");
  const short = [
    `On ${minutes.day(facts.launchedAt ?? since)} we announced "${name}" by mail to ${addresses(all)}. From ${minutes.sentence(since)} on ${who.subject} ${who.refused}. ${until === null ? "This is not over yet." : `It lasted until ${minutes.sentence(until)}.`}`,
    `${shownCount(refused)} of ${addresses(all)} ${refused === 1 ? "was" : "were"} refused at first, and ${shownCount(late)} ${late === 1 ? "was" : "were"} told later than planned. ${shownCount(toldOf(report))} have the notice now${untold === 0 ? "" : `; ${shownCount(untoldOf(report.totals))} not yet`}.${ours ? " The mailboxes themselves were fine." : ""}`,
  ];
  return {
    incident: titleOf((title) => `Our notice "${title}" did not reach everybody in time`, name),
    short: short.join("\n\n"),
    cause: `${causesOf(troubles, "en") || "The cause is not known."}`,
    figures: [
      `Addresses that the notice was meant for: ${shownCount(all)}`,
      `Mails that were refused: ${shownCount(mails)}`,
      `Addresses that were refused at first: ${shownCount(refused)}`,
      `Addresses told later than planned: ${shownCount(late)}`,
      `Addresses that have the notice now: ${shownCount(toldOf(report))}`,
      `Addresses that do not have it yet: ${shownCount(untoldOf(report.totals))}`,
    ],
    timeline: steps(
      { report, facts, minutes, incident },
      {
        announced: `the announcement begins`,
        refused: (title) => `${title} begins to refuse our mail`,
        held: (title) => `the mail to ${title} is stopped`,
        went: (title, returned) =>
          `the mail to ${title} goes on${returned === 0 ? "" : `; ${addresses(returned)} to be sent to again`}`,
        ended: "the announcement ends",
      },
      "en",
    ),
    actions: troubles.map((one) =>
      one.until === null
        ? `We stopped the mail to ${titleFor(one, "en")}, so that nothing more is refused.`
        : `We stopped the mail to ${titleFor(one, "en")} for ${shownDuration(one.cards[0]?.hold.at ?? one.since, one.until)}, and sent the notice again to those who had been refused.`,
    ),
  };
}

function french({ report, facts, minutes, clean }: Telling, incident: Incident): IncidentWords {
  const { troubles, since, until, mails, refused, late, untold } = incident;
  const name = clean(report.name);
  const who = whose(troubles, "fr");
  const all = report.totals.recipients;
  const ours = troubles.some((one) => one.fault === "sender" || one.fault === "content");
  const adresses = (count: number) => `${shownCount(count)} ${count < 2 ? "adresse" : "adresses"}`;
  const short = [
    `Le ${minutes.day(facts.launchedAt ?? since)}, nous avons annoncé « ${name} » par courriel à ${adresses(all)}. À partir de ${minutes.sentence(since)}, ${who.subject} ${who.refused}. ${until === null ? "Ce n’est pas encore terminé." : `Cela a duré jusqu’à ${minutes.sentence(until)}.`}`,
    `Sur ${adresses(all)}, ${shownCount(refused)} ${refused < 2 ? "a d’abord été refusée" : "ont d’abord été refusées"} et ${shownCount(late)} ${late < 2 ? "a été prévenue" : "ont été prévenues"} plus tard que prévu. ${adresses(toldOf(report))} ${toldOf(report) < 2 ? "a" : "ont"} maintenant reçu l’annonce${untold === 0 ? "" : ` ; ${adresses(untoldOf(report.totals))} pas encore`}.${ours ? " Les boîtes elles-mêmes n’étaient pas en cause." : ""}`,
  ];
  return {
    incident: titleOf((title) => `Notre annonce « ${title} » n’est pas arrivée partout à temps`, name),
    short: short.join("\n\n"),
    cause: causesOf(troubles, "fr") || "La cause n’est pas connue.",
    figures: [
      `Adresses à prévenir : ${shownCount(all)}`,
      `Messages refusés : ${shownCount(mails)}`,
      `Adresses d’abord refusées : ${shownCount(refused)}`,
      `Adresses prévenues plus tard que prévu : ${shownCount(late)}`,
      `Adresses qui ont l’annonce maintenant : ${shownCount(toldOf(report))}`,
      `Adresses qui ne l’ont pas encore : ${shownCount(untoldOf(report.totals))}`,
    ],
    timeline: steps(
      { report, facts, minutes, incident },
      {
        announced: "l’envoi de l’annonce commence",
        refused: (title) => `${title} commence à refuser nos messages`,
        held: (title) => `l’envoi vers ${title} est arrêté`,
        went: (title, returned) =>
          `l’envoi vers ${title} reprend${returned === 0 ? "" : ` ; ${adresses(returned)} à qui renvoyer l’annonce`}`,
        ended: "l’envoi est terminé",
      },
      "fr",
    ),
    actions: troubles.map((one) =>
      one.until === null
        ? `Nous avons arrêté l’envoi vers ${titleFor(one, "fr")}, pour que rien d’autre ne soit refusé.`
        : `Nous avons arrêté l’envoi vers ${titleFor(one, "fr")} pendant ${shownDuration(one.cards[0]?.hold.at ?? one.since, one.until, "fr")}, puis renvoyé l’annonce aux adresses refusées.`,
    ),
  };
}

interface Steps {
  announced: string;
  refused(title: string): string;
  held(title: string): string;
  went(title: string, returned: number): string;
  ended: string;
}

/** One entry a step, each with its time. */
function steps(
  {
    report,
    facts,
    minutes,
    incident,
  }: Pick<Telling, "report" | "facts" | "minutes"> & { incident: Incident },
  words: Steps,
  language: Language,
): string[] {
  const entries: { at: string; text: string }[] = [];
  if (facts.launchedAt !== null) entries.push({ at: facts.launchedAt, text: words.announced });
  for (const trouble of incident.troubles) {
    const title = titleFor(trouble, language);
    const first = trouble.cards[0]?.hold.at ?? trouble.since;
    if (trouble.since < first) entries.push({ at: trouble.since, text: words.refused(title) });
    for (const { hold, endedAt, returned } of trouble.cards) {
      entries.push({ at: hold.at, text: words.held(title) });
      if (endedAt !== null) entries.push({ at: endedAt, text: words.went(title, returned) });
    }
  }
  if (facts.endedAt !== null && report.state !== "paused")
    entries.push({ at: facts.endedAt, text: words.ended });
  const colon = language === "en" ? ":" : " :";
  return entries
    .sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1))
    .slice(0, LONGEST_TIMELINE)
    .map(({ at, text }) => `${minutes.sentence(at)}${colon} ${text}`);
}

function whose(troubles: readonly Trouble[], language: Language): { subject: string; refused: string } {
  const names = [...new Set(troubles.map((one) => titleFor(one, language)))];
  const many = names.length > 1;
  const none = language === "en" ? "some providers" : "certains fournisseurs";
  const subject = names.length === 0 ? none : new Intl.ListFormat(language).format(names);
  const byHand = troubles.length > 0 && troubles.every((one) => one.byHand);
  if (language === "en")
    return {
      subject: byHand ? `the mail to ${subject}` : subject,
      refused: byHand ? "was stopped by us" : "did not accept our mail",
    };
  if (byHand) return { subject: `l’envoi vers ${subject}`, refused: "a été arrêté par nous" };
  return {
    subject,
    refused: many || names.length === 0 ? "n’ont pas accepté nos messages" : "n’a pas accepté nos messages",
  };
}

function titleFor({ provider }: Trouble, language: Language): string {
  if (provider === null) return language === "en" ? "our own mail server" : "notre propre serveur";
  if (provider === OTHER) return language === "en" ? "smaller providers" : "les petits fournisseurs";
  return providerTitle(provider);
}

/** Sentences; empty where nothing is known. */
function causesOf(troubles: readonly Trouble[], language: Language): string {
  const causes = new Set(
    troubles.flatMap(({ byHand, fault, reason }) => {
      if (byHand || fault === "unknown") return [];
      const text = language === "en" ? describeReason(reason) : CAUSES_FR[reason];
      return text === undefined ? [] : [`${text.charAt(0).toUpperCase()}${text.slice(1)}.`];
    }),
  );
  return [...causes].join(" ");
}

function titleOf(make: (name: string) => string, name: string): string {
  const room = LONGEST_TITLE - make("").length;
  const short = name.length <= room ? name : `${name.slice(0, room - 3).trimEnd()}...`;
  return make(short);
}

function addresses(count: number): string {
  return `${shownCount(count)} ${count === 1 ? "address" : "addresses"}`;
}
