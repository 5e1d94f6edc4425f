import type { LifecycleEvent } from "../../events/events.ts";
import { Card } from "../parts.tsx";
import { Moment } from "../time.tsx";
import { type ActivityKind, activityKinds } from "./activity-filter.ts";
import { CustomerLayout } from "./customer-layout.tsx";
import { actorOf, sentenceOf } from "./sentences.ts";
import type { CustomerView } from "./view.ts";

/** What happened last. */
export function ActivityCard({ view }: { view: CustomerView }) {
  return (
    <Card id="activity" title="Activity">
      <EventList view={view} />
      {view.olderThan === undefined ? null : (
        <p>
          <a href="/dashboard/activity">All activity</a>
        </p>
      )}
    </Card>
  );
}

interface ActivityProps {
  readonly view: CustomerView;
  readonly token: string;
  readonly kind: ActivityKind;
}

function KindChoice({ kind }: Pick<ActivityProps, "kind">) {
  return (
    <nav class="ranges" aria-label="What to show">
      {Object.entries(activityKinds).map(([one, { words }]) => (
        <a
          key={one}
          class="button"
          href={`/dashboard/activity?kind=${one}`}
          aria-current={one === kind ? "page" : undefined}
        >
          {words}
        </a>
      ))}
      <a href={`/dashboard/activity.csv?kind=${kind}`} download>
        CSV of these
      </a>
    </nav>
  );
}

/** All that happened, newest first, page by page. */
export function ActivityPage({ view, token, kind }: ActivityProps) {
  const { olderThan, tenant, product } = view;
  const only = kind === "all" ? "" : `&kind=${kind}`;
  return (
    <CustomerLayout title="Activity" view={view} token={token}>
      <div class="heading">
        <p class="way-back">
          <a href="/dashboard">← Back to {tenant.name || product}</a>
        </p>
        <h1>Activity</h1>
        <KindChoice kind={kind} />
      </div>
      <section class="card" aria-label="Events">
        <EventList view={view} />
        {olderThan === undefined ? null : (
          <p>
            <a href={`/dashboard/activity?before=${olderThan}${only}`}>Older activity</a>
          </p>
        )}
      </section>
    </CustomerLayout>
  );
}

function EventList({ view }: { view: CustomerView }) {
  return (
    <ol class="events">
      {view.events.map((event) => (
        <EventItem key={event.id} event={event} view={view} />
      ))}
    </ol>
  );
}

function EventItem({ event, view }: { event: LifecycleEvent; view: CustomerView }) {
  return (
    <li>
      <p>{sentenceOf(event, view)}</p>
      <p class="quiet">
        <Moment at={event.at} now={view.now} /> · {actorOf(event, view)}
      </p>
    </li>
  );
}
