import { HtmxAssets } from "../layout.tsx";
import { ActivityCard } from "./activity.tsx";
import { AlertsCard } from "./alerts.tsx";
import { AwsCard, type RefusedRole } from "./aws-access.tsx";
import { ConnectCard, type Revealed } from "./config-vars.tsx";
import { CredentialsCard } from "./credentials.tsx";
import { CustomerLayout } from "./customer-layout.tsx";
import { DataCard } from "./data.tsx";
import { FirstStepsCard, FirstStepsScript } from "./first-steps.tsx";
import { Heading } from "./heading.tsx";
import { HelpCard } from "./help.tsx";
import { PeopleCard } from "./people.tsx";
import { PlanCard } from "./plan.tsx";
import { RemovalCard } from "./removal.tsx";
import { StatusStrip } from "./status.tsx";
import { UsageCard } from "./usage.tsx";
import type { CustomerView } from "./view.ts";

interface OverviewProps {
  readonly view: CustomerView;
  readonly token: string;
  readonly notice?: string | undefined;
  /** The one value that was asked for. */
  readonly revealed?: Revealed;
  readonly refusedRole?: RefusedRole;
}

/** The dashboard: everything about one tenant on one page. */
export function OverviewPage({ view, token, notice, revealed, refusedRole }: OverviewProps) {
  return (
    <CustomerLayout title={view.tenant.name || "Dashboard"} view={view} token={token} head={<Scripts view={view} />}>
      <Heading view={view} />
      <div id="notice" role="status">
        {notice === undefined ? null : <p class="notice">{notice}</p>}
      </div>
      <StatusStrip view={view} />
      <FirstStepsCard view={view} />
      <PlanCard view={view} />
      <UsageCard view={view} />
      <AlertsCard view={view} />
      <ConnectCard view={view} token={token} revealed={revealed} />
      <CredentialsCard view={view} token={token} />
      <AwsCard view={view} token={token} refused={refusedRole} />
      <div class="columns">
        <ActivityCard view={view} />
        <div class="column">
          <PeopleCard view={view} />
          <HelpCard view={view} />
          <DataCard token={token} />
          <RemovalCard view={view} />
        </div>
      </div>
    </CustomerLayout>
  );
}

function Scripts({ view }: { view: CustomerView }) {
  return (
    <>
      <HtmxAssets />
      <FirstStepsScript view={view} />
    </>
  );
}
