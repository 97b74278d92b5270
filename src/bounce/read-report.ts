// What a mail that came back is: a bounce, a complaint, a machine's answer, news, or nothing of ours - and what it says
// of whom. Takes what MIME, fields and prose give and decides which of them to believe. Pure over bytes; never throws;
// looks at the first megabyte only.
import { readAnswer } from "./auto-reply.ts";
import { classificationOf } from "./by-reason.ts";
import { type DeliveryStatus, readDeliveryStatus, type StatusGroup, typedHost } from "./dsn.ts";
import { readFeedback } from "./feedback.ts";
import { addressesIn, addressIn, sameAddress } from "./mail-address.ts";
import { bytesOf, type Headers, headerOf, headersOf, type Mail, readMail, textOf } from "./mime.ts";
import { type Notified, readNotification } from "./notification.ts";
import {
  isReturned,
  marksOf,
  type Prose,
  returnedHeaders,
  splitProse,
  writtenBy,
  writtenTo,
} from "./original.ts";
import { PROSE_LENGTH, plainOf, readProse, type Said, textOfHtml } from "./prose.ts";
import { DAEMONS, SAYS_DELAYED, SAYS_ENDED, SAYS_FAILED, SUBJECT_FAILED } from "./prose-words.ts";
import {
  REPLY_LENGTH,
  type Report,
  type ReportAction,
  type ReportedRecipient,
  type ReportKind,
} from "./report.ts";
import { judgeEvidence } from "./verdict.ts";

const ACTIONS: Readonly<Record<string, ReportAction>> = {
  failed: "failed",
  failure: "failed",
  delayed: "delayed",
  delivered: "delivered",
  relayed: "relayed",
  expanded: "expanded",
};

const FIELDS = /^>{0,2} ?(?:reporting-mta|(?:final|original)-recipient)[ \t]?:/im;
const QUOTES = /^>{1,2} ?/gm;

/** Bytes of a mail from which on its report is copied out of it. */
const PIECES_FROM = 32_768;

export interface ReadOptions {
  /** Provider of the recipient, where the caller knows it. */
  provider?: string;
}

/** What the readers below work on. */
interface Case {
  provider: string | undefined;
  mail: Mail;
  headers: Headers;
  /** The prose before the returned mail. */
  said: string;
  /** Subject and beginning of the prose without accents, in lower case, on one line. */
  subject(): string;
  plain(): string;
  /** Bytes that were looked at. */
  size: number;
  original: Headers | null;
  status: DeliveryStatus | null;
  others: readonly string[];
}

/** Reads a mail, or the first LOOKED_AT bytes of it. Never throws: what cannot be read is not-a-bounce. */
export function readReport(raw: Buffer | string, { provider }: ReadOptions = {}): Report {
  const bytes = bytesOf(raw);
  const one = openCase(readMail(bytes), bytes.length, provider);
  const feedback = readFeedback(one.mail, one.original);
  if (feedback !== null) return finish(one, "feedback", feedback.recipients, feedback.fields);
  if (one.status !== null && one.status.recipients.length > 0) {
    const recipients = fromStatus(one, one.status);
    return finish(one, kindOf(recipients), recipients, one.status.message);
  }
  const notified = readNotification(one.said);
  if (notified !== null) return fromNotification(one, notified);
  if (isReceipt(one.mail)) return finish(one, "notice", [plainly(one, "delivered")]);
  if (isBounce(one)) {
    const recipients = fromProse(one);
    return finish(one, kindOf(recipients), recipients);
  }
  const answer = readAnswer(one.headers, one.said);
  if (answer !== null) return finish(one, "auto-reply", [plainly(one, "replied", answer === "challenge")]);
  return finish(one, "not-a-bounce", []);
}

function openCase(mail: Mail, size: number, provider: string | undefined): Case {
  const { headers } = mail;
  const written = mail.leaves.filter((leaf) => !isReturned(mail, leaf));
  const texts = written.filter((leaf) => /^(?:text(?:\/plain)?$|multipart\/)/.test(leaf.type)).map(textOf);
  let text = texts.join("\n");
  if (text.trim().length < 40) {
    const html = written.find((leaf) => leaf.type === "text/html");
    if (html !== undefined) text = `${text}\n${textOfHtml(textOf(html))}`;
  }
  if (/^\s{0,400}<(?:!doctype|html|body)\b/i.test(text)) text = textOfHtml(text);
  const ours = headersOf(
    headers,
    "to",
    "delivered-to",
    "x-original-to",
    "from",
    "reply-to",
    "return-path",
  ).flatMap((value) => addressesIn(value, 20).map((found) => found.address));
  const machine = written.find((leaf) => /^message\/(?:global-)?delivery-status$/.test(leaf.type));
  const split = splitProse(text);
  const { said: whole, returned } = (machine === undefined ? unwrapped(split, ours) : null) ?? split;
  const original = returnedHeaders(mail, returned);
  let status = machine === undefined ? null : readDeliveryStatus(textOf(machine));
  // Some mail programs forget the parts' types, or the parts; some people send a report on as a quotation.
  const fieldsAt = whole.search(FIELDS);
  const isQuoted = fieldsAt >= 0 && whole[fieldsAt] === ">";
  if (fieldsAt >= 0 && (status === null || status.recipients.length === 0)) {
    const fields = whole.slice(fieldsAt);
    status = readDeliveryStatus(isQuoted ? fields.replace(QUOTES, "") : fields);
  }
  const before = fieldsAt < 0 ? whole : whole.slice(0, fieldsAt);
  const said = isQuoted ? before.replace(QUOTES, "") : before;
  return {
    provider,
    mail,
    headers,
    size,
    said,
    subject: once(() => plainOf(headerOf(headers, "subject").slice(0, 500))),
    plain: once(() => plainOf(said.slice(0, 8_192)).replace(/\s{1,200}/g, " ")),
    original,
    status,
    others: [...ours, ...writtenBy(original)],
  };
}

