import { DAY_MS } from "../../durations.ts";
import { asJsonObject, type JsonObject, textIn } from "../../json.ts";
import type { EntitlementValue, Generation } from "../model/agreement.ts";
import { isContract, type Product } from "../model/products.ts";
import type { Aws } from "../model/world.ts";

/** What somebody wants to buy. */
export interface Order {
  readonly product: Product;
  readonly generation: Generation;
  /** Undefined = a new buyer. */
  readonly account: string | undefined;
  readonly quantities: ReadonlyMap<string, EntitlementValue>;
  readonly trialDays: number | null;
  /** When it comes into force; later than now for a future-dated agreement. */
  readonly start: Date;
  /** Length of a contract. */
  readonly months: number;
  readonly autoRenew: boolean;
  readonly resold: boolean;
  readonly paymentFails: boolean;
}

const USUAL_QUANTITY = 100;
const USUAL_TRIAL_DAYS = 14;
const USUAL_MONTHS = 12;

/** The order in a request, or what is wrong with it. */
export function readOrder(aws: Aws, body: JsonObject): Order | string {
  const { products } = aws.state;
  const wanted = textIn(body, "product");
  const product =
    wanted === undefined ? products[0] : products.find(({ code, id }) => code === wanted || id === wanted);
  if (product === undefined) return `There is no product ${wanted}.`;
  const quantities = readQuantities(product, body["quantities"], usualQuantities(product));
  if (typeof quantities === "string") return quantities;
  const start = body["start"] === undefined ? aws.clock.now() : new Date(String(body["start"]));
  if (Number.isNaN(start.getTime())) return "start is no time.";
  const account = textIn(body, "account");
  if (account !== undefined && !/^\d{12}$/.test(account)) return "account must be 12 digits.";
  const months = Number(body["months"] ?? USUAL_MONTHS);
  if (!(months > 0 && months <= 60)) return "months must be 1 to 60.";
  return {
    product,
    generation: body["generation"] === "legacy" ? "legacy" : "licence",
    account,
    quantities,
    trialDays: trialDaysOf(body["trial"]),
    start: wholeSecond(start),
    months,
    autoRenew: isOn(body["auto_renew"]),
    resold: isOn(body["resold"]),
    paymentFails: isOn(body["payment_fails"]),
  };
}

/** Quantities of a contract; dimensions that are not named keep what they were. */
export function readQuantities(
  product: Product,
  written: unknown,
  current: ReadonlyMap<string, EntitlementValue>,
): ReadonlyMap<string, EntitlementValue> | string {
  const entries = Object.entries(asJsonObject(written));
  const entitled = product.dimensions.filter((dimension) => dimension.entitled).map(({ code }) => code);
  const stranger = entries.find(([code]) => !entitled.includes(code));
  if (stranger !== undefined) return `${stranger[0]} cannot be bought ahead with this product.`;
  const values = entries.filter((entry): entry is [string, EntitlementValue] => isValue(entry[1]));
  if (values.length < entries.length) return "A quantity must be a number, a text or true.";
  const merged = new Map([...current, ...values]);
  return new Map([...merged].filter(([, value]) => value !== 0 && value !== false && value !== ""));
}

export function isOn(value: unknown): boolean {
  return value === true || value === "true" || value === "on";
}

/** AWS's events tell whole seconds: what begins or ends, does so on one. */
export function wholeSecond(instant: Date): Date {
  return new Date(Math.floor(instant.getTime() / 1_000) * 1_000);
}

/** A year is 365 days, and a month its twelfth part. */
export function endOfContract(product: Product, start: Date, months: number): Date | null {
  const days = months % 12 === 0 ? (months / 12) * 365 : Math.round((months * 365) / 12);
  return isContract(product) ? new Date(start.getTime() + days * DAY_MS) : null;
}

function usualQuantities(product: Product): ReadonlyMap<string, EntitlementValue> {
  const entitled = product.dimensions.filter((dimension) => dimension.entitled);
  return new Map(entitled.map(({ code }) => [code, USUAL_QUANTITY]));
}

function trialDaysOf(value: unknown): number | null {
  if (typeof value === "number" && value > 0) return value;
  return isOn(value) ? USUAL_TRIAL_DAYS : null;
}

function isValue(value: unknown): value is EntitlementValue {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0;
  return typeof value === "boolean" || typeof value === "string";
}
