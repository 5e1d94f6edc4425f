import { Panel } from "./html.tsx";

export function ClockPanel({ now }: { now: Date }) {
  const text = now.toISOString().slice(0, 19);
  return (
    <Panel id="clock" title="Clock">
      <p id="time" data-live>
        <time dateTime={now.toISOString()}>{text.replace("T", " ")} UTC</time>
      </p>
      <div class="row">
        <Turn name="advance" value="1h" label="+ 1 hour" />
        <Turn name="advance" value="1d" label="+ 1 day" />
        <Turn name="reset" value="true" label="Real time" />
      </div>
      <form class="row" method="post" action="/_clock">
        <label>
          Set to (UTC)
          <input type="datetime-local" name="now" step="1" value={text} required />
        </label>
        <button type="submit">Set</button>
      </form>
    </Panel>
  );
}

function Turn({ name, value, label }: { name: string; value: string; label: string }) {
  return (
    <form method="post" action="/_clock">
      <button type="submit" name={name} value={value}>
        {label}
      </button>
    </form>
  );
}
