import { Router } from "express";
import { ProviderError } from "../../errors.ts";
import { asJsonObject, type JsonObject } from "../json.ts";
import type { PlayedSide } from "../server.ts";
import { queryRoutes } from "./access/query-routes.ts";
import type { Role } from "./access/role.ts";
import { rolesOf } from "./access/template.ts";
import { controlRoutes } from "./control/control-routes.ts";
import { usualDelivery } from "./control/delivery.ts";
import { type AwsAtSimulator, awsAtSimulator } from "./control/provider-settings.ts";
import { roleRoutes } from "./control/role-routes.ts";
import { signingKeys } from "./emission/signing-key.ts";
import { createLedger } from "./metering/ledger.ts";
import { SELLER_ACCOUNT, SELLER_ARN } from "./model/accounts.ts";
import { productsOf } from "./model/products.ts";
import { createRegister } from "./model/register.ts";
import type { Aws, Stack, State } from "./model/world.ts";
import { shopSection } from "./pages/shop.tsx";
import { shopRoutes } from "./pages/shop-routes.ts";
import { createQueue } from "./queue/queue.ts";
import { createCallRate } from "./wire/call-rate.ts";
import { HOME_REGION } from "./wire/regions.ts";
import { wireRoutes } from "./wire/wire-routes.ts";

export interface AwsOptions extends Omit<Aws, "state" | "signingKey" | "rate" | "manifest"> {
  /** The parsed manifest: `id`, and of `catalog` the plans, dimensions and AWS's products. */
  readonly manifest: unknown;
}

export interface AwsSide extends PlayedSide {
  readonly facts: AwsAtSimulator;
}

/** Plays AWS Marketplace: the services a seller calls, the queue and the messages, and its part of the page. */
export function createAws(options: AwsOptions): AwsSide {
  const manifest = asJsonObject(options.manifest);
  const aws: Aws = {
    ...options,
    manifest,
    signingKey: signingKeys(),
    rate: createCallRate(),
    state: emptyState(options, manifest),
  };
  const front = Router();
  front.use(wireRoutes(aws), queryRoutes(aws));
  const router = Router();
  router.use(roleRoutes(aws), controlRoutes(aws), shopRoutes(aws));
  return {
    front,
    router,
    facts: awsAtSimulator(aws),
    section: () => shopSection(aws),
    reset: () => {
      aws.state = emptyState(options, manifest);
    },
  };
}

function emptyState({ clock, stack }: AwsOptions, manifest: JsonObject): State {
  const deadLetters = createQueue(clock);
  return {
    products: productsOf(manifest),
    agreements: createRegister(),
    tokens: new Map(),
    roles: new Map(deployed(stack).map((role) => [role.arn, role])),
    sessions: new Map(),
    messages: new Map(),
    subscriptions: new Map(),
    ledger: createLedger(),
    bus: [],
    queue: createQueue(clock, deadLetters),
    deadLetters,
    delivery: usualDelivery(),
    notice: null,
  };
}

/** The seller's own key may assume the roles of the stack, unless its parameters say otherwise. */
function deployed(stack: Stack | undefined): readonly Role[] {
  if (stack === undefined) return [];
  const parameters = { VendingPrincipalArn: SELLER_ARN, ...stack.parameters };
  const roles = rolesOf(stack.template, { parameters, account: SELLER_ACCOUNT, region: HOME_REGION });
  if (typeof roles === "string") throw new ProviderError("config_invalid", `The stack cannot be played: ${roles}`);
  return roles;
}
