import { generateKeyPairSync, type KeyObject } from "node:crypto";
import express, { type RequestHandler } from "express";
import { decodeJwt, type JWTPayload, SignJWT } from "jose";
import { type Context, Provider } from "oidc-provider";
import { listen } from "./listen.ts";

/** What the identity provider says of whoever signs in there next. */
export interface Vouched {
  email?: string;
  email_verified?: boolean;
}

export interface OidcIssuer {
  readonly url: string;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  /** Nobody types anything there: this is who signs in. */
  who: Vouched;
  /** Has the provider say something else in an ID token, under its own signature. */
  alter: ((claims: JWTPayload) => JWTPayload) | undefined;
  /** Signs altered ID tokens in the place of the provider's own key. */
  forger: KeyObject | undefined;
  /** Serves whoever comes back to this address; until then nothing is there. */
  serve(redirectUri: string): void;
  /** Answers every request instead of the provider, until it is taken away again. */
  instead: RequestHandler | undefined;
}

/** A real OpenID Connect provider over HTTP, at which everybody is signed in at once. */
export async function oidcIssuer(): Promise<OidcIssuer> {
  const app = express();
  const { url } = await listen(app);
  const client = { clientId: "console", clientSecret: "the-secret-of-the-console" };
  const issuer: OidcIssuer = {
    url,
    client,
    who: {},
    instead: undefined,
    alter: undefined,
    forger: undefined,
    serve: (redirectUri) => {
      const provider = providerOf(issuer, redirectUri);
      app.use((request, response, next) => (issuer.instead ?? pass)(request, response, next));
      app.get("/who", (request, response) =>
        provider.interactionFinished(request, response, { login: { accountId: "somebody" } }),
      );
      app.use(provider.callback());
    },
  };
  return issuer;
}

const pass: RequestHandler = (_request, _response, next) => next();

function providerOf(issuer: OidcIssuer, redirectUri: string): Provider {
  const key = newKey();
  const provider: Provider = new Provider(issuer.url, {
    clients: [
      {
        client_id: issuer.client.clientId,
        client_secret: issuer.client.clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    cookies: { keys: ["a key of this test"] },
    jwks: { keys: [{ ...key.export({ format: "jwk" }), use: "sig", alg: ALGORITHM, kid: KEY_ID }] },
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: () => "/who" },
    ttl: { Session: 60, Grant: 60, Interaction: 60, AccessToken: 60, AuthorizationCode: 60, IdToken: 60 },
    findAccount: (_context: object, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, ...issuer.who }),
    }),
    loadExistingGrant: async ({ oidc }: Context) => {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid email");
      await grant.save();
      return grant;
    },
  });
  provider.use(async (context, next) => {
    await next();
    const { body } = context;
    if (body?.id_token === undefined || issuer.alter === undefined) return;
    body.id_token = await new SignJWT(issuer.alter(decodeJwt(body.id_token)))
      .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID })
      .sign(issuer.forger ?? key);
  });
  return provider;
}

const ALGORITHM = "RS256";
const KEY_ID = "one";

/** A key like the one the provider signs with. */
export const newKey = (): KeyObject => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
