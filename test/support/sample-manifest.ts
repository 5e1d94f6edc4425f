import type { SimulatorManifest } from "../../src/simulator/simulator.ts";

export const CLIENT_SECRET = "client-secret-of-the-tests";

/** What the tests sell: two plans that are ready at once and one that takes a while. */
export const sampleManifest = {
  id: "quiet-search",
  name: "Quiet Search",
  api: {
    version: "3",
    password: "pässword:of-the-tests",
    sso_salt: "salt-of-the-tests",
    config_vars: ["QUIET_SEARCH_URL", "QUIET_SEARCH_API_KEY"],
    regions: ["us", "eu"],
    requires: ["many_per_app", "attachable"],
    production: {
      base_url: "https://quiet-search.example.com/heroku/resources",
      sso_url: "https://quiet-search.example.com/heroku/sso",
    },
  },
  catalog: {
    plans: [
      { id: "free", name: "Free", price: { cents: 0, unit: "month" } },
      { id: "basic", name: "Basic", price: { cents: 900, unit: "month" } },
      { id: "slow", name: "Slow", price: { cents: 5_000, unit: "month" } },
    ],
  },
} satisfies SimulatorManifest & { api: { version: string } };
