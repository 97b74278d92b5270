// What servers and reports say in German, Spanish, Italian, Portuguese and Dutch, whoever runs them. Accents are gone
// when rules are tried. French has a file of its own; other alphabets stand in prose-words.ts.
import type { Rulebook } from "../rule.ts";

const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";

export const languages: Rulebook = {
  providers: [],
  signatures: [
    {
      provider: "other",
      pattern:
        /postfach|empfanger|benutzer|nachricht|zustell|absender|buzon|usuario|destinatari|mensaje|casella|messaggio|utente|mittente|indirizzo|correo|direccion|caixa postal|caixa de|endereco|mensagem|ontvanger|gebruiker|bericht|no existe dich|adresse nicht/,
    },
  ],
  hosted: false,
  rules: [
    {
      pattern:
        /(?:postfach|mailbox|speicher)\b.{0,40}\b(?:voll|uberschritten|erschopft)|kontingent .{0,30}(?:uberschritten|erschopft)|(?:buzon|casilla|correo)\b.{0,40}(?:lleno|llena|cuota|excedid)|excedi\w{0,3} .{0,20}cuota|casella\b.{0,40}\b(?:pien[ao]|esaurit[ao])|caixa .{0,40}(?:cheia|lotada|cota)|(?:postvak|mailbox) .{0,20}\bvol\b/,
      reason: "mailbox-full",
      source: RFC3463,
      examples: [
        "Das Postfach des Empfängers ist voll.",
        "El buzón del destinatario está lleno",
        "La casella di posta del destinatario è piena",
        "A caixa postal do destinatário está cheia",
      ],
    },
    {
      pattern:
        /(?:konto|postfach|benutzer)\b.{0,30}(?:gesperrt|deaktiviert|geschlossen)|(?:cuenta|buzon|usuario)\b.{0,30}(?:suspendid|desactivad|deshabilitad|bloquead)|(?:casella|utente|account)\b.{0,30}(?:disattivat|sospes|disabilitat)|(?:conta|usuario)\b.{0,30}(?:desativad|suspens)/,
      reason: "disabled",
      source: RFC3463,
      examples: [
        "550 Benutzerkonto gesperrt: Das Konto ist deaktiviert",
        "550 La cuenta del usuario está suspendida",
      ],
    },
    {
      pattern:
        /(?:empfanger|benutzer|adresse|postfach|adressat)\w{0,12}\b.{0,40}(?:unbekannt|existiert nicht|nicht gefunden|nicht bekannt|nicht vorhanden|ungultig)|unbekannter (?:empfanger|benutzer)|(?:usuario|destinatari[oa]|buzon|direccion|cuenta|casilla)\b.{0,40}(?:no existe|desconocid|no encontrad|no valid|inexistente)|no existe .{0,20}(?:usuario|direccion|buzon|persona)|nessun utente|(?:utente|destinatario|indirizzo|casella)\b.{0,40}(?:sconosciut|non esiste|inesistente|non trovat|non valid)|(?:usuario|destinatario|endereco|conta)\b.{0,40}(?:nao existe|desconhecid|nao encontrad|inexistente|invalid)|(?:ontvanger|gebruiker|adres)\b.{0,30}(?:onbekend|bestaat niet)/,
      reason: "user-unknown",
      source: RFC3463,
      examples: [
        "550 Empfänger unbekannt",
        "Der Benutzer existiert nicht",
        "550 El usuario no existe",
        "550 Utente sconosciuto",
        "550 O usuário não existe, destinatário desconhecido",
      ],
    },
    {
      pattern:
        /nachricht .{0,30}zu gros?s|mensaje .{0,30}(?:demasiado grande|excede)|messaggio .{0,30}(?:troppo grande|dimensione)|mensagem .{0,30}(?:muito grande|excede)/,
      reason: "too-big",
      source: RFC3463,
      examples: ["552 Die Nachricht ist zu gross", "552 El mensaje es demasiado grande"],
    },
  ],
};
