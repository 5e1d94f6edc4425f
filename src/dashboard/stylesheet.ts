/** The one sheet of all pages. Colours have at least 4.5:1 on what they stand on, in light and in dark. */
export const stylesheet = `:root {
  color-scheme: light dark;
  --ground: #f5f6f4;
  --card: #ffffff;
  --sunk: #f1f4f2;
  --ink: #18211e;
  --quiet: #56625d;
  --line: #dde3df;
  --edge: #7b8983;
  --accent: #0a6652;
  --accent-ink: #ffffff;
  --accent-soft: #e6f3ee;
  --good: #11653a;
  --good-soft: #e3f4e9;
  --wait: #7a4b00;
  --wait-soft: #fcf1da;
  --bad: #a3211b;
  --bad-soft: #fceae8;
  --shadow: 0 1px 2px rgb(20 40 32 / 6%), 0 4px 16px rgb(20 40 32 / 4%);
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1412;
    --card: #161e1b;
    --sunk: #101715;
    --ink: #e5ece8;
    --quiet: #a0afa8;
    --line: #2a3531;
    --edge: #6d7f77;
    --accent: #6bd2b4;
    --accent-ink: #05231a;
    --accent-soft: #14302a;
    --good: #80d9a2;
    --good-soft: #143020;
    --wait: #efc06a;
    --wait-soft: #352912;
    --bad: #ff9f96;
    --bad-soft: #3b1b19;
    --shadow: none;
  }
}

*, *::before, *::after { box-sizing: border-box; }
html { text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.55 var(--sans); }
h1, h2, h3, p, ul, ol, dl, dd, fieldset, pre { margin: 0; padding: 0; }
h1, h2, h3 { line-height: 1.2; text-wrap: balance; }
h1 { font-size: 1.75rem; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.125rem; }
h3 { font-size: 1rem; }
ul, ol { list-style: none; }
fieldset { border: 0; min-width: 0; }
a { color: var(--accent); text-underline-offset: 0.2em; }
code, pre { font: 0.875em/1.6 var(--mono); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
.quiet { color: var(--quiet); font-size: 0.875rem; font-weight: 400; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 1rem; top: -4rem; z-index: 1; padding: 0.5rem 1rem; background: var(--accent); color: var(--accent-ink); border-radius: 0 0 8px 8px; }
.skip:focus { top: 0; }

.bar, main, .foot { padding-inline: max(1.25rem, calc((100% - 70rem) / 2)); }
.bar { display: flex; align-items: center; justify-content: space-between; gap: 0.5rem 1.5rem; padding-block: 0.75rem; background: var(--card); border-bottom: 1px solid var(--line); }
.brand { display: flex; flex: none; align-items: center; gap: 0.625rem; font-weight: 650; }
.mark { display: grid; place-items: center; width: 2rem; height: 2rem; border-radius: 9px; background: var(--accent); color: var(--accent-ink); font-weight: 700; }
.corner { display: flex; align-items: center; gap: 0.875rem; min-width: 0; }
.who { color: var(--quiet); font-size: 0.875rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; padding-block: 1.75rem 3rem; }
.foot { padding-block: 0 2.5rem; color: var(--quiet); font-size: 0.875rem; overflow-wrap: anywhere; }

.sections { padding-inline: max(1.25rem, calc((100% - 70rem) / 2)); background: var(--card); border-bottom: 1px solid var(--line); }
.sections ul { display: flex; flex-wrap: wrap; gap: 0 1.5rem; }
.sections a { display: block; padding-block: 0.625rem; border-bottom: 3px solid transparent; color: var(--quiet); font-size: 0.9375rem; font-weight: 600; text-decoration: none; }
.sections a:hover { color: var(--ink); }
.sections [aria-current] { border-color: var(--accent); color: var(--ink); }

.boards { display: grid; gap: 1.25rem; align-items: start; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr)); }
.board-title { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; justify-content: space-between; }
.lights > div { --tone: var(--wait); position: relative; padding: 0.625rem 0 0.625rem 1.5rem; border-top: 1px solid var(--line); }
.lights > div::before { content: ""; position: absolute; left: 0.125rem; top: 1.0625rem; width: 0.75rem; height: 0.75rem; border-radius: 50%; background: var(--tone); }
.lights .good { --tone: var(--good); }
.lights .bad { --tone: var(--bad); }
.lights .bad::before { border-radius: 2px; }
.lights .wait::before { border-radius: 2px; transform: rotate(45deg); }
.lights dt { font-weight: 600; }
.lights dd { color: var(--quiet); font-size: 0.9375rem; overflow-wrap: anywhere; }

.heading { display: grid; gap: 0.5rem; }
.way-back { font-size: 0.9375rem; overflow-wrap: anywhere; }
.way-back:empty { display: none; }
.facts { display: flex; flex-wrap: wrap; gap: 0.25rem 1.75rem; font-size: 0.9375rem; }
.facts div { display: flex; gap: 0.5rem; min-width: 0; }
.facts dt { color: var(--quiet); }
.facts dd { overflow-wrap: anywhere; }

.card { min-width: 0; padding: 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow); scroll-margin-top: 1rem; }
.card > * + * { margin-top: 1rem; }
.card > .intro { margin-top: 0.25rem; color: var(--quiet); }
.alone { width: min(34rem, 100%); margin: 8vh auto; overflow-wrap: anywhere; }
.columns, .column { display: grid; gap: 1.25rem; align-items: start; min-width: 0; }

.status { --tone: var(--wait); --soft: var(--wait-soft); padding: 0.875rem 1.25rem; border-radius: 12px; background: var(--soft); overflow-wrap: anywhere; }
.badge { --tone: var(--accent); --soft: var(--accent-soft); display: inline-block; padding: 0.0625rem 0.625rem; border: 1px solid currentColor; border-radius: 99px; background: var(--soft); color: var(--tone); font-size: 0.8125rem; font-weight: 650; white-space: nowrap; }
.status .badge { --tone: inherit; background: none; margin-right: 0.375rem; }
.status.good, .badge.good { --tone: var(--good); --soft: var(--good-soft); }
.status.wait, .badge.wait { --tone: var(--wait); --soft: var(--wait-soft); }
.status.bad, .badge.bad { --tone: var(--bad); --soft: var(--bad-soft); }
.status .badge { color: var(--tone); }
.notice { padding: 0.875rem 1.25rem; background: var(--accent-soft); border-left: 4px solid var(--accent); border-radius: 8px; overflow-wrap: anywhere; }
.notice.bad { background: var(--bad-soft); border-color: var(--bad); }
.notice.warn { background: var(--wait-soft); border-color: var(--wait); }
#notice:empty { display: none; }

.plans { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
.plan { display: flex; flex-direction: column; gap: 0.75rem; min-width: 0; padding: 1.125rem 1.25rem; border: 1px solid var(--line); border-radius: 10px; }
.plan.current { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.plan h3 { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; justify-content: space-between; min-height: 1.6rem; }
.price strong { font-size: 1.5rem; font-weight: 650; letter-spacing: -0.02em; }
.limits, .terms { font-size: 0.9375rem; }
.limits div, .terms div { display: flex; justify-content: space-between; gap: 1rem; padding: 0.3125rem 0; border-top: 1px solid var(--line); }
.limits dt, .terms dt { color: var(--quiet); }
.limits dd, .terms dd { min-width: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.change { display: grid; gap: 0.375rem; margin-top: auto; padding-top: 0.25rem; }

.usage { display: grid; gap: 1.25rem; }
.usage h3 { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: baseline; justify-content: space-between; }
.usage h3 > span { font-weight: 400; font-variant-numeric: tabular-nums; }
.usage meter { display: block; width: 100%; height: 1rem; margin-block: 0.375rem 0; }
.included { margin-top: 0.75rem; }
.marks { position: relative; height: 1.25rem; color: var(--quiet); font-size: 0.75rem; }
.marks span { position: absolute; right: 0; padding-right: 0.25rem; border-right: 2px solid var(--edge); }
.marks span:first-child { right: 20%; }

.first { display: grid; gap: 0.875rem; counter-reset: step; margin-bottom: 1rem; }
.first > li { counter-increment: step; position: relative; padding-left: 2.25rem; }
.first > li::before { content: counter(step); position: absolute; left: 0; display: grid; place-items: center; width: 1.5rem; height: 1.5rem; border: 1px solid var(--edge); border-radius: 50%; font-size: 0.8125rem; font-weight: 650; }
.first > .done::before { content: "✓"; border-color: var(--good); background: var(--good-soft); color: var(--good); }
@media (min-width: 56rem) { .first { grid-auto-flow: column; grid-auto-columns: 1fr; } }

.links { display: grid; gap: 0.375rem; overflow-wrap: anywhere; }
.links:empty { display: none; }
.ids dd { overflow-wrap: anywhere; text-align: right; }
#people tbody th { width: 55%; }
#alert-list tbody th { width: 35%; }
#alert-list td[data-word="To"] { overflow-wrap: anywhere; }
.alerts { display: grid; gap: 0.375rem; overflow-wrap: anywhere; }

.ranges { display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: center; }
.ranges [aria-current] { border-color: var(--accent); background: var(--accent-soft); }
.chart { min-height: 220px; }
@media (scripting: none) { .chart { display: none; } }
summary { color: var(--accent); cursor: pointer; }
details > table { margin-top: 0.75rem; }

table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; }
caption { padding-bottom: 0.5rem; text-align: left; font-weight: 650; font-size: 1rem; }
th, td { padding: 0.75rem 0.75rem 0.75rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: 400; overflow-wrap: anywhere; }
thead th { padding-block: 0.375rem; border-top: 0; color: var(--quiet); font-size: 0.8125rem; }
th:last-child, td:last-child { padding-right: 0; }
tbody th > code:first-child { display: block; font-weight: 600; }
.action { width: 1%; white-space: nowrap; text-align: right; }
.masked { color: var(--quiet); letter-spacing: 0.1em; }
tbody th { width: 60%; }
tbody th > .quiet { display: block; }
tbody td { overflow-wrap: normal; }
.exactly { white-space: nowrap; }

.connect { display: grid; gap: 1.5rem 2.5rem; align-items: start; }
.connect > * { min-width: 0; }
.connect > div > * + * { margin-top: 0.75rem; }
.copyable { display: flex; align-items: stretch; max-width: 100%; background: var(--sunk); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.copyable code { flex: 1; min-width: 0; padding: 0.375rem 0.75rem; overflow-wrap: anywhere; user-select: all; }
th .copyable { margin-top: 0.375rem; }
.copy { border: 0; border-left: 1px solid var(--line); border-radius: 0; background: none; color: var(--accent); padding: 0.375rem 0.75rem; font-size: 0.8125rem; }
.copy:focus-visible { outline-offset: -3px; }

button, .button { display: inline-block; padding: 0.375rem 0.875rem; border: 1px solid var(--edge); border-radius: 8px; background: var(--card); color: var(--ink); font: 600 0.875rem/1.5 var(--sans); text-decoration: none; cursor: pointer; }
button:hover, .button:hover { background: var(--accent-soft); }
button.main { border-color: var(--accent); background: var(--accent); color: var(--accent-ink); padding: 0.5rem 1.125rem; font-size: 0.9375rem; }
button.main:hover { filter: brightness(1.08); }
button.danger, .button.danger { border-color: var(--bad); color: var(--bad); }
button.danger:hover, .button.danger:hover { background: var(--bad-soft); }
button.plain { border-color: transparent; color: var(--accent); padding-inline: 0.5rem; white-space: nowrap; }
.htmx-request button, button.htmx-request { opacity: 0.6; }
.progress { display: none; }
.progress.htmx-request { display: block; }

input[type="text"], input[type="email"], input[type="password"], input[type="search"], input[type="file"], select { display: block; width: min(24rem, 100%); margin-top: 0.25rem; padding: 0.4375rem 0.75rem; border: 1px solid var(--edge); border-radius: 8px; background: var(--card); color: var(--ink); font: inherit; }
.status + p { margin-top: 1rem; }
legend { padding: 0; font-weight: 650; }
input[type="radio"] { accent-color: var(--accent); width: 1.0625rem; height: 1.0625rem; margin: 0.25rem 0 0; flex: none; }
.contact { display: grid; gap: 0.875rem; justify-items: start; }
.contact label { width: 100%; }
.rotate { display: grid; gap: 0.875rem; justify-items: start; padding: 1.125rem 1.25rem; background: var(--sunk); border: 1px solid var(--line); border-radius: 10px; }
.rotate legend { margin-bottom: 0.375rem; font-size: 0.9375rem; }
.rotate label { display: flex; gap: 0.625rem; padding: 0.25rem 0; cursor: pointer; }
.rotate label .quiet { display: block; }
.choose label, .sure { display: flex; gap: 0.625rem; padding: 0.25rem 0; cursor: pointer; }
input[type="checkbox"] { accent-color: var(--accent); width: 1.0625rem; height: 1.0625rem; margin: 0.25rem 0 0; flex: none; }
.stacked tbody th { width: 40%; }
.stacked td { font-variant-numeric: tabular-nums; }
.stacked .long { overflow-wrap: anywhere; }
.lines thead th { overflow-wrap: normal; }
.deeds { display: flex; flex-wrap: wrap; gap: 0.375rem 1rem; align-items: center; }
@media (max-width: 48rem) {
  .stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stacked tr { display: block; padding-block: 0.5rem; border-top: 1px solid var(--line); }
  .stacked th, .stacked td, .stacked tbody th { display: block; width: auto; padding: 0.1875rem 0; border: 0; overflow-wrap: anywhere; }
  .stacked td::before { content: attr(data-word) ": "; color: var(--quiet); }
  .stacked td[data-word="State"]::before { content: none; }
}
.steps { display: grid; gap: 1rem; counter-reset: step; }
.steps > li { counter-increment: step; padding-left: 2rem; position: relative; }
.steps > li::before { content: counter(step) "."; position: absolute; left: 0; color: var(--quiet); font-weight: 650; }
.steps form > * + *, .steps li > * + *, details > .steps, .connect form > * + * { margin-top: 0.5rem; }
.role, .connect p > code { overflow-wrap: anywhere; }
.ends { margin-block: 0.375rem 0.5rem; font-size: 0.875rem; }

.snippet { border: 1px solid var(--line); border-radius: 8px; background: var(--sunk); overflow: hidden; }
.snippet pre { padding: 0.875rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.snippet .copy { display: block; width: 100%; border: 0; border-top: 1px solid var(--line); text-align: right; }
.choices { display: flex; flex-wrap: wrap; gap: 0.25rem; margin: 0.625rem 0 0.5rem; }
.choices label { cursor: pointer; }
.choices input { position: absolute; opacity: 0; pointer-events: none; }
.choices span { display: block; padding: 0.25rem 0.75rem; border: 1px solid var(--line); border-radius: 99px; font-size: 0.875rem; }
.choices :checked + span { border-color: var(--accent); background: var(--accent); color: var(--accent-ink); font-weight: 600; }
.choices :focus-visible + span { outline: 3px solid var(--accent); outline-offset: 2px; }
@supports selector(:has(*)) {
  .snippet { display: none; }
  .snippets:has([value="curl"]:checked) .curl, .snippets:has([value="node"]:checked) .node,
  .snippets:has([value="python"]:checked) .python, .snippets:has([value="ruby"]:checked) .ruby,
  .snippets:has([value="java"]:checked) .java, .snippets:has([value="go"]:checked) .go, .snippets:has([value="env"]:checked) .env { display: block; }
}

.events li { position: relative; padding: 0 0 1.125rem 1.5rem; overflow-wrap: anywhere; }
.events li::before { content: ""; position: absolute; left: 0.1875rem; top: 0.5rem; width: 0.5625rem; height: 0.5625rem; border-radius: 50%; background: var(--accent); }
.events li:not(:last-child)::after { content: ""; position: absolute; left: 0.4375rem; top: 1.375rem; bottom: -0.125rem; width: 1px; background: var(--line); }

.badge.over { --tone: var(--quiet); --soft: var(--sunk); }
.find { display: grid; gap: 0.75rem 1rem; align-items: end; }
.find .wide { grid-column: 1 / -1; }
.find input, .find select { width: 100%; }
.heading .copyable { justify-self: start; }
thead td { border-top: 0; }
.lines tbody th a { font-weight: 600; }
.sides tbody th { color: var(--quiet); }
@media (min-width: 48.01rem) {
  .lines tbody th { width: 40%; }
  .lines.many tbody th { width: 18%; }
  .sides tbody th { width: 8rem; }
}
.next { display: grid; gap: 0.875rem; overflow-wrap: anywhere; }
.payload { margin-block: 0.375rem; padding: 0.625rem 0.75rem; border: 1px solid var(--line); border-radius: 8px; background: var(--sunk); white-space: pre-wrap; overflow-wrap: anywhere; }
@media (min-width: 34rem) { .find { grid-template-columns: repeat(3, minmax(0, 1fr)) auto; } }
@media (max-width: 48rem) { .sides tbody th { font-weight: 650; } }

@media (min-width: 56rem) {
  .connect { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .columns { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }
}
@media (max-width: 34rem) {
  .bar:has(+ .sections) { flex-wrap: wrap; }
  main { padding-block-start: 1.25rem; }
  .bar { flex-wrap: wrap; }
  .bar, main, .foot { padding-inline: 0.875rem; }
  .bar, .sections, main, .foot { padding-inline: 0.875rem; }
  .card { padding: 1.125rem; }
  .exactly { white-space: normal; }
}
@media (prefers-reduced-motion: no-preference) {
  button, .button, .choices span { transition: background-color 120ms, color 120ms; }
}
@media print {
  body { background: none; }
  .bar form, .skip, .copy, .rotate, .action, button, .snippets { display: none; }
  .bar, main, .foot { padding-inline: 0; }
  main, .columns, .column { display: block; }
  .card, .status { break-inside: avoid; box-shadow: none; margin-bottom: 1rem; }
  #data, .button, #removal form, .choices, .ranges, nav { display: none; }
  .card a[href^="http"]::after { content: " (" attr(href) ")"; font-size: 0.8125rem; overflow-wrap: anywhere; }
}
`;
