import { type Response, Router } from "express";
import { isForm } from "../../control.ts";
import { asJsonObject, type JsonObject, textIn } from "../../json.ts";
import { changeDelivery } from "../control/delivery.ts";
import { dispatch } from "../emission/outbox.ts";
import { giveToken } from "../model/agreements.ts";
import type { Aws } from "../model/world.ts";
import { isOn, readOrder } from "../purchases/order.ts";
import { buy, purchaseActions } from "../purchases/purchases.ts";
import { registrationFields, registrationUrl } from "../purchases/register.ts";
import { missingPage, setUpPage } from "./set-up-page.tsx";

/** The forms of the page, answered by 303 with a notice, and the page from which a buyer goes to the provider. */
export function shopRoutes(aws: Aws): Router {
  const router = Router();
  router.use("/_aws/shop", (request, response, next) => {
    if (request.method === "POST" && isForm(request)) next();
    else response.status(415).json({ id: "unsupported", message: "Only the page's forms are taken here." });
  });
  router.post("/_aws/shop/buy", async (request, response) => {
    await buyFromForm(aws, asJsonObject(request.body), response);
  });
  router.post("/_aws/shop/agreements/:agreement/:action", async (request, response) => {
    const { agreement: id, action } = request.params;
    show(aws, response, await actFromForm(aws, id, action, asJsonObject(request.body)));
  });
  router.post("/_aws/shop/messages/:message", async (request, response) => {
    const message = aws.state.messages.get(request.params.message);
    if (message !== undefined) await dispatch(aws, message);
    show(aws, response, message === undefined ? "There is no such message." : `Sent ${message.type} again.`);
  });
  router.post("/_aws/shop/delivery", (request, response) => {
    show(aws, response, deliveryFromForm(aws, asJsonObject(request.body)));
  });
  router.get("/_aws/set-up/:agreement", (request, response) => {
    const agreement = aws.state.agreements.find(request.params.agreement);
    const url = registrationUrl(aws);
    response.type("html");
    if (agreement === undefined || url === undefined) response.status(404).send(missingPage());
    else response.send(setUpPage(url, registrationFields(agreement, giveToken(aws, agreement))));
  });
  return router;
}

function show(aws: Aws, response: Response, notice: string): void {
  aws.state.notice = notice;
  response.redirect(303, "/#aws");
}

async function buyFromForm(aws: Aws, form: JsonObject, response: Response): Promise<void> {
  const { product } = form;
  const order = readOrder(aws, {
    ...form,
    product,
    months: Number(form["months"]),
    quantities: quantitiesIn(aws, form),
  });
  if (typeof order === "string") return show(aws, response, order);
  const agreement = await buy(aws, order, false);
  aws.state.notice = `Account ${agreement.account} bought ${agreement.id}.`;
  const goes = isOn(form["set_up"]) && registrationUrl(aws) !== undefined;
  response.redirect(303, goes ? `/_aws/set-up/${agreement.id}` : "/#aws");
}

async function actFromForm(aws: Aws, id: string, name: string, form: JsonObject): Promise<string> {
  const agreement = aws.state.agreements.find(id);
  const action = Object.hasOwn(purchaseActions, name) ? purchaseActions[name] : undefined;
  if (agreement === undefined || action === undefined) return "There is no such agreement or action.";
  const done = await action(aws, agreement, { quantities: quantitiesIn(aws, form, agreement.product.code) });
  if (typeof done === "string") return done;
  return done === agreement ? `${id}: ${name} done.` : `${id} is followed by ${done.id}.`;
}

/** Fields `quantity:<dimension>`; those the product does not have are left out: the form is the same for all. */
function quantitiesIn(aws: Aws, form: JsonObject, productCode = textIn(form, "product")): JsonObject {
  const product = aws.state.products.find(({ code }) => code === productCode);
  const dimensions = product?.dimensions.filter((dimension) => dimension.entitled) ?? [];
  return Object.fromEntries(
    dimensions.flatMap(({ code }) => {
      const written = textIn(form, `quantity:${code}`);
      return written === undefined ? [] : [[code, Number(written)]];
    }),
  );
}

function deliveryFromForm(aws: Aws, form: JsonObject): string {
  const switches = Object.fromEntries(["eventbridge", "sns", "queue"].map((name) => [name, isOn(form[name])]));
  return changeDelivery(aws.state.delivery, { ...form, ...switches }) ?? "Messages take the ways you chose.";
}
