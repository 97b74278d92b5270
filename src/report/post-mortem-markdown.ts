// A post-mortem as Markdown (CommonMark, with the tables of GitHub). Every text is data: no sign in it makes a link, a
// heading, a table cell or HTML; replies stand in fences that are longer than any run of backticks in them.
import type { HoldStory, PostMortem } from "./post-mortem.ts";
import { safeText } from "./safe-text.ts";

export function renderMarkdown(document: PostMortem): string {
  const { short, providers, timeline, holds, aside, open, notes } = document;
  const lines = [
    `# ${escapeMarkdown(document.title)}`,
    "",
    escapeMarkdown(document.subtitle),
    "",
    "## A. The short version",
    "",
    ...short.flatMap((sentence) => [`- ${escapeMarkdown(sentence)}`]),
    "",
    "## B. The details",
    "",
    "### By provider",
    "",
    ...(providers.rows.length === 0
      ? ["No address is planned yet."]
      : table(providers.headings, providers.rows, 2)),
  ];
  if (timeline.rows.length > 0) {
    const local = timeline.zone === null ? [] : [timeline.zone];
    const headings = ["UTC", ...local, "sign", "what happened"];
    const rows = timeline.rows.map((row) => [
      row.utc,
      ...(row.local === null ? [] : [row.local]),
      row.mark,
      row.text,
    ]);
    lines.push(
      "",
      `### Timeline, ${escapeMarkdown(timeline.days)}`,
      "",
      ...table(headings, rows, headings.length),
    );
  }
  for (const hold of holds) lines.push("", ...story(hold));
  for (const [heading, texts] of [
    ["Set aside", aside],
    ["Who has not got it, and what nobody knows", open],
    ["About this document", notes],
  ] as const)
    if (texts.length > 0)
      lines.push("", `### ${heading}`, "", ...texts.map((text) => `- ${escapeMarkdown(text)}`));
  return `${lines.join("\n")}\n`;
}

function story({ title, facts, replies }: HoldStory): string[] {
  const lines = [
    `### Hold: ${escapeMarkdown(title)}`,
    "",
    ...facts.map(({ label, text }) => `- **${escapeMarkdown(label)}:** ${escapeMarkdown(text)}`),
  ];
  if (replies.length > 0) lines.push("", "What was answered, word for word:");
  for (const reply of replies) {
    const fence = fenceFor(reply);
    lines.push("", `${fence}text`, ...reply, fence);
  }
  return lines;
}

/** Columns from `numbers` on are set to the right. */
function table(headings: readonly string[], rows: readonly (readonly string[])[], numbers: number): string[] {
  const row = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  return [
    row(headings),
    `|${headings.map((_, at) => (at < numbers ? " --- |" : " ---: |")).join("")}`,
    ...rows.map(row),
  ];
}

function fenceFor(lines: readonly string[]): string {
  const longest = Math.max(
    0,
    ...lines.map((line) => Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length))),
  );
  return "`".repeat(Math.max(3, longest + 1));
}

/** One line of plain text, as text. The colon of an address and the dot behind "www" are escaped lest they make a link. */
export function escapeMarkdown(text: string): string {
  return safeText(text)
    .replace(/[\\`*_[\]<>|~&#!{}]/g, "\\$&")
    .replace(/:(?=\/\/)/g, "\\:")
    .replace(/\b(www)\./gi, "$1\\.")
    .replace(/^(\s*)([-+=:])/, "$1\\$2")
    .replace(/^(\s*\d+)([.)])/, "$1\\$2")
    .trim();
}
