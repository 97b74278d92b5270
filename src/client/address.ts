// Decides what is an email address that can be written into SMTP and headers as it stands, and when two are the same
// mailbox. Whether the mailbox exists is for its provider to say. Quoted local parts ("a b"@example.com, RFC 5321
// section 4.1.2) are refused: hardly a mailbox has one, and each is a chance to smuggle something into a command.
import { domainToASCII } from "node:url";
import { BellwetherError } from "../errors.ts";

export interface ParsedAddress {
  /** Local part as written, "@", domain in lower-case ASCII (IDNA A-labels). */
  address: string;
  /** The whole address in lower case and NFC: equal for what is taken as one mailbox. */
  key: string;
  /** Lower-case ASCII domain, at least two labels. */
  domain: string;
  /** False when the local part can only travel by SMTPUTF8 (RFC 6531). */
  ascii: boolean;
}

/** RFC 5321 section 4.5.3.1.1, in octets. */
const MAX_LOCAL = 64;
/** RFC 5321 section 4.5.3.1.3 allows 256 octets for a path, of which two are its angle brackets. */
const MAX_ADDRESS = 254;
const TOO_LONG = `it is longer than ${MAX_ADDRESS} octets`;

// atext of RFC 5322 section 3.2.3, and whatever is not ASCII (RFC 6531 section 3.3).
const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a0-\u{10ffff}-]+$/u;
const PLAIN = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+$/;
// Nearly every address: nothing but these needs a look at each character.
const PLAIN_ADDRESS = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+$/;
const PLAIN_DOMAIN =
  /^(?!.*xn--)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SPECIALS = /[\s()<>[\]:;@\\,"]/u;
// Control, format (zero-width, direction marks), surrogate, private, line and paragraph separators.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** @throws BellwetherError("address-invalid") with the reason in its message. */
export function parseAddress(text: string): ParsedAddress {
  const parsed = readAddress(text);
  if (typeof parsed !== "string") return parsed;
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
  throw new BellwetherError(
    "address-invalid",
    `${shown} is not an email address: ${parsed}.`,
    "Write it as name@example.com, without a display name.",
  );
}

/** As parseAddress, but a refusal is a value: the reason, as the end of a sentence ("it has no @"). */
export function readAddress(text: string): ParsedAddress | string {
  const written = text.trim();
  if (written === "") return "it is empty";
  // Counted again in octets below; here it keeps a swallowed page of text away from everything else.
  if (written.length > MAX_ADDRESS) return TOO_LONG;
  const badCharacter = PLAIN_ADDRESS.test(written) ? undefined : characterProblem(written);
  if (badCharacter !== undefined) return badCharacter;

  const at = written.indexOf("@");
  if (at === -1) return "it has no @";
  if (at !== written.lastIndexOf("@")) return "it has more than one @";
  const local = written.slice(0, at);
  const badLocal = localProblem(local);
  if (badLocal !== undefined) return badLocal;

  const domain = readDomain(written.slice(at + 1));
  if ("problem" in domain) return domain.problem;

  const ascii = PLAIN.test(local);
  const address = `${local}@${domain.name}`;
  if (Buffer.byteLength(address) > MAX_ADDRESS) return TOO_LONG;
  const folded = ascii ? local.toLowerCase() : local.normalize("NFC").toLowerCase().normalize("NFC");
  return { address, key: `${folded}@${domain.name}`, domain: domain.name, ascii };
}

function characterProblem(written: string): string | undefined {
  const invisible = INVISIBLE.exec(written)?.[0];
  if (invisible !== undefined) return `it holds the invisible character ${codePoint(invisible)}`;
  if (/\s/u.test(written)) return "it has a blank in it";
  if (/[<>]/.test(written)) return "it has an angle bracket in it";
  if (written.includes('"')) return "it has a quote in it, and quoted addresses are not taken";
  if (/[,;]/.test(written)) return "it has a comma or semicolon in it, as if it were several addresses";
  return undefined;
}

function localProblem(local: string): string | undefined {
  if (local === "") return "nothing stands before the @";
  if (Buffer.byteLength(local) > MAX_LOCAL)
    return `what stands before the @ is longer than ${MAX_LOCAL} octets`;
  if (local.startsWith(".")) return "it begins with a dot";
  if (local.endsWith(".")) return "it has a dot right before the @";
  if (local.includes("..")) return "it has two dots in a row before the @";
  if (PLAIN.test(local)) return undefined;
  for (const char of local)
    if (char !== "." && !LOCAL.test(char)) return `${codePoint(char)} may not stand before the @`;
  // A full-width < or @ becomes the real one where some mail system normalises.
  if (SPECIALS.test(local.normalize("NFKC")))
    return "it holds a look-alike of a character with a meaning in addresses";
  return undefined;
}

type Domain = { name: string } | { problem: string };

// A list of clients repeats few domains. Its strings are made anew: a slice would keep the CSV block that it was cut
// from in memory for as long as somebody keeps the domain.
const domains = new Map<string, Domain>();
const DOMAINS_KEPT = 20_000;

function readDomain(written: string): Domain {
  const known = domains.get(written);
  if (known !== undefined) return known;
  const own = Buffer.from(written).toString();
  const domain = checkDomain(own);
  if (domains.size >= DOMAINS_KEPT) domains.clear();
  domains.set(own, domain);
  return domain;
}

function checkDomain(written: string): Domain {
  const lower = written.toLowerCase();
  if (PLAIN_DOMAIN.test(lower)) return { name: lower };
  const problem = (text: string): Domain => ({ problem: text });
  if (written === "") return problem("nothing stands after the @");
  if (written.startsWith("[")) return problem("its domain is a bare IP address");
  for (const char of written)
    if (char < "\u0080" && !/[A-Za-z0-9.-]/.test(char))
      return problem(`${codePoint(char)} may not stand in a domain`);
  const isPlain = /^[a-z0-9.-]*$/.test(lower) && !lower.includes("xn--");
  const name = isPlain ? lower : domainToASCII(lower);
  if (name === "") return problem("its domain is not a valid international name (IDNA)");
  if (name.endsWith(".")) return problem("its domain ends with a dot");
  const labels = name.split(".");
  if (labels.length < 2) return problem("its domain has no dot");
  for (const label of labels) {
    if (label === "") return problem("its domain has two dots in a row or begins with one");
    if (label.length > 63) return problem("a part of its domain is longer than 63 characters");
    if (!LABEL.test(label))
      return problem(
        `the part ${JSON.stringify(label)} of its domain begins or ends with a hyphen or has a bad character`,
      );
  }
  if (/^[0-9]+$/.test(labels.at(-1) ?? ""))
    return problem("its domain ends in a number, as an IP address does");
  return { name };
}

function codePoint(char: string): string {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return char > " " && char < "\u007f" ? JSON.stringify(char) : `U+${code}`;
}
