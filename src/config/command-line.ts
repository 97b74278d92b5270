// A command of the configuration: a program and its arguments, run without a shell. How one text becomes a list is
// decided here, and docs/alerts.md says it.
import type { Kind, Read } from "./kinds.ts";

/** What a command of ours finds in its environment beside its own: no keys, though their names begin alike. */
export const ALERT_VARIABLES = [
  "BELLWETHER_ALERT_ID",
  "BELLWETHER_ALERT_KIND",
  "BELLWETHER_ALERT_URGENCY",
  "BELLWETHER_ALERT_FOR",
  "BELLWETHER_ALERT_AT",
  "BELLWETHER_ALERT_SUBJECT",
  "BELLWETHER_ALERT_CAMPAIGN",
  "BELLWETHER_ALERT_PROVIDER",
  "BELLWETHER_ALERT_LINK",
] as const;
export type AlertVariable = (typeof ALERT_VARIABLES)[number];

/** The program first. A text is split at blanks; what stands in "double" or 'single' quotes is one piece, as it is. */
export const commandLine: Kind<readonly string[]> = {
  expects: "a program with its arguments, as one text or as a list of texts",
  fromText: (given) => given.trim(),
  read: (value): Read<readonly string[]> => {
    if (typeof value === "string") return split(value);
    if (!Array.isArray(value) || !value.every((part) => typeof part === "string"))
      return { refused: "it is neither a text nor a list of texts" };
    return checked(value);
  },
};

function checked(parts: readonly string[]): Read<readonly string[]> {
  if ((parts[0] ?? "") === "") return { refused: "it names no program" };
  if (parts.some((part) => part.includes("\0"))) return { refused: "it has a NUL in it" };
  return { value: parts };
}

function split(text: string): Read<readonly string[]> {
  const parts: string[] = [];
  let part: string | null = null;
  let quote: string | null = null;
  for (const char of text) {
    if (quote !== null) {
      if (char === quote) quote = null;
      else part += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      part ??= "";
    } else if (/\s/.test(char)) {
      if (part !== null) parts.push(part);
      part = null;
    } else part = (part ?? "") + char;
  }
  if (quote !== null) return { refused: `a ${quote} is not closed` };
  if (part !== null) parts.push(part);
  return checked(parts);
}

/**
 * As Standard Webhooks writes it (https://github.com/standard-webhooks/standard-webhooks, "Signature scheme"): whsec_ and
 * 24 to 64 bytes in base64. The prefix may be left out.
 */
export const webhookSecret: Kind<string> = {
  expects: "whsec_ and 24 to 64 random bytes in base64",
  fromText: (given) => given.trim(),
  read: (value) => {
    if (typeof value !== "string") return { refused: `it is not a text in "quotes"` };
    const bytes = webhookSecretBytes(value.trim());
    if (bytes === null) return { refused: "it is not base64" };
    if (bytes.length < 24 || bytes.length > 64) return { refused: `it has ${bytes.length} bytes` };
    return { value: value.trim() };
  },
};

/** Null: it is not base64. */
export function webhookSecretBytes(secret: string): Buffer | null {
  const text = secret.replace(/^whsec_/, "");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : null;
}
