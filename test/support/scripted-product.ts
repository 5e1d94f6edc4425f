import {
  type Product,
  type ProductAnswer,
  type ProductCall,
  type ProductVerb,
  productVerbs,
} from "../../src/product/product.ts";

/** One answer: done with this, thrown (`Refused`, `RetryLater`, any fault), awaited, or never given. */
export type Line = ProductAnswer | Error | Promise<ProductAnswer> | typeof hangs;

export const hangs = Symbol("The product never answers.");

export interface SeenCall extends ProductCall {
  readonly verb: ProductVerb;
}

export interface ScriptedProduct extends Product {
  /** Every call so far, in order. */
  readonly calls: readonly SeenCall[];
  /** The answers to the next calls, one each; whatever comes after them is done at once. */
  answer(...lines: readonly Line[]): void;
  /** Forgets calls and answers. */
  reset(): void;
}

export function scriptedProduct(): ScriptedProduct {
  const calls: SeenCall[] = [];
  const lines: Line[] = [];

  const play = (verb: ProductVerb) => (call: ProductCall) => {
    calls.push({ ...call, verb });
    return say(lines.length === 0 ? {} : (lines.shift() as Line));
  };
  const methods = Object.fromEntries(productVerbs.map((verb) => [verb, play(verb)])) as unknown as Product;

  return {
    ...methods,
    calls,
    answer: (...more) => {
      lines.push(...more);
    },
    reset: () => {
      calls.length = 0;
      lines.length = 0;
    },
  };
}

function say(line: Line): Promise<ProductAnswer> {
  if (line === hangs) return new Promise(() => undefined);
  return line instanceof Error ? Promise.reject(line) : Promise.resolve(line);
}

/** A promise that somebody else settles: what the test holds back. */
export function heldBack<T>(): { readonly promise: Promise<T>; readonly release: (value: T) => void } {
  let release: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}
