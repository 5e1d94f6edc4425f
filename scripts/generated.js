import { openApiDocument } from "../dist/api/openapi.js";
import { settingsTable } from "../dist/config.js";
import { errorFacts } from "../dist/errors.js";
import { describeEvents } from "../dist/events/envelope.js";

const table = (heads, rows) =>
  [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const settings = () =>
  table(
    ["setting", "in production", "when absent", "meaning"],
    settingsTable().map(({ name, required, fallback, meaning }) => [
      `\`${name}\``,
      required ? "required" : "",
      fallback,
      meaning.replaceAll("|", "\\|"),
    ]),
  );

const errors = () =>
  table(
    ["code", "status", "meaning", "may the caller repeat"],
    Object.entries(errorFacts).map(([code, { status, title, retryable }]) => [
      `\`${code}\``,
      status,
      title,
      retryable ? "yes, later" : "no",
    ]),
  );

/** As a service called `your-service` would tell them. */
const speaker = { publicUrl: "https://addons.example.com", serviceId: "your-service" };

const events = () =>
  table(
    ["type", "has happened", "`data.details`"],
    describeEvents(speaker).map(({ type, means, example }) => [
      `\`${type === "external" ? "external.*" : type}\``,
      means,
      Object.keys(example.data.details)
        .map((name) => `\`${name}\``)
        .join(" "),
    ]),
  );

/** The text with `body` between `<!-- name -->` and `<!-- /name -->`. */
function between(text, name, body) {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [head, rest] = text.split(start);
  if (rest === undefined || !rest.includes(end)) throw new Error(`A file lacks the markers ${start} ${end}`);
  return `${head}${start}\n${body}\n${end}${rest.split(end).slice(1).join(end)}`;
}

/** Every generated file, and how it is made from what stands there now. */
export const generated = [
  { path: "docs/openapi.json", make: () => `${JSON.stringify(openApiDocument(), null, 2)}\n` },
  { path: "docs/events.json", make: () => `${JSON.stringify(describeEvents(speaker), null, 2)}\n` },
  { path: "docs/events.md", make: (text) => between(text, "catalogue", events()) },
  { path: "README.md", make: (text) => between(between(text, "settings", settings()), "errors", errors()) },
];
