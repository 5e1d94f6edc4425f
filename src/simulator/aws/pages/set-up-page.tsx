import { Document, renderDocument } from "../../page/html.tsx";

/** The buyer's browser posts the registration token to the provider, as "Set up your account" does on AWS. */
export function setUpPage(action: string, fields: Readonly<Record<string, string>>): string {
  return renderDocument(
    <Document title="Setting up your account" script="submit.js">
      <main class="sign-in">
        <h1>Setting up your account…</h1>
        <form method="post" action={action}>
          {Object.entries(fields).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <p>You are being sent to the seller.</p>
          <button class="main" type="submit">
            Continue
          </button>
        </form>
      </main>
    </Document>,
  );
}

export function missingPage(): string {
  return renderDocument(
    <Document title="No such agreement">
      <main class="sign-in">
        <h1>There is no such agreement, or no provider to go to.</h1>
        <p>
          <a href="/">Back to the simulator</a>
        </p>
      </main>
    </Document>,
  );
}
