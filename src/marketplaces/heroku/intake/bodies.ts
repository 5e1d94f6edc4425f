import { z } from "zod";
import { type Fault, ProviderError } from "../../../errors.ts";
import { UUID } from "../../../uuid.ts";

/** A UUID in the spelling under which it is kept: two spellings are one resource. */
const uuid = z
  .string()
  .regex(UUID, "must be a UUID")
  .transform((text) => text.toLowerCase());

const text = (most: number) => z.string().max(most, `must have at most ${most} characters`);
const plan = text(128).min(1, "must not be empty");

const options = z.record(
  text(128),
  z.union([text(8_192), z.number(), z.boolean()], { error: "must be text, a number, true or false" }),
);

/** Of a grant only the code matters; one without is as good as none. */
const grant = z.looseObject({ code: text(1_024).nullish(), expires_at: text(64).nullish() });

const common = {
  plan,
  name: text(256).nullish(),
  region: text(128).nullish(),
  options: options.nullish(),
  oauth_grant: grant.nullish(),
  log_input_url: text(2_048).nullish(),
  log_drain_token: text(256).nullish(),
};

/** Members that are not listed are accepted and ignored, as the Add-on Partner API demands. */
const provisionBody = z.object({ ...common, uuid });

/** The shape before version 3: known by `heroku_id`, which names the app; a `uuid` came only late in its life. */
const legacyProvisionBody = z.object({
  ...common,
  heroku_id: text(256),
  uuid: uuid.nullish(),
  logplex_token: text(256).nullish(),
});

const planChangeBody = z.object({ plan });

export type ProvisionBody = z.output<typeof provisionBody> | z.output<typeof legacyProvisionBody>;

/** Throws `request_malformed` with every fault. */
export function readProvisionBody(body: unknown): ProvisionBody {
  return isLegacy(body) ? read(legacyProvisionBody, body) : read(provisionBody, body);
}

/** The legacy shape carries a `uuid` of its own here, which means nothing. Throws `request_malformed`. */
export function readPlanChangeBody(body: unknown): z.output<typeof planChangeBody> {
  return read(planChangeBody, body);
}

function isLegacy(body: unknown): boolean {
  return typeof body === "object" && body !== null && "heroku_id" in body;
}

function read<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body, { error: wording });
  if (parsed.success) return parsed.data;
  throw new ProviderError("request_malformed", "The request cannot be accepted.", { faults: faultsOf(parsed.error) });
}

/** How a fault is worded where the schema says nothing better. */
const wording: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined) return "is missing";
  return issue.code === "invalid_type"
    ? `must be of type ${issue.expected === "record" ? "object" : issue.expected}`
    : undefined;
};

const faultsOf = (error: z.ZodError): Fault[] =>
  error.issues.map(({ path, message }) => ({ at: path.map((part) => `/${String(part)}`).join(""), message }));
