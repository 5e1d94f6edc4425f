import type { AwsSimulation } from "./open-aws.ts";

export const eventsIn = (aws: AwsSimulation) =>
  aws.received.filter(({ path }) => path === "/aws/events").map(({ text }) => JSON.parse(text));
export const typesIn = (aws: AwsSimulation) =>
  eventsIn(aws).map((event) => String(event["detail-type"]).replace(/ - .*/, ""));
export const envelopesIn = (aws: AwsSimulation) =>
  aws.received.filter(({ path }) => path === "/aws/sns").map(({ text }) => JSON.parse(text));
export const actionsIn = (aws: AwsSimulation) =>
  envelopesIn(aws)
    .filter(({ Type }) => Type === "Notification")
    .map(({ Message }) => JSON.parse(Message).action);
export const act = (aws: AwsSimulation, agreement: string, action: string, body: object = {}) =>
  aws.post(`/_aws/purchases/${agreement}/${action}`, body);

/** Waits, for at most five seconds, until the provider has got so many requests. */
export async function until(aws: AwsSimulation, pleases: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && !pleases(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(pleases()).toBe(true);
  expect(aws.received.length).toBeGreaterThan(0);
}

/** Does what a subscriber does: calls each address it was sent, at the host that plays SNS. */
export async function confirmAll(aws: AwsSimulation): Promise<void> {
  for (const { Type, SubscribeURL } of envelopesIn(aws)) {
    if (Type !== "SubscriptionConfirmation") continue;
    const { pathname, search } = new URL(SubscribeURL);
    expect(await aws.get(`${pathname}${search}`)).toContain("<SubscriptionArn>");
  }
}
