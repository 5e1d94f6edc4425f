// A product that a vendor can start from: one address, asked at each lifecycle change of a tenant.
//
//   PRODUCT_SECRET=… node examples/product.js       # listens on 127.0.0.1:4000
//   PRODUCT_URL=http://127.0.0.1:4000/ PRODUCT_SECRET=… npm start
//
// Every call may come more than once with the same operationId: do the thing once and answer the same.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const secret = process.env.PRODUCT_SECRET ?? "";
if (secret.length < 24) throw new Error("PRODUCT_SECRET is missing or shorter than 24 characters");
// `stallholder keys` prints this key; it is made from PRODUCT_SECRET.
const signed = new Webhook(createHmac("sha256", secret).update("stallholder product calls v1").digest("base64"));

/** Tenants by id. A real product keeps them in its database. */
const tenants = new Map();

const answers = {
  provision({ tenant, plan, limits }) {
    if (tenant.options.size === "huge") return refused("This size is not available on any plan.");
    tenants.set(tenant.id, { plan, limits, suspended: false });
    return done({ message: `Your search cluster for ${tenant.name} is ready.` });
  },
  changePlan({ tenant, plan, limits }) {
    const kept = tenants.get(tenant.id);
    if (kept?.documents > limits.documents)
      return refused(`You have ${kept.documents} documents; ${plan} holds ${limits.documents}.`);
    tenants.set(tenant.id, { ...kept, plan, limits });
    return done({});
  },
  suspend: ({ tenant }) => done(tenants.set(tenant.id, { ...tenants.get(tenant.id), suspended: true }) && {}),
  resume: ({ tenant }) => done(tenants.set(tenant.id, { ...tenants.get(tenant.id), suspended: false }) && {}),
  rotate: () => done({}),
  deprovision({ tenant }) {
    tenants.delete(tenant.id); // also right for a tenant that was never made
    return done({});
  },
};

const done = (body) => [200, body];
const refused = (message) => [422, { message }];

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const [status, body] = answer(Buffer.concat(chunks).toString(), request.headers);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}).listen(Number(process.env.PORT ?? 4000), "127.0.0.1");

function answer(text, headers) {
  try {
    const call = signed.verify(text, headers);
    return answers[call.type]?.(call) ?? [501, {}];
  } catch {
    return [401, {}];
  }
}
