import { type AwsShop, settle } from "./aws.ts";

/** The worker's rounds until no message waits and no licence is due. */
export async function allSettled(shop: AwsShop): Promise<void> {
  for (let round = 0; round < 60; round += 1) {
    await settle(shop);
    const [due] = await shop.provider.look<{ count: number }>(
      `select (select count(*) from aws_messages where state = 'stored')
            + (select count(*) from aws_licences where due_at <= $1)::int as count`,
      [shop.provider.clock.now()],
    );
    if (Number(due?.count) === 0) return;
  }
}
