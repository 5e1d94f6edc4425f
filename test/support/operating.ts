import type { OperatorStore, Store } from "../../src/isolation/isolation.ts";

/** The store in the hands of an operator. */
export function operating(store: Store): OperatorStore {
  return store.asOperator({ by: "operator:tests", reason: "a test", at: new Date() });
}
