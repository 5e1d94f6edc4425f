/** One field of which two versions of a file say different things; undefined where it is absent. */
export interface Difference {
  /** JSON pointer; members of a list that bear a name are named instead of counted. */
  readonly at: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Names of list members, the first that all of them have. */
const KEYS = ["id", "var", "code"] as const;

/** Field by field; lists of what bears a name are compared by it, whatever the order, and a changed order is told too. */
export function differences(before: unknown, after: unknown, at = ""): readonly Difference[] {
  if (Object.is(before, after)) return [];
  const lists = Array.isArray(before) && Array.isArray(after) ? namedBoth(before, after) : undefined;
  if (lists !== undefined) return [...ofMembers(lists, at), ...ofOrder(lists, at)];
  if (isObject(before) && isObject(after)) {
    const [old, now] = [before, after].map((one) => new Map(Object.entries(one)));
    return ofMembers([old ?? new Map(), now ?? new Map()], at);
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ at, before, after }];
}

type Members = ReadonlyMap<string, unknown>;

function ofMembers([before, after]: readonly [Members, Members], at: string): readonly Difference[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].flatMap((name) => differences(before.get(name), after.get(name), `${at}/${escaped(name)}`));
}

function ofOrder([before, after]: readonly [Members, Members], at: string): readonly Difference[] {
  const [old, now] = [
    [...before.keys()].filter((name) => after.has(name)),
    [...after.keys()].filter((name) => before.has(name)),
  ];
  return old.join("\n") === now.join("\n") ? [] : [{ at, before: old, after: now }];
}

function namedBoth(before: readonly unknown[], after: readonly unknown[]): readonly [Members, Members] | undefined {
  for (const key of KEYS) {
    const [old, now] = [named(before, key), named(after, key)];
    if (old !== undefined && now !== undefined) return [old, now];
  }
  return undefined;
}

/** The members by name; undefined where one has none, or two have the same. */
function named(list: readonly unknown[], key: string): Members | undefined {
  const names = list.map((member) => (isObject(member) ? member[key] : undefined));
  if (!names.every((name) => typeof name === "string") || new Set(names).size !== names.length) return undefined;
  return new Map(list.map((member, place) => [String(names[place]), member]));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
