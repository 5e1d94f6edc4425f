import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { claimOwedCalls, type Delivery } from "../../src/deliveries/deliveries.ts";
import { ProviderError } from "../../src/errors.ts";
import { claimOperations } from "../../src/operations/operations.ts";
import { Refused, RetryLater } from "../../src/product/product.ts";
import type { ProvisionRequest } from "../../src/provider/contract.ts";
import { about, purchase, type TestProvider } from "./provider.ts";
import type { Line } from "./scripted-product.ts";

/** What may happen to one tenant: from the marketplace, the customer, the operator, the product, the worker, or fate. */
export type Step =
  | { readonly do: "provision" | "provision otherwise" | "suspend" | "resume" | "deprovision" }
  | { readonly do: "change plan"; readonly plan: string }
  | { readonly do: "rotate"; readonly overlap: number }
  | { readonly do: "work" | "worker dies" }
  | { readonly do: "turn the clock"; readonly seconds: number }
  | { readonly do: "product says"; readonly line: "later" | "refused" | "fault" | "undeclared" }
  | { readonly do: "marketplace says"; readonly answer: "delivered" | "retry" }
  | { readonly do: "process dies in"; readonly step: Step }
  | { readonly do: "both"; readonly steps: readonly [Step, Step] };

const always = (step: Step) => fc.constant(step);
const productSays = fc
  .constantFrom("later" as const, "refused" as const, "fault" as const, "undeclared" as const)
  .map<Step>((line) => ({ do: "product says", line }));

const command = fc.oneof(
  fc.constantFrom<Step>({ do: "provision" }, { do: "provision otherwise" }, { do: "suspend" }, { do: "resume" }),
  fc.constantFrom("basic", "standard", "premium").map<Step>((plan) => ({ do: "change plan", plan })),
  fc.constantFrom(1, 60, 7_200).map<Step>((overlap) => ({ do: "rotate", overlap })),
  fc.constantFrom(1, 60, 7_200).map<Step>((overlap) => ({ do: "rotate", overlap })),
);
const rarely = fc.oneof(
  always({ do: "deprovision" }),
  command.map<Step>((step) => ({ do: "process dies in", step })),
  fc.tuple(command, fc.oneof(command, always({ do: "work" }))).map<Step>((both) => ({ do: "both", steps: both })),
);
const surroundings = fc.oneof(
  always({ do: "work" }),
  always({ do: "work" }),
  always({ do: "worker dies" }),
  fc.constantFrom(1, 20, 61, 7_200, 50_000).map<Step>((seconds) => ({ do: "turn the clock", seconds })),
  productSays,
  fc.constantFrom("delivered" as const, "retry" as const).map<Step>((answer) => ({ do: "marketplace says", answer })),
);

/** How a life begins: bought, perhaps from a product that does not simply say yes, perhaps by a process that dies. */
const purchases = fc.oneof(
  always({ do: "provision" }).map((step) => [step]),
  productSays.map((says) => [says, { do: "provision" } as const]),
  always({ do: "process dies in", step: { do: "provision" } }).map((step) => [step]),
);
const afterwards = fc.array(
  fc.oneof({ weight: 5, arbitrary: command }, { weight: 6, arbitrary: surroundings }, { weight: 2, arbitrary: rarely }),
  { minLength: 1, maxLength: 14, size: "max" },
);
export const stories = fc.tuple(purchases, afterwards).map(([purchase, rest]) => [...purchase, ...rest]);

/** What a caller may be told; anything else is a fault of ours. */
const ANSWERS = new Set([
  "request_conflict",
  "product_refused",
  "plan_change_refused",
  "operation_running",
  "tenant_gone",
  "tenant_not_found",
]);

/** The life of one tenant, as its marketplace sees it. */
export interface Life {
  readonly order: ProvisionRequest;
  /** The tenant's id, once it is known. */
  tenant: string | undefined;
  /** The API key in the customer's environment: from a provision's answer or from the last push that arrived. */
  customersKey: string | undefined;
  perform(step: Step): Promise<void>;
}

const KEY = "ACME_SEARCH_API_KEY";
const lines: Readonly<Record<string, () => Line>> = {
  later: () => new RetryLater(5),
  refused: () => new Refused("No."),
  fault: () => new Error("boom"),
  undeclared: () => ({ config: { UNDECLARED: "x" } }),
};

/** Begins a life in a shop whose processes are `shop` and one that dies at the end of every attempt, `dying`. */
export function newLife(shop: TestProvider, dying: TestProvider): Life {
  let answer: Delivery = { outcome: "delivered" };
  const life: Life = {
    order: purchase({ resourceId: randomUUID() }),
    tenant: undefined,
    customersKey: undefined,
    perform: (step) => perform(step, shop),
  };

  shop.deliver = async (call) => {
    if (answer.outcome === "delivered" && call.kind === "push-config") {
      life.customersKey = (await shop.configVars(call.tenant))[KEY];
    }
    return answer;
  };

  async function perform(step: Step, by: TestProvider): Promise<void> {
    switch (step.do) {
      case "both":
        await Promise.all(step.steps.map((one) => perform(one, by)));
        return;
      case "process dies in":
        return perform(step.step, dying);
      case "work":
        await shop.work();
        return;
      case "worker dies":
        await claimOperations(shop.deps.store, shop.clock.now(), 10);
        await claimOwedCalls(shop.deps.store, shop.clock.now(), 10);
        return;
      case "turn the clock":
        shop.clock.advance(step.seconds * 1_000);
        return;
      case "product says":
        shop.product.answer((lines[step.line] ?? (() => ({})))());
        return;
      case "marketplace says":
        answer = step.answer === "retry" ? { outcome: "retry", fault: "503" } : { outcome: "delivered" };
        return;
      default:
        await asked(() => ask(step, by, life));
    }
  }
  return life;
}

/** Lets the answers pass that a caller may get. */
async function asked(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (fault) {
    const expected = fault instanceof ProviderError ? ANSWERS.has(fault.code) : String(fault).includes("killed");
    if (!expected) throw fault;
  }
}

async function ask(step: Step, by: TestProvider, life: Life): Promise<unknown> {
  if (step.do === "provision" || step.do === "provision otherwise")
    return buy(step.do === "provision" ? {} : { region: "eu" }, by, life);
  const command = {
    ...about({ id: "" }),
    ref: { marketplace: life.order.marketplace, resourceId: life.order.resourceId },
  };
  switch (step.do) {
    case "suspend":
      return by.suspend({ ...command, reason: "unpaid" });
    case "resume":
      return by.resume(command);
    case "deprovision":
      return by.deprovision(command);
    case "change plan":
      return by.changePlan({ ...command, plan: step.plan });
    case "rotate":
      return by.rotateCredentials({ ...command, overlapSeconds: step.overlap });
    default:
      throw new Error(`${step.do} is no command.`);
  }
}

async function buy(otherwise: Partial<ProvisionRequest>, by: TestProvider, life: Life): Promise<void> {
  const outcome = await by.provision({ ...life.order, ...otherwise });
  life.tenant = outcome.value.tenant.id;
  if (outcome.kind === "done") life.customersKey = outcome.value.config[KEY];
}
