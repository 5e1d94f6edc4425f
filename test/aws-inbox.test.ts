import { generateKeyPairSync } from "node:crypto";
import { snsCertificates } from "../src/marketplaces/aws/inbox/sns-certificates.ts";
import { selfSigned } from "../src/simulator/aws/emission/certificate.ts";
import { type AwsShop, awsShop, closeAwsShops, notice, purchaseOf } from "./support/aws.ts";
import { DAY, HOUR } from "./support/clock.ts";
import { type Members, signedNotice } from "./support/signed-notice.ts";

const TOPIC = "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-payg";
const CHINA = "arn:aws-cn:sns:cn-north-1:287250355862:aws-mp-subscription-notification-payg";
const HOST = "sns.us-east-1.amazonaws.com";
const CERT = `https://${HOST}/SimpleNotificationService-${"0123456789abcdef".repeat(2)}.pem`;

const keys = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const strangers = generateKeyPairSync("rsa", { modulusLength: 2_048 });

let shop: AwsShop;
const fetched: string[] = [];
let answer: () => Promise<string>;
const certificate = selfSigned(keys, HOST);

beforeAll(async () => {
  shop = await awsShop({
    settings: { topicArns: [TOPIC, CHINA] },
    fetchFromSns: (url) => {
      fetched.push(url);
      return answer();
    },
  });
});
beforeEach(() => {
  fetched.length = 0;
  answer = () => Promise.resolve(certificate);
});
afterAll(closeAwsShops);

let counted = 0;

/** A message as SNS signs and posts it. */
function posted(members: Members = {}, { version = "1", key = keys.privateKey } = {}): Members {
  counted += 1;
  const message: Members = {
    Type: "Notification",
    MessageId: `message-${counted}`,
    TopicArn: TOPIC,
    Message: JSON.stringify(notice("subscribe-success", purchaseOf())),
    Timestamp: shop.provider.clock.now().toISOString(),
    SignatureVersion: version,
    SigningCertURL: CERT,
    ...members,
  };
  return signedNotice(message, version === "2" ? "RSA-SHA256" : "RSA-SHA1", key);
}