/** Some wrap another's report whole in a notice that names nobody: the report inside it; null: it is none. */
function unwrapped({ said, returned }: Prose, others: readonly string[]): Prose | null {
  const inner = returned.slice(0, PROSE_LENGTH * 2);
  if (!FIELDS.test(inner) || FIELDS.test(said)) return null;
  if (readProse(said, { others, writtenTo: [] }).length > 0) return null;
  const body = inner.search(/\n[ \t]{0,8}\n/);
  return body < 0 ? null : splitProse(inner.slice(body));
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function fromNotification(one: Case, notified: Notified): Report {
  const recipients = notified.recipients.map(({ address, action, diagnostic, status }): ReportedRecipient => {
    if (action === "complained") {
      return {
        address,
        action,
        reply: diagnostic,
        classification: classificationOf("complaint", { over: false }),
      };
    }
    if (action === "delivered") return { address, action, reply: diagnostic, classification: null };
    const isDelayed = action === "delayed";
    const evidence = {
      diagnostic,
      diagnosticType: "smtp",
      status,
      words: "",
      prose: "",
      host: "",
      address,
      provider: one.provider,
      isDelayed,
    };
    return { address, action, ...judgeEvidence(evidence) };
  });
  const kind = recipients.some((each) => each.action === "complained") ? "feedback" : kindOf(recipients);
  const report = finish(one, kind, recipients);
  return {
    ...report,
    marks: {
      ...report.marks,
      messageIds: [...report.marks.messageIds, ...notified.messageIds],
      relayIds: [...report.marks.relayIds, ...notified.relayIds],
    },
    atMs: notified.atMs ?? report.atMs,
    reporter: notified.reporter,
  };
}

function isReceipt(mail: Mail): boolean {
  return mail.leaves.some((leaf) => /^message\/(?:global-)?disposition-notification$/.test(leaf.type));
}

/** Whether a mail without a machine's part tells of a failure or a delay. */
function isBounce({ headers, original, ...one }: Case): boolean {
  if (headers.has("x-failed-recipients")) return true;
  const subject = one.subject();
  const plain = one.plain();
  const says = SAYS_FAILED.some(({ pattern }) => pattern.test(plain)) || SAYS_DELAYED.test(plain);
  const from = (addressIn(headerOf(headers, "from")) ?? headerOf(headers, "from")).toLowerCase();
  const isDaemon =
    DAEMONS.test(from) ||
    /mail(?:er)?[- ]?(?:daemon|delivery|system)|postmaster/i.test(headerOf(headers, "from"));
  const path = headers.get("return-path")?.[0];
  const isNull = path === "<>" || path === "" || /^<?mailer-daemon/i.test(path ?? "");
  const failed = SUBJECT_FAILED.test(subject);
  // A person who answers or forwards a report says the same words.
  if (!isDaemon && /^(?:re|aw|fwd?|tr|wg|sv) ?:/.test(subject)) return false;
  if (says && (isDaemon || isNull || failed)) return true;
  if (failed && (isDaemon || (isNull && original !== null))) return true;
  return isDaemon && (says || (isNull && original !== null));
}

function kindOf(recipients: readonly ReportedRecipient[]): ReportKind {
  return recipients.some((one) => one.action === "failed") ? "bounce" : "notice";
}

function fromStatus(one: Case, { recipients, message }: DeliveryStatus): ReportedRecipient[] {
  const reporting = typedHost(message.get("reporting-mta") ?? "");
  const spoken = readProse(one.said, { others: one.others, writtenTo: writtenTo(one.original) });
  return recipients.map((group) => {
    const address = addressOf(one, group, spoken, recipients.length);
    const final =
      group.final === null || address === null || sameAddress(group.final, address)
        ? {}
        : { final: group.final };
    const action = actionOf(one, group);
    if (action !== "failed" && action !== "delayed") {
      return { address, ...final, action, reply: group.diagnostic, classification: null };
    }
    const words = wordsOf(spoken, address) ?? wordsOf(spoken, group.final) ?? "";
    const verdict = judgeEvidence({
      diagnostic: group.diagnostic,
      diagnosticType: group.diagnosticType,
      status: group.status,
      words,
      prose: one.said,
      host: group.remoteMta === "" ? reporting : group.remoteMta,
      address,
      provider: one.provider,
      isDelayed: action === "delayed",
    });
    return { address, ...final, action, reply: verdict.reply, classification: verdict.classification };
  });
}

function wordsOf(spoken: readonly Said[], address: string | null): string | undefined {
  return address === null ? undefined : spoken.find((said) => sameAddress(said.address, address))?.words;
}

function actionOf(one: Case, { action, status }: StatusGroup): ReportAction {
  const known = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (known !== undefined) return known;
  if (status.startsWith("2.")) return "delivered";
  return isDelayed(one) ? "delayed" : "failed";
}

/** As we wrote to it, else as it was in the end, else what the prose and the returned mail tell. */
function addressOf(
  one: Case,
  { original, final }: StatusGroup,
  spoken: readonly Said[],
  count: number,
): string | null {
  const given = original ?? final;
  if (given !== null) return given;
  if (count > 1) return null;
  return failedHeader(one)[0] ?? spoken[0]?.address ?? writtenTo(one.original)[0] ?? null;
}

function failedHeader({ headers }: Case): string[] {
  return headersOf(headers, "x-failed-recipients").flatMap((value) =>
    addressesIn(value, 1_000).map((found) => found.address),
  );
}

function isDelayed({ subject, plain }: Case): boolean {
  if (SAYS_ENDED.test(plain())) return false;
  return SAYS_DELAYED.test(subject()) || SAYS_DELAYED.test(plain());
}

function fromProse(one: Case): ReportedRecipient[] {
  const spoken = readProse(one.said, { others: one.others, writtenTo: writtenTo(one.original) });
  const named = failedHeader(one);
  const written = writtenTo(one.original);
  const action: ReportAction = isDelayed(one) ? "delayed" : "failed";
  const list: Said[] =
    named.length > 0
      ? named.map((address) => ({
          address,
          words: spoken.find((said) => sameAddress(said.address, address))?.words ?? "",
        }))
      : spoken.length > 0
        ? spoken
        : [...listOf(one), ...written].slice(0, 1).map((address) => ({ address, words: "" }));
  const all: (Said | { address: null; words: string })[] =
    list.length > 0 ? list : [{ address: null, words: "" }];
  return all.map(({ address, words }) => {
    const { reply, classification } = judgeEvidence({
      diagnostic: "",
      diagnosticType: "",
      status: "",
      words,
      prose: one.said,
      host: "",
      address,
      provider: one.provider,
      isDelayed: action === "delayed",
    });
    return { address, action, reply, classification };
  });
}

const CHALLENGE_ADVICE =
  "The recipient's system holds the mail until its sender confirms to be a person. Follow the link in its answer, or tell this client by another way.";

/** A mailing list's manager writes as LIST-admin; who was written to is the list. */
function listOf({ headers }: Case): string[] {
  const from = addressIn(headerOf(headers, "from")) ?? "";
  return /-admin@/i.test(from) ? [from.replace(/-admin@/i, "@")] : [];
}

/** The answer of a machine, or a receipt: of the mailbox that it comes from. */
function plainly(one: Case, action: ReportAction, isChallenge = false): ReportedRecipient {
  const address = addressIn(headerOf(one.headers, "from")) ?? writtenTo(one.original)[0] ?? null;
  const classification = action === "replied" ? classificationOf("auto-reply", { over: false }) : null;
  if (classification !== null && isChallenge) classification.advice = CHALLENGE_ADVICE;
  return { address, action, reply: one.said.trim().slice(0, REPLY_LENGTH), classification };
}

function finish(
  one: Case,
  kind: ReportKind,
  recipients: readonly ReportedRecipient[],
  fields: ReadonlyMap<string, string> = new Map(),
): Report {
  const { headers, original, said } = one;
  const reporting = typedHost(fields.get("reporting-mta") ?? "");
  const from = addressIn(headerOf(headers, "from")) ?? "";
  const domain = from.slice(from.lastIndexOf("@") + 1).toLowerCase();
  const last = one.status?.recipients.find((group) => group.lastAttempt !== "")?.lastAttempt;
  const report: Report = {
    kind,
    recipients,
    marks: marksOf({ headers, original, fields, said }),
    atMs: timeOf(last) ?? timeOf(fields.get("arrival-date")) ?? timeOf(headerOf(headers, "date")),
    reporter: reporting !== "" ? reporting : domain !== "" ? domain : null,
  };
  // Pieces of a string keep all of it in memory, and a report is kept longer than its mail.
  return one.size > PIECES_FROM ? (JSON.parse(JSON.stringify(report)) as Report) : report;
}

/** Milliseconds since the epoch; null for what is no date, or none of a mail's. */
function timeOf(text: string | undefined): number | null {
  if (text === undefined || text === "") return null;
  const parsed = Date.parse(
    text
      .replace(/\([^()]{0,60}\)/g, "")
      .slice(0, 100)
      .trim(),
  );
  return Number.isNaN(parsed) || parsed < 0 ? null : parsed;
}
