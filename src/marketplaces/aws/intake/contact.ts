import { z } from "zod";
import type { Form } from "../../../http/form.ts";
import type { SealedPlace } from "../../../secrets/secrets.ts";
import type { LicenceRow } from "../licences/licence.ts";
import type { AwsOptions } from "../options.ts";

const text = z.string().trim().max(200, "must have at most 200 characters").default("");

const contact = z.object({
  name: text,
  company: text,
  email: z
    .string()
    .trim()
    .max(254)
    .regex(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, "must be an e-mail address"),
});

/** What a buyer writes about himself. Nothing is decided by it. */
export type Contact = z.output<typeof contact>;

/** The contact in a form, or undefined when it is not one: an address is missing, or a field comes twice. */
export function readContact(form: Form): Contact | undefined {
  const entries = ["name", "company", "email"].map((name) => [name, form.get(name)] as const);
  if (entries.some(([, values]) => (values?.length ?? 0) > 1)) return undefined;
  return contact.safeParse(Object.fromEntries(entries.map(([name, values]) => [name, values?.[0]]))).data;
}

export const contactPlace: SealedPlace = {
  place: "aws_licences.contact_sealed",
  contextOf: ([key = ""]) => contextOf(key),
};

const contextOf = (key: string) => ({ tenant: "aws", field: "contact", id: key });

/** Kept sealed as long as there is a tenant or may be one; false where it has ended. */
export async function keepContact({ store, vault, clock }: AwsOptions, key: string, given: Contact): Promise<boolean> {
  const [row] = await store.throughDoor<{ kept: boolean }>({
    text: "select aws_keep_contact($1, $2, $3) as kept",
    values: [key, vault.seal(contextOf(key), JSON.stringify(given)), clock.now()],
  });
  return row?.kept ?? false;
}

export function contactOf(
  { vault }: AwsOptions,
  licence: Pick<LicenceRow, "key" | "contact_sealed">,
): Contact | undefined {
  if (licence.contact_sealed === null) return undefined;
  return JSON.parse(vault.open(contextOf(licence.key), licence.contact_sealed)) as Contact;
}
