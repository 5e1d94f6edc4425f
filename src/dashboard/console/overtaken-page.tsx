import { Moment } from "../time.tsx";
import { words } from "./tenants/words.ts";

/** What has happened since a form was made. */
export interface Happened {
  readonly type: string;
  readonly by: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface OvertakenProps {
  /** What was asked for. */
  readonly title: string;
  readonly since: readonly Happened[];
  /** Said where nothing has happened, and yet it is too late. */
  readonly over: string;
  readonly back: string;
  readonly now: Date;
}

/** For the second of two: what happened since the form was made, and by whom. */
export function OvertakenPage({ title, since, over, back, now }: OvertakenProps) {
  return (
    <section class="card alone">
      <h1>Something happened meanwhile</h1>
      <p>
        Nothing was done: <strong>{title}</strong> was asked for on a page that is older than this.
      </p>
      {since.length === 0 ? (
        <p>{over}</p>
      ) : (
        <ol class="events">
          {since.map(({ type, by, at, data }) => (
            <li key={`${type} ${at}`}>
              <p>
                <strong>{type}</strong>
                {[data["act"], data["to"]].filter(isText).map((text) => `: ${words(text)}`)}
              </p>
              <p class="quiet">
                <Moment at={new Date(at)} now={now} /> · {by}
                {isText(data["reason"]) ? ` · ${data["reason"]}` : null}
              </p>
            </li>
          ))}
        </ol>
      )}
      <p>
        <a class="button" href={back}>
          Look at it as it is now
        </a>
      </p>
    </section>
  );
}

const isText = (given: unknown): given is string => typeof given === "string";
