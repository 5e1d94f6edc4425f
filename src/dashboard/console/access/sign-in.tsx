import { type Request, type RequestHandler, type Response, Router } from "express";
import { ProviderError } from "../../../errors.ts";
import { formOf } from "../../../http/body.ts";
import type { FailedAttempts } from "../../../http/failed-attempts.ts";
import { secretTest } from "../../../same-secret.ts";
import { Layout } from "../../layout.tsx";
import { fieldOf, ownFormsOfStrangers } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import type { ConsoleParts } from "../parts.ts";
import { returnTo } from "./return-to.ts";
import { type OperatorSessions, SHARED } from "./sessions.ts";

export interface SignInOptions {
  readonly parts: ConsoleParts;
  readonly sessions: OperatorSessions;
  readonly attempts: FailedAttempts;
}

/** The pages outside the guard. */
export function signInRoutes(options: SignInOptions): Router {
  const router = Router();
  router.get("/sign-in", showSignIn(options));
  router.post("/sign-in", ...ownFormsOfStrangers(options.parts.publicUrl), signInByToken(options));
  router.get("/signed-out", (_request, response) => {
    sendPage(response, <SignedOut product={options.parts.catalog.name} />);
  });
  return router;
}

function showSignIn({ parts }: SignInOptions): RequestHandler {
  return function answerSignIn(request, response) {
    const undone = request.query["undone"] === "1";
    const notice = undone
      ? "Your session has ended, so nothing was done. Sign in, and you are back on the page you came from."
      : undefined;
    sendSignIn(response, parts, { to: returnTo(request.query["to"]), notice });
  };
}

function signInByToken({ parts, sessions, attempts }: SignInOptions): RequestHandler {
  const { operatorToken } = parts;
  const isToken = operatorToken === undefined ? () => false : secretTest(operatorToken);
  return async function answerToken(request, response, next) {
    const to = returnTo(wantedPage(request));
    if (isToken(fieldOf(request, "token"))) {
      await sessions.signIn(request, SHARED);
      return response.redirect(303, to);
    }
    const notice = "That is not the token. Please look at OPERATOR_TOKEN again.";
    await attempts.refuse(request, response, (fault?: unknown) => {
      const tooMany = fault instanceof ProviderError && fault.code === "rate_limited";
      if (tooMany) return next(fault);
      sendSignIn(response, parts, { to, notice, wrong: true }, 403);
    });
  };
}

const wantedPage = (request: Request): unknown => formOf(request).get("to")?.[0];

interface Asked {
  readonly to: string;
  readonly notice?: string | undefined;
  readonly wrong?: boolean;
}

function sendSignIn(response: Response, parts: ConsoleParts, asked: Asked, status = 200): void {
  const product = `${parts.catalog.name} console`;
  sendPage(response, <SignIn product={product} byToken={parts.operatorToken !== undefined} {...asked} />, status);
}

function SignIn({ product, byToken, to, notice, wrong }: Asked & { product: string; byToken: boolean }) {
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
        {byToken ? <TokenForm to={to} /> : <NoWayIn />}
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
