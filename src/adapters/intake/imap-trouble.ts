// What goes wrong with an IMAP server, in words for a person: who, what, and never a password.

interface Server {
  host: string;
  port: number;
  pass: string;
}

/** The server has said no to the user or the password; trying often would shut us out. */
export class LoginRefused extends Error {}

/** `bye` is what the server said when it hung up. */
export function imapTrouble(error: unknown, server: Server, bye?: string | undefined): Error {
  if (error instanceof LoginRefused) return error;
  const where = `${server.host.includes(":") ? `[${server.host}]` : server.host}:${server.port}`;
  const { code, said, login, busy, unsecured } = factsOf(error);
  const hide = (text: string) => text.replaceAll(server.pass, "***");
  if (login && !busy) {
    const words = said === null ? "" : ` ("${said}")`;
    return new LoginRefused(hide(`${where} refuses the user or password of [bounces.imap] url${words}`));
  }
  if (unsecured) {
    const text = "offers no STARTTLS, without which no password is sent to another machine; try imaps://";
    return new Error(`${where} ${text}`, { cause: error });
  }
  return new Error(hide(`${where} ${whatOf(code, error, said, bye)}`), { cause: error });
}

function whatOf(code: string, error: unknown, said: string | null, bye: string | undefined): string {
  switch (code) {
    case "ECONNREFUSED":
      return "has nothing that listens";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `has a name that cannot be resolved (${code})`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `cannot be reached from here (${code})`;
    case "CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return "does not answer";
    case "GREETING_TIMEOUT":
      return "took the connection and never greeted; imaps:// and imap:// may be mixed up";
    case "ETIMEOUT":
      return "was silent too long";
    case "ECONNRESET":
    case "EPIPE":
    case "NoConnection":
    case "EConnectionClosed":
    case "ClosedAfterConnectTLS":
    case "ClosedAfterConnectText":
      return bye ? `hung up: "${oneLine(bye)}"` : "hung up";
  }
  if (/CERT|SIGNATURE|^ERR_TLS|^ERR_SSL|^EPROTO/.test(code)) {
    return `could not be spoken to with TLS: ${oneLine(error)}`;
  }
  return said === null ? `failed: ${oneLine(error)}` : `says: "${said}"`;
}

/** What imapflow notes on its errors. */
function factsOf(error: unknown): {
  code: string;
  said: string | null;
  login: boolean;
  busy: boolean;
  unsecured: boolean;
} {
  const facts = (typeof error === "object" && error !== null ? error : {}) as {
    code?: unknown;
    responseText?: unknown;
    authenticationFailed?: unknown;
    serverResponseCode?: unknown;
    tlsFailed?: unknown;
  };
  return {
    code: typeof facts.code === "string" ? facts.code : "",
    said: typeof facts.responseText === "string" ? oneLine(facts.responseText) : null,
    login: facts.authenticationFailed === true,
    // RFC 5530 section 3: the server's own trouble, or too many sessions; the password may be right.
    busy: /^(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN)$/.test(String(facts.serverResponseCode)),
    unsecured: facts.tlsFailed === true && error instanceof Error && /STARTTLS/.test(error.message),
  };
}

/** Of an error its message; short, and of one line. */
export function oneLine(text: unknown): string {
  const plain = text instanceof Error ? text.message : String(text);
  return plain.replace(/\s*[\r\n]+\s*/g, " ").slice(0, 300);
}
