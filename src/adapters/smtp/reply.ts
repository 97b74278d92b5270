// Reads what a server's replies say about the session itself: what EHLO offers, whether a text is a refusal, and
// under which id the other side keeps an accepted mail. What a refusal means is for the classifier.

/** What the server of a session offers (RFC 5321 section 2.2). */
export interface Offers {
  smtpUtf8: boolean;
  /** Largest message in bytes (RFC 1870); null when it names no limit. */
  sizeLimit: number | null;
  /** Reports of what becomes of a mail may be asked for (RFC 3461). */
  dsn: boolean;
}

/** Reads the reply to EHLO or LHLO; a reply to HELO offers nothing. */
export function offersOf(reply: string): Offers {
  const words = new Map<string, string>();
  for (const line of reply.split(/\r?\n/).slice(1)) {
    const [keyword = "", ...parameters] = line.slice(4).trim().split(/\s+/);
    words.set(keyword.toUpperCase(), parameters.join(" "));
  }
  const limit = Number(words.get("SIZE") ?? 0);
  // "SIZE 0" means that there is no fixed limit.
  return {
    smtpUtf8: words.has("SMTPUTF8"),
    sizeLimit: Number.isInteger(limit) && limit > 0 ? limit : null,
    dsn: words.has("DSN"),
  };
}

/** A whole 4xx or 5xx reply, by its first line. */
export function isRefusal(reply: string): boolean {
  return /^[45]\d\d(?:[ -]|$)/.test(reply);
}

/**
 * Where servers put the id of a mail they took into their 250, the surest first. Each is one token without blanks:
 * - "queued as 4F0000001A" (Postfix, Haraka, most services; the last one when a filter in between quotes another's)
 * - "OK id=1tXy2z-000000001Ab-2Cde" (Exim)
 * - "Message Queued (D6D3A5F1-....1)" (Haraka)
 * - "ok 1700000000 qp 12345" (qmail)
 * - "<id@host> [InternalId=...] Queued mail for delivery" (Exchange: the Message-ID, as it may be a new one)
 * - "2.0.0 62PAbcde012345 Message accepted for delivery" (Sendmail)
 * - "Ok 0100018b5c3c0a4f-...-000000" (SES)
 * - "OK  1700000000 x-20020a05.. - gsmtp" (Gmail)
 */
const IDS: readonly RegExp[] = [
  /^.*\bqueued as:? <?([^\s<>,;]+?)>?[.,;]?(?:\s|$)/is,
  /\bid=([^\s<>,;]+)/i,
  /\bqueued \(([^\s()]+)\)/i,
  /\bqp (\d+)\b/i,
  /<([^\s<>]+@[^\s<>]+)>[^\n]*\bqueued mail for delivery/i,
  /\b2\.\d\.\d (\S+) message accepted for delivery/i,
  /^250 ok ([0-9a-f]+(?:-[0-9a-f]+)+)\s*$/i,
  /\bok\s+\d{9,} (\S+) - gsmtp/i,
];

/** The id under which the server keeps the mail; null when its reply names none. */
export function relayIdOf(reply: string): string | null {
  const start = reply.slice(0, 2_000);
  for (const pattern of IDS) {
    const id = pattern.exec(start)?.[1];
    if (id !== undefined) return id;
  }
  return null;
}
