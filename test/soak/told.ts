/** A scenario of any soak, as far as a terminal is told of it. */
interface Told {
  readonly script: { readonly id: string };
  readonly crashes: readonly { readonly point: string; readonly side: string }[];
  readonly violations: readonly { readonly rule: string; readonly said: string }[];
  readonly lateStarts: readonly string[];
  readonly history: readonly string[];
}

/** How a soak is started from the command line. */
export interface Order {
  readonly seed: number;
  /** This one scenario, and no other. */
  readonly only: number | undefined;
  readonly minutes: number;
  /** Goes on after its minutes until so many scenarios were played. */
  readonly least: number;
  readonly isBrief: boolean;
  readonly source: string | undefined;
  readonly say: (line: string) => void;
}

interface Telling<One> {
  readonly name: string;
  readonly order: Order;
  /** Crashes that the scenario was made for. */
  readonly wanted: (one: One) => readonly { readonly point: string; readonly side: string }[];
}

/** A line for each good scenario, and the whole history of one that is not good, or was asked for. */
export function told<One extends Told>({ name, order, wanted }: Telling<One>): (one: One) => void {
  const { say, only } = order;
  let played = 0;
  return (one) => {
    played += 1;
    const met = one.crashes.map(words);
    const missed = wanted(one)
      .map(words)
      .filter((crash) => !met.includes(crash));
    const verdict = verdictOn(one);
    say(`${played}. ${one.script.id} ${verdict} (${[...met, ...missed.map((crash) => `not ${crash}`)].join("; ")})`);
    if (verdict === "good" && only === undefined) return;
    for (const line of detailsOf(one)) say(`   ${line}`);
    if (verdict === "BROKEN") say(`   again: npm run soak -- ${name} --seed ${one.script.id}`);
  };
}

const words = ({ point, side }: { readonly point: string; readonly side: string }): string => `${side} ${point}`;

function verdictOn({ violations, lateStarts }: Told): "BROKEN" | "NOT COUNTED" | "good" {
  if (violations.length > 0) return "BROKEN";
  return lateStarts.length > 0 ? "NOT COUNTED" : "good";
}

const detailsOf = ({ violations, lateStarts, history }: Told): readonly string[] => [
  ...violations.map(({ rule, said }) => `${rule}: ${said}`),
  ...lateStarts.map((said) => `harness: ${said}`),
  ...history.map((line) => `| ${line}`),
];
