import { type Request, type RequestHandler, type Response, Router } from "express";
import { ProviderError } from "../../../errors.ts";
import { formOf } from "../../../http/body.ts";
import { secretTest } from "../../../same-secret.ts";
import { Layout } from "../../layout.tsx";
import { fieldOf, ownFormsOfStrangers } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import { enterByToken } from "./entrance.ts";
import { type IdentityWay, identityRoutes, identityWays } from "./identity.ts";
import type { SignInOptions } from "./options.ts";
import { returnTo } from "./return-to.ts";

/** The pages outside the guard. */
export function signInRoutes(options: SignInOptions): Router {
  const router = Router();
  router.get("/sign-in", showSignIn(options));
  router.post("/sign-in", ...ownFormsOfStrangers(options.parts.publicUrl), signInByToken(options));
  router.use(identityRoutes(options));
  router.get("/signed-out", (_request, response) => {
    sendPage(response, <SignedOut product={options.parts.catalog.name} />);
  });
  return router;
}

function showSignIn(options: SignInOptions): RequestHandler {
  return function answerSignIn(request, response) {
    const undone = request.query["undone"] === "1";
    const notice = undone
      ? "Your session has ended, so nothing was done. Sign in, and you are back on the page you came from."
      : undefined;
    sendSignIn(response, options, { to: returnTo(request.query["to"]), notice });
  };
}

function signInByToken(options: SignInOptions): RequestHandler {
  const { attempts, parts } = options;
  const { operatorToken } = parts;
  const isToken = operatorToken === undefined ? () => false : secretTest(operatorToken);
  return async function answerToken(request, response, next) {
    const to = returnTo(wantedPage(request));
    if (isToken(fieldOf(request, "token"))) {
      await enterByToken(options, request);
      return response.redirect(303, to);
    }
    const notice = "That is not the token. Please look at OPERATOR_TOKEN again.";
    await attempts.refuse(request, response, (fault?: unknown) => {
      const tooMany = fault instanceof ProviderError && fault.code === "rate_limited";
      if (tooMany) return next(fault);
      sendSignIn(response, options, { to, notice, wrong: true }, 403);
    });
  };
}

const wantedPage = (request: Request): unknown => formOf(request).get("to")?.[0];

interface Asked {
  readonly to: string;
  readonly notice?: string | undefined;
  readonly wrong?: boolean;
}

function sendSignIn(response: Response, options: SignInOptions, asked: Asked, status = 200): void {
  const { parts } = options;
  const shown = { ...asked, ways: identityWays(options), byToken: parts.operatorToken !== undefined };
  sendPage(response, <SignIn product={`${parts.catalog.name} console`} {...shown} />, status);
}

interface SignInProps extends Asked {
  readonly product: string;
  readonly ways: readonly IdentityWay[];
  readonly byToken: boolean;
}

function SignIn({ product, ways, byToken, to, notice, wrong }: SignInProps) {
  return (
    <Layout title="Sign in" product={product}>
      <section class="card alone">
        <h1>Sign in</h1>
        <p class="quiet">For the people who run the service. Customers come in from their marketplace.</p>
        {notice === undefined ? null : (
          <p class={wrong ? "notice bad" : "notice"} role="alert">
            {notice}
          </p>
        )}
        {ways.map(({ path, host }) => (
          <p key={path}>
            <a class="button" href={`${path}?${new URLSearchParams({ to })}`}>
              Sign in by {host}
            </a>
          </p>
        ))}
        {byToken ? <TokenForm to={to} /> : null}
        {byToken || ways.length > 0 ? null : <NoWayIn />}
      </section>
    </Layout>
  );
}

function TokenForm({ to }: { to: string }) {
  return (
    <form class="contact" method="post" action="/console/sign-in">
      <input type="hidden" name="to" value={to} />
      <label>
        Operator token
        <input type="password" name="token" required autocomplete="current-password" maxLength={1000} />
        <span class="quiet">
          The value of <code>OPERATOR_TOKEN</code>. In development it is made once and kept in the data folder.
        </span>
      </label>
      <button type="submit" class="main">
        Sign in
      </button>
    </form>
  );
}

function NoWayIn() {
  return (
    <p>
      Nobody can sign in yet: set <code>OPERATOR_TOKEN</code>, or single sign-on, as docs/console.md says.
    </p>
  );
}

function SignedOut({ product }: { product: string }) {
  return (
    <Layout title="Signed out" product={`${product} console`}>
      <section class="card alone">
        <h1>You are signed out</h1>
        <p>
          <a class="button" href="/console/sign-in">
            Sign in again
          </a>
        </p>
      </section>
    </Layout>
  );
}
