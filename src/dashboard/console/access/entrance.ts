import type { Request, Response } from "express";
import { ProviderError } from "../../../errors.ts";
import type { ConsoleParts } from "../parts.ts";
import { returnTo } from "./return-to.ts";
import { type OperatorSessions, SHARED } from "./sessions.ts";

/** Printable ASCII with one @: other letters may fold into these, and then a stranger would be somebody. */
const EMAIL = /^[!-?A-~]+@[!-?A-~]+$/;
const LONGEST = 254;

/** An e-mail as it is kept: in small letters. Undefined for what cannot be one. */
export function emailIn(text: string): string | undefined {
  const email = text.trim();
  return email.length <= LONGEST && EMAIL.test(email) ? email.toLowerCase() : undefined;
}

const refusal = (message: string) => new ProviderError("signin_refused", message);

export const unverified = (email: string): ProviderError =>
  refusal(
    `The identity provider has not verified ${email.slice(0, LONGEST)}. Have it confirmed there, and sign in again.`,
  );

/** Lets in whoever has shown the shared token; what the operators' audit cannot say is not done. */
export async function enterByToken({ parts: { store, clock }, sessions }: Entrance, request: Request): Promise<void> {
  await store.throughDoor({
    text: "select append_audit('operator', 'person.signed_in', $1, $2, $2, $3)",
    values: [`operator:${SHARED}`, clock.now(), JSON.stringify({ way: SHARED })],
  });
  await sessions.signIn(request, SHARED);
}

interface Entrance {
  readonly parts: ConsoleParts;
  readonly sessions: OperatorSessions;
}

/**
 * Lets in whom an identity provider vouches for, and leads to the page that was wanted. `signin_refused` for somebody who is
 * not among the people: proving who one is does not make one an operator.
 */
export async function enter(
  { parts: { store, clock }, sessions }: Entrance,
  request: Request,
  response: Response,
  proved: { readonly email: string; readonly way: "oidc" | "saml" },
): Promise<void> {
  const email = emailIn(proved.email);
  if (email === undefined) throw refusal("The identity provider names no e-mail that the console knows how to read.");
  const [row] = await store.throughDoor<{ may: boolean }>({
    text: "select console_enter($1, $2, $3) as may",
    values: [email, proved.way, clock.now()],
  });
  if (row?.may !== true) {
    throw refusal(
      `You are ${email}, and nobody of that e-mail may come in here. Ask somebody who is admin of this console to add you on its page People.`,
    );
  }
  const to = returnTo(request.session.wanted);
  await sessions.signIn(request, email);
  response.redirect(303, to);
}
