import { Router } from "express";
import { bytesBody, formBody } from "../../../http/body.ts";
import { counting } from "../../../http/counting.ts";
import { notFound } from "../../../http/problem.ts";
import type { Intake } from "../../marketplace.ts";
import { admitEvents, receiveEvent } from "../inbox/receive-events.ts";
import { receiveSns } from "../inbox/receive-sns.ts";
import type { FetchFromSns } from "../inbox/sns-certificates.ts";
import { AWS, type AwsOptions } from "../options.ts";
import { awsErrors } from "./errors.ts";
import { register, sendNotice } from "./register.ts";
import { readRegistration } from "./registration-body.ts";
import { refuseForeignForms, setupSteps } from "./setup.ts";

const MESSAGE_LIMIT = 256 * 1024;
const FORM_LIMIT = 16 * 1024;

/** Everything AWS and its buyers' browsers call, mounted at `/aws`: each endpoint is the list of its steps. */
export function awsRoutes(options: AwsOptions, { sessions }: Intake, fetchFromSns?: FetchFromSns): Router {
  const count = (operation: string) => counting(options.metrics, { marketplace: AWS, operation });
  const setup = setupSteps(options, sessions);
  const help = [count("help"), (...[, res]: Parameters<typeof setup.page>) => sendNotice(options, res, "arrive")];
  const ownForm = [refuseForeignForms(options), formBody(FORM_LIMIT)];

  const router = Router();
  router.post("/register", count("register"), readRegistration, ...sessions.middleware, register(options, sessions));
  // Buyers reload and bookmark.
  router.get("/register", help);
  router.get("/setup", count("setup"), ...sessions.middleware, setup.page);
  router.get("/setup/progress", count("setup"), ...sessions.middleware, setup.progress);
  router.post("/setup/contact", count("contact"), ownForm, ...sessions.middleware, setup.contact);
  router.post("/events", count("event"), admitEvents(options), bytesBody(MESSAGE_LIMIT), receiveEvent(options));
  router.post("/sns", count("notification"), bytesBody(MESSAGE_LIMIT), receiveSns(options, fetchFromSns));
  router.use(notFound);
  router.use(awsErrors(options));
  return router;
}
