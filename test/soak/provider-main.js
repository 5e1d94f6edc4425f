// The provider as a process. Loading its modules takes most of a start, so a spare loads them ahead: told on standard
// input, it goes on as `node dist/main.js serve`, or another command, would.
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const dist = join(process.argv[2], "dist");
const load = (file) => import(pathToFileURL(join(dist, file)).href);

const [, , , command = "serve"] = process.argv;

await Promise.all([load(`cli/${command}.js`), load("simulator/simulator.js"), load("db/db.js")]);
process.stdin.ref();
await once(process.stdin, "data");
process.stdin.destroy();
process.argv = [process.argv[0], join(dist, "main.js"), command];
await load("main.js");
