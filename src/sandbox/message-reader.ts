// Reads one message off the wire: finds the final dot however the bytes are cut (RFC 5321 section 4.1.1.4), and
// keeps no more of it than is wanted. What the message is worth is decided elsewhere.

/** What is remembered of a message; a sink that only counts needs nothing. */
export type Keep = "nothing" | "head" | "all";

const END = Buffer.from("\r\n.\r\n");
/** The dot and the line end after it are not part of the message. */
const MARK_BYTES = 3;
const HEAD_BYTES = 16_384;

export class MessageReader {
  /** Bytes of the message so far, dots still doubled. */
  bytes = 0;
  readonly #keep: Keep;
  readonly #parts: Buffer[] = [];
  #kept = 0;
  /** The last four bytes; at first a line end, so that a lone dot is an empty message. */
  #tail = "\r\n";

  constructor(keep: Keep) {
    this.#keep = keep;
  }

  /** Null while the final dot has not come; then what follows it in `chunk` (perhaps nothing). */
  take(chunk: Buffer): Buffer | null {
    const end = this.#findEnd(chunk);
    const part = end === null ? chunk : chunk.subarray(0, end);
    this.bytes += part.length;
    if (this.#keep === "all" || (this.#keep === "head" && this.#kept < HEAD_BYTES)) {
      this.#parts.push(part);
      this.#kept += part.length;
    }
    if (end === null) {
      this.#tail = (this.#tail + chunk.toString("latin1", Math.max(0, chunk.length - 4))).slice(-4);
      return null;
    }
    this.bytes -= MARK_BYTES;
    return chunk.subarray(end);
  }

  /** The value of a header field, unfolded; undefined when it is not in what was kept. */
  header(name: string): string | undefined {
    const head = this.#head();
    const found = new RegExp(`^${name}:[ \\t]*((?:[^\\r\\n]|\\r\\n[ \\t])*)`, "im").exec(head)?.[1];
    return found?.replace(/\r\n[ \t]+/g, " ").trim();
  }

  /** The whole message with its dots undoubled (RFC 5321 section 4.5.2); undefined unless all was kept. */
  raw(): Buffer | undefined {
    if (this.#keep !== "all") return undefined;
    const whole = Buffer.concat(this.#parts).subarray(0, this.bytes);
    if (whole[0] !== 0x2e && !whole.includes("\r\n.")) return whole;
    const text = whole.toString("latin1").replaceAll("\r\n.", "\r\n");
    return Buffer.from(text.startsWith(".") ? text.slice(1) : text, "latin1");
  }

  #head(): string {
    const first = this.#parts[0];
    if (first === undefined) return "";
    const bytes = this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
    const end = bytes.indexOf("\r\n\r\n");
    return bytes.toString("latin1", 0, end === -1 ? Math.min(bytes.length, HEAD_BYTES) : end);
  }

  #findEnd(chunk: Buffer): number | null {
    const seam = (this.#tail + chunk.toString("latin1", 0, 4)).indexOf("\r\n.\r\n");
    if (seam !== -1) return seam + END.length - this.#tail.length;
    const at = chunk.indexOf(END);
    return at === -1 ? null : at + END.length;
  }
}
