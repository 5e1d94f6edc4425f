import type { Profile } from "@node-saml/passport-saml";
import { ProviderError } from "../../../errors.ts";
import { refusedSignIn } from "./by-strategy.ts";

const EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const EMAIL_ATTRIBUTES = [
  "email",
  "mail",
  "emailAddress",
  "urn:oid:0.9.2342.19200300.100.1.3",
  "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
];

/** By the name of the subject where that is an e-mail, or else by the usual attribute. */
export function emailInAssertion({ nameID, nameIDFormat, attributes }: Profile): string {
  if (nameIDFormat === EMAIL_FORMAT && typeof nameID === "string") return nameID;
  const told = (attributes ?? {}) as Readonly<Record<string, unknown>>;
  const email = EMAIL_ATTRIBUTES.map((name) => told[name]).find((value) => typeof value === "string");
  if (typeof email === "string") return email;
  throw new ProviderError(
    "signin_refused",
    "The identity provider names no e-mail: it belongs into the NameID (format emailAddress), or into an attribute email.",
  );
}

/**
 * Which question the signed assertion itself answers, at this address. The library compares what stands around the assertion,
 * and that need not be signed: somebody could wrap an assertion that was meant for another place or another question.
 */
export function refuseUnbound(profile: Profile, consumer: string): string {
  const bound = confirmationsIn(profile).filter(
    ({ Recipient, InResponseTo, NotOnOrAfter }) =>
      Recipient === consumer && InResponseTo === profile["inResponseTo"] && NotOnOrAfter !== undefined,
  );
  const id = bound[0]?.InResponseTo;
  if (id === undefined) throw refusedSignIn();
  return id;
}

interface Confirmation {
  readonly Recipient?: string;
  readonly InResponseTo?: string;
  readonly NotOnOrAfter?: string;
}

/** An element as xml2js gives it: attributes in `$`, children by their names. */
interface Element {
  readonly $?: Confirmation;
  readonly [child: string]: readonly Element[] | Confirmation | undefined;
}

function confirmationsIn(profile: Profile): readonly Confirmation[] {
  const { Assertion } = (profile.getAssertion?.() ?? {}) as { readonly Assertion?: Element };
  const children = (parent: Element | undefined, name: string) => (parent?.[name] ?? []) as readonly Element[];
  return children(Assertion, "Subject")
    .flatMap((subject) => children(subject, "SubjectConfirmation"))
    .flatMap((confirmation) => children(confirmation, "SubjectConfirmationData"))
    .map(({ $ = {} }) => $);
}
