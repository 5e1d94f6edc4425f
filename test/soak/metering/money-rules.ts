import { amountOf, sumOf, textOf, UNIT } from "./amount.ts";
import { type Billed, type Evidence, groupBy, nameOf, type RecordRow, type Rules, referenceOf } from "./evidence.ts";

/** Verdicts after which AWS holds exactly our quantity. */
const HELD = new Set(["billed", "billed_before"]);
/** Verdicts of a record whose units nobody is billed for. */
const LOST = new Set(["rejected", "not_subscribed", "no_payer", "too_late", "too_late_unknown"]);

const unitsOf = ({ units }: RecordRow): bigint => BigInt(units ?? 0) * UNIT;
const decimal = (text: string | null): bigint => amountOf(text ?? "0");
const meter = ({ tenant_id, dimension }: { readonly tenant_id: string; readonly dimension: string }): string =>
  `${tenant_id} ${dimension}`;

const keyOfRecord = ({ billing_reference, dimension, hour }: RecordRow): string =>
  `${billing_reference} ${dimension} ${hour.toISOString()}`;
const keyOfBilled = (one: Billed): string => `${referenceOf(one)} ${one.dimension} ${one.hour}`;

export const moneyRules: Rules = {
  "what was acknowledged is stored, once, as it was sent": ({ acknowledged, events }) => {
    const stored = groupBy(events, ({ tenant_id, id }) => `${tenant_id} ${id}`);
    const asked = new Map(acknowledged.map(({ item }) => [`${item.tenant} ${item.id}`, item]));
    const wrong = [...asked].flatMap(([name, { dimension, quantity }]) => {
      const own = stored.get(name) ?? [];
      const [one] = own;
      if (one === undefined || own.length > 1) return [`${name} is stored ${own.length} times.`];
      const same = one.dimension === dimension && amountOf(one.quantity) === amountOf(quantity);
      return same ? [] : [`${name} is stored as ${one.quantity} ${one.dimension}, sent as ${quantity} ${dimension}.`];
    });
    return [
      ...wrong,
      ...[...stored.keys()].filter((name) => !asked.has(name)).map((name) => `${name} was never acknowledged.`),
    ];
  },

  "a record is the sum of its events": ({ events, records }) => {
    const sums = groupBy(events, (one) => `${meter(one)} ${one.billed_hour.toISOString()}`);
    const known = new Map(records.map((one) => [`${meter(one)} ${one.hour.toISOString()}`, one]));
    const without = [...sums.keys()]
      .filter((name) => !known.has(name))
      .map((name) => `${name} has events and no record.`);
    const wrong = [...known].flatMap(([name, { quantity }]) => {
      const sum = sumOf(sums.get(name) ?? [], (one) => amountOf(one.quantity));
      return sum === amountOf(quantity) ? [] : [`${name} is ${quantity}; its events are ${textOf(sum)}.`];
    });
    return [...without, ...wrong];
  },

  "what is carried over arrives": ({ records, carries }) => {
    const balances = new Map(carries.map((one) => [meter(one), amountOf(one.balance)]));
    return [...groupBy(records, meter)].flatMap(([name, own]) => {
      const owed = sumOf(own, ({ carried_in, carried_out }) => decimal(carried_out) - decimal(carried_in));
      const returned = sumOf(
        own.filter(({ verdict }) => verdict === "carried_over"),
        unitsOf,
      );
      const balance = balances.get(name) ?? 0n;
      return owed + returned === balance
        ? []
        : [`${name} carries ${textOf(balance)}, and ${textOf(owed + returned)} is owed.`];
    });
  },

  "acknowledged = billed + waiting + carried + included + not metered + lost": (evidence) => {
    const sides = sidesOf(evidence);
    return [...sides].flatMap(([name, { acknowledged, ...parts }]) => {
      const rest = Object.values(parts).reduce((sum, part) => sum + part, 0n);
      const said = Object.entries(parts).map(([part, amount]) => `${part} ${textOf(amount)}`);
      return rest === acknowledged ? [] : [`${name}: ${textOf(acknowledged)} is not ${said.join(" + ")}.`];
    });
  },

  "AWS's ledger and our accepted records are the same": ({ billed, records }) => {
    const ledger = groupBy(billed, keyOfBilled);
    const ours = groupBy(
      records.filter(({ frozen_at, billing_reference }) => frozen_at !== null && billing_reference !== null),
      keyOfRecord,
    );
    const twice = [...ours].filter(([, own]) => own.length > 1).map(([key]) => `${key} has several records.`);
    const missing = [...ours].flatMap(([key, [record]]) => {
      if (record === undefined || !HELD.has(record.verdict ?? "")) return [];
      const held = ledger.get(key)?.map(({ quantity }) => quantity) ?? [];
      return held.length === 1 && held[0] === Number(record.units)
        ? []
        : [`${nameOf(record)} is ${record.units}; AWS holds ${held.join(", ") || "nothing"}.`];
    });
    const foreign = [...ledger].flatMap(([key, [line]]) => {
      const record = ours.get(key)?.[0];
      const isOurs = record !== undefined && (HELD.has(record.verdict ?? "") || record.verdict === "too_late_unknown");
      if (isOurs && Number(record.units) === line?.quantity) return [];
      return [`AWS holds ${line?.quantity} of ${key}; our record says ${record?.units} ${record?.verdict}.`];
    });
    return [...twice, ...missing, ...foreign];
  },

  "a key is never sent with two contents": ({ stage }) =>
    [...stage.world.log.sent].flatMap(([key, contents]) =>
      contents.size === 1 ? [] : [`${key} was sent as ${[...contents].join(" and as ")}.`],
    ),

  "nothing is in conflict": ({ records }) =>
    records.filter(({ verdict }) => verdict === "conflict").map((record) => `${nameOf(record)}: ${record.message}`),

  "AWS saw nothing that it should not see": ({ blamed }) =>
    blamed.filter(({ rule }) => rule.startsWith("aws_")).map(({ rule, sentence }) => `${rule}: ${sentence}`),

  "what is included is used, and no more": ({ records, included }) => {
    const used = groupBy(included, (one) => `${one.tenant_id} ${one.billing_reference} ${one.dimension}`);
    const taken = groupBy(
      records.filter(({ verdict, included: part }) => verdict !== "not_metered" && decimal(part) > 0n),
      (one) => `${one.tenant_id} ${one.billing_reference} ${one.dimension}`,
    );
    return [...new Set([...used.keys(), ...taken.keys()])].flatMap((name) => {
      const here = sumOf(used.get(name) ?? [], (one) => amountOf(one.used));
      const there = sumOf(taken.get(name) ?? [], (one) => decimal(one.included));
      return here === there ? [] : [`${name} has used ${textOf(here)}, its records ${textOf(there)}.`];
    });
  },
};

