import type { ComponentChildren } from "preact";
import { ActionForm } from "../parts.tsx";

interface ConfirmFormProps {
  /** What is done; the button says it too. */
  readonly title: string;
  readonly action: string;
  readonly token: string;
  readonly danger?: true | undefined;
  /** Who reads the reason. */
  readonly reason: string;
  /** What was wrong with the form that was just sent, and what was in it. */
  readonly fault?: string | undefined;
  readonly filled?: string | undefined;
  readonly children?: ComponentChildren;
}

/** The form of a page that asks once more, and for a reason. Its children are its other fields. */
export function ConfirmForm({ title, action, token, danger, reason, fault, filled, children }: ConfirmFormProps) {
  return (
    <>
      {fault === undefined ? null : (
        <p class="notice bad" role="alert">
          {fault}
        </p>
      )}
      <ActionForm class="contact" action={action} token={token}>
        {children}
        <label>
          Reason
          <input type="text" name="reason" required maxLength={300} value={filled} aria-describedby="reason-for" />
          <span class="quiet" id="reason-for">
            {reason}
          </span>
        </label>
        <button type="submit" class={danger ? "danger" : "main"} id="confirm">
          {title}
        </button>
      </ActionForm>
    </>
  );
}
