import type { OperatorStore } from "../../../isolation/isolation.ts";
import type { Happened } from "../overtaken-page.tsx";
import type { Role } from "../parts.ts";

/** Somebody who may come in. */
export interface Listed {
  readonly email: string;
  readonly role: Role;
  readonly added_by: string;
  readonly created_at: string;
  /** The last request of a session that is not over for long. */
  readonly seen_at: string | null;
}

export interface People {
  /** What forms are made from. */
  readonly version: number;
  readonly people: readonly Listed[];
}

export type PersonAct = "add" | "role" | "remove";

export interface PersonChange {
  readonly act: PersonAct;
  readonly email: string;
  /** Absent where somebody is removed. */
  readonly role?: Role | undefined;
  readonly version: number;
  readonly reason: string;
  /** The last admin stays: there is no other way in. */
  readonly guarded: boolean;
}

export type Changed =
  | { readonly outcome: "done" | "there" | "last_admin" }
  | { readonly outcome: "overtaken"; readonly since: readonly Happened[] };

/** More than any vendor has; the page says when there are. */
export const MOST_PEOPLE = 500;

export async function readPeople(store: OperatorStore): Promise<People> {
  const [row] = await store.throughDoor<{ found: People }>({
    text: "select console_people($1) as found",
    values: [MOST_PEOPLE + 1],
  });
  if (row === undefined) throw new Error("console_people gave no row.");
  return row.found;
}

/**
 * Changes who may come in, and writes that into the operators' audit, in the moment in which it looks whether the form still
 * stands. Whoever is removed is signed out everywhere.
 */
export async function changePerson(store: OperatorStore, change: PersonChange): Promise<Changed> {
  const { by, at } = store.operator;
  const [row] = await store.throughDoor<{ changed: Changed }>({
    text: "select console_change_person($1, $2) as changed",
    values: [JSON.stringify({ ...change, by, at }), at],
  });
  if (row === undefined) throw new Error("console_change_person gave no row.");
  return row.changed;
}
