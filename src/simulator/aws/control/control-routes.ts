import { type Request, type Response, Router } from "express";
import { asJsonObject, type JsonObject } from "../../json.ts";
import { dispatch } from "../emission/outbox.ts";
import type { Agreement } from "../model/agreement.ts";
import { giveToken } from "../model/agreements.ts";
import type { Aws } from "../model/world.ts";
import { announceStart } from "../purchases/accept.ts";
import { isOn, readOrder } from "../purchases/order.ts";
import { buy, type Done, purchaseActions } from "../purchases/purchases.ts";
import { type Fulfilment, register } from "../purchases/register.ts";
import { changeDelivery } from "./delivery.ts";
import { awsAtSimulator, providerEnvironment } from "./provider-settings.ts";
import { billedView, callView, messageView, productView, purchaseView } from "./views.ts";

/** The addresses by which programs drive AWS's side: buy, change, look at what was sent and what was billed. */
export function controlRoutes(aws: Aws): Router {
  const router = Router();
  router.get("/_aws", (_request, response) => {
    response.json({
      settings: providerEnvironment(awsAtSimulator(aws)),
      products: aws.state.products.map(productView),
    });
  });
  router.get("/_aws/purchases", (_request, response) => {
    response.json(aws.state.agreements.all().map((agreement) => purchaseView(aws, agreement)));
  });
  router.post("/_aws/purchases", async (request, response) => {
    response.json(await answerPurchase(aws, asJsonObject(request.body), response));
  });
  router.post(
    "/_aws/purchases/:agreement/register",
    withAgreement(aws, async (agreement, body) => registered(aws, agreement, body)),
  );
  router.post(
    "/_aws/purchases/:agreement/token",
    withAgreement(aws, async (agreement, body) => tokenFor(aws, agreement, body)),
  );
  router.post(
    "/_aws/purchases/:agreement/:action",
    withAgreement(aws, async (agreement, body, action) => changed(aws, agreement, body, action)),
  );
  router.get("/_aws/ledger", (_request, response) => {
    const { ledger } = aws.state;
    response.json({ billed: ledger.billed().map(billedView), calls: ledger.calls().map(callView) });
  });
  router.get("/_aws/bus", (_request, response) => void response.json(aws.state.bus));
  router.get("/_aws/messages", (_request, response) => {
    response.json([...aws.state.messages.values()].map(messageView));
  });
  router.post("/_aws/messages/:message/resend", async (request, response) => {
    const message = aws.state.messages.get(String(request.params["message"]));
    if (message === undefined) return void refuse(response, 404, "There is no such message.");
    await dispatch(aws, message);
    response.json(messageView(message));
  });
  router.get("/_aws/delivery", (_request, response) => void response.json(aws.state.delivery));
  router.post("/_aws/delivery", (request, response) => {
    const problem = changeDelivery(aws.state.delivery, asJsonObject(request.body));
    if (problem !== undefined) refuse(response, 400, problem);
    else response.json(aws.state.delivery);
  });
  return router;
}

function refuse(response: Response, status: number, message: string): void {
  response.status(status).json({ id: status === 404 ? "not_found" : "bad_request", message });
}

/** Bought, told, and registered unless the order says otherwise; `"first": "registration"` turns the order round. */
async function answerPurchase(aws: Aws, body: JsonObject, response: Response): Promise<object> {
  const order = readOrder(aws, body);
  if (typeof order === "string") {
    response.status(400);
    return { id: "bad_request", message: order };
  }
  const registers = body["register"] === undefined || isOn(body["register"]);
  const tells = body["events"] !== "none";
  const registersFirst = registers && body["first"] === "registration";
  const agreement = await buy(aws, order, !tells || registersFirst);
  const token = giveToken(aws, agreement);
  const fulfilment = registers ? await register(aws, agreement, token) : undefined;
  if (tells && registersFirst) await announceStart(aws, agreement);
  return { ...purchaseView(aws, agreement), token, ...(fulfilment && { fulfilment }) };
}

async function registered(aws: Aws, agreement: Agreement, body: JsonObject): Promise<object> {
  const given = body["token"];
  const token = typeof given === "string" ? given : giveToken(aws, agreement);
  const fulfilment: Fulfilment = await register(aws, agreement, token);
  return { ...purchaseView(aws, agreement), token, fulfilment };
}

async function tokenFor(aws: Aws, agreement: Agreement, body: JsonObject): Promise<object> {
  const kind = body["kind"] === "expired" || body["kind"] === "foreign" ? body["kind"] : "valid";
  return { ...purchaseView(aws, agreement), token: giveToken(aws, agreement, kind) };
}

async function changed(aws: Aws, agreement: Agreement, body: JsonObject, name: string): Promise<object | string> {
  const action = Object.hasOwn(purchaseActions, name) ? purchaseActions[name] : undefined;
  if (action === undefined) return `There is no action ${name}.`;
  const done: Done = await action(aws, agreement, body);
  return typeof done === "string" ? done : { ...purchaseView(aws, done), token: giveToken(aws, done) };
}

function withAgreement(
  aws: Aws,
  act: (agreement: Agreement, body: JsonObject, action: string) => Promise<object | string>,
) {
  return async (request: Request, response: Response): Promise<void> => {
    const agreement = aws.state.agreements.find(String(request.params["agreement"]));
    if (agreement === undefined) return refuse(response, 404, "There is no such agreement.");
    const done = await act(agreement, asJsonObject(request.body), String(request.params["action"]));
    if (typeof done === "string") refuse(response, 400, done);
    else response.json(done);
  };
}
