/** Puts a copy button beside everything marked `data-copy`; without scripts, or on plain http, there is none. */
export const copyScript = `const SAY_MS = 2000;

function addButton(text) {
  if (text.dataset.copy === "ready") return;
  text.dataset.copy = "ready";
  const button = document.createElement("button");
  const word = document.createElement("span");
  button.type = "button";
  button.className = "copy";
  word.textContent = "Copy";
  word.setAttribute("aria-live", "polite");
  button.append(word);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    word.textContent = "Copied";
    setTimeout(() => { word.textContent = "Copy"; }, SAY_MS);
  });
  (text.closest("pre") ?? text).after(button);
}

function addButtons() {
  for (const text of document.querySelectorAll("[data-copy]")) addButton(text);
}

if (navigator.clipboard) {
  addButtons();
  document.addEventListener("htmx:afterSettle", addButtons);
}
`;
