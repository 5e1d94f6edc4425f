import { identity } from "./support/tenant-probes/identity.ts";
import { leaky } from "./support/tenant-probes/leaky.ts";
import { places } from "./support/tenant-probes/places.ts";
import { reading, writing } from "./support/tenant-probes/rows.ts";
import { runTwice } from "./support/tenant-probes/run-twice.ts";
import { server } from "./support/tenant-probes/server.ts";

test("there are more than forty probes, with the rows'", () => {
  const names = [...reading, ...leaky, ...writing, ...identity, ...server, ...places].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(40);
});

runTwice([...identity, ...server, ...places]);
