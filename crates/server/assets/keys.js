// Keys for everything that has `data-key`: links and buttons are used, fields are focused, choices are
// chosen. `?` lists the keys of the page. Without this script the page works all the same.
"use strict";

const typed = (target) =>
  target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");

const label = (element) =>
  (element.getAttribute("aria-label") || element.closest("label")?.textContent || element.textContent ||
    document.querySelector(`label[for="${element.id}"]`)?.textContent || "").trim();

function keysOfThePage() {
  const all = [...document.querySelectorAll("[data-key], button[data-hold]")];
  return all.filter((element) => element.offsetParent !== null || element.type === "radio");
}

function showKeys() {
  const dialog = document.getElementById("keys");
  const list = dialog.querySelector("dl");
  list.replaceChildren();
  for (const element of keysOfThePage()) {
    const term = document.createElement("dt");
    const key = document.createElement("kbd");
    key.textContent = element.dataset.key || element.dataset.hold;
    term.append(key);
    const meaning = document.createElement("dd");
    meaning.textContent = label(element);
    list.append(term, meaning);
  }
  dialog.showModal();
}

// WCAG 2.2, 2.1.4: who speaks to the computer, or types by accident, can turn single keys off.
const OFF = "obhut-keys-off";
const keysAreOff = () => localStorage.getItem(OFF) !== null;
const keysOn = document.getElementById("keys-on");
if (keysOn) {
  keysOn.checked = !keysAreOff();
  keysOn.addEventListener("change", () => {
    if (keysOn.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  });
}
const showButton = document.getElementById("show-keys");
if (showButton) {
  showButton.hidden = false;
  showButton.addEventListener("click", showKeys);
}

function moveRow(step) {
  const links = [...document.querySelectorAll("table.rows tbody tr a")];
  if (links.length === 0) return;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
  links[Math.max(0, Math.min(links.length - 1, next))].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // Escape leaves a field, so that keys work again.
  if (event.key === "Escape" && typed(event.target)) {
    event.target.blur();
    return;
  }
  if (typed(event.target) || document.querySelector("dialog[open]") || keysAreOff()) return;
  if (event.key === "?") {
    event.preventDefault();
    showKeys();
    return;
  }
  // Not the arrow keys: they scroll, and move among choices.
  if ((event.key === "j" || event.key === "k") && document.querySelector("table.rows")) {
    event.preventDefault();
    moveRow(event.key === "j" ? 1 : -1);
    return;
  }
  // Enter on a link or button does what it always does.
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  const element = keysOfThePage().find((e) => e.dataset.key === event.key);
  if (!element || event.repeat) return;
  event.preventDefault();
  if ("focus" in element.dataset) {
    element.focus();
  } else {
    element.click();
  }
});

// A second click must not send a form twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.dataset.hold) return;
  if (form.dataset.sent) {
    event.preventDefault();
  }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// Counts down how long a decision can still be taken back, then removes the notice.
for (const shown of document.querySelectorAll("[data-seconds]")) {
  const end = Date.now() + 1000 * Number(shown.dataset.seconds);
  const words = shown.textContent;
  const every = setInterval(() => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) {
      shown.textContent = words.replace(/\d+/, String(left));
      return;
    }
    clearInterval(every);
    shown.closest("aside").remove();
  }, 1000);
}
