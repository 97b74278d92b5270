// A post-mortem as one HTML file that needs nothing else: for the screen, a phone, paper, light and dark. Every text is
// data and escaped; it has no script, no link and no picture, and forbids itself all of them.
import type { HoldStory, PostMortem } from "./post-mortem.ts";
import { POST_MORTEM_CSS } from "./post-mortem-style.ts";
import { safeText } from "./safe-text.ts";

export function renderHtml(document: PostMortem): string {
  const { short, providers, timeline, holds, aside, open, notes } = document;
  const title = escapeHtml(document.title);
  const parts = [
    `<h1>${title}</h1>`,
    `<p class="when">${escapeHtml(document.subtitle)}</p>`,
    `<section aria-labelledby="short">`,
    `<h2 id="short">A. The short version</h2>`,
    ...list(short, "short"),
    "</section>",
    `<section aria-labelledby="details">`,
    `<h2 id="details">B. The details</h2>`,
    "<h3>By provider</h3>",
    ...(providers.rows.length === 0 ? ["<p>No address is planned yet.</p>"] : providerTable(providers)),
  ];
  if (timeline.rows.length > 0)
    parts.push(`<h3>Timeline, ${escapeHtml(timeline.days)}</h3>`, ...timelineTable(timeline));
  for (const hold of holds) parts.push(...story(hold));
  for (const [heading, texts] of [
    ["Set aside", aside],
    ["Who has not got it, and what nobody knows", open],
    ["About this document", notes],
  ] as const)
    if (texts.length > 0) parts.push(`<h3>${heading}</h3>`, ...list(texts));
  parts.push("</section>");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>
${POST_MORTEM_CSS}</style>
</head>
<body>
<main>
${parts.join("\n")}
</main>
</body>
</html>
`;
}

function list(texts: readonly string[], name?: string): string[] {
  const open = name === undefined ? "<ul>" : `<ul class="${name}">`;
  return [open, ...texts.map((text) => `<li>${escapeHtml(text)}</li>`), "</ul>"];
}

function providerTable({ headings, rows }: PostMortem["providers"]): string[] {
  const body = rows.map((cells, at) => {
    const sum = at === rows.length - 1 ? ` class="sum"` : "";
    const inner = cells.map((cell, column) => {
      const text = escapeHtml(cell);
      if (column === 0) return `<th scope="row">${text}</th>`;
      return column === 1 ? `<td>${text}</td>` : `<td class="number">${text}</td>`;
    });
    return `<tr${sum}>${inner.join("")}</tr>`;
  });
  const head = headings.map(
    (heading, column) => `<th scope="col"${column > 1 ? ` class="number"` : ""}>${escapeHtml(heading)}</th>`,
  );
  return scrolling("What became of the addresses, by provider", [
    `<thead><tr>${head.join("")}</tr></thead>`,
    "<tbody>",
    ...body,
    "</tbody>",
  ]);
}

function timelineTable({ zone, rows }: PostMortem["timeline"]): string[] {
  const local = zone === null ? "" : `<th scope="col">${escapeHtml(zone).replaceAll("/", "/<wbr>")}</th>`;
  const body = rows.map(({ iso, utc, local, mark, text }) => {
    const time = `<th scope="row"><time datetime="${iso.slice(0, 16)}Z">${escapeHtml(utc)}</time></th>`;
    const there = local === null ? "" : `<td class="time">${escapeHtml(local)}</td>`;
    const sign =
      mark === ""
        ? "<td></td>"
        : `<td><span class="mark ${mark.replace(" ", "-")}">${escapeHtml(mark)}</span></td>`;
    return `<tr>${time}${there}${sign}<td class="text">${escapeHtml(text)}</td></tr>`;
  });
  return scrolling("What happened, to the minute", [
    `<thead><tr><th scope="col">UTC</th>${local}<th scope="col">sign</th><th scope="col">what happened</th></tr></thead>`,
    "<tbody>",
    ...body,
    "</tbody>",
  ]);
}

/** A table wider than a phone moves under the finger, and by the keys of whoever has no finger on it. */
function scrolling(caption: string, inner: readonly string[]): string[] {
  return [
    `<div class="wide" role="region" aria-label="${escapeHtml(caption)}" tabindex="0">`,
    "<table>",
    `<caption>${escapeHtml(caption)}</caption>`,
    ...inner,
    "</table>",
    "</div>",
  ];
}

function story({ title, facts, replies }: HoldStory): string[] {
  const lines = [
    `<section class="hold">`,
    `<h3>Hold: ${escapeHtml(title)}</h3>`,
    "<dl>",
    ...facts.map(({ label, text }) => `<dt>${escapeHtml(label)}</dt><dd>${escapeHtml(text)}</dd>`),
    "</dl>",
  ];
  if (replies.length > 0) lines.push("<h4>What was answered, word for word</h4>");
  // A line end right behind the tag is dropped by parsers: it protects one that the reply begins with.
  for (const reply of replies)
    lines.push(`<pre dir="ltr" tabindex="0">\n${reply.map(escapeHtml).join("\n")}</pre>`);
  lines.push("</section>");
  return lines;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** One line of plain text, for content and for attributes in quotes. */
export function escapeHtml(text: string): string {
  return safeText(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? "");
}
