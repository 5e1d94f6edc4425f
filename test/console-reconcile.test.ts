import { request as rawRequest } from "node:http";
import supertest from "supertest";
import { reconcileAws } from "../src/marketplaces/aws/aws-operator.ts";
import { billingReference, lotOf } from "../src/marketplaces/aws/report/billing-reference.ts";
import { becomes, type ConsoleStage, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

const arn = "arn:aws:license-manager::123456789012:license:l-1";
const region = "us-east-1";
const header = "License ARN,Dimension,Usage Quantity,Usage Start Date,Usage End Date\n";
const line = (units: number, of = arn) => `${of},requests,${units},2026-05-01,2026-06-01\n`;
const MB = 1024 * 1024;

let shop: TestProvider;
let stage: ConsoleStage;
let visitor: ConsoleVisitor;
let token: string;

beforeAll(async () => {
  shop = await testProvider();
  const { dimensions } = shop.deps.catalog;
  const priced = dimensions.map((one) => (one.id === "requests" ? { ...one, price: { cents: 50, per: 100 } } : one));
  const catalog = { ...shop.deps.catalog, dimensions: priced };
  stage = await consoleOf(shop, { catalog, reconcile: (...asked) => reconcileAws(catalog, ...asked) });
  visitor = await stage.signIn();
  await becomes(shop, "vera@example.com", "viewer");
  const { tenant } = (await shop.provision(purchase())).value;
  await shop.look(
    `insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at, frozen_at, billing_reference,
       lot, stamped_at, carried_in, included, units, carried_out, expires_at, attempts, definite, verdict, settled_at)
     values ($1, $4, 'requests', 500, 1, 'accepted', $4, $4, $2, $3, $4, 0, 0, 500, 0, $4, 1, 0, 'billed', $4)`,
    [
      tenant.id,
      billingReference({ generation: "licence", licenceArn: arn, accountId: "000000000001", region }),
      lotOf({ generation: "licence", region, productCode: "code" }),
      new Date("2026-05-10T01:00:00Z"),
    ],
  );
  token =
    /name="csrf_token" value="([^"]+)"/.exec(
      (await visitor.get("/console/metering/reconcile").expect(200)).text,
    )?.[1] ?? "";
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

type Files = Readonly<Record<string, string | Buffer>>;

/** The form as a browser sends it: the fields for which no file was chosen are there, and empty. */
function upload(files: Files, to = "compared", csrf = token) {
  const form = supertest(stage.url).post(`/console/metering/reconcile/${to}`).set("Cookie", visitor.cookie);
  void form.field("csrf_token", csrf);
  for (const name of ["report", "mapping", "cloudtrail"])
    void form.attach(name, Buffer.from(files[name] ?? ""), files[name] === undefined ? "" : `${name}.txt`);
  return form;
}

const textOf = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");

