import type { Response } from "express";
import type { ComponentChildren, VNode } from "preact";
import { render } from "preact-render-to-string";
import { answerText } from "../../../http/answer.ts";
import type { AwsOptions } from "../options.ts";

/** No style or script of htmx's own that the content security policy refuses, and no page kept in the browser. */
const HTMX = JSON.stringify({
  includeIndicatorStyles: false,
  allowEval: false,
  selfRequestsOnly: true,
  historyEnabled: false,
});

/** Where a buyer's subscriptions are, and where "Set up your account" leads back to us. */
export const SUBSCRIPTIONS_URL = "https://console.aws.amazon.com/marketplace/home#/subscriptions";

interface FrameProps {
  readonly options: AwsOptions;
  readonly title: string;
  readonly children: ComponentChildren;
}

/** The frame of the pages that a buyer sees on the way from AWS Marketplace to the dashboard. */
export function Frame({ options, title, children }: FrameProps) {
  const { catalog, assets } = options;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <meta name="htmx-config" content={HTMX} />
        <title>{`${title} · ${catalog.name}`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={assets.stylesheet} />
        <script src={assets.htmx} defer />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="bar">
          <p class="brand">
            <span class="mark" aria-hidden="true">
              {catalog.name.slice(0, 1)}
            </span>
            {catalog.name}
          </p>
        </header>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
        <footer class="foot">
          <Support options={options} />
        </footer>
      </body>
    </html>
  );
}

/** Whom to ask; on every page, as AWS demands. */
function Support({ options: { catalog, section } }: { readonly options: AwsOptions }) {
  const { support } = section;
  if (support === undefined) return <p>Help: see “Support” on the page of {catalog.name} in AWS Marketplace.</p>;
  const href = support.includes("@") && !support.includes("/") ? `mailto:${support}` : support;
  return (
    <p>
      Help with {catalog.name}: <a href={href}>{support}</a>
    </p>
  );
}

const HTML = "text/html; charset=utf-8";

/** Nobody keeps a copy: a page is one buyer's. */
export function sendPage(res: Response, page: VNode, status = 200): void {
  res.setHeader("Cache-Control", "no-store");
  answerText(res, status, HTML, `<!doctype html>${render(page)}`);
}

export function sendPart(res: Response, part: VNode): void {
  res.setHeader("Cache-Control", "no-store");
  answerText(res, 200, HTML, render(part));
}
