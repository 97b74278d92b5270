// Reads along what a client asks of PostgreSQL: the text of each statement, out of the frontend messages Query and
// Parse (PostgreSQL's documentation, "Message Formats"). A line that speaks something else, or TLS, gives nothing.

const QUERY = 0x51;
const PARSE = 0x50;
/** No message of ours is longer: what claims to be is no such message. */
const LONGEST = 64 * 1024 * 1024;

/** Returns what is to be fed with the client's bytes, in whatever pieces they come. */
export function watchStatements(onStatement: (sql: string) => void): (bytes: Buffer) => void {
  let unread: Buffer = Buffer.alloc(0);
  // The first message alone (start-up, or the wish for TLS) has no type.
  let started = false;
  let foreign = false;
  return (bytes) => {
    if (foreign) return;
    unread = unread.length === 0 ? bytes : Buffer.concat([unread, bytes]);
    for (;;) {
      const head = started ? 1 : 0;
      if (unread.length < head + 4) return;
      const length = unread.readUInt32BE(head);
      if (length < 4 || length > LONGEST) {
        foreign = true;
        return;
      }
      if (unread.length < head + length) return;
      const type = started ? unread[0] : null;
      const body = unread.subarray(head + 4, head + length);
      unread = unread.subarray(head + length);
      started = true;
      if (type === QUERY) onStatement(textOf(body));
      // A prepared statement's name comes first.
      else if (type === PARSE) onStatement(textOf(body.subarray(body.indexOf(0) + 1)));
    }
  };
}

function textOf(body: Buffer): string {
  return body.toString("utf8", 0, body.indexOf(0));
}
