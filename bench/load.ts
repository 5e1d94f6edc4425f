import { loadDatabase } from "./direct.ts";
import type { LoadJob, LoadResult } from "./load-job.ts";
import { loadServer } from "./requests.ts";

async function fire(job: LoadJob): Promise<LoadResult> {
  const before = process.cpuUsage();
  const { times, ...done } = await ("direct" in job ? loadDatabase(job) : loadServer(job));
  const { user, system } = process.cpuUsage(before);
  return {
    ...done,
    requests: times.length,
    p50Ms: at(times, 0.5),
    p99Ms: at(times, 0.99),
    busy: (user + system) / (done.seconds * 1_000_000),
    memoryMb: process.memoryUsage.rss() / 1_000_000,
  };
}

const at = (sorted: Float64Array, share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

if (process.send !== undefined) {
  process.on("message", (job: LoadJob) => {
    fire(job).then(
      (result) => process.send?.(result),
      (fault: Error) => process.send?.({ fault: fault.message }),
    );
  });
  process.on("disconnect", () => process.exit());
}
