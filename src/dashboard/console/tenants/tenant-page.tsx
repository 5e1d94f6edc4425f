import { Copyable } from "../../parts.tsx";
import { ActBar } from "./act-bar.tsx";
import { CredentialsCard, ReplayCard, UsageCard } from "./cards.tsx";
import { NextCard } from "./next-card.tsx";
import { SidesCard } from "./sides-card.tsx";
import { StateBadge } from "./state-badge.tsx";
import type { TenantProps } from "./tenant-props.ts";
import { TimelineCard } from "./timeline-card.tsx";

/** One tenant: what the three sides say of it, what is due, and what happened. */
export function TenantPage(props: TenantProps) {
  const { read, notice } = props;
  const { tenant, timeline, now } = read;
  return (
    <>
      <div class="heading">
        <p class="way-back">
          <a href="/console/tenants">← Tenants</a>
        </p>
        <h1>{tenant.name || tenant.resourceId}</h1>
        <p>
          <StateBadge state={tenant.state} /> {tenant.reason}
        </p>
        <Copyable>{tenant.id}</Copyable>
      </div>
      <div id="notice" role="status">
        {notice === undefined ? null : <p class="notice">{notice}</p>}
      </div>
      <ActBar tenant={tenant} person={props.person} />
      <SidesCard {...props} />
      <div class="columns">
        <NextCard read={read} person={props.person} />
        <div class="column">
          <UsageCard {...props} />
          <CredentialsCard read={read} />
        </div>
      </div>
      <TimelineCard id={tenant.id} timeline={timeline} now={now} curlOf={props.curlOf} />
      <ReplayCard read={read} />
    </>
  );
}
