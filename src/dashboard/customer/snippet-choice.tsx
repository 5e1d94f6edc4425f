import type { CredentialDeclaration } from "../../credentials/credentials.ts";
import { type Snippet, snippetsFor } from "./snippets.ts";

/** One snippet at a time, chosen by radio buttons, so that it needs no script. */
export function Snippets({ declarations }: { declarations: readonly CredentialDeclaration[] }) {
  const snippets = snippetsFor(declarations);
  if (snippets.length === 0) return null;
  return (
    <fieldset class="snippets">
      <legend>Code to start with</legend>
      <div class="choices">
        {snippets.map(({ id, title }, place) => (
          <label key={id}>
            <input type="radio" name="language" value={id} checked={place === 0} />
            <span>{title}</span>
          </label>
        ))}
      </div>
      {snippets.map((snippet) => (
        <SnippetText key={snippet.id} {...snippet} />
      ))}
    </fieldset>
  );
}

function SnippetText({ id, text }: Snippet) {
  return (
    <div class={`snippet ${id}`}>
      <pre>
        <code data-copy="">{text}</code>
      </pre>
    </div>
  );
}
