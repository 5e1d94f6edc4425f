import { type Fault, ProviderError } from "../../errors.ts";
import { cloudFormation } from "./templates/cloudformation.ts";
import type { Json } from "./templates/cloudformation-text.ts";
import { models, services, type Wanted } from "./templates/statement.ts";
import { terraform } from "./templates/terraform.ts";

const formats = ["cloudformation", "terraform"] as const;

/** As somebody asks for it, in words that may not be ours. */
export interface TemplateAsked {
  /** Separated by commas. */
  readonly services: string;
  readonly model: string;
  readonly format: string;
  /** `STALLHOLDER_ENV` */
  readonly environment: string;
  /** Id of the product. */
  readonly product: string;
}

/**
 * The tenants' role, its policies and what keeps their data, as one document to deploy. Throws `request_malformed` for a
 * service, model or format that there is not.
 */
export function isolationTemplate({ services: list, model, format, environment, product }: TemplateAsked): Json {
  const names = [...new Set(list.split(",").map((name) => name.trim()))];
  const faults: Fault[] = [
    ...names.filter((name) => !isOf(services, name)).map((name) => fault("--services", name, services)),
    ...(isOf(models, model) ? [] : [fault("--model", model, models)]),
    ...(isOf(formats, format) ? [] : [fault("--format", format, formats)]),
  ];
  if (faults.length > 0 || !isOf(models, model))
    throw new ProviderError("request_malformed", "There is no such template.", { faults });
  const wanted: Wanted = { services: services.filter((name) => names.includes(name)), model, environment, product };
  return format === "terraform" ? terraform(wanted) : cloudFormation(wanted);
}

const isOf = <T extends string>(known: readonly T[], name: string): name is T => known.some((one) => one === name);

const fault = (at: string, name: string, known: readonly string[]): Fault => ({
  at,
  message: `${name === "" ? "is empty" : `does not know ${name}`}: it takes ${known.join(", ")}`,
});
