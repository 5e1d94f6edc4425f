import { type Request, Router } from "express";
import { asJsonObject, type JsonObject, textIn } from "../../json.ts";
import { deliverHeld } from "../emission/outbox.ts";
import { subscriptionArn } from "../emission/sns-envelope.ts";
import { confirm } from "../emission/subscriptions.ts";
import type { Aws } from "../model/world.ts";
import { failed, type QueryAnswer, succeeded } from "./query-answer.ts";
import { assumeRole, callerIdentity } from "./roles.ts";

/** What AWS speaks in its query protocol: roles and the confirmation of a subscription; and SNS's certificate. */
export function queryRoutes(aws: Aws): Router {
  const router = Router();
  router.all("/", async (request, response, next) => {
    const answer = await answerQuery(aws, request);
    if (answer === undefined) next();
    else response.status(answer.status).type("text/xml").send(answer.xml);
  });
  router.get(/^\/SimpleNotificationService-[0-9a-f]{32}\.pem$/, async (request, response, next) => {
    const { certificate, path } = await aws.signingKey();
    if (request.path === path) response.type("application/x-pem-file").send(certificate);
    else next();
  });
  return router;
}

/** Undefined = no call of the protocol. */
function answerQuery(aws: Aws, request: Request): QueryAnswer | Promise<QueryAnswer> | undefined {
  const form = asJsonObject(request.method === "GET" ? request.query : request.body);
  switch (form["Action"]) {
    case "AssumeRole":
      return assumeRole(aws, request, form);
    case "GetCallerIdentity":
      return callerIdentity(aws, request);
    case "ConfirmSubscription":
      return confirmSubscription(aws, form);
    default:
      return undefined;
  }
}

/** A subscriber calls the address it was sent; what waited for that leaves now. */
function confirmSubscription(aws: Aws, form: JsonObject): QueryAnswer {
  const topic = textIn(form, "TopicArn") ?? "";
  if (!confirm(aws, topic, textIn(form, "Token") ?? ""))
    return failed(400, "InvalidParameter", "Invalid parameter: Token");
  void deliverHeld(aws, topic);
  const result = `<SubscriptionArn>${subscriptionArn(topic)}</SubscriptionArn>`;
  return succeeded("ConfirmSubscription", "http://sns.amazonaws.com/doc/2010-03-31/", result);
}
