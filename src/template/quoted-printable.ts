// Quoted-printable bodies (RFC 2045 section 6.7). Nearly all lines of a campaign's mails are the same for every client, so
// that encoded lines are remembered.

/** Octets of an encoded line, without its CRLF and without the "=" of a soft break (section 6.7 rule 5). */
const LINE = 75;
const HEX = Buffer.from("0123456789ABCDEF", "latin1");
/** 1: stands for itself anywhere but at the beginning or end of a line (RFC 2045 section 6.7 rules 2 and 3). */
const PLAIN = new Uint8Array(256).map((_, byte) =>
  byte === 9 || (byte >= 32 && byte < 127 && byte !== 61) ? 1 : 0,
);
const [TAB, LF, CR, SPACE, DOT, EQUALS, UPPER_F] = [9, 10, 13, 32, 46, 61, 70];
let scratch = Buffer.allocUnsafe(32 * 1024);

/** Lines that are remembered. */
const LINES_KEPT = 2_000;

/**
 * An encoder of texts with LF line ends: lines of 76 at most, and no character of UTF-8 divided by a soft line break.
 */
export function createQuotedPrintable(): (text: string) => string {
  const lines = new Map<string, string>();

  function encoded(line: string): string {
    const known = lines.get(line);
    if (known !== undefined) return known;
    const fresh = encodeLine(line);
    if (lines.size >= LINES_KEPT) lines.clear();
    // A copy: a slice would keep the whole mail that it was cut from.
    lines.set(Buffer.from(line, "utf16le").toString("utf16le"), fresh);
    return fresh;
  }

  return (text) => {
    let out = "";
    for (let from = 0; ; ) {
      const end = text.indexOf("\n", from);
      if (end < 0) return out + encoded(text.slice(from));
      out += `${encoded(text.slice(from, end))}\r\n`;
      from = end + 1;
    }
  };
}

/** One line without its line end. */
function encodeLine(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  const size = bytes.length;
  // At worst each byte becomes three, and a soft break of three comes after every 66 of those.
  if (scratch.length < size * 4 + 16) scratch = Buffer.allocUnsafe(size * 4 + 16);
  const out = scratch;
  let length = 0;
  let column = 0;
  for (let at = 0; at < size; ) {
    // Most of a mail is runs of plain ASCII; the last character of a line is looked at alone.
    const stop = Math.min(size - 1, at + LINE - column);
    while (column > 0 && at < stop && PLAIN[bytes[at] as number] === 1) {
      out[length++] = bytes[at++] as number;
      column++;
    }
    const byte = bytes[at] as number;
    let coded = PLAIN[byte] === 0;
    if (byte === SPACE || byte === TAB) coded = at === size - 1;
    // Careless hops double a dot and mend "From " at the beginning of a line.
    else if (column === 0) coded ||= byte === DOT || (byte === UPPER_F && startsWithFrom(bytes, at));
    // A lead byte asks for room for its whole character.
    const width = coded ? 3 * (byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) : 1;
    if (column + width > LINE) {
      out[length++] = EQUALS;
      out[length++] = CR;
      out[length++] = LF;
      column = 0;
      continue;
    }
    at++;
    if (coded) {
      out[length++] = EQUALS;
      out[length++] = HEX[byte >> 4] as number;
      out[length++] = HEX[byte & 15] as number;
      column += 3;
    } else {
      out[length++] = byte;
      column++;
    }
  }
  return out.toString("latin1", 0, length);
}

function startsWithFrom(bytes: Buffer, at: number): boolean {
  return bytes[at + 1] === 114 && bytes[at + 2] === 111 && bytes[at + 3] === 109 && bytes[at + 4] === 32;
}
