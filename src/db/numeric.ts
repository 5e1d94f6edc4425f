const PER_GROUP = 4;
const HEAD_BYTES = 8;

/**
 * A decimal without sign and exponent (`12`, `0.5`) as PostgreSQL's binary numeric: groups of four digits with the weight
 * of the first one, no group of zeros at either end.
 */
export function binaryNumeric(decimal: string): Buffer {
  const [whole = "", fraction = ""] = decimal.split(".");
  const digits = whole.padStart(roundUp(whole.length), "0") + fraction.padEnd(roundUp(fraction.length), "0");
  let weight = roundUp(whole.length) / PER_GROUP - 1;
  const groups: number[] = [];
  for (let at = 0; at < digits.length; at += PER_GROUP) groups.push(Number(digits.slice(at, at + PER_GROUP)));
  while (groups[0] === 0) {
    groups.shift();
    weight -= 1;
  }
  while (groups.at(-1) === 0) groups.pop();

  const bytes = Buffer.alloc(HEAD_BYTES + 2 * groups.length);
  bytes.writeInt16BE(groups.length, 0);
  bytes.writeInt16BE(groups.length === 0 ? 0 : weight, 2);
  bytes.writeInt16BE(fraction.length, 6);
  for (const [index, group] of groups.entries()) bytes.writeInt16BE(group, HEAD_BYTES + 2 * index);
  return bytes;
}

function roundUp(length: number): number {
  return Math.ceil(length / PER_GROUP) * PER_GROUP;
}
