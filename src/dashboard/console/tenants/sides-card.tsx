import type { ComponentChildren } from "preact";
import { findPlan } from "../../../catalog/catalog.ts";
import { ActionForm, Card } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import { may } from "../parts.ts";
import { StateBadge } from "./state-badge.tsx";
import type { Answered, TenantProps } from "./tenant-props.ts";
import { words } from "./words.ts";

/** What the marketplace, we and the product say of the tenant, beside each other. */
export function SidesCard(props: TenantProps) {
  const { read, texts, catalog } = props;
  const { tenant, heard, now } = read;
  const title = texts?.title ?? tenant.marketplace;
  const rows: readonly { readonly what: string; readonly sides: readonly ComponentChildren[] }[] = [
    { what: "State", sides: [stateThere(props), <StateBadge state={tenant.state} />, productSays(props)] },
    { what: "Plan", sides: [planThere(props), planName(props, tenant.plan), productPlan(props)] },
    {
      what: "Id",
      sides: [
        [tenant.resourceId, ...read.names.filter((name) => name !== tenant.resourceId)].join(" "),
        tenant.id,
        tenant.id,
      ],
    },
    {
      what: "Called",
      sides: [
        [texts?.appName, texts?.owner].filter(Boolean).join(" · ") || "not said",
        tenant.name || "nothing",
        "as we do",
      ],
    },
    {
      what: "Last heard",
      sides: [
        heard.marketplace === null ? (
          "never"
        ) : (
          <When at={heard.marketplace.at} now={now} what={heard.marketplace.type} />
        ),
        <Moment at={tenant.changedAt} now={now} />,
        heard.product === null ? "never" : <When at={heard.product.at} now={now} what={words(heard.product.kind)} />,
      ],
    },
  ];
  return (
    <Card
      id="sides"
      title="What each side says"
      intro="As each was last heard; ours is what counts for keys and usage."
    >
      <table class="stacked sides">
        <thead>
          <tr>
            <td />
            <th scope="col">{title}</th>
            <th scope="col">We</th>
            <th scope="col">{catalog.name}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ what, sides: [there, ours, product] }) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              <td data-word={title}>{there}</td>
              <td data-word="We">{ours}</td>
              <td data-word={catalog.name}>{product}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {heard.told === null ? null : (
        <p class="quiet">
          {title} last took a call of ours ({words(heard.told.kind)}) <Moment at={new Date(heard.told.at)} now={now} />.
        </p>
      )}
      {read.people === 0 ? null : <p class="quiet">People with access over there: {read.people}.</p>}
      <AskAgain {...props} title={title} />
    </Card>
  );
}

function When({ at, now, what }: { at: string; now: Date; what: string }) {
  return (
    <>
      {what}, <Moment at={new Date(at)} now={now} />
    </>
  );
}

const stateThere = ({ texts }: TenantProps) => texts?.terms?.[0]?.text ?? "not said until asked";
const planName = ({ catalog }: TenantProps, id: string) => findPlan(catalog, id)?.name ?? id;

/** A marketplace says a plan by asking for one. */
function planThere({ texts }: TenantProps): string {
  return (
    (texts?.terms ?? [])
      .slice(1)
      .map(({ term, text }) => `${term}: ${text}`)
      .join("; ") || "not said until asked"
  );
}

function productSays({ read: { heard } }: TenantProps): string {
  const { product } = heard;
  if (product === null) return "nothing yet";
  if (product.state === "running")
    return `is being told: ${words(product.kind)}${product.fault === null ? "" : ` (${product.fault})`}`;
  if (product.state === "done") return `did this last: ${words(product.kind)}`;
  return `${words(product.kind)} was ${words(product.state)}${product.message === null ? "" : `: ${product.message}`}`;
}

function productPlan(props: TenantProps): string {
  const { product } = props.read.heard;
  const wanted = product?.target["plan"];
  if (product?.kind === "change_plan" && product.state === "running" && typeof wanted === "string")
    return `is to be ${planName(props, wanted)}`;
  return product === null ? "not told yet" : planName(props, props.read.tenant.plan);
}

function AskAgain({ asks, answered, read, person, token, title }: TenantProps & { readonly title: string }) {
  return (
    <>
      {answered === undefined ? null : <Answer answered={answered} title={title} />}
      {asks && may(person, "support") ? (
        <ActionForm action={`/console/tenants/${read.tenant.id}/ask#sides`} token={token}>
          <button type="submit" id="ask-again">
            Ask {title} again
          </button>{" "}
          <span class="quiet">It has five seconds to answer.</span>
        </ActionForm>
      ) : null}
    </>
  );
}

function Answer({ answered, title }: { answered: Answered; title: string }) {
  if ("fault" in answered) return <p class="notice bad">{answered.fault}</p>;
  return (
    <div class="notice">
      <p>{title} says now:</p>
      <dl class="facts">
        {answered.said.map(({ term, text }) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
