import type { LifecycleEvent } from "../../events/events.ts";
import { Card } from "../parts.tsx";
import { Moment } from "../time.tsx";
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

/** All that happened, newest first, page by page. */
export function ActivityPage({ view, token }: { view: CustomerView; token: string }) {
  const { olderThan, tenant, product } = view;
  return (
    <CustomerLayout title="Activity" view={view} token={token}>
      <div class="heading">
        <p class="way-back">
          <a href="/dashboard">← Back to {tenant.name || product}</a>
        </p>
        <h1>Activity</h1>
      </div>
      <section class="card" aria-label="Events">
        <EventList view={view} />
        {olderThan === undefined ? null : (
          <p>
            <a href={`/dashboard/activity?before=${olderThan}`}>Older activity</a>
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
