/** The page's style sheet: one column of cards, light or dark as the reader's system is. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f5f5f2; --card: #fff; --line: #e3e3dd; --soft: #efefea;
  --ink: #1e2126; --muted: #62676f; --accent: #33658f;
  --permissive: #2f8f74; --weak: #d69a1e; --strong: #c44a5c; --unknown: #8b9099;
  --shadow: 0 1px 2px rgb(0 0 0 / .05);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121417; --card: #1a1d21; --line: #2c3036; --soft: #23272c;
    --ink: #e6e8eb; --muted: #9aa1aa; --accent: #7cb0de;
    --permissive: #4fb898; --weak: #e0b04a; --strong: #e0707f; --unknown: #868c96;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
main { max-width: 1120px; margin: 0 auto; padding: 48px 24px 64px; display: grid; gap: 20px; }
main > *, .pair > * { min-width: 0; }
header { margin-bottom: 12px; }
.eyebrow { margin: 0; font-size: 12px; font-weight: 600; letter-spacing: .09em; text-transform: uppercase; color: var(--accent); }
h1 { margin: 4px 0 6px; font-size: 34px; line-height: 1.15; font-weight: 680; letter-spacing: -.02em; overflow-wrap: anywhere; }
h1 small { font-size: 18px; font-weight: 400; letter-spacing: 0; color: var(--muted); white-space: nowrap; }
header p:last-child { margin: 0; color: var(--muted); max-width: 84ch; text-wrap: pretty; }
h2 { margin: 0; font-size: 17px; line-height: 1.3; font-weight: 650; letter-spacing: -.005em; }
h2 + .hint { margin: 2px 0 18px; }
h3 { margin: 0 0 10px; font-size: 13px; font-weight: 600; color: var(--muted); }
.hint, .muted { color: var(--muted); }
.hint { font-size: 13.5px; max-width: 100ch; text-wrap: pretty; }
code { font: 0.92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--soft); padding: 1px 5px; border-radius: 4px; }
a { color: var(--accent); text-underline-offset: 2px; }
section, .figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; box-shadow: var(--shadow); }
section { padding: 24px; }
.figures { display: grid; grid-template-columns: repeat(5, 1fr); gap: 12px; }
.figure { padding: 16px 18px; }
.figure dt { font-size: 13px; color: var(--muted); }
.figure dd { margin: 0; }
.figure .value { font-size: 28px; line-height: 1.25; font-weight: 640; letter-spacing: -.02em; white-space: nowrap; }
.figure .sub { font-size: 13px; color: var(--muted); }
.figure.alert .value { color: var(--strong); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 20px; }
.inner { gap: 16px 48px; }
.donut { display: flex; gap: 32px; align-items: center; margin-top: 24px; }
.donut svg { width: 168px; flex: none; }
.donut text { fill: var(--ink); font-size: 22px; font-weight: 640; letter-spacing: -.02em; }
.donut text.small { fill: var(--muted); font-size: 9px; font-weight: 400; letter-spacing: 0; }
.legend { list-style: none; margin: 0; padding: 0; flex: 1; min-width: 0; }
.legend li { display: grid; grid-template-columns: auto 1fr auto 4.2ch; gap: 10px; align-items: baseline; padding: 7px 0; border-top: 1px solid var(--line); }
.legend li:first-child { border-top: 0; }
.legend b { font-weight: 600; text-align: right; }
.legend span:last-child { text-align: right; color: var(--muted); white-space: nowrap; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; background: var(--unknown); }
.bars { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: 9px; }
.bars .label { display: flex; justify-content: space-between; gap: 16px; font-size: 13.5px; line-height: 1.4; }
.bars .name { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bars .value { white-space: nowrap; }
.track { height: 6px; margin-top: 3px; border-radius: 3px; background: var(--soft); overflow: hidden; }
.track i { display: block; height: 100%; min-width: 2px; border-radius: 3px; background: var(--accent); }
.permissive { --tone: var(--permissive); } .weak { --tone: var(--weak); }
.strong { --tone: var(--strong); } .unknown { --tone: var(--unknown); }
.dot.permissive, .dot.weak, .dot.strong, .dot.unknown, .tone i { background: var(--tone); }
circle.permissive, circle.weak, circle.strong, circle.unknown { stroke: var(--tone); }
.scroll { overflow-x: auto; margin: 0 -24px; padding: 0 24px; }
table { width: 100%; border-collapse: collapse; font-size: 13.5px; }
th { text-align: left; font-weight: 600; color: var(--muted); white-space: nowrap; padding: 0 16px 8px 0; border-bottom: 1px solid var(--line); vertical-align: bottom; }
td { padding: 8px 16px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
th.number, td.number { text-align: right; white-space: nowrap; }
th button { all: unset; cursor: pointer; }
th button:hover { color: var(--ink); }
th button:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
th[aria-sort] button { color: var(--ink); }
th[aria-sort="ascending"] button::after { content: " ↑"; }
th[aria-sort="descending"] button::after { content: " ↓"; }
.name b, td b { font-weight: 600; }
.wide { overflow-wrap: anywhere; min-width: 12em; }
.path { display: block; font-size: 12.5px; color: var(--muted); overflow-wrap: anywhere; }
.licence { display: flex; gap: 8px; align-items: baseline; }
.licence .dot { flex: none; }
.tag { display: inline-block; margin-left: 6px; padding: 0 6px; border-radius: 4px; background: var(--soft); color: var(--muted); font-size: 11.5px; line-height: 18px; white-space: nowrap; }
.versions { display: grid; grid-template-columns: minmax(10em, max-content) minmax(0, 1fr); gap: 4px 20px; margin: 0; }
.versions dt { font-weight: 600; }
.versions dd { margin: 0; color: var(--muted); overflow-wrap: anywhere; }
details { border-top: 1px solid var(--line); padding: 12px 0; }
details:first-of-type { border-top: 0; padding-top: 0; }
details:last-of-type { padding-bottom: 0; }
.scroll + details { margin-top: 0; padding-top: 14px; border-top: 1px solid var(--line); }
details .scroll { padding-top: 12px; }
summary { cursor: pointer; font-weight: 600; }
summary .tag { font-weight: 400; }
summary .tag.alert { background: var(--strong); color: var(--card); font-weight: 600; }
.problems { list-style: none; margin: 10px 0 4px; padding: 0 0 0 17px; font-size: 13.5px; }
.problems li { padding: 5px 0; overflow-wrap: anywhere; }
.problems li + li { border-top: 1px solid var(--line); }
.tools { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; margin: 0 0 18px; }
.tools[hidden] { display: none; }
.tools input, .tools select { font: inherit; font-size: 14px; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: 6px 10px; }
.tools input { flex: 1 1 220px; min-width: 0; }
.good { margin: 0; }
footer { color: var(--muted); font-size: 13px; padding: 4px 4px 0; }
footer p { margin: 0 0 8px; max-width: 90ch; }
@media (max-width: 860px) {
  main { padding: 28px 16px 40px; gap: 16px; }
  .figures { grid-template-columns: 1fr 1fr; }
  .figure:first-child { grid-column: 1 / -1; }
  .pair { grid-template-columns: minmax(0, 1fr); gap: 16px; }
  .inner { gap: 28px; }
  section { padding: 18px; }
  .scroll { margin: 0 -18px; padding: 0 18px; }
}
@media (max-width: 520px) {
  h1 { font-size: 27px; }
  .figure .value { font-size: 24px; }
  .donut { flex-direction: column; gap: 20px; align-items: stretch; }
  .donut svg { align-self: center; }
  .secondary { display: none; }
  th, td { padding-right: 12px; }
  th { white-space: normal; }
  .wide { min-width: 0; width: 58%; }
  td.number { white-space: normal; }
  .versions { grid-template-columns: 1fr; gap: 0; }
  .versions dd { margin-bottom: 6px; }
}
@media print {
  body { background: #fff; } .tools { display: none; } section { break-inside: avoid-page; box-shadow: none; }
}
`;
