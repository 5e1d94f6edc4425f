import { ownOnly, type TenantProbe } from "./probe.ts";

/**
 * Functions and operators of the vendor's that tell their argument, in a predicate. Only where a superuser has declared
 * them leakproof are they asked before the wall.
 */
export const leaky: readonly TenantProbe[] = [
  {
    name: "a leaky function that costs nothing, in a predicate",
    as: ["pool", "reader"],
    run: (s, w) =>
      ownOnly(s, w, [
        "select from orders where public.sly(item)",
        "select from orders where operator(public.~~~) item",
        "select from order_list where public.sly(item) and item like '%'",
        "select from orders o join lines l on public.sly(o.item) and public.sly(l.word)",
      ]),
    flaw: () => "alter function sly(text) leakproof",
    mend: () => "alter function sly(text) not leakproof",
  },
  {
    name: "a leaky function whose error quotes a value, in a predicate",
    as: ["pool", "reader"],
    run: (s, w) => ownOnly(s, w, ["select from orders where public.tells(item)"]),
    flaw: () => "alter function tells(text) leakproof",
    mend: () => "alter function tells(text) not leakproof",
  },
];
