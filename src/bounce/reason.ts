// The closed set of what a failure can mean: reason, whose fault it is, and how far it reaches. Everything that
// reads replies or reports ends in these words; everything that decides (breaker, ramp, retry) starts from them.

export const FAULTS = [
  "sender",
  "address",
  "temporary",
  "content",
  "recipient",
  "feedback",
  "none",
  "unknown",
] as const;
export type Fault = (typeof FAULTS)[number];

/** Each reason with the one fault it belongs to. */
export const FAULT_OF = {
  auth: "sender",
  "reverse-dns": "sender",
  blocked: "sender",
  policy: "sender",
  "rate-limited": "sender",
  tls: "sender",
  "relay-denied": "sender",
  "suppressed-by-relay": "sender",
  "user-unknown": "address",
  "host-unknown": "address",
  disabled: "address",
  "mailbox-full": "temporary",
  greylisted: "temporary",
  network: "temporary",
  system: "temporary",
  expired: "temporary",
  spam: "content",
  virus: "content",
  "too-big": "content",
  malformed: "content",
  filtered: "recipient",
  complaint: "feedback",
  "auto-reply": "none",
  notice: "none",
  "not-a-bounce": "none",
  unclassified: "unknown",
} as const satisfies Record<string, Fault>;
export type Reason = keyof typeof FAULT_OF;

/** How far a refusal reaches: one mailbox, one tenant, the whole provider, or our own relay. */
export const SCOPES = ["recipient", "organisation", "provider", "route"] as const;
export type Scope = (typeof SCOPES)[number];

/** Where in the SMTP dialogue the answer was given. `dot` is the reply after the final dot. */
export const PHASES = ["connect", "ehlo", "tls", "auth", "mail", "rcpt", "data", "dot"] as const;
export type Phase = (typeof PHASES)[number];

/** Whose word the reply is: in relay mode the relay's, direct to MX (or LMTP) the provider's. */
export type Speaker = "route" | "provider";

/** What a failed reply or a report means. */
export interface Classification {
  reason: Reason;
  fault: Fault;
  scope: Scope;
  /** True when the delivery is over (5xx class); false when a later try may succeed. */
  hard: boolean;
  /** Provider id (providers.ts), `other` when nobody is recognised. */
  provider: string;
  /** Basic SMTP code, e.g. 550; null when the text has none. */
  code: number | null;
  /** Enhanced status code (RFC 3463), e.g. "5.7.25"; null when the text has none. */
  enhanced: string | null;
  /** What to do, in one or two plain sentences, for the person who reads the hold. */
  advice: string;
}
