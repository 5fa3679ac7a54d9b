/** The report's style sheet: system fonts, light and dark, phone to desktop, and paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fcfcfa; --raised: #ffffff; --ink: #1c2328; --muted: #5a6670; --line: #e2e5e4;
  --accent: #1a5fa8; --floor: #8a5a00; --band: #dcebe4;
  --pass: #0a6650; --fail: #a8380c; --open: #5a6670;
  --series-1: #1a5fa8; --series-2: #b85c00; --series-3: #0a7a5f; --series-4: #9a3b7d; --series-5: #55606a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #111416; --raised: #181c1f; --ink: #e7eaec; --muted: #9aa6ae; --line: #2b3136;
    --accent: #79b4f2; --floor: #e2b35c; --band: #1d3a31;
    --pass: #5fc9a6; --fail: #f39a6f; --open: #9aa6ae;
    --series-1: #79b4f2; --series-2: #f2a65a; --series-3: #5fc9a6; --series-4: #dd92c4; --series-5: #b4bec5;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
main { max-width: 1100px; margin: 0 auto; padding: 3.5rem 1.25rem 5rem; }
h1, h2, h3 { line-height: 1.2; font-weight: 650; text-wrap: balance; }
h1 { font-size: clamp(1.7rem, 1.3rem + 1.8vw, 2.5rem); letter-spacing: -0.02em; margin: 0.35rem 0 0.9rem; }
h2 { font-size: 1.4rem; letter-spacing: -0.01em; margin: 4rem 0 0.4rem; }
h3 { font-size: 1rem; margin: 2.2rem 0 0.6rem; }
p { margin: 0 0 1em; max-width: 68ch; text-wrap: pretty; }
.kicker { color: var(--muted); font-size: 0.875rem; margin: 0; }
.lead { font-size: 1.125rem; max-width: 62ch; }
.quiet { color: var(--muted); }
.fine { color: var(--muted); font-size: 0.875rem; }
code { font: 0.8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }

.gates { list-style: none; margin: 2rem 0 0; padding: 0; border-top: 1px solid var(--line); }
.gates li { display: grid; grid-template-columns: 2rem 1fr; padding: 0.9rem 0; border-bottom: 1px solid var(--line); }
.gates .symbol { font-weight: 700; font-size: 1.1rem; line-height: 1.4; }
.gates strong { font-weight: 650; }
.gates p { margin: 0.15rem 0 0; }
.gates .word { font-weight: 650; }
.pass .symbol, .pass .word { color: var(--pass); }
.fail .symbol, .fail .word { color: var(--fail); }
.not-evaluated .symbol, .not-evaluated .word { color: var(--open); }

.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 1.5rem 2rem; margin: 1.2rem 0; align-items: start; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 0.875rem; color: var(--muted); margin-top: 0.5rem; max-width: 68ch; }
figcaption strong, .grid h3 { color: var(--ink); font-weight: 600; }
.grid h3 { margin: 0 0 0.4rem; font-size: 0.9375rem; }
svg.plot { display: block; width: 100%; max-width: 400px; height: auto; overflow: visible; color: var(--muted); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums; background: none; }
svg.plot text { white-space: pre; }

.share { font-size: 2.6rem; line-height: 1.1; font-weight: 650; letter-spacing: -0.03em; margin: 0; }
.share small { display: block; font-size: 0.875rem; font-weight: 400; letter-spacing: 0; color: var(--muted); line-height: 1.4; margin: 0.35rem 0 0.9rem; max-width: 44ch; }

.slices { display: grid; grid-template-columns: repeat(5, 1fr); gap: 6px; margin: 0.9rem 0 0; }
.slices figure { background: #000; border-radius: 4px; overflow: hidden; position: relative; display: flex; flex-direction: column; justify-content: center; }
.slices img { display: block; width: 100%; height: 100%; object-fit: contain; }
.slices figcaption { position: absolute; left: 0; top: 0; margin: 0; padding: 0.2rem 0.45rem; font-size: 0.75rem; color: #e7eaec; background: rgb(0 0 0 / 0.55); border-bottom-right-radius: 4px; }
.bar { display: inline-block; vertical-align: -0.1em; width: 5rem; height: 0.75em; border-radius: 2px; background: linear-gradient(90deg, #56b4e9, #000 50%, #f09614); }

.scroll { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; }
caption { text-align: left; color: var(--muted); font-size: 0.875rem; padding-bottom: 0.5rem; }
th, td { padding: 0.45rem 0.75rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; font-weight: 400; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--muted); font-size: 0.8125rem; vertical-align: bottom; }
tr.tested th, tr.tested td { font-weight: 650; color: var(--accent); }
tr.floor th, tr.floor td { color: var(--muted); }
table.files td, table.files th { text-align: left; white-space: normal; vertical-align: top; }
.key { list-style: none; padding: 0; margin: 0.4rem 0 0; font-size: 0.8125rem; color: var(--muted); display: flex; flex-wrap: wrap; gap: 0.15rem 1.1rem; }
.key svg { margin-right: 0.4rem; vertical-align: 0.1em; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: 0.5rem 1.5rem; margin: 1rem 0; }
dt { font-weight: 600; } dd { margin: 0; max-width: 72ch; }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--accent); }
footer { margin-top: 4rem; padding-top: 1.2rem; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.875rem; }

@media (max-width: 640px) {
  main { padding-top: 2rem; }
  .slices { grid-template-columns: repeat(6, 1fr); }
  .slices figure { grid-column: span 2; } .slices figure:nth-child(n+4) { grid-column: span 3; }
  .slices figcaption { font-size: 0.6875rem; }
  dl { display: block; } dd { margin-bottom: 0.8rem; }
}
@media print {
  :root { --paper: #fff; --raised: #fff; --ink: #000; --muted: #444; --line: #ccc; --accent: #1a5fa8; --floor: #8a5a00; --band: #dcebe4; --pass: #0a6650; --fail: #a8380c; --open: #444; --series-1: #1a5fa8; --series-2: #b85c00; --series-3: #0a7a5f; --series-4: #9a3b7d; --series-5: #55606a; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } h2 { margin-top: 1.6rem; }
  h2, h3, caption { break-after: avoid; } figure, tr, .gates li, .slices { break-inside: avoid; }
  .slices figure, .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll { overflow: visible; } details > * { display: revert; }
}
`
