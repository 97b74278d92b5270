// The kinds of value that name a server: the relay, the bounce mailbox, the database, Redis, web addresses. Each is
// a URL on the way in and its parts on the way out; default ports are here.
import path from "node:path";
import { type Kind, type Read, text } from "./kinds.ts";
import { maskUrl, parseServerUrl } from "./urls.ts";

/** Where a route hands its mail over. */
export type RouteTarget =
  | {
      readonly kind: "relay";
      readonly host: string;
      readonly port: number;
      /** TLS from the first byte (smtps), not by STARTTLS. */
      readonly implicitTls: boolean;
      readonly user: string | null;
      readonly pass: string | null;
      /** LMTP (RFC 2033): one answer per recipient after the final dot. */
      readonly lmtp: boolean;
    }
  | { readonly kind: "direct"; readonly port: number };

export interface ImapServer {
  readonly host: string;
  readonly port: number;
  readonly implicitTls: boolean;
  readonly user: string;
  readonly pass: string;
}

export type DatabaseTarget =
  | { readonly kind: "sqlite"; readonly url: string; readonly file: string }
  | { readonly kind: "postgresql"; readonly url: string };

/** The ports of RFC 5321, RFC 8314 (smtps) and RFC 6409 (submission, once there is a user); 24 is IANA's for LMTP. */
function relayPort(scheme: string, user: string | null): number {
  if (scheme === "smtps") return 465;
  if (scheme === "lmtp") return 24;
  return user === null ? 25 : 587;
}

export const routeTarget: Kind<RouteTarget> = text(
  '"direct", or smtp://user:password@host:port (also smtps:// and lmtp://; user, password and port may be left out)',
  (given): Read<RouteTarget> => {
    if (given === "direct") return { value: { kind: "direct", port: 25 } };
    const url = parseServerUrl(given, ["smtp", "smtps", "lmtp"]);
    if (typeof url === "string") return { refused: url };
    if (url.path.length > 1 || url.query !== "")
      return { refused: "something stands behind the host and port" };
    if ((url.user === null) !== (url.pass === null)) return { refused: "user and password go together" };
    return {
      value: {
        kind: "relay",
        host: url.host,
        port: url.port ?? relayPort(url.scheme, url.user),
        implicitTls: url.scheme === "smtps",
        user: url.user,
        pass: url.pass,
        lmtp: url.scheme === "lmtp",
      },
    };
  },
);

export const imapServer: Kind<ImapServer> = text(
  "imaps://user:password@host:port, or imap:// for STARTTLS",
  (given) => {
    const url = parseServerUrl(given, ["imaps", "imap"]);
    if (typeof url === "string") return { refused: url };
    if (url.path.length > 1 || url.query !== "")
      return { refused: "something stands behind the host and port" };
    if (url.user === null || url.pass === null) return { refused: "user or password is missing" };
    const implicitTls = url.scheme === "imaps";
    return {
      value: {
        host: url.host,
        port: url.port ?? (implicitTls ? 993 : 143),
        implicitTls,
        user: url.user,
        pass: url.pass,
      },
    };
  },
);

export const databaseTarget: Kind<DatabaseTarget> = text(
  '"file:" with a path, or postgresql://user:password@host:port/database',
  (given, directory): Read<DatabaseTarget> => {
    if (given.startsWith("file:")) {
      const place = given.slice("file:".length);
      if (place === "" || place.endsWith("/")) return { refused: "it names no file" };
      if (/[?#\0]/.test(place)) return { refused: "parameters behind the path are not taken" };
      if (place.startsWith(":"))
        return { refused: "a database in memory would forget whom it has written to" };
      const file = path.resolve(directory, place);
      return { value: { kind: "sqlite", url: `file:${file}`, file } };
    }
    const url = parseServerUrl(given, ["postgresql", "postgres"]);
    if (typeof url === "string") return { refused: url };
    if (url.path.length < 2) return { refused: "it names no database" };
    return { value: { kind: "postgresql", url: given } };
  },
);

export const redisUrl: Kind<string> = text(
  "redis://user:password@host:port/number, or rediss:// for TLS",
  (given) => {
    const url = parseServerUrl(given, ["redis", "rediss"]);
    if (typeof url === "string") return { refused: url };
    if (!/^(\/\d{0,5})?$/.test(url.path))
      return { refused: "what stands behind the host is not the number of a database" };
    return { value: given };
  },
);

/** A web address; without a slash at its end where it is only a host. */
export function webUrl(schemes: readonly ("https" | "http")[]): Kind<string> {
  return text(
    `a web address that begins with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`,
    (given) => {
      const url = parseServerUrl(given, schemes);
      if (typeof url === "string") return { refused: url };
      return { value: url.path === "/" && url.query === "" ? given.replace(/\/$/, "") : given };
    },
  );
}

/**
 * A value of a key that holds a secret, as a message may repeat it. What looks neither like a URL nor like a host is
 * hidden whole: a password often ends up in the wrong variable.
 */
export function shownSecret(value: unknown): string {
  if (typeof value !== "string") return `not shown (${Array.isArray(value) ? "a list" : typeof value})`;
  const plain = value.trim();
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(plain) || /^(file:|localhost$|[\w.-]+:\d{1,5}$)/i.test(plain)) {
    return JSON.stringify(maskUrl(plain));
  }
  return `a text of ${plain.length} characters, not shown`;
}
