// Reads the shape of a reply: joins its lines, undoes what relays did to it, and finds the code, the enhanced code,
// the phase. What the words mean is left to the rules.
import type { Phase } from "./reason.ts";
import { REPLY_LIMIT, replaceAddresses } from "./redact.ts";

export interface ReplyText {
  /** Lower case, one line, single spaces, plain quotes, no accents, addresses as "@"; codes in front. */
  folded: string;
  /** Basic code 400-599 (or 200-399 in front), null when there is none. */
  code: number | null;
  /** Enhanced status code, e.g. "5.7.25" (RFC 3463), null when there is none. */
  enhanced: string | null;
  /** 4 or 5, from the code, else from the enhanced code; null when neither says. */
  replyClass: 4 | 5 | null;
  /** Where in the dialogue, when the relay wrote it down ("in reply to RCPT TO command"). */
  phase: Phase | null;
  /** True when a relay quotes another server ("host x said: 550 ..."). */
  quoted: boolean;
}

const LINE_PREFIX = /^[ \t]*([2-5]\d\d)(?:[- ]|$)(?:([245]\.\d{1,3}\.\d{1,3})(?:[ \t]|$))?/;
const FRONT_CODE = /^(?:\w[\w-]{0,20}; ?)?([2-5]\d\d)(?![\d.])/;
const INNER_CODE = /(?:^|[\s;:,(])([45]\d\d)(?=[- ])/;
const ENHANCED = /(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)/;
const IN_REPLY = /in reply to (?:end of )?(?:the )?([a-z]{4,8})(?: from| to)? command/;
const PHASE_OF_COMMAND: Readonly<Record<string, Phase>> = {
  helo: "ehlo",
  ehlo: "ehlo",
  lhlo: "ehlo",
  starttls: "tls",
  auth: "auth",
  mail: "mail",
  rcpt: "rcpt",
  data: "data",
};

/** Never throws; looks at no more than the first 4096 characters. */
export function readReply(text: string): ReplyText {
  const joined = joinLines(text.slice(0, REPLY_LIMIT));
  const front = FRONT_CODE.exec(joined) ?? INNER_CODE.exec(joined);
  const code = front?.[1] === undefined ? null : Number(front[1]);
  const enhanced = ENHANCED.exec(joined)?.[1] ?? null;
  const folded = fold(undoPrefixes(joined, front?.[1], enhanced));
  const first = code !== null && code >= 400 ? front?.[1]?.[0] : enhanced?.[0];
  return {
    folded,
    code,
    enhanced,
    replyClass: first === "4" ? 4 : first === "5" ? 5 : null,
    phase: phaseIn(folded),
    quoted: folded.includes(" said: "),
  };
}

/** Lines of one reply repeat its code, and mostly the enhanced code (RFC 2034 section 4): keep the first only. */
function joinLines(text: string): string {
  if (!text.includes("\n") && !text.includes("\r")) return text.trim();
  const lines = text.split(/\r\n|\r|\n/);
  const first = LINE_PREFIX.exec(lines[0] ?? "");
  const rest = lines.slice(1).map((line) => {
    const prefix = LINE_PREFIX.exec(line);
    if (!prefix || prefix[1] !== first?.[1]) return line;
    // A line whose enhanced code differs says something of its own.
    const own = prefix[2] !== undefined && prefix[2] !== first?.[2] ? `${prefix[2]} ` : "";
    return own + line.slice(prefix[0].length);
  });
  return [lines[0], ...rest].join(" ").trim();
}

/** Relays flatten the lines and leave the prefixes in mid text: "originating 421-4.7.28 from your". */
function undoPrefixes(text: string, code: string | undefined, enhanced: string | null): string {
  const flat = /\s\s|[^\S ]/.test(text) ? text.replace(/\s{1,64}/g, " ") : text;
  if (code === undefined) return flat;
  const at = flat.indexOf(code) + code.length;
  if (flat[at] !== "-" && !flat.includes(code, at)) return flat;
  let front = flat.slice(0, at);
  let rest = flat.slice(at);
  const continued = rest.startsWith("-") || rest.includes(` ${code}-`);
  if (rest.startsWith("-")) rest = ` ${rest.slice(1)}`;
  if (enhanced !== null && rest.startsWith(` ${enhanced}`)) {
    front += ` ${enhanced}`;
    rest = rest.slice(enhanced.length + 1);
    rest = rest.split(` ${code}-${enhanced}`).join("").split(` ${code} ${enhanced}`).join("");
  }
  if (continued) rest = rest.split(` ${code}-`).join(" ").split(` ${code} `).join(" ");
  return front + rest;
}

function fold(text: string): string {
  let folded = text;
  if (/[^\x00-\x7f]/.test(folded)) {
    folded = folded
      .normalize("NFKD")
      .replace(/[\u0300-\u036f]/g, "")
      .replace(/[\u2018\u2019\u00b4]/g, "'");
  }
  folded = replaceAddresses(folded.toLowerCase(), "@");
  if (folded.includes('"') || folded.includes("`")) folded = folded.replace(/["`]/g, "'");
  return folded.includes("  ") ? folded.replace(/ {2,64}/g, " ") : folded;
}

function phaseIn(folded: string): Phase | null {
  const at = folded.lastIndexOf("in reply to ");
  if (at < 0) return null;
  const said = IN_REPLY.exec(folded.slice(at, at + 64));
  if (said?.[1] === undefined) return null;
  if (folded.startsWith("in reply to end of", at)) return "dot";
  return PHASE_OF_COMMAND[said[1]] ?? null;
}
