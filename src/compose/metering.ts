import { monthlyLimits } from "../catalog/catalog.ts";
import type { Metrics } from "../http/metrics.ts";
import type { Store } from "../isolation/isolation.ts";
import type { Logger } from "../log.ts";
import type { Marketplace } from "../marketplaces/marketplace.ts";
import type { ReportingByMarketplace } from "../metering/billing.ts";
import { createMetering, type Metering, type ReportingTold } from "../metering/metering.ts";
import { meteringGauges } from "../metering/read.ts";
import type { Surroundings } from "./surroundings.ts";

/** The marketplaces that bill usage. */
export function reportingOf(marketplaces: ReadonlyMap<string, Marketplace>): ReportingByMarketplace {
  return new Map([...marketplaces].flatMap(([name, { usage }]) => (usage === undefined ? [] : [[name, usage]])));
}

/** What meters usage, and where it tells of what went wrong. */
export function meteringOf(
  { databaseUrl, manifest: { catalog }, clock, logger }: Surroundings,
  store: Store,
  metrics: Metrics,
  marketplaces: ReadonlyMap<string, Marketplace>,
): Metering {
  metrics.watchUsage(() => meteringGauges(store, [...reportingOf(marketplaces).keys()], clock.now()));
  return createMetering({
    url: databaseUrl,
    clock,
    dimensions: catalog.dimensions.map(({ id }) => id),
    limits: monthlyLimits(catalog),
    reporting: () => reportingOf(marketplaces),
    told: reportingTold(logger, metrics),
    count: metrics.countUsage,
    onFault: (fault) => logger.warn({ err: fault }, "a database connection of the metering was lost"),
  });
}

/** Verdicts after which units are billed nowhere, or after which somebody should look. */
const ALARMING = new Set(["conflict", "rejected", "not_subscribed", "no_payer", "too_late", "too_late_unknown"]);

function reportingTold(logger: Logger, metrics: Metrics): ReportingTold {
  return {
    settled: (records) => {
      for (const { verdict, tenant, units } of records) {
        metrics.countRecord(verdict);
        if (ALARMING.has(verdict)) logger.error({ tenant, units, verdict }, "usage was not billed");
      }
    },
    atRisk: (hours, records) => logger.error({ hours, records }, "usage has not been taken, and its deadline is near"),
    misconfigured: (marketplace, lot, fault) =>
      logger.error({ marketplace, lot, fault }, "the marketplace refuses our settings: no usage is taken"),
  };
}
