import { act } from "./support/aws-messages.ts";
import { closeAws, openAws } from "./support/open-aws.ts";

afterEach(closeAws);

describe("the buyer", () => {
  test("comes with a form of one token, after the events", async () => {
    const aws = await openAws();
    const bought = await aws.buy("subscription", { register: true, trial: true });
    expect(bought.fulfilment).toEqual({ status: 200, location: "/aws/sign-up" });
    expect(aws.received.map(({ path }) => path)).toEqual(["/aws/events", "/aws/events", "/aws/register"]);
    const { headers, text } = aws.received[2] ?? { headers: {}, text: "" };
    expect(headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(Object.fromEntries(new URLSearchParams(text))).toEqual({
      "x-amzn-marketplace-token": bought.token,
      "x-amzn-marketplace-agreement-id": bought.agreement,
      "x-amzn-marketplace-product-id": "prod-payg",
      "x-amzn-marketplace-offer-type": "free-trial",
    });
  });

  test("comes before the events, without them, or later and again", async () => {
    const aws = await openAws();
    await aws.buy("subscription", { register: true, first: "registration" });
    expect(aws.received.map(({ path }) => path)).toEqual(["/aws/register", "/aws/events", "/aws/events"]);
    const { agreement } = await aws.buy("subscription", { register: true, events: "none" });
    expect(aws.received.slice(3).map(({ path }) => path)).toEqual(["/aws/register"]);
    expect(await act(aws, agreement, "register")).toMatchObject({ fulfilment: { status: 200 } });
  });

  test.each([
    ["aws_token_in_url", (token: string) => ({ location: `/aws/sign-up?token=${encodeURIComponent(token)}` })],
    ["aws_token_in_cookie", (token: string) => ({ "set-cookie": `registration=${encodeURIComponent(token)}` })],
  ])("whose token leaks leads to the verdict %s", async (rule, leakOf) => {
    const leak = (sent: string) => leakOf(new URLSearchParams(sent).get("x-amzn-marketplace-token") ?? "none");
    const aws = await openAws({ leak });
    await aws.buy("subscription", { register: true });
    expect(await aws.get("/_verdicts")).toMatchObject([{ rule }]);
  });

  test("buys, amends and cancels on the page, without a script", async () => {
    const aws = await openAws();
    const press = async (path: string, fields: Record<string, string>) => {
      const body = new URLSearchParams(fields);
      const answer = await fetch(`${aws.simulator.origin}${path}`, { method: "POST", body, redirect: "manual" });
      return answer.headers.get("location");
    };
    const home = await aws.get("/");
    expect(home).toContain('name="quantity:requests"');
    expect(home).not.toMatch(/<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/);
    const order = {
      product: "contract1",
      "quantity:requests": "40",
      "quantity:documents": "2",
      months: "12",
      account: "",
    };
    const setUp = await press("/_aws/shop/buy", { ...order, generation: "licence", set_up: "on" });
    const [bought] = await aws.get("/_aws/purchases");
    expect(bought).toMatchObject({ quantities: { requests: 40, documents: 2 }, status: "ACTIVE" });
    expect(setUp).toBe(`/_aws/set-up/${bought.agreement}`);
    const form = await aws.get(String(setUp));
    expect(form).toMatch(/<form method="post" action="http:\/\/127\.0\.0\.1:\d+\/aws\/register">/);
    expect(form).toContain('type="hidden" name="x-amzn-marketplace-token"');
    await press(`/_aws/shop/agreements/${bought.agreement}/amend`, { "quantity:requests": "50" });
    await press(`/_aws/shop/agreements/${bought.agreement}/cancel`, {});
    expect(await aws.get("/_aws/purchases")).toMatchObject([
      { quantities: { requests: 50, documents: 2 }, status: "CANCELLED" },
    ]);
    expect(await aws.get("/")).toContain("cancelled");
  });

  test("finds a sample of each pricing model that the manifest does not sell", async () => {
    const aws = await openAws({ products: [{ code: "only1", model: "subscription", plan: "basic" }] });
    const { products } = await aws.get("/_aws");
    expect(products.map(({ model, sample }: { model: string; sample: boolean }) => [model, sample])).toEqual([
      ["subscription", false],
      ["contract", true],
      ["contract-with-consumption", true],
    ]);
  });

  test("is told what an order or an action lacks", async () => {
    const aws = await openAws();
    for (const order of [{ product: "nothing" }, { account: "12" }, { start: "soon" }, { quantities: { requests: 1 } }])
      expect(await aws.buy("subscription", order)).toMatchObject({ id: "bad_request" });
    const { agreement } = await aws.buy("subscription");
    for (const action of ["amend", "resubscribe", "move", "toString"])
      expect(await act(aws, agreement, action)).toMatchObject({ id: "bad_request" });
    expect(await act(aws, "agmt-0", "cancel")).toMatchObject({ id: "not_found" });
  });

  test("is forgotten by a reset", async () => {
    const aws = await openAws();
    await aws.buy("subscription");
    await aws.post("/_reset");
    expect(await aws.get("/_aws/purchases")).toEqual([]);
    expect(await aws.get("/_aws/messages")).toEqual([]);
  });
});
