/** How long an old credential goes on working, in seconds as the form sends them. The first is chosen beforehand. */
const overlaps = [
  { seconds: "7200", label: "For 2 more hours", hint: "enough for your app to restart with the new ones" },
  { seconds: "86400", label: "For 24 more hours", hint: "when somebody has copied them elsewhere" },
  { seconds: "0", label: "Not at all", hint: "when they have leaked: whatever still uses them fails at once" },
] as const;

export function isOverlap(text: string): boolean {
  return overlaps.some(({ seconds }) => seconds === text);
}

export function Overlaps({ legend }: { legend: string }) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {overlaps.map(({ seconds, label, hint }, place) => (
        <label key={seconds}>
          <input type="radio" name="overlap" value={seconds} checked={place === 0} />
          <span>
            {label} <span class="quiet">{hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
