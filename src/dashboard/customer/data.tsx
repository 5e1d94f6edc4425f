import { ActionForm, Card } from "../parts.tsx";

/** One button for all that is kept. */
export function DataCard({ token }: { token: string }) {
  return (
    <Card id="data" title="Your data">
      <p>
        A file with all that is kept here: the purchase, its plan, people, activity, usage by the hour, and which
        credentials there are, without their values. One JSON object to a line.
      </p>
      <ActionForm action="/dashboard/export" token={token}>
        <button type="submit">Export everything</button>
      </ActionForm>
    </Card>
  );
}
