import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isReachable, reachableAddresses } from "../src/subscriptions/address.ts";
import { post } from "../src/subscriptions/post.ts";
import { checkedUrl } from "../src/subscriptions/wishes.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { answers, closeReceivers, receiver } from "./support/receiver.ts";
import { boughtTenant, type Subscribed, subscribed } from "./support/subscribed.ts";

const PUBLIC = { privately: false };
const REFUSED = [
  "0.0.0.0",
  "10.0.0.1",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.1.1",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::127.0.0.1",
  "::ffff:127.0.0.1",
  "::ffff:93.184.216.34",
  "::ffff:7f00:1",
  "64:ff9b::7f00:1",
  "64:ff9b:1::a00:1",
  "100::1",
  "2001::1",
  "2001:db8::1",
  "2002:7f00:1::1",
  "3fff::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
  "not an address",
  "",
];
const TAKEN = [
  "1.1.1.1",
  "93.184.216.34",
  "172.15.0.1",
  "172.32.0.1",
  "100.63.255.255",
  "2606:4700::1111",
  "2a00:1450::1",
];

/** A way to look names up that says what the test says, one answer after the other. */
const names = (...answersInTurn: readonly string[][]) => {
  let asked = 0;
  return async () => {
    const found = answersInTurn[Math.min(asked, answersInTurn.length - 1)] ?? [];
    asked += 1;
    return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
};

afterAll(closeReceivers);

describe("an address", () => {
  test.each(REFUSED)("%s is refused", (address) => {
    expect(isReachable(address, PUBLIC)).toBe(false);
  });

  test.each(TAKEN)("%s is taken", (address) => {
    expect(isReachable(address, PUBLIC)).toBe(true);
  });

  test("of this machine or a private network is taken in development; one that hands out credentials never is", () => {
    const development = { privately: true };
    const private_ = ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "::1", "fd12::1"];
    expect(private_.filter((address) => !isReachable(address, development))).toEqual([]);
    const never = ["169.254.169.254", "fe80::1", "0.0.0.0", "::ffff:127.0.0.1", "224.0.0.1", "100.100.100.200"];
    expect(never.filter((address) => isReachable(address, development))).toEqual([]);
  });

  test("is refused for its host where one of several is private", async () => {
    const resolve = names(["93.184.216.34", "10.0.0.1"]);
    await expect(reachableAddresses("mixed.example", { privately: false, resolve })).rejects.toThrow("public");
  });
});

describe("an endpoint's address", () => {
  const fault = async (url: string, resolve = names(["93.184.216.34"])): Promise<string | undefined> =>
    checkedUrl(url, { privately: false, resolve }).then(
      () => undefined,
      (thrown) => thrown.faults?.[0]?.message,
    );

  test.each([
    ["https://10.0.0.1/", "is not at a public address"],
    ["https://127.1/", "is not at a public address"],
    ["https://0x7f000001/", "is not at a public address"],
    ["https://2130706433/", "is not at a public address"],
    ["https://0177.0.0.1/", "is not at a public address"],
    ["https://[::1]/", "is not at a public address"],
    ["https://[::ffff:169.254.169.254]/", "is not at a public address"],
    ["https://①②⑦.0.0.1/", "is not at a public address"],
    ["http://example.com/", "must be https"],
    ["ftp://example.com/", "must be https"],
    ["https://user:password@example.com/", "must hold no password: events are signed"],
    ["https://example.com/#part", "must have no fragment"],
    ["example.com", "must be an address such as https://example.com/events"],
    [`https://example.com/${"x".repeat(2_048)}`, "must be an address such as https://example.com/events"],
  ])("%s is refused", async (url, message) => {
    expect(await fault(url)).toBe(message);
  });

  test("is refused when its name leads to a private address, and when it leads nowhere", async () => {
    expect(await fault("https://inside.example/", names(["192.168.0.9"]))).toBe("is not at a public address");
    expect(await fault("https://inside.example/", names([]))).toBe("is not at a public address");
    const lost = async () => Promise.reject(Object.assign(new Error("ENOTFOUND"), { code: "ENOTFOUND" }));
    expect(await fault("https://nowhere.example/", lost as never)).toBe("cannot be found by its name");
  });

  test("is taken when its name leads to public ones", async () => {
    expect(await fault("https://desk.example/events")).toBeUndefined();
  });
});

describe("a call", () => {
  let reached = 0;
  const server = createServer((_request, response) => {
    reached += 1;
    response.end();
  });
  let port = 0;

  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => void server.close());

  const call = (host: string, resolve?: ReturnType<typeof names>, privately = false) =>
    post({
      url: `http://${host}:${port}/`,
      headers: {},
      body: "{}",
      reach: { privately, ...(resolve === undefined ? {} : { resolve }) },
      limitMs: 3_000,
    });

  test("reaches what may be reached", async () => {
    expect(await call("127.0.0.1", undefined, true)).toMatchObject({ status: 200 });
    expect(await call("desk.example", names(["127.0.0.1"]), true)).toMatchObject({ status: 200 });
    expect(reached).toBe(2);
  });

  test("does not reach a private address, by number or by name", async () => {
    reached = 0;
    await expect(call("127.0.0.1")).rejects.toThrow("not at a public address");
    await expect(call("[::1]")).rejects.toThrow("not at a public address");
    await expect(call("desk.example", names(["127.0.0.1"]))).rejects.toThrow("not at a public address");
    await expect(call("localhost")).rejects.toThrow("not at a public address");
    expect(reached).toBe(0);
  });

  test("to a name that was public when it was judged and is private a moment later reaches nothing", async () => {
    reached = 0;
    const turning = names(["93.184.216.34"], ["127.0.0.1"]);
    const reach = { privately: false, resolve: turning };
    expect(await checkedUrl(`https://turning.example:${port}/`, reach)).toContain("turning.example");
    await expect(call("turning.example", turning)).rejects.toThrow("not at a public address");
    expect(reached).toBe(0);
  });
});

describe("a connection", () => {
  test("is judged once more when it stands, whatever was judged before", async () => {
    const inside = await receiver();
    let asked = 0;
    const turning = {
      get privately() {
        asked += 1;
        return asked === 1;
      },
    };
    const call = post({ url: inside.url, headers: {}, body: "{}", reach: turning, limitMs: 3_000 });
    await expect(call).rejects.toThrow("led to an address that is not public");
    expect(asked).toBe(2);
    expect(inside.got).toEqual([]);
  });
});

describe("an endpoint whose name turns private after it was made", () => {
  let shop: TestProvider;
  let out: Subscribed;

  beforeEach(async () => {
    shop = await testProvider();
  });
  afterEach(closeProviders);

  test("is sent nothing from then on, and keeps what it is owed", async () => {
    const inside = await receiver(answers(204));
    const url = new URL(inside.url);
    url.protocol = "https:";
    url.hostname = "turning.example";
    out = subscribed(shop, { reach: { privately: false, resolve: names(["93.184.216.34"], ["127.0.0.1"]) } });
    const { endpoint } = await out.create({ url: url.href });
    await boughtTenant(shop);
    await out.send();
    expect(inside.got).toEqual([]);
    expect(out.settled[0]).toMatchObject({ outcome: "retry", fault: "turning.example is not at a public address." });
    expect((await out.find(endpoint.id)).owed).toBe(2);
  });
});
