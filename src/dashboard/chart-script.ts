/**
 * Draws each table marked `data-chart` as bars above it. The table stays the source: what cannot be seen as a picture can
 * be read there, and without scripts there is only the table.
 */
export const chartScript = `const HEIGHT = 220;
const dark = matchMedia("(prefers-color-scheme: dark)");
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const numbers = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

function rowsOf(table) {
  const rows = [...table.tBodies[0].rows];
  return [
    rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000),
    rows.map((row) => Number(row.cells[1].dataset.value)),
  ];
}

function moment(seconds) {
  const at = new Date(seconds * 1000);
  return at.getUTCHours() === 0 ? days.format(at) : at.toISOString().slice(11, 16);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(table) {
  const rows = rowsOf(table);
  const step = rows[0][1] - rows[0][0];
  const place = document.getElementById(table.dataset.chart);
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  place.replaceChildren();
  new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { y: false },
      scales: { x: { range: (_plot, first, last) => [first, last + step] }, y: { range: (_plot, _least, most) => [0, Math.max(most * 1.1, 1)] } },
      axes: [{ ...axis, values: (_plot, splits) => splits.map(moment) }, { ...axis, size: 56, values: (_plot, values) => values.map((value) => numbers.format(value)) }],
      series: [
        {},
        { fill: colour("--accent"), stroke: colour("--accent"), width: 0, points: { show: false }, paths: uPlot.paths.bars({ align: 1, size: [0.7, 48] }) },
      ],
    },
    rows,
    place,
  );
}

function drawAll() {
  for (const table of document.querySelectorAll("table[data-chart]")) draw(table);
}

let width = innerWidth;
drawAll();
dark.addEventListener("change", drawAll);
addEventListener("resize", () => {
  if (innerWidth !== width) drawAll();
  width = innerWidth;
});
`;
