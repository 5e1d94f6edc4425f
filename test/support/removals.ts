import type { Role } from "../../src/simulator/aws/access/role.ts";

type Json = unknown;

/** A role that lacks one thing, and what it lacks. */
export interface Lessened {
  readonly without: string;
  readonly role: Role;
}

/**
 * The role with any one part of its policies taken out: a statement, a condition, one value of a condition's list, an action,
 * a resource, a principal. Found by walking, not by a list: what is added to a template is taken out too.
 */
export function removals(role: Role): readonly Lessened[] {
  const trust = lessened(role.trust).map(({ path, document }) => ({
    without: `trust${path}`,
    role: { ...role, trust: document },
  }));
  const policies = role.policies.flatMap((policy, place) =>
    lessened(policy).map(({ path, document }) => ({
      without: `policy ${place}${path}`,
      role: { ...role, policies: role.policies.with(place, document) },
    })),
  );
  return [...trust, ...policies];
}

interface Cut {
  readonly path: string;
  readonly document: Json;
}

/** Every document that comes of one cut. Keys that a policy cannot be without are never cut. */
const NEEDED = new Set(["Version", "Statement", "Sid", "Effect", "Action", "Resource", "Principal", "AWS"]);

function lessened(value: Json, path = ""): Cut[] {
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    const gone =
      items.length > 1 || path === "/Statement"
        ? items.map((item, place) => ({ path: `${path}/${nameOf(item, place)}`, document: items.toSpliced(place, 1) }))
        : [];
    const inner = items.flatMap((item, place) =>
      lessened(item, `${path}/${nameOf(item, place)}`).map((cut) => ({
        ...cut,
        document: items.with(place, cut.document),
      })),
    );
    return [...gone, ...inner];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const { [name]: _gone, ...rest } = value as Record<string, Json>;
    const gone = NEEDED.has(name) ? [] : [{ path: `${path}/${name}`, document: rest }];
    const inner = lessened(item, `${path}/${name}`).map((cut) => ({
      ...cut,
      document: { ...value, [name]: cut.document },
    }));
    return [...gone, ...inner];
  });
}

function nameOf(item: Json, place: number): string {
  if (typeof item === "string") return item;
  return typeof item === "object" && item !== null && "Sid" in item ? String(item.Sid) : String(place);
}
