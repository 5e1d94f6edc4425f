// The measurements, from the sources as they are: node bench/run.js --help
import "../scripts/typescript-hook.js";

const { main } = await import("./main.ts");
await main(process.argv.slice(2));
