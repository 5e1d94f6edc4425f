import { Router } from "express";
import { bytesBody, formBody, jsonBody } from "../../../http/body.ts";
import { counting } from "../../../http/counting.ts";
import { notFound } from "../../../http/problem.ts";
import type { Intake } from "../../marketplace.ts";
import { HEROKU, type HerokuOptions } from "../options.ts";
import { refuseSignIn, startSession } from "../sign-in/sign-in.ts";
import { signInStrategies } from "../sign-in/strategies.ts";
import { checkSignature, findSubscription, takeEvent } from "../webhooks/receive.ts";
import { admitHeroku } from "./admit.ts";
import { herokuErrors } from "./errors.ts";
import { changePlanOfResource, provisionResource, removeResource } from "./resources.ts";

const BODY_LIMIT = 256 * 1024;

/** Everything Heroku and its customers' browsers call, mounted at `/heroku`: each endpoint is the list of its steps. */
export function herokuRoutes(options: HerokuOptions, { provider, sessions }: Intake): Router {
  const admit = admitHeroku(options);
  const readJson = jsonBody(BODY_LIMIT);
  const count = (operation: string) => counting(options.metrics, { marketplace: HEROKU, operation });
  const verify = signInStrategies(options);
  const enter = [...sessions.middleware, startSession(options, provider, sessions)];

  const provision = [count("provision"), admit, readJson, provisionResource(options, provider)];
  const changePlan = [count("change_plan"), admit, readJson, changePlanOfResource(options, provider)];
  const remove = [count("deprovision"), admit, removeResource(options, provider)];
  const signInByForm = [count("sign_in"), formBody(BODY_LIMIT), verify.form, ...enter];
  const signInByLink = [count("sign_in"), verify.link, ...enter];
  const webhook = [
    count("webhook"),
    findSubscription(options),
    bytesBody(BODY_LIMIT),
    checkSignature(options),
    takeEvent(options),
  ];

  const router = Router();
  router.post("/resources", provision);
  router.put("/resources/:id", changePlan);
  router.delete("/resources/:id", remove);
  router.post("/sso", signInByForm);
  // Express would answer HEAD by running the GET: a link checker must not use the sign-in up.
  router.head("/resources/:id", refuseSignIn);
  router.get("/resources/:id", signInByLink);
  router.post("/webhooks", webhook);
  router.use(notFound);
  router.use(herokuErrors);
  return router;
}
