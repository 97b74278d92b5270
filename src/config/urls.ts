// URLs of servers, as they stand in the configuration: taken apart, and made fit to be shown. It decides what is
// secret in a URL; which schemes a key takes is the schema's affair.
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

export interface ServerUrl {
  /** Without the colon, lower case. */
  readonly scheme: string;
  /** A host name in ASCII, or an IP address without brackets. */
  readonly host: string;
  /** null when the URL names none. */
  readonly port: number | null;
  readonly user: string | null;
  readonly pass: string | null;
  /** With its leading slash, percent-encoding as it was; empty when there is none. */
  readonly path: string;
  /** With its question mark; empty when there is none. */
  readonly query: string;
}

const ENCODE = "in a user or password write @ : / # ? % as %40 %3A %2F %23 %3F %25";

/** Takes a URL of one of `schemes` apart. What is wrong comes back as text, never with a part of the URL in it. */
export function parseServerUrl(text: string, schemes: readonly string[]): ServerUrl | string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return `it does not begin with ${schemes.map((s) => `${s}://`).join(" or ")}`;
  if (!schemes.includes(scheme)) return `${scheme}:// is not known here`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return `it cannot be read as a URL; ${ENCODE}`;
  }
  // An unencoded slash or hash in a password ends the authority early and leaves the "@" behind it.
  if (url.hash !== "" || /\s/.test(text) || url.pathname.includes("@")) return ENCODE;
  const host = hostOf(url.hostname);
  if (host === null) return "it names no host, or not a valid one";
  if (url.port === "0") return "port 0 is no port to connect to";
  try {
    return {
      scheme,
      host,
      port: url.port === "" ? null : Number(url.port),
      user: url.username === "" ? null : decodeURIComponent(url.username),
      pass: url.password === "" ? null : decodeURIComponent(url.password),
      path: url.pathname,
      query: url.search,
    };
  } catch {
    return ENCODE;
  }
}

function hostOf(hostname: string): string | null {
  if (hostname.startsWith("[")) {
    const address = hostname.slice(1, -1);
    return isIP(address) === 6 ? address : null;
  }
  let plain: string;
  try {
    plain = decodeURIComponent(hostname);
  } catch {
    return null;
  }
  return isHost(plain) ? domainToASCII(plain) || plain : null;
}

/** An IPv4 address or a host name, one label or more; underscores are let through, container names have them. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const ascii = /^[\x20-\x7e]*$/.test(text) ? text : domainToASCII(text);
  return (
    ascii.length <= 253 &&
    /^[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?$/i.test(ascii) &&
    // A last label of digits alone is an IPv4 address that is none (RFC 1123 section 2.1).
    !/(^|\.)\d+\.?$/.test(ascii)
  );
}

/** True for localhost, 127.0.0.0/8 and ::1: what never leaves this machine. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/\.$/, "");
  if (isIP(plain) === 4) return plain.startsWith("127.");
  return (
    plain === "localhost" || plain.endsWith(".localhost") || plain === "::1" || plain === "0:0:0:0:0:0:0:1"
  );
}

const SECRET_QUERY = /([?&][^=&#]*(?:pass|pwd|secret|token|key|sig)[^=&#]*=)[^&#]*/gi;

/**
 * The URL without its secrets, for logs and messages: `smtp://user:***@host:587`. Of http(s) URLs only the origin is
 * kept, because their paths are secrets too (incoming webhooks). It also takes texts that are no valid URL, and then
 * rather hides too much.
 */
export function maskUrl(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url);
  const scheme = match?.[1] ?? "";
  const rest = match?.[2] ?? url;
  // Up to the last "@" of the whole rest: a password with a slash or an "@" in it is no longer where it belongs.
  const end = rest.lastIndexOf("@");
  const userinfo = end === -1 ? null : rest.slice(0, end);
  const place = rest.slice(end + 1);
  if (/^https?:/i.test(scheme)) {
    const origin = /^[^/?#]*/.exec(place)?.[0] ?? "";
    return `${scheme}${userinfo === null ? "" : "***@"}${origin}${origin === place ? "" : "/***"}`;
  }
  const shown = place.replaceAll(SECRET_QUERY, "$1***");
  if (userinfo === null) return scheme + shown;
  const colon = userinfo.indexOf(":");
  if (colon === -1) return scheme === "" ? `***@${shown}` : `${scheme}${userinfo}@${shown}`;
  return `${scheme}${scheme === "" ? "" : userinfo.slice(0, colon)}:***@${shown}`;
}
