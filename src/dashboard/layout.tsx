import type { ComponentChildren } from "preact";
import { assets } from "./assets.ts";

/** No style or script of htmx's own that the content security policy refuses, and no page kept in the browser. */
const HTMX = JSON.stringify({
  includeIndicatorStyles: false,
  allowEval: false,
  selfRequestsOnly: true,
  historyEnabled: false,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "[45]..", swap: true, error: true },
  ],
});

/** For a page with parts that change in place, in its head. */
export function HtmxAssets() {
  return (
    <>
      <meta name="htmx-config" content={HTMX} />
      <script src={assets.htmx.path} defer />
    </>
  );
}

interface LayoutProps {
  readonly title: string;
  readonly product: string;
  /** Beside the product, where this is not the real thing. */
  readonly environment?: string | undefined;
  /** What a page loads beside what all load. */
  readonly head?: ComponentChildren;
  /** At the right of the bar: who is signed in. */
  readonly corner?: ComponentChildren;
  /** Under the bar: the navigation. */
  readonly below?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly footer?: ComponentChildren;
}

/** The frame of every page. Without scripts it works the same: htmx and the copy buttons only save a reload. */
export function Layout({ title, product, environment, head, corner, below, children, footer }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · ${product}`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={assets.stylesheet.path} />
        <script src={assets.copyScript.path} defer />
        {head}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="bar">
          <p class="brand">
            <span class="mark" aria-hidden="true">
              {product.slice(0, 1)}
            </span>
            {product}
            {environment === undefined ? null : <span class="badge wait">{environment}</span>}
          </p>
          {corner}
        </header>
        {below}
        <main id="main" tabIndex={-1}>
          {children}
        </main>
        <footer class="foot">{footer}</footer>
      </body>
    </html>
  );
}
