import { leaky } from "./support/tenant-probes/leaky.ts";
import { reading, writing } from "./support/tenant-probes/rows.ts";
import { runTwice } from "./support/tenant-probes/run-twice.ts";

runTwice([...reading, ...leaky, ...writing]);
