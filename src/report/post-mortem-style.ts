// How a post-mortem looks. Colours only repeat what words say; each pair of text and ground has a contrast of 4.5 at least,
// in the light as in the dark. Paper is always light.
export const POST_MORTEM_CSS = `:root {
  color-scheme: light dark;
  --ground: #ffffff; --panel: #f4f5f7; --text: #1b2430; --soft: #4b5563; --line: #cfd5dd;
  --stop: #9b1c1c; --go: #0b5d36; --end: #1e429f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12171f; --panel: #1d2430; --text: #e6eaf0; --soft: #b3bcc9; --line: #3b4657;
    --stop: #ffa3a3; --go: #7fdcae; --end: #a3c2ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.55 -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif;
}
main { max-width: 54rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; overflow-wrap: anywhere; }
h1 { margin: 0 0 .25rem; font-size: 1.7rem; line-height: 1.25; }
h2 { margin: 2.25rem 0 .75rem; font-size: 1.3rem; border-bottom: 2px solid var(--line); padding-bottom: .3rem; }
h3 { margin: 1.75rem 0 .6rem; font-size: 1.08rem; }
h4 { margin: 1.1rem 0 .4rem; font-size: 1rem; }
.when { margin: 0; color: var(--soft); }
ul { margin: 0; padding-left: 1.25rem; }
li { margin: 0 0 .35rem; }
.short { padding: 1rem 1.25rem 1rem 2.25rem; background: var(--panel); border-radius: 6px; }
.short li:last-child { margin: 0; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .94rem; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { padding: .4rem .7rem .4rem 0; overflow-wrap: break-word; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 600; }
tbody th { font-weight: 600; }
th.number, td.number { text-align: right; white-space: nowrap; }
time, td.time, thead th { white-space: nowrap; }
td.text { min-width: 14rem; overflow-wrap: anywhere; }
tr.sum th, tr.sum td { border-top: 2px solid var(--line); font-weight: 600; }
.mark { font-weight: 700; white-space: nowrap; }
.mark.stop { color: var(--stop); }
.mark.go-on { color: var(--go); }
.mark.end { color: var(--end); }
.hold { margin-top: 1.75rem; padding: 1rem 1.25rem 1.25rem; border: 1px solid var(--line); border-left: 4px solid var(--stop); border-radius: 6px; }
.hold h3 { margin-top: 0; }
dl { margin: 0; }
dt { color: var(--soft); font-size: .9rem; }
dd { margin: 0 0 .65rem; }
pre {
  margin: 0 0 .6rem; padding: .7rem .9rem; background: var(--panel); border-radius: 4px;
  font: .86rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
}
:focus-visible { outline: 2px solid var(--end); outline-offset: 2px; }
@media (max-width: 34rem) {
  main { padding: 1.25rem .9rem 3rem; }
  h1 { font-size: 1.4rem; }
  .short { padding: .85rem .9rem .85rem 1.75rem; }
  .hold { padding: .85rem .9rem; }
  table { font-size: .88rem; }
  th, td { padding-right: .5rem; }
  thead th, thead th.number { white-space: normal; }
  td.text { min-width: 9.5rem; }
}
@media print {
  :root {
    color-scheme: light;
    --ground: #ffffff; --panel: #ffffff; --text: #000000; --soft: #333333; --line: #999999;
    --stop: #000000; --go: #000000; --end: #000000;
  }
  main { max-width: none; padding: 0; }
  .short { border: 1px solid var(--line); }
  .wide { overflow: visible; }
  h2, h3, h4 { break-after: avoid; }
  tr, pre, .short { break-inside: avoid; }
  pre { border: 1px solid var(--line); }
}
@page { margin: 18mm; }
`;
