import type { ComponentChildren, VNode } from "preact";
import { render } from "preact-render-to-string";

export interface DocumentProps {
  readonly title: string;
  /** A script of `page/assets.ts`. */
  readonly script?: "refresh.js" | "submit.js";
  readonly children: ComponentChildren;
}

/** A whole page as text. */
export function renderDocument(page: VNode): string {
  return `<!doctype html>${render(page)}`;
}

export function Document({ title, script, children }: DocumentProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/_assets/simulator.css" />
        {script && <script src={`/_assets/${script}`} defer />}
      </head>
      <body>{children}</body>
    </html>
  );
}

/** A titled part of the page. With `live`, the script keeps it fresh. */
export function Panel(props: { id: string; title: string; live?: boolean; children: ComponentChildren }) {
  return (
    <section class="panel" id={props.id} aria-labelledby={`${props.id}-title`} data-live={props.live}>
      <h2 id={`${props.id}-title`}>{props.title}</h2>
      {props.children}
    </section>
  );
}
