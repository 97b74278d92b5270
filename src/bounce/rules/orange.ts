// What Orange (and Wanadoo) and La Poste answer: one family of software, which ends its bilingual texts in a number
// ("OFR_506", "OFR004_405", "LPN007_510"); the last three digits carry the meaning.

import type { Reason } from "../reason.ts";
import type { Rule, Rulebook } from "../rule.ts";

const PAGE = "https://postmaster.orange.fr";

/** The number at the end of Orange's and La Poste's texts. */
function numbered(numbers: string, reason: Reason, examples: readonly string[], advice?: string): Rule {
  const pattern = new RegExp(`\\b(?:ofr|lpn|ouk|lpnaaa)\\d{0,3}[-_]?(?:${numbers})\\b`);
  return { pattern, reason, source: PAGE, examples, ...(advice === undefined ? {} : { advice }) };
}

export const orange: Rulebook = {
  providers: ["orange", "laposte"],
  signatures: [
    { provider: "laposte", pattern: /\blpn(?:aaa)?\d{0,3}[-_]?\d{3}\b|laposte\.net/ },
    {
      provider: "orange",
      pattern: /\b(?:ofr|ouk)\d{0,3}[-_]?\d{3}\b|mwinf\w{1,8} me |smtp\.orange\.fr|postmaster\.orange/,
    },
  ],
  hosted: false,
  rules: [
    numbered(
      "10[0-3]|425|510|988|989|990",
      "blocked",
      [
        "550 mwinf5c04 ME Adresse IP source bloquee. OFR006_102 [102]",
        "550 5.5.0 Service refuse. LPN005_510",
      ],
      "Orange blocks the sending address, by its own list or by that of Abusix (lookup.abusix.com), Spamhaus (check.spamhaus.org) or Cloudmark (csi.cloudmark.com). Ask for removal there, then by the form of postmaster.orange.fr.",
    ),
    numbered(
      "999",
      "blocked",
      ["421 mwinf5c77 ME Service refuse. Veuillez essayer plus tard. OFR_999 [999]"],
      "Orange takes nothing from the sending address for two hours, after earlier refusals. Stop, repair what those said, then go on slowly.",
    ),
    numbered("99\\d", "rate-limited", ["421 mwinf5c77 ME Service refuse. OFR_997 [997]"]),
    numbered(
      "104|109",
      "rate-limited",
      ["421 mwinf5c79 ME Trop de connexions. OFR005_104 [104]", "421 Veuillez essayer plus tard. LPN003_109"],
      "Orange takes 2 connections at a time from one address and 100 messages a connection: set the route so.",
    ),
    numbered("107", "reverse-dns", ["421 4.2.1 Service refuse. LPN006_107"]),
    numbered(
      "201|20\\d",
      "policy",
      ["550 Veuillez essayer plus tard. OFR004_201"],
      "The name that the server says in EHLO is not valid: it must be a full name with an A or AAAA record.",
    ),
    numbered("39\\d|401|515|517|519|535", "auth", [
      "571 5.7.1 Message refuse, verification DMARC en echec LPN007_517",
      "550 5.7.0 SPF OFR_397 [397]",
    ]),
    numbered(
      "305|402|403|405|415|421|630",
      "policy",
      ["501 5.1.0 Emetteur invalide. Invalid Sender. OFR004_405 [405]"],
      "Orange does not take the sender's domain: it needs valid A or MX records, and the return path must be able to receive.",
    ),
    numbered("416", "user-unknown", ["550 5.1.1 Adresse d au moins un destinataire invalide. OFR_416 [416]"]),
    numbered("417", "mailbox-full", ["552 5.1.1 Boite du destinataire pleine. OFR_417 [417]"]),
    numbered("420|426", "disabled", ["550 5.5.0 Boite du destinataire archivee. LPN007_420"]),
    numbered("505", "system", ["421 4.2.0 Service refuse. OFR005_505 [505]"]),
    numbered("506|513|536", "spam", ["550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]"]),
    numbered("514", "too-big", ["552 Taille limite du message atteinte OFR_514 [514]"]),
  ],
};
