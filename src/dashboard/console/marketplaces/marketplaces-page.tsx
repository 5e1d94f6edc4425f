import type { Finding } from "../../../marketplaces/marketplace.ts";
import { ActionForm, Card, Unseen } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { ManifestCard } from "./manifest-card.tsx";
import type { Calls, ManifestCompared } from "./read.ts";

interface MarketplaceLine {
  readonly name: string;
  readonly calls: Calls;
  /** Names of settings that are set; never their values. */
  readonly settings: readonly string[];
  /** Whether who looks may test the connection. */
  readonly checks: boolean;
}

/** What a test of a connection found. */
export interface Checked {
  readonly name: string;
  readonly findings: readonly Finding[];
}

interface MarketplacesProps {
  readonly compared: ManifestCompared;
  readonly marketplaces: readonly MarketplaceLine[];
  readonly checked: Checked | undefined;
  readonly token: string;
  readonly now: Date;
}

/** Where the product is sold, and whether what is said of it there is what the file says. */
export function MarketplacesPage(props: MarketplacesProps) {
  return (
    <>
      <div class="heading">
        <h1>Marketplaces</h1>
      </div>
      {props.marketplaces.map((one) => (
        <MarketplaceCard key={one.name} one={one} {...props} />
      ))}
      <ManifestCard compared={props.compared} />
    </>
  );
}

function MarketplaceCard({ one, checked, token, now }: MarketplacesProps & { readonly one: MarketplaceLine }) {
  const { name, calls, settings } = one;
  return (
    <Card id={name} title={name}>
      <dl class="terms">
        <Call term="It last called" at={calls.heard} now={now} />
        <Call term="It last took a call of ours" at={calls.told} now={now} />
        <div>
          <dt>Settings that are set</dt>
          <dd class="role">{settings.length === 0 ? "none" : settings.join(", ")}</dd>
        </div>
      </dl>
      {checked?.name === name ? <Findings findings={checked.findings} /> : null}
      {one.checks ? (
        <ActionForm action={`/console/marketplaces/${name}/check#${name}`} token={token}>
          <button type="submit" class="main">
            Test connection<Unseen> to {name}</Unseen>
          </button>
        </ActionForm>
      ) : null}
    </Card>
  );
}

function Call({ term, at, now }: { term: string; at: string | null; now: Date }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{at === null ? "never" : <Moment at={new Date(at)} now={now} />}</dd>
    </div>
  );
}

const verdicts: Readonly<Record<Finding["verdict"], readonly [tone: string, word: string]>> = {
  ok: ["good", "well"],
  warning: ["wait", "look"],
  fault: ["bad", "fault"],
  yours: ["", "yours"],
};

function Findings({ findings }: Pick<Checked, "findings">) {
  return (
    <section role="status" aria-label="What the test found">
      <ul class="next">
        {findings.map(({ check, verdict, says, cure }) => {
          const [tone, word] = verdicts[verdict];
          return (
            <li key={`${check} ${says}`}>
              <p>
                <strong class={`badge ${tone}`}>{word}</strong> {says}
              </p>
              {cure === undefined ? null : <p class="quiet">{cure}</p>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
