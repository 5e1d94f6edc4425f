import { limitsOf } from "../../../catalog/catalog.ts";
import { Card, Copyable } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import type { CredentialLine, TenantRead } from "./read.ts";
import type { TenantProps } from "./tenant-props.ts";

/** What was used this month of what the plan includes. */
export function UsageCard({ read, catalog }: TenantProps) {
  if (catalog.dimensions.length === 0) return null;
  const limits = limitsOf(catalog, read.tenant);
  return (
    <Card id="usage" title="Usage this month">
      <ul class="usage">
        {catalog.dimensions.map(({ id, name }) => {
          const [used, limit] = [Number(read.usage[id] ?? 0), limits[id]];
          return (
            <li key={id}>
              <h3 id={`usage-${id}`}>
                {name} <span>{limit === undefined ? said(used) : `${said(used)} of ${said(limit)}`}</span>
              </h3>
              {limit === undefined ? null : (
                <meter
                  aria-labelledby={`usage-${id}`}
                  min={0}
                  max={Math.max(limit, 1)}
                  high={limit * 0.8}
                  optimum={0}
                  value={used}
                >
                  {said(used)} of {said(limit)}
                </meter>
              )}
            </li>
          );
        })}
      </ul>
      <p>
        <a href={`/console/metering/${read.tenant.id}`}>Hour by hour</a>
      </p>
    </Card>
  );
}

const said = (quantity: number): string => quantity.toLocaleString("en-US", { maximumFractionDigits: 2 });

/** Which credentials there are; their values are for the customer alone. */
export function CredentialsCard({ read: { credentials, now } }: { read: TenantRead }) {
  return (
    <Card id="credentials" title="Credentials">
      {credentials.length === 0 ? (
        <p>There are none in force.</p>
      ) : (
        <ul class="next">
          {credentials.map((one) => (
            <li key={one.id}>
              <CredentialItem one={one} now={now} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function CredentialItem({ one, now }: { one: CredentialLine; now: Date }) {
  return (
    <>
      <p>
        <strong class={`badge ${one.state === "active" ? "good" : "wait"}`}>{one.state}</strong>{" "}
        {one.name ?? one.var ?? one.kind}
        {one.hint === "" ? null : ` … ${one.hint}`}
        {one.access === "read" ? ", read only" : ""}
      </p>
      <p class="quiet">
        {one.kind}, issued <Moment at={new Date(one.created_at)} now={now} />
        {one.last_used_at === null ? null : (
          <>
            , last used <Moment at={new Date(one.last_used_at)} now={now} />
          </>
        )}
      </p>
    </>
  );
}

/** How to have this tenant's events again on one's own machine. */
export function ReplayCard({ read: { tenant } }: { read: TenantRead }) {
  const since = tenant.createdAt.toISOString();
  return (
    <Card
      id="replay"
      title="On your own machine"
      intro="Every event of this tenant again, signed as they go out, to a program that you are writing."
    >
      <Copyable>{`npx stallholder listen --tenant ${tenant.id} --since ${since} --forward-to http://127.0.0.1:4000/events`}</Copyable>
      <p class="quiet">
        Requests of the marketplace stand in the timeline as commands for curl, where we know them. An endpoint that
        missed something is sent it again with <code>npx stallholder events replay</code>.
      </p>
    </Card>
  );
}
