import type { Outage } from "./script.ts";
import type { World } from "./world.ts";

const faultOf: Readonly<Record<Exclude<Outage, "all down">, string>> = {
  throttled: "aws_throttle",
  failing: "aws_error_before",
  silent: "aws_drop_answer",
};

/** Begins it; the answered function ends it. */
export async function outageFaults(world: World, kind: Outage): Promise<() => Promise<void>> {
  if (kind === "all down") {
    const release = world.holdStarts();
    for (const { process } of world.members) process.kill();
    return async () => release();
  }
  const name = faultOf[kind];
  await world.tell("/_faults", { [name]: true });
  return async () => void (await world.tell("/_faults", { [name]: null }));
}