interface Sides {
  acknowledged: bigint;
  billed: bigint;
  waiting: bigint;
  carried: bigint;
  included: bigint;
  lost: bigint;
}

/** The two sides of the law for each tenant and dimension: the product's memory, and AWS's ledger beside our tables. */
function sidesOf({ acknowledged, billed, records, carries }: Evidence): ReadonlyMap<string, Sides> {
  const sides = new Map<string, Sides>();
  const of = (name: string): Sides => {
    const known = sides.get(name) ?? { acknowledged: 0n, billed: 0n, waiting: 0n, carried: 0n, included: 0n, lost: 0n };
    sides.set(name, known);
    return known;
  };
  for (const { item } of acknowledged) of(`${item.tenant} ${item.dimension}`).acknowledged += amountOf(item.quantity);
  for (const one of carries) of(meter(one)).carried += amountOf(one.balance);
  const inLedger = new Set(billed.map(keyOfBilled));
  const owner = new Map(records.map((record) => [keyOfRecord(record), meter(record)]));
  for (const line of billed) of(owner.get(keyOfBilled(line)) ?? "nobody").billed += BigInt(line.quantity) * UNIT;
  for (const record of records) {
    const side = of(meter(record));
    side.included += decimal(record.included);
    if (!inLedger.has(keyOfRecord(record))) addUnbilled(side, record);
  }
  return sides;
}

/** What no marketplace holds is lost, waits, or was never to be billed; a record whose units were carried on is neither. */
function addUnbilled(side: Sides, record: RecordRow): void {
  const amount = record.frozen_at === null ? amountOf(record.quantity) : unitsOf(record);
  if (LOST.has(record.verdict ?? "")) side.lost += amount;
  else if (record.verdict === null) side.waiting += amount;
}
