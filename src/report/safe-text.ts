// Makes foreign text (replies, names, addresses) fit for a terminal: whatever could move the cursor, colour, reverse
// or hide text is shown as its code instead of being obeyed.

// Controls of both sets, format characters (direction marks, zero-width space, tags), separators that break lines,
// lone surrogates. The two joiners stay: scripts and names need them, and they move nothing.
const UNSAFE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** One line: every unsafe character as `\u{1B}`. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`);
}

/** The lines of a verbatim reply, each safe; empty lines at its end are dropped. */
export function safeLines(text: string): string[] {
  return text
    .trimEnd()
    .split(/\r\n|\r|\n/)
    .map(safeText);
}

/** Breaks safe text at blanks into lines of at most `width` characters; a longer word stays whole. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** 1234567 as "1 234 567": no sign that means something else in another language. */
export function shownCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}
