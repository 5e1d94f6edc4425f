import { findPlan } from "../model/addons.ts";
import { type Answer, isRefusal, notFound, ok, type Refusal } from "../model/answers.ts";
import { plansOf, serviceIdOf } from "../model/manifest.ts";
import { planView, serviceView } from "../model/views.ts";
import { page } from "../paging.ts";
import type { Call, Route } from "../route.ts";

/** The catalogue: one service, the one of the manifest. */
export const serviceRoutes: readonly Route[] = [
  {
    method: "get",
    path: "/addon-services",
    who: "customer",
    answer: (call) => page(call, [serviceView(call.platform.state)]),
  },
  { method: "get", path: "/addon-services/:service", who: "customer", answer: ofService(showService) },
  { method: "get", path: "/addon-services/:service/plans", who: "customer", answer: ofService(listPlans) },
  { method: "get", path: "/addon-services/:service/plans/:plan", who: "customer", answer: ofService(showPlan) },
  { method: "get", path: "/plans/:plan", who: "customer", answer: showPlan },
];

function ofService(answer: (call: Call) => Answer | Refusal) {
  return (call: Call): Answer | Refusal => {
    const { manifest } = call.platform.state;
    const named = call.params["service"];
    return named === manifest.id || named === serviceIdOf(manifest) ? answer(call) : notFound("add_on service");
  };
}

function showService({ platform }: Call): Answer {
  return ok(serviceView(platform.state));
}

function listPlans(call: Call): Answer {
  const { state } = call.platform;
  return page(
    call,
    plansOf(state.manifest).map((plan) => planView(state, plan)),
  );
}

/** By full name, id, or the slug within the service. */
function showPlan(call: Call): Answer | Refusal {
  const { state } = call.platform;
  const name = call.params["plan"] ?? "";
  const bySlug = plansOf(state.manifest).find((plan) => plan.slug === name);
  const plan = bySlug ?? findPlan(state, name);
  return isRefusal(plan) ? notFound("plan") : ok(planView(state, plan));
}
