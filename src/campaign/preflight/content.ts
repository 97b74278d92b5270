// What can be wrong with a mail that renders well: links that lead nowhere or are not protected, images that say
// nothing to whoever does not see them, a subject that is cut off, a part that is empty. Pure; every mail is looked at,
// so what a tag says is found out once and remembered.
import type { Rendered } from "../../template/renderer.ts";
import type { Finding } from "./finding.ts";
import { count, counted, emptyTally, rowsOf } from "./tally.ts";

/** Gmail's list of a wide screen shows about so many characters of a subject; a telephone shows half of them. */
const SUBJECT_SHOWN = 70;
/** Hardly anything shows more. */
const SUBJECT_LONG = 150;

const TAG = /<(?:a|area|img)(?=[\s/>])(?:"[^"]*"|'[^']*'|[^"'>])*>/gi;
const COMMENT = /<!--[\s\S]*?-->/g;
const TARGET = /[\s"'/](?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/i;
const ALT = /[\s"'/]alt(?=[\s=/>])/i;
/** RFC 3986 section 3.1: what is no relative reference begins with a scheme. */
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
/** Tags remembered: links with a client's own token in them are all different. */
const TAGS_KEPT = 5_000;

export interface TagFault {
  /** Nothing can follow it out of a mail: there is no page that it is relative to. */
  relative?: string;
  /** It begins with http: */
  unprotected?: string;
  withoutAlt?: string;
}

/** What is wrong with one `a`, `area` or `img`; null: nothing. */
export function faultOf(tag: string): TagFault | null {
  const fault: TagFault = {};
  const isImage = /^<img/i.test(tag);
  const found = TARGET.exec(tag);
  const target = (found?.[1] ?? found?.[2] ?? found?.[3] ?? "").trim();
  // A place in the same mail, and an anchor without href, are links to nowhere on purpose.
  const isPlace = !isImage && (found === null || target.startsWith("#"));
  if (!isPlace && !SCHEME.test(target)) fault.relative = target === "" ? "(empty)" : target;
  else if (/^http:/i.test(target)) fault.unprotected = target;
  if (isImage && !ALT.test(tag)) fault.withoutAlt = target;
  return Object.keys(fault).length === 0 ? null : fault;
}

export interface ContentCheck {
  /** `line`: where the client stands in the CSV file. */
  look(mail: Pick<Rendered, "subject" | "html" | "text">, line: number): void;
  findings(): Finding[];
}

export function createContentCheck(): ContentCheck {
  const tags = new Map<string, TagFault | null>();
  const relative = emptyTally();
  const unprotected = emptyTally();
  const withoutAlt = emptyTally();
  const longSubject = emptyTally();
  const noSubject = emptyTally();
  const noText = emptyTally();
  let longest = "";

  function faultIn(tag: string): TagFault | null {
    const known = tags.get(tag);
    if (known !== undefined) return known;
    const fault = faultOf(tag);
    if (tags.size >= TAGS_KEPT) tags.clear();
    tags.set(tag, fault);
    return fault;
  }

  /** The first fault of each kind. */
  function faultsIn(html: string): TagFault | null {
    let faults: TagFault | null = null;
    for (const [tag] of html.matchAll(TAG)) {
      const fault = faultIn(tag);
      if (fault !== null) faults = { ...fault, ...(faults ?? {}) };
    }
    return faults;
  }

  return {
    look: ({ subject, html, text }, line) => {
      let faults = faultsIn(html);
      // What stands in a comment is shown to nobody.
      if (faults !== null && html.includes("<!--")) faults = faultsIn(html.replace(COMMENT, ""));
      if (faults?.relative !== undefined) count(relative, line, faults.relative);
      const plain =
        faults?.unprotected ?? (text.includes("http://") ? /http:\/\/[^\s<>"]+/.exec(text)?.[0] : undefined);
      if (plain !== undefined) count(unprotected, line, plain);
      if (faults?.withoutAlt !== undefined) count(withoutAlt, line, faults.withoutAlt);
      if (text.trim() === "") count(noText, line);
      if (subject === "") count(noSubject, line);
      if (subject.length > SUBJECT_SHOWN) {
        count(longSubject, line);
        if (subject.length > longest.length) longest = subject;
      }
    },

    findings: () => {
      const findings: Finding[] = [];
      const measured = { basis: "measured" } as const;
      if (relative.count > 0) {
        findings.push({
          ...measured,
          code: "link-relative",
          severity: "blocker",
          message: `${counted(relative.count, "mail has", "mails have")} a link or image that leads nowhere: ${relative.examples.join(", ")}.`,
          hint: `In a mail an address must be whole: write https://... ${rowsOf(relative)}`,
        });
      }
      if (noSubject.count > 0) {
        findings.push({
          ...measured,
          code: "subject-empty",
          severity: "warning",
          message: `${counted(noSubject.count, "mail has", "mails have")} no subject.`,
          hint: `Mails without a subject look like spam. ${rowsOf(noSubject)}`,
        });
      }
      if (noText.count > 0) {
        findings.push({
          ...measured,
          code: "text-missing",
          severity: "warning",
          message: `${counted(noText.count, "mail has", "mails have")} nothing in the text part.`,
          hint: `Some readers and most spam filters look at it: write the notice there too. ${rowsOf(noText)}`,
        });
      }
      if (unprotected.count > 0) {
        findings.push({
          ...measured,
          code: "link-not-https",
          severity: "warning",
          message: `${counted(unprotected.count, "mail has", "mails have")} a link that is not protected: ${unprotected.examples.join(", ")}.`,
          hint: `Write https:// if the page answers there. ${rowsOf(unprotected)}`,
        });
      }
      if (longSubject.count > 0) {
        findings.push({
          ...measured,
          code: "subject-long",
          severity: longest.length > SUBJECT_LONG ? "warning" : "info",
          message: `${counted(longSubject.count, "subject is", "subjects are")} longer than ${SUBJECT_SHOWN} characters and will be cut off in lists. The longest has ${longest.length}: "${longest.slice(0, SUBJECT_SHOWN)}..."`,
          hint: `Put the day and the server first. ${rowsOf(longSubject)}`,
        });
      }
      if (withoutAlt.count > 0) {
        findings.push({
          ...measured,
          code: "image-without-alt",
          severity: "info",
          message: `${counted(withoutAlt.count, "mail has", "mails have")} an image without a text in its place: ${withoutAlt.examples.join(", ")}.`,
          hint: `Many see no images at first: give it alt="...", or alt="" if it is decoration. ${rowsOf(withoutAlt)}`,
        });
      }
      return findings;
    },
  };
}
