// Which enhanced status codes (RFC 3463) may decide by themselves, when no text does. Few: 5.0.0 and 5.7.1 mean
// anything, and providers use numbers for things of their own (Gmail's 5.7.25, 4.7.23, 5.7.27, 4.7.29).
import type { CodeRule } from "./rule.ts";

const GOOGLE = "https://support.google.com/a/answer/3726730";
const MICROSOFT =
  "https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online";
const YAHOO = "https://senders.yahooinc.com/smtp-error-codes/";
const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";

const google: Readonly<Record<string, CodeRule>> = {
  "5.7.25": { reason: "reverse-dns", source: GOOGLE },
  "4.7.23": { reason: "reverse-dns", source: GOOGLE },
  "5.7.23": { reason: "reverse-dns", source: GOOGLE },
  "4.7.24": { reason: "auth", source: GOOGLE },
  "5.7.24": { reason: "auth", source: GOOGLE },
  "4.7.26": { reason: "auth", source: GOOGLE },
  "4.7.27": { reason: "auth", source: GOOGLE },
  "5.7.27": { reason: "auth", source: GOOGLE },
  "4.7.28": { reason: "rate-limited", source: GOOGLE },
  "5.7.28": { reason: "rate-limited", source: GOOGLE },
  "4.7.29": { reason: "tls", source: GOOGLE },
  "5.7.29": { reason: "tls", source: GOOGLE },
  "4.7.30": { reason: "auth", source: GOOGLE },
  "5.7.30": { reason: "auth", source: GOOGLE },
  "4.7.31": { reason: "auth", source: GOOGLE },
  "4.7.32": { reason: "auth", source: GOOGLE },
  "5.7.32": { reason: "auth", source: GOOGLE },
  "4.7.40": { reason: "auth", source: GOOGLE },
  "5.7.40": { reason: "auth", source: GOOGLE },
  "4.2.2": { reason: "mailbox-full", source: GOOGLE },
};

const microsoft: Readonly<Record<string, CodeRule>> = {
  "5.1.10": { reason: "user-unknown", source: MICROSOFT },
  "5.7.23": { reason: "auth", source: MICROSOFT },
  "5.7.25": { reason: "reverse-dns", source: MICROSOFT },
  "4.7.26": { reason: "auth", source: MICROSOFT },
  "5.7.509": { reason: "auth", source: MICROSOFT },
  "5.4.300": { reason: "expired", source: MICROSOFT },
  "5.4.316": { reason: "network", source: MICROSOFT },
  "5.4.14": { reason: "network", source: MICROSOFT },
  "5.7.321": { reason: "tls", source: MICROSOFT },
  "5.7.322": { reason: "tls", source: MICROSOFT },
  "5.7.323": { reason: "tls", source: MICROSOFT },
  "5.7.324": { reason: "tls", source: MICROSOFT },
};

const yahoo: Readonly<Record<string, CodeRule>> = {
  "5.7.9": { reason: "policy", source: YAHOO },
};

const BY_PROVIDER: Readonly<Record<string, Readonly<Record<string, CodeRule>>>> = {
  google,
  microsoft365: microsoft,
  outlook: microsoft,
  yahoo,
};

const BY_ANYBODY: Readonly<Record<string, CodeRule>> = {
  "5.1.1": { reason: "user-unknown", source: RFC3463 },
  "5.1.2": { reason: "host-unknown", source: RFC3463 },
  "5.1.6": { reason: "disabled", source: RFC3463 },
  "5.1.8": { reason: "policy", source: RFC3463 },
  "5.2.2": { reason: "mailbox-full", source: RFC3463 },
  "5.7.26": { reason: "auth", source: "https://www.rfc-editor.org/rfc/rfc7372" },
};

/** What the code means by itself; the writers' own tables first. Undefined: it decides nothing. */
export function trustedCode(enhanced: string, providers: readonly string[]): CodeRule | undefined {
  for (const provider of providers) {
    const own = lookUp(BY_PROVIDER[provider] ?? {}, enhanced);
    if (own) return own;
  }
  return lookUp(BY_ANYBODY, enhanced);
}

function lookUp(table: Readonly<Record<string, CodeRule>>, code: string): CodeRule | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}
