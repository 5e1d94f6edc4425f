import type { CacheProvider } from "@node-saml/passport-saml";
import type { Request } from "express";
import type { Clock } from "../../../clock.ts";
import type { Store } from "../../../isolation/isolation.ts";
import { refusedSignIn } from "./by-strategy.ts";

/**
 * The questions that were put to the identity provider, in the database: another process may get the answer. They are good
 * for ten minutes. An answer ends one by `answerOnce`, so nothing that only looked at it takes it away.
 */
export function requestsAsked(store: Store, clock: Clock, request: Request | undefined): CacheProvider {
  return {
    saveAsync: async (id, issued) => {
      await store.throughDoor({ text: "select console_ask_saml($1, $2, $3)", values: [id, issued, clock.now()] });
      if (request !== undefined) request.session.samlRequest = id;
      return { value: issued, createdAt: clock.now().getTime() };
    },
    getAsync: async (id) => {
      const [row] = await store.throughDoor<{ issued: string | null }>({
        text: "select console_asked_saml($1, $2) as issued",
        values: [id, clock.now()],
      });
      return row?.issued ?? null;
    },
    removeAsync: async (id) => id,
  };
}

/** Keeps what a question was answered with. `signin_refused` for every answer but the first. */
export async function answerOnce(store: Store, clock: Clock, id: string, email: string): Promise<void> {
  const [row] = await store.throughDoor<{ first: boolean }>({
    text: "select console_answer_saml($1, $2, $3) as first",
    values: [id, email, clock.now()],
  });
  if (row?.first !== true) throw refusedSignIn();
}

/**
 * The e-mail that answers the question of this browser's session, once. The provider has the browser post across sites, and
 * then our cookie does not come along: so the post only leaves the answer, and who fetches it must be who asked. Nobody can
 * be signed in as somebody else by a form of another site.
 */
export async function takeAnswer(store: Store, clock: Clock, request: Request): Promise<string> {
  const { samlRequest: id } = request.session;
  delete request.session.samlRequest;
  const [row] =
    id === undefined
      ? []
      : await store.throughDoor<{ email: string | null }>({
          text: "select console_take_saml($1, $2) as email",
          values: [id, clock.now()],
        });
  if (!row?.email) throw refusedSignIn();
  return row.email;
}
