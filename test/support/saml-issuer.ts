import express from "express";
import { auth } from "samlp";
import { listen } from "./listen.ts";
import { CERTIFICATE, PRIVATE_KEY } from "./saml-certificate.ts";

export const ENTITY = "https://stallholder.example/console";
export const EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

/** What the identity provider says next. */
export interface Asserted {
  name: string;
  format: string;
  attributes: Readonly<Record<string, string>>;
  /** What samlp is told besides, or instead. */
  more: object;
}

export interface SamlIssuer {
  readonly settings: {
    readonly entryPoint: string;
    readonly issuer: string;
    readonly certificates: readonly string[];
  };
  asserts: Asserted;
  /** Answers whoever is sent here with a form for that address. */
  serve(consumer: string): void;
}

/** A real SAML identity provider over HTTP, at which everybody is signed in at once. */
export async function samlIssuer(): Promise<SamlIssuer> {
  const app = express();
  const { url } = await listen(app);
  const issuer: SamlIssuer = {
    settings: {
      entryPoint: `${url}/sso`,
      issuer: ENTITY,
      certificates: [CERTIFICATE.replace(/-----[A-Z ]+-----|\s/g, "")],
    },
    asserts: { name: "", format: EMAIL_FORMAT, attributes: {}, more: {} },
    serve: (consumer) => {
      app.get("/sso", (request, response, next) => answerOf(issuer.asserts, url, consumer)(request, response, next));
    },
  };
  return issuer;
}

const answerOf = ({ name, format, attributes, more }: Asserted, issuer: string, consumer: string) =>
  auth({
    ...{ issuer, cert: CERTIFICATE, key: PRIVATE_KEY, recipient: consumer, destination: consumer },
    getUserFromRequest: () => ({}),
    getPostURL: (...given: unknown[]) => {
      const done = given.at(-1) as (fault: null, url: string) => void;
      done(null, consumer);
    },
    profileMapper: () => ({
      getClaims: () => attributes,
      getNameIdentifier: () => ({ nameIdentifier: name, nameIdentifierFormat: format }),
    }),
    ...more,
  });

/** The form on the provider's page, as the browser would post it. */
export function formIn(page: string): { readonly action: string; readonly fields: Readonly<Record<string, string>> } {
  const action = /action="([^"]+)"/.exec(page)?.[1] ?? "";
  const answer = /name="SAMLResponse"\s+value="([^"]+)"/.exec(page)?.[1] ?? "";
  return { action: decoded(action), fields: { SAMLResponse: decoded(answer) } };
}

const decoded = (text: string): string =>
  text
    .replace(/&#x([\da-f]+);/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll("&amp;", "&");
