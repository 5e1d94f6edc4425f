import { Panel } from "../../page/html.tsx";
import type { Message } from "../emission/message.ts";
import type { Aws, Delivery } from "../model/world.ts";

const SHOWN = 50;

export function MessagesPanel({ aws }: { aws: Aws }) {
  const messages = [...aws.state.messages.values()].reverse();
  return (
    <Panel id="aws-messages" title="Messages to the provider">
      <DeliveryForm delivery={aws.state.delivery} />
      <div id="aws-sent" data-live>
        {messages.length === 0 ? <p class="quiet">None yet.</p> : <MessageTable messages={messages.slice(0, SHOWN)} />}
      </div>
    </Panel>
  );
}

function DeliveryForm({ delivery }: { delivery: Delivery }) {
  return (
    <form class="row checks" method="post" action="/_aws/shop/delivery">
      <Way name="eventbridge" on={delivery.eventbridge} label="Events to /aws/events" />
      <Way name="sns" on={delivery.sns} label="Notices to /aws/sns" />
      <Way name="queue" on={delivery.queue} label="Both into the queue" />
      <label>
        In the queue, a notice is
        <select name="sns_form">
          {["wrapped", "raw", "object"].map((form) => (
            <option value={form} selected={form === delivery.snsForm}>
              {form}
            </option>
          ))}
        </select>
      </label>
      <label>
        SNS signs with version
        <select name="signature_version">
          {["1", "2"].map((version) => (
            <option value={version} selected={version === delivery.signatureVersion}>
              {version}
            </option>
          ))}
        </select>
      </label>
      <button type="submit">Change</button>
    </form>
  );
}

function Way({ name, on, label }: { name: string; on: boolean; label: string }) {
  return (
    <label class="check">
      <input type="checkbox" name={name} checked={on} /> {label}
    </label>
  );
}

function MessageTable({ messages }: { messages: readonly Message[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Time (UTC)</th>
          <th scope="col">Message</th>
          <th scope="col">Outcome</th>
          <th scope="col">
            <span class="hidden">Again</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {messages.map((message) => (
          <tr>
            <td class="time">{message.createdAt.toISOString().slice(5, 19).replace("T", " ")}</td>
            <td>
              {message.type}
              <br />
              <span class="quiet">{message.about}</span>
            </td>
            <td>
              <span class={`state ${message.state}`}>{message.state}</span>
              {message.status !== null && ` ${message.status}`}
              {message.attempts > 1 && `, ${message.attempts} tries`}
            </td>
            <td>
              <form method="post" action={`/_aws/shop/messages/${message.id}`}>
                <button type="submit" aria-label={`Send ${message.type} of ${message.about} again`}>
                  Again
                </button>
              </form>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
