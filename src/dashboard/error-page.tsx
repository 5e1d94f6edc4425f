import type { ErrorRequestHandler, Request } from "express";
import { render } from "preact-render-to-string";
import { asProviderError, errorFacts, type ProviderError } from "../errors.ts";
import { type ErrorShape, errorAnswer } from "../http/problem.ts";
import { requestId } from "../http/request-log.ts";
import { Layout } from "./layout.tsx";
import { pageText, wantsPart } from "./send-page.ts";

/** Errors as pages; a script that asked for a part gets a notice to show above the content. */
export function pageErrors(product: string, back = DASHBOARD): readonly ErrorRequestHandler[] {
  return [showAsNotice, errorAnswer(shapeOfPages(product, back))];
}

/** Where whoever sees an error goes on. */
interface Back {
  readonly address: string;
  readonly words: string;
}

const DASHBOARD: Back = { address: "/dashboard", words: "Back to the dashboard" };

const showAsNotice: ErrorRequestHandler = (thrown, request, response, next) => {
  if (!wantsPart(request)) return next(thrown);
  // A session that has ended cannot be mended by a notice: the whole page is loaded again.
  if (asProviderError(thrown).code === "not_authenticated") response.setHeader("HX-Refresh", "true");
  response.setHeader("HX-Retarget", "#notice");
  response.setHeader("HX-Reswap", "innerHTML show:window:top");
  next(thrown);
};

function shapeOfPages(product: string, back: Back): ErrorShape {
  return {
    type: "text/html; charset=utf-8",
    // No browser knows this scheme, so none asks for a password: there is none.
    challenge: 'Session realm="dashboard"',
    body: (error, request) =>
      wantsPart(request)
        ? render(<p class="notice bad">{error.message}</p>)
        : pageText(<ErrorPage product={product} error={error} request={request} back={back} />),
  };
}

interface ErrorPageProps {
  readonly product: string;
  readonly error: ProviderError;
  readonly request: Request;
  readonly back: Back;
}

function ErrorPage({ product, error, request, back }: ErrorPageProps) {
  const { title } = errorFacts[error.code];
  const outside = error.code === "not_authenticated";
  return (
    <Layout title={outside ? "Not signed in" : title} product={product}>
      <section class="card alone">
        <h1>{outside ? "You are not signed in" : title}</h1>
        <p>{error.message}</p>
        {outside ? null : <WayOut request={request} back={back} />}
      </section>
    </Layout>
  );
}

function WayOut({ request, back }: { request: Request; back: Back }) {
  return (
    <>
      <p>
        <a class="button" href={back.address}>
          {back.words}
        </a>
      </p>
      <p class="quiet">
        Should you ask for help, name this request: <code>{requestId(request)}</code>
      </p>
    </>
  );
}