async function post(body: unknown, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`${shop.url}/aws/sns`, {
    method: "POST",
    headers: { "content-type": "text/plain; charset=UTF-8", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

const stored = async (id: unknown) =>
  (await shop.provider.look("select from aws_messages where message_id = $1", [id])).length;

describe("a message of SNS", () => {
  test.each(["1", "2"])("is stored when its signature of version %s is right", async (version) => {
    const message = posted({ Subject: "a subject" }, { version });
    expect(await post(message)).toBe(200);
    expect(await stored(message["MessageId"])).toBe(1);
  });

  test("with a subject that is null is as one without", async () => {
    expect(await post(posted({ Subject: null }))).toBe(200);
  });

  test("is refused when any signed member was changed, or somebody else signed it", async () => {
    for (const name of ["Message", "MessageId", "Timestamp"]) {
      const value = name === "Timestamp" ? new Date(shop.provider.clock.now().getTime() - 1).toISOString() : "forged";
      const message = { ...posted(), [name]: value };
      expect([name, await post(message)]).toEqual([name, 403]);
    }
    expect(await post({ ...posted(), Subject: "added" })).toBe(403);
    expect(await post({ ...posted(), TopicArn: CHINA })).toBe(403);
    expect(await post(posted({}, { key: strangers.privateKey }))).toBe(403);
    expect(await post({ ...posted({}, { version: "2" }), SignatureVersion: "1" })).toBe(403);
    expect(await post({ ...posted(), SignatureVersion: "3" })).toBe(403);
    expect(await post({ ...posted(), Signature: "" })).toBe(403);
    expect(await post({ ...posted(), Signature: "####" })).toBe(403);
  });

  test("of a topic that is not on the list is refused before anything is fetched", async () => {
    const other = TOPIC.replace("payg", "other");
    expect(await post(posted({ TopicArn: other }))).toBe(403);
    expect(await post(posted({ TopicArn: TOPIC.replace("287250355862", "111111111111") }))).toBe(403);
    expect(fetched).toEqual([]);
  });

  const path = CERT.slice(`https://${HOST}`.length);
  const elsewhere = [
    CERT.replace("https:", "http:"),
    `https://evil.example${path}`,
    `https://s3.amazonaws.com${path}`,
    `https://s3.amazonaws.com/sns.us-east-1.amazonaws.com${path}`,
    `https://sns.us-east-1.amazonaws.com.evil.example${path}`,
    `https://sns.us-east-1.amazonaws.comevil.example${path}`,
    `https://evil.example/sns.us-east-1.amazonaws.com${path}`,
    `https://sns.us-east-1.amazonaws.com@evil.example${path}`,
    `https://user:pass@${HOST}${path}`,
    `https://${HOST}:443${path}`,
    `https://${HOST}:8443${path}`,
    `https://${HOST}.${path}`,
    `https://sns.eu-west-1.amazonaws.com${path}`,
    `https://sns.us-east-1.amazonaws.com.cn${path}`,
    `https://sns.amazonaws.com${path}`,
    `https://x.sns.us-east-1.amazonaws.com${path}`,
    `https://snsXus-east-1.amazonaws.com${path}`,
    `https://sns.us-east-1.amazonaws.com\\@evil.example${path}`,
    `https://sns.us-east-1.amazonaws.com%2eevil.example${path}`,
    `https://SNS.us-east-1.amazonaws.com${path}`,
    `https://${HOST}/${path}`,
    `https://${HOST}/a/..${path}`,
    `https://${HOST}/bucket${path}`,
    `https://${HOST}/cert.pem`,
    `https://${HOST}/SimpleNotificationService-1.pem`,
    `https://${HOST}/SimpleNotificationService-${"g".repeat(32)}.pem`,
    `https://${HOST}/SimpleNotificationService-${"A".repeat(32)}.pem`,
    `${CERT}?x=1`,
    `${CERT}#x`,
    `${CERT}/`,
    `${CERT}%00`,
    `${CERT}\n`,
    ` ${CERT}`,
    `${CERT}.txt`,
    CERT.replace(".pem", ".PEM"),
    `//${HOST}${path}`,
    `file://${path}`,
    `https://[::1]${path}`,
    `https://127.0.0.1${path}`,
    `https://169.254.169.254${path}`,
    "https://",
    "javascript:alert(1)",
    "",
  ];
  test.each(elsewhere)("whose certificate lies at %j is refused, and nothing is fetched", async (SigningCertURL) => {
    expect(await post(posted({ SigningCertURL }))).toBe(403);
    expect(fetched).toEqual([]);
  });

  test("of China has its certificate in China", async () => {
    const SigningCertURL = CERT.replace(HOST, "sns.cn-north-1.amazonaws.com.cn");
    expect(await post(posted({ TopicArn: CHINA, SigningCertURL }))).toBe(200);
    expect(await post(posted({ TopicArn: CHINA }))).toBe(403);
  });

  test("is refused when it is older than any that SNS still sends; our clock may be behind", async () => {
    const at = (ms: number) => new Date(shop.provider.clock.now().getTime() + ms).toISOString();
    expect(await post(posted({ Timestamp: at(-31 * DAY) }))).toBe(403);
    expect(await post(posted({ Timestamp: at(-2 * DAY) }))).toBe(200);
    expect(await post(posted({ Timestamp: at(HOUR) }))).toBe(200);
  });

  test("that is replayed is answered alike and stored once", async () => {
    const message = posted();
    for (let n = 0; n < 5; n += 1) expect(await post(message)).toBe(200);
    expect(await stored(message["MessageId"])).toBe(1);
  });

  test("without its envelope is refused, and so is what is none", async () => {
    expect(await post(notice("subscribe-success", purchaseOf()), { "x-amz-sns-rawdelivery": "true" })).toBe(403);
    expect(await post(posted(), { "x-amz-sns-rawdelivery": "true" })).toBe(403);
    for (const body of ["", "{}", "[]", "null", "no json", JSON.stringify({ Type: "Notification" })])
      expect([body, await post(body)]).toEqual([body, 403]);
  });

  test("is asked for again while the certificate cannot be had, and refused when it is none", async () => {
    const url = CERT.replaceAll("0", "1");
    answer = () => Promise.reject(new Error("away"));
    expect(await post(posted({ SigningCertURL: url }))).toBe(503);
    answer = () => Promise.resolve("no certificate");
    expect(await post(posted({ SigningCertURL: url }))).toBe(403);
    answer = () => Promise.resolve(certificate);
    expect(await post(posted({ SigningCertURL: url }))).toBe(200);
    const before = fetched.length;
    expect(await post(posted({ SigningCertURL: url }))).toBe(200);
    expect(fetched).toHaveLength(before);
  });

  test("is refused when its certificate is not of today", async () => {
    const at = (ms: number) => ({ now: () => new Date(Date.now() + ms), ready: () => true });
    const keyAt = (ms: number) => snsCertificates(() => Promise.resolve(certificate), at(ms))(CERT);
    expect(await keyAt(0)).toBeDefined();
    expect(await keyAt(-2 * DAY)).toBeUndefined();
    expect(await keyAt(4_000 * DAY)).toBeUndefined();
  });

  const confirmUrl = `https://${HOST}/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=abc`;
  const confirmation = (SubscribeURL: string) =>
    posted({ Type: "SubscriptionConfirmation", Token: "abc", SubscribeURL });

  test("that asks to confirm a subscription is answered at SNS alone", async () => {
    expect(await post(confirmation(confirmUrl))).toBe(200);
    expect(fetched).toContain(confirmUrl);
    for (const url of [
      "https://evil.example/?Action=ConfirmSubscription&Token=abc",
      "http://169.254.169.254/latest/meta-data",
      confirmUrl.replace("https:", "http:"),
      confirmUrl.replace(HOST, `${HOST}:8080`),
      confirmUrl.replace(HOST, `${HOST}@evil.example`),
      confirmUrl.replace("us-east-1", "eu-west-1"),
      confirmUrl.replace("/?", "/x?"),
      confirmUrl.replace("ConfirmSubscription", "Unsubscribe"),
      `${confirmUrl} x`,
      `${confirmUrl}#x`,
    ]) {
      fetched.length = 0;
      expect([url, await post(confirmation(url))]).toEqual([url, 403]);
      expect(fetched.filter((one) => one !== CERT)).toEqual([]);
    }
  });

  test("that says the subscription ended is logged as an error, with the signature of its own kind", async () => {
    expect(await post(posted({ Type: "UnsubscribeConfirmation", Token: "abc", SubscribeURL: confirmUrl }))).toBe(200);
    expect(shop.lines.some((line) => line.includes("subscription to a topic ended"))).toBe(true);
  });
});
