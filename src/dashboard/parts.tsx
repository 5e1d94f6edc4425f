import type { ComponentChildren } from "preact";
import type { Way } from "../marketplaces/marketplace.ts";
import { TOKEN_FIELD } from "./own-forms.ts";

interface CardProps {
  readonly id: string;
  readonly title: string;
  readonly intro?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** One titled section of a page. */
export function Card({ id, title, intro, children }: CardProps) {
  return (
    <section class="card" id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {intro === undefined ? null : <p class="intro">{intro}</p>}
      {children}
    </section>
  );
}

/** Text to be taken elsewhere: one click selects it, and a script adds a copy button. */
export function Copyable({ children }: { children: string }) {
  return (
    <span class="copyable">
      <code data-copy="">{children}</code>
    </span>
  );
}

/** How something is done in the marketplace: a command to take to a terminal, or a page to open. */
export function WayThere({ way, words }: { way: Way; words: string }) {
  return "command" in way ? <Copyable>{way.command}</Copyable> : <a href={way.page}>{words}</a>;
}

/** For whoever cannot see what stands beside it. */
export function Unseen({ children }: { children: ComponentChildren }) {
  return <span class="unseen">{children}</span>;
}

interface ActionProps {
  readonly action: string;
  readonly token: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  /** Attributes of htmx. */
  readonly enhance?: Readonly<Record<`hx-${string}`, string>>;
}

/** A form that changes something: it posts, and it carries the session's token. */
export function ActionForm({ action, token, children, class: name, enhance }: ActionProps) {
  return (
    <form method="post" action={action} class={name} {...enhance}>
      <input type="hidden" name={TOKEN_FIELD} value={token} />
      {children}
    </form>
  );
}
