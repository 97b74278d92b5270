// Cuts what was read of a log into whole lines and knows where in the file each ended. What is not finished waits for
// its end; what never ends is given up, so that a file without line ends costs no memory.

export interface Line {
  text: string;
  /** Offset in the file right behind it. */
  end: number;
}

export interface LineCutter {
  push(chunk: Buffer): Line[];
  /** What stood behind the last line end, when nothing more will come; null: nothing. */
  rest(): Line | null;
  /** Offset behind the last whole line: where to go on reading after a restart. */
  readonly done: number;
  /** Offset behind everything that was pushed. */
  readonly read: number;
}

/** Postfix writes lines of some 2,000 bytes at most (`line_length_limit`); a syslog server may allow more. */
export const LINE_BYTES = 65_536;

export function createLineCutter(offset: number, limit = LINE_BYTES): LineCutter {
  let done = offset;
  let read = offset;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  /** In the middle of a line that is too long. */
  let skipping = false;

  const text = (bytes: Buffer) => bytes.toString("utf8").replace(/\r$/, "");
  return {
    get done() {
      return done;
    },
    get read() {
      return read;
    },
    push(chunk) {
      const lines: Line[] = [];
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        const piece = chunk.subarray(from, at);
        from = at + 1;
        done = read + from;
        if (!skipping && keptBytes + piece.length <= limit)
          lines.push({ text: text(keptBytes === 0 ? piece : Buffer.concat([...kept, piece])), end: done });
        kept = [];
        keptBytes = 0;
        skipping = false;
      }
      read += chunk.length;
      const tail = chunk.subarray(from);
      if (!skipping && keptBytes + tail.length > limit) {
        skipping = true;
        kept = [];
        keptBytes = 0;
      }
      if (skipping) done = read;
      else if (tail.length > 0) {
        // The caller's buffer is used again.
        kept.push(Buffer.from(tail));
        keptBytes += tail.length;
      }
      return lines;
    },
    rest: () => (keptBytes === 0 ? null : { text: text(Buffer.concat(kept)), end: read }),
  };
}
