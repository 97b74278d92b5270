// Signs a message with DKIM (RFC 6376): rsa-sha256, relaxed/relaxed. The key is read and tried once, before anything
// is sent: a key that cannot sign must stop the program and not let mail go out unsigned.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { BellwetherError } from "../../errors.ts";

export interface DkimOptions {
  /** Signing domain (d=), in ASCII. */
  domain: string;
  selector: string;
  /** PEM of an RSA key, at least 1,024 bits (RFC 8301 section 3.2). */
  keyFile: string;
}

/** Signed where the message has them. */
const HEADERS = [
  "From",
  "To",
  "Subject",
  "Date",
  "Message-ID",
  "Reply-To",
  "MIME-Version",
  "Content-Type",
  "List-Unsubscribe",
  "List-Unsubscribe-Post",
  "Feedback-ID",
] as const;
const SIGNED = new Set(HEADERS.map((name) => name.toLowerCase()));

/**
 * Gives a function that puts a DKIM-Signature before a message with CRLF line ends.
 * @throws BellwetherError `config-value` that names sender.dkim.key_file
 */
export function createDkimSigner(options: DkimOptions): (raw: Buffer) => Buffer {
  const key = loadKey(options.keyFile);
  return (raw) => Buffer.concat([Buffer.from(signature(raw, options, key), "latin1"), raw]);
}

/**
 * The public half of a key, as DNS holds it: SPKI in DER, base64.
 * @throws BellwetherError `config-value` that names sender.dkim.key_file
 */
export function dkimPublicKey(keyFile: string): string {
  return createPublicKey(loadKey(keyFile)).export({ type: "spki", format: "der" }).toString("base64");
}

function loadKey(file: string): KeyObject {
  const refuse = (what: string, hint: string, cause?: unknown) =>
    new BellwetherError("config-value", `sender.dkim.key_file: ${file} ${what}`, hint, { cause });
  const make = "Make one with: openssl genrsa -out dkim.pem 2048";
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw refuse(`cannot be read (${why})`, "Check the path and who may read the file.", cause);
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw refuse(
      "is not a private key in PEM form without a passphrase",
      `It begins with "-----BEGIN PRIVATE KEY-----". ${make}`,
      cause,
    );
  }
  if (key.asymmetricKeyType === "ed25519")
    throw refuse("holds an Ed25519 key, which many providers do not check yet", `Use an RSA key. ${make}`);
  if (key.asymmetricKeyType !== "rsa")
    throw refuse(`holds a key of kind ${key.asymmetricKeyType ?? "unknown"}`, `DKIM takes RSA. ${make}`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < 1024)
    throw refuse(
      `holds an RSA key of ${bits} bits; receivers take no less than 1,024`,
      `2,048 is usual. ${make}`,
    );
  const trial = Buffer.from("trial");
  let works = false;
  try {
    works = verify("sha256", trial, createPublicKey(key), sign("sha256", trial, key));
  } catch {
    // Said below.
  }
  if (!works) throw refuse("holds a key whose signatures do not verify", make);
  return key;
}

function signature(raw: Buffer, { domain, selector }: DkimOptions, key: KeyObject): string {
  const end = raw.indexOf("\r\n\r\n");
  const head = end === -1 ? raw : raw.subarray(0, end);
  const body = end === -1 ? Buffer.alloc(0) : raw.subarray(end + 4);
  const bodyHash = createHash("sha256").update(relaxedBody(body), "latin1").digest("base64");
  const { names, text } = relaxedHead(head.toString("latin1"));
  const tags = [
    "v=1; a=rsa-sha256; c=relaxed/relaxed;",
    `d=${domain}; s=${selector};`,
    ...wrapped(`h=${names.join(":")};`, /.{1,70}(?::|$)/g),
    `bh=${bodyHash};`,
    "b=",
  ];
  const field = `DKIM-Signature: ${tags.join("\r\n ")}`;
  const signed = sign("sha256", Buffer.from(`${text}${relaxedField(field)}`, "latin1"), key);
  return `${field}${wrapped(signed.toString("base64"), /.{1,70}/g).join("\r\n ")}\r\n`;
}

function wrapped(text: string, pieces: RegExp): string[] {
  return text.match(pieces) ?? [text];
}

/**
 * The signed fields as they are hashed, the last of each name (section 5.4.2). From is named once more than it is
 * there, so that nobody can add a second one (section 8.15).
 */
function relaxedHead(head: string): { names: string[]; text: string } {
  const fields = new Map<string, string>();
  for (const field of head.split(/\r\n(?![ \t])/)) {
    const name = field.slice(0, field.indexOf(":")).trim().toLowerCase();
    if (SIGNED.has(name)) fields.set(name, relaxedField(field));
  }
  const names: string[] = HEADERS.filter((name) => fields.has(name.toLowerCase()));
  const text = names.map((name) => `${fields.get(name.toLowerCase())}\r\n`).join("");
  return { names: [...names, "From"], text };
}

/** Section 3.4.2; only blank and tab are white space. */
function relaxedField(field: string): string {
  const colon = field.indexOf(":");
  const value = field
    .slice(colon + 1)
    .replaceAll("\r\n", "")
    .replace(/[ \t]+/g, " ")
    .replace(/^ | $/g, "");
  return `${field.slice(0, colon).trim().toLowerCase()}:${value}`;
}

/** Section 3.4.4, as a text of bytes: blanks joined, none at line ends, no empty lines at the end. */
function relaxedBody(body: Buffer): string {
  const text = body
    .toString("latin1")
    .replace(/[ \t]+/g, " ")
    .replaceAll(" \r\n", "\r\n");
  let end = text.length;
  if (text.endsWith(" ")) end--;
  while (end >= 2 && text.charCodeAt(end - 1) === 0x0a && text.charCodeAt(end - 2) === 0x0d) end -= 2;
  return end === 0 ? "" : `${text.slice(0, end)}\r\n`;
}