describe("reconciling on the console", () => {
  test("says what differs in units and in money, and nothing where nothing does", async () => {
    const other = textOf((await upload({ report: header + line(700) }).expect(200)).text);
    expect(other).toContain("Differences: 1");
    expect(other).toContain(`${arn} requests 2026-05-01 00:00 to 2026-06-01 00:00 500 700 +200 $1.00`);
    expect(other).toContain("they bill $1.00 that we do not have, and $0.00 of ours is missing");
    expect(textOf((await upload({ report: header + line(500) }).expect(200)).text)).toContain("No difference");
    const told = await shop.look(
      `select from audit_entries where "by" = 'operator:vera@example.com'
         and data->>'reason' = 'compared what was billed with the seller''s report'`,
    );
    expect(told).toHaveLength(2);
  });

  test("takes a mapping, and a log of calls", async () => {
    const mapping = JSON.stringify({
      columns: { licence: "who", dimension: "what", quantity: "n", from: "day" },
      length: "month",
    });
    const report = `who,what,n,day\n${arn},requests,400,2026-05-01\n`;
    expect(textOf((await upload({ report, mapping }).expect(200)).text)).toContain("500 400 -100 -$0.50");
    const usageRecord = { timestamp: "2026-05-10T01:00:00Z", dimension: "requests", quantity: 3, licenseArn: arn };
    const event = {
      eventName: "BatchMeterUsage",
      eventSource: "metering-marketplace.amazonaws.com",
      ...{ eventTime: "2026-05-10T03:00:00Z", eventID: "e-1", awsRegion: region },
      responseElements: { results: [{ status: "Success", usageRecord }] },
    };
    const cloudtrail = JSON.stringify({ Records: [event] });
    expect(textOf((await upload({ cloudtrail }).expect(200)).text)).toContain("another quantity than ours (e-1)");
  });

  test("answers as a file in which no cell is a formula", async () => {
    const evil = "=cmd|' /C calc'!A0";
    const answer = await upload({ report: header + line(3, evil) }, "differences").expect(200);
    expect(answer.headers["content-disposition"]).toMatch(/^attachment; filename="?differences.csv"?$/);
    expect(answer.text).toContain(`other_units,'${evil},requests`);
    expect(answer.text).toContain(`not_in_report,${arn},requests,`);
    const page = (await upload({ report: header + line(3, "<script>") }).expect(200)).text;
    expect(page).not.toContain("<script>,");
    expect(page).toContain("&lt;script>");
  });

  test("names every missing column, every line at fault and every file at fault, and compares nothing", async () => {
    const shape = textOf((await upload({ report: "a,b\n1,2\n" }).expect(422)).text);
    for (const column of ["Dimension", "Usage Quantity", "Usage Start Date"]) expect(shape).toContain(`\`${column}\``);
    expect(shape).toContain("has no column for the licence, the account or the customer");
    const lines = header + "x,requests,many,2026-05-01,\n".repeat(60);
    const many = textOf((await upload({ report: lines, cloudtrail: "{}" }).expect(422)).text);
    expect(many).toContain("report.txt: line 2:");
    expect(many).toContain("These are the first 50 of 61.");
    expect(textOf((await upload({ report: header, mapping: "[]" }).expect(422)).text)).toContain("mapping.txt");
    expect(textOf((await upload({}).expect(422)).text)).toContain("Choose a report or a log.");
    const latin = Buffer.concat([Buffer.from(header), Buffer.from([0xe4])]);
    expect(textOf((await upload({ report: latin }).expect(400)).text)).toContain("no text in UTF-8");
  });

  test("refuses what is too large by its length, before it has come, and while it comes", async () => {
    const send = (headers: Record<string, string>, chunk: number) =>
      new Promise<{ status: number | undefined; sent: number }>((resolve, reject) => {
        const type = { "content-type": "multipart/form-data; boundary=x", cookie: visitor.cookie };
        const asked = rawRequest(`${stage.url}/console/metering/reconcile/compared`, {
          method: "POST",
          headers: { ...type, ...headers },
        });
        let sent = 0;
        let answered = false;
        asked.on("response", (answer) => {
          answered = true;
          resolve({ status: answer.statusCode, sent });
          answer.resume();
          asked.destroy();
        });
        asked.on("error", (fault) => (answered ? undefined : reject(fault)));
        const more = (): void => {
          if (answered || sent >= 100 * MB) return;
          sent += chunk;
          asked.write(Buffer.alloc(chunk), () => setImmediate(more));
        };
        more();
      });
    const told = await send({ "content-length": String(100 * MB) }, 1_000);
    expect([told.status, told.sent < 20 * MB]).toEqual([413, true]);
    const untold = await send({}, MB);
    expect([untold.status, untold.sent < 100 * MB]).toEqual([413, true]);
  });

  test("takes no form of another site, none without its token, and none after the session", async () => {
    const report = header + line(700);
    expect((await upload({ report }, "compared", "guessed")).status).toBe(403);
    expect((await upload({ report }, "differences", "")).status).toBe(403);
    expect((await upload({ report }).set("Sec-Fetch-Site", "cross-site")).status).toBe(403);
    expect((await visitor.post("/console/metering/reconcile/compared", { report })).status).toBe(400);
    const stranger = await upload({ report }).set("Cookie", "");
    expect([stranger.status, stranger.headers["location"]]).toEqual([
      303,
      "/console/sign-in?to=%2Fconsole%2Fmetering%2Freconcile&undone=1",
    ]);
  });

  test("compares one report at a time, and is there only where a marketplace writes one", async () => {
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    let begun: () => void = () => undefined;
    const underWay = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const slow = await consoleOf(shop, {
      reconcile: async () => {
        begun();
        await held;
        return { from: new Date(0), until: new Date(0), records: 0, differences: [] };
      },
    });
    const person = await slow.signIn();
    const csrf =
      /name="csrf_token" value="([^"]+)"/.exec((await person.get("/console/metering/reconcile")).text)?.[1] ?? "";
    const post = () =>
      supertest(slow.url)
        .post("/console/metering/reconcile/compared")
        .set("Cookie", person.cookie)
        .field("csrf_token", csrf)
        .attach("report", Buffer.from("x"), "x.csv");
    const first = post().then(({ status }) => status);
    await underWay;
    expect((await post()).status).toBe(503);
    go();
    expect(await first).toBe(200);
    expect((await post()).status).toBe(200);
    const without = await (await consoleOf(shop)).signIn();
    expect((await without.get("/console/metering/reconcile")).text).toContain("No marketplace that is set up here");
  });
});
