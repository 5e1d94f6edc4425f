/** One small sheet for all pages; colours follow the system's light or dark. */
export const stylesheet = `:root {
  color-scheme: light dark;
  --paper: #f6f5f2;
  --card: #ffffff;
  --ink: #1d2330;
  --quiet: #596275;
  --line: #d9d8d2;
  --accent: #5b3fa8;
  --accent-ink: #ffffff;
  --soft: #efeaf9;
  --good: #17663a;
  --poor: #8a5200;
  --bad: #a8201f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161c;
    --card: #1d2029;
    --ink: #e8e9ee;
    --quiet: #a3abbd;
    --line: #343947;
    --accent: #b9a3f5;
    --accent-ink: #191427;
    --soft: #2a2540;
    --good: #76d39b;
    --poor: #f0b666;
    --bad: #ff8f89;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.25; margin: 0; }
h1 { font-size: 1.25rem; }
h2 { font-size: 1.05rem; margin-bottom: 0.75rem; }
h3 { font-size: 0.85rem; margin: 0.75rem 0 0.25rem; overflow-wrap: anywhere; }
p { margin: 0 0 0.5rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.top { display: flex; flex-wrap: wrap; gap: 0.75rem 1.5rem; align-items: center; padding: 1rem 1.5rem; background: var(--card); border-bottom: 1px solid var(--line); }
.top nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; flex: 1; }
.columns { display: grid; gap: 1.25rem; padding: 1.25rem 1.5rem 3rem; max-width: 100rem; margin: 0 auto; }
.column { display: grid; gap: 1.25rem; align-content: start; min-width: 0; }
@media (min-width: 64rem) { .columns { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
@media (max-width: 40rem) { .top nav { flex-basis: 100%; order: 1; } .top, .columns { padding-left: 0.75rem; padding-right: 0.75rem; } .panel { padding: 0.875rem; } }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.125rem 1.25rem; min-width: 0; }
.notice { border-left: 4px solid var(--accent); padding: 0.625rem 0.875rem; background: var(--soft); border-radius: 6px; margin: 0; overflow-wrap: anywhere; }
#notice:empty, #aws-notice:empty { display: none; }
.quiet { color: var(--quiet); font-size: 0.875rem; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: end; margin: 0 0 0.5rem; }
.row .row { margin: 0; }
.row + .row { margin-top: 0.75rem; }
label { display: grid; gap: 0.125rem; font-size: 0.875rem; color: var(--quiet); min-width: 0; }
input, select, textarea, button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--quiet); border-radius: 6px; padding: 0.3125rem 0.625rem; max-width: 100%; }
textarea { width: 100%; font-family: ui-monospace, monospace; font-size: 0.875rem; }
input.short { width: 6rem; }
button, .button { cursor: pointer; display: inline-block; text-decoration: none; color: var(--accent); border: 1px solid var(--accent); background: transparent; border-radius: 6px; padding: 0.3125rem 0.75rem; }
button, .button, td.time { white-space: nowrap; }
button:hover, .button:hover { background: var(--soft); }
button.main { background: var(--accent); color: var(--accent-ink); }
button.danger { color: var(--bad); border-color: var(--bad); }
.plans { border: 0; margin: 0 0 0.75rem; padding: 0; display: grid; gap: 0.5rem; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
.plans legend { font-size: 0.875rem; color: var(--quiet); padding: 0; margin-bottom: 0.25rem; }
.plans label { border: 1px solid var(--line); border-radius: 8px; padding: 0.625rem 0.75rem; color: var(--ink); grid-template-columns: auto 1fr; gap: 0 0.5rem; align-items: center; }
.plans label:has(:checked) { border-color: var(--accent); background: var(--soft); }
.plans .price { grid-column: 2; color: var(--quiet); }
.addon { border-top: 1px solid var(--line); padding: 0.75rem 0; }
.addon:last-child { padding-bottom: 0; }
.addon h3 { font-size: 1rem; margin: 0 0 0.25rem; }
.state { font-size: 0.8125rem; font-weight: 600; padding: 0.0625rem 0.5rem; border-radius: 99px; border: 1px solid currentColor; white-space: nowrap; }
.state.provisioned, .state.active, .state.delivered { color: var(--good); }
.state.provisioning, .state.scheduled, .state.retrying, .state.held { color: var(--poor); }
.state.deprovisioned, .state.ended, .state.queued, .state.kept, .state.waiting { color: var(--quiet); }
.state.failed, .state.dropped { color: var(--bad); }
.checks { gap: 0.375rem 1.25rem; align-items: center; }
label.check { display: flex; gap: 0.375rem; align-items: center; color: var(--ink); }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
th { text-align: left; color: var(--quiet); font-weight: 600; }
th, td { padding: 0.3125rem 0.75rem 0.3125rem 0; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
thead th { border-top: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
details > summary { cursor: pointer; }
.panel > details { margin-top: 0.75rem; }
.faults, .verdicts { list-style: none; margin: 0; padding: 0; }
.fault { border-top: 1px solid var(--line); padding: 0.625rem 0 0.125rem; }
.fault.on { border-left: 4px solid var(--poor); padding-left: 0.75rem; }
.verdicts li { border-left: 4px solid var(--bad); padding: 0.25rem 0.75rem; margin-bottom: 0.5rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(6rem, auto) 1fr; gap: 0.125rem 1rem; margin: 0 0 0.75rem; }
dt, code, pre, .call { font-family: ui-monospace, monospace; font-size: 0.8125rem; }
dt { overflow-wrap: anywhere; }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 0.625rem; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.exchange { border-top: 1px solid var(--line); padding: 0.375rem 0; }
.exchange summary { cursor: pointer; display: flex; flex-wrap: wrap; gap: 0.125rem 0.625rem; align-items: baseline; }
.exchange .call { flex: 1; min-width: 12rem; overflow-wrap: anywhere; }
.way { font-size: 0.75rem; font-weight: 600; width: 6.5rem; }
.way.out { color: var(--accent); }
.way.in { color: var(--quiet); }
.status { font-weight: 600; color: var(--good); }
.status.poor { color: var(--poor); }
.status.bad { color: var(--bad); }
.sign-in { max-width: 32rem; margin: 12vh auto; padding: 0 1rem; }
`;
