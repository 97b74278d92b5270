// What French providers say in French, whoever runs the server (SFR, Free, Orange and La Poste without a number).
import type { Rulebook } from "../rule.ts";

const SFR = "https://www.postmastery.com/all-about-isp-sfr-and-smtp-error-codes-sfr_in_xxx/";
const PAGE = "https://postmaster.orange.fr";

export const french: Rulebook = {
  providers: ["sfr", "free", "orange", "laposte"],
  signatures: [
    { provider: "sfr", pattern: /\bsfr_?in_|\.sfr\.fr\b/ },
    { provider: "free", pattern: /postmaster\.free\.fr|\.free\.fr esmtp/ },
    {
      provider: "other",
      pattern: /destinataire|emetteur|expediteur|trop de |veuillez|refuse\. |rejete|boite |utilisateur /,
    },
  ],
  hosted: false,
  rules: [
    {
      pattern:
        /spf\/dns|verifier la configuration spf|authentification (?:spf|dkim|dmarc)|verification dmarc/,
      reason: "auth",
      source: PAGE,
      examples: [
        "421 Emetteur invalide, Veuillez verifier la configuration SPF/DNS de votre nom de domaine.",
      ],
    },
    {
      pattern: /adresse ip .{0,40}bloquee|ip (?:source )?bloquee|ont ete bloques|liste noire/,
      reason: "blocked",
      source: PAGE,
      examples: ["550 Votre adresse IP est bloquee, veuillez contacter le support."],
    },
    {
      pattern: /trop de (?:connexions|messages|destinataires|mails)/,
      reason: "rate-limited",
      source: SFR,
      examples: ["421 Trop de connexions, veuillez patienter"],
    },
    {
      pattern: /boite .{0,40}pleine|quota .{0,30}(?:depasse|atteint)/,
      reason: "mailbox-full",
      source: PAGE,
      examples: ["552 Boite du destinataire pleine"],
    },
    {
      pattern:
        /boite .{0,40}(?:archivee|desactivee|suspendue|fermee|bloquee)|compte du destinataire .{0,20}(?:bloque|suspendu|ferme)/,
      reason: "disabled",
      source: PAGE,
      examples: ["550 Boite du destinataire archivee", "550 Le compte du destinataire est bloque."],
    },
    {
      pattern:
        /destinataire.{0,30}(?:invalide|inconnu|inexistant)|(?:adresse|utilisateur|compte) (?:inconnue?|inexistante?)/,
      reason: "user-unknown",
      source: PAGE,
      examples: [
        "550 5.1.1 Adresse du destinataire invalide",
        "550 Utilisateur inconnu; destinataire refuse. ",
      ],
    },
    {
      pattern: /(?:emetteur|expediteur) .{0,20}(?:invalide|refuse|rejete)|code d.authentification/,
      reason: "policy",
      source: PAGE,
      examples: ["501 Emetteur invalide", "550 Expediteur refuse. "],
    },
    {
      pattern: /taille .{0,40}(?:atteinte|depassee|maximale)|message trop (?:gros|volumineux)/,
      reason: "too-big",
      source: PAGE,
      examples: ["552 Votre boite refuse: taille du message depassee"],
    },
    {
      pattern: /(?:mail|message) (?:rejete|refuse)/,
      reason: "spam",
      replyClass: 5,
      source: PAGE,
      examples: ["550 Mail rejete"],
    },
    {
      pattern: /service refuse/,
      reason: "blocked",
      replyClass: 5,
      source: PAGE,
      examples: ["550 Service refuse. Veuillez essayer plus tard."],
    },
    {
      pattern: /service refuse|essayer plus tard/,
      reason: "system",
      replyClass: 4,
      source: PAGE,
      examples: ["421 Service refuse. Veuillez essayer plus tard."],
    },
  ],
};
