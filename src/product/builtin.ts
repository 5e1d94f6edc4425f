import type { Product } from "./product.ts";

const nothingToDo = () => Promise.resolve({});

/** The product that needs no service of its own: accounts and credentials are all there is to a tenant. */
export const builtinProduct: Product = {
  provisionsAtOnce: true,
  provision: nothingToDo,
  changePlan: nothingToDo,
  suspend: nothingToDo,
  resume: nothingToDo,
  rotate: nothingToDo,
  deprovision: nothingToDo,
};
