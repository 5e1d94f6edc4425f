import { endRules } from "./end-rules.ts";
import { gather } from "./evidence.ts";
import type { Feed } from "./feed.ts";
import { lossRules } from "./loss-rules.ts";
import { moneyRules } from "./money-rules.ts";
import type { Stage, Violation } from "./stage.ts";

const SAID_OF_A_RULE = 8;

/** Holds everything against every rule. */
export async function judge(stage: Stage, feed: Feed): Promise<readonly Violation[]> {
  const evidence = await gather(stage, feed);
  return Object.entries({ ...moneyRules, ...lossRules, ...endRules }).flatMap(([rule, look]) => {
    const said = look(evidence);
    const more = said.length - SAID_OF_A_RULE;
    return [...said.slice(0, SAID_OF_A_RULE), ...(more > 0 ? [`and ${more} more`] : [])].map((one) => ({
      rule,
      said: one,
    }));
  });
}
