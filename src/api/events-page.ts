import { describeEvents, type EventDescription, type Speaker } from "../events/envelope.ts";

/** `/docs/events`: every type of event, what it tells, and how it looks. */
export function eventsPage(speaker: Speaker): string {
  const sections = describeEvents(speaker).map(section);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Events · Stallholder</title><meta name="viewport" content="width=device-width"></head>
<body><main><h1>Events</h1>
<p>What an endpoint hears of, as CloudEvents 1.0 in JSON. The schemas describe <code>data</code>; all of them are at
<a href="/docs/events.json">/docs/events.json</a>.</p>
${sections.join("\n")}</main></body></html>`;
}

function section({ type, means, schema, example }: EventDescription): string {
  return `<section id="${type}"><h2>${type}</h2><p>${means}.</p>
<p><a href="/docs/events/${type}.json">JSON Schema</a></p>
<details><summary>Members</summary><pre>${escaped(schema)}</pre></details>
<details><summary>Example</summary><pre>${escaped(example)}</pre></details></section>`;
}

const escaped = (value: object): string =>
  JSON.stringify(value, null, 2).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
