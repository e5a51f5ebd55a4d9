// Shows a look at an exhibit only while its button or key is held down. Each is asked for again, so that
// each is on record; nothing stays in the page. Without this script the buttons lead to a page with
// the look.
"use strict";

const stage = document.getElementById("stage");
const form = document.querySelector("form.looks");
let held = null;

async function show(button) {
  const mine = Symbol(button.value);
  held = mine;
  const body = new URLSearchParams({
    token: stage.dataset.token,
    look: button.value,
    case: stage.dataset.case,
    exhibit: stage.dataset.exhibit,
    purpose: form.elements.purpose.value,
  });
  try {
    const asked = await fetch("/looks", { method: "POST", body });
    if (!asked.ok) throw new Error((await asked.json()).message);
    if (held !== mine) return;
    const pixels = await fetch(await asked.text());
    if (!pixels.ok) throw new Error((await pixels.json()).message);
    const address = URL.createObjectURL(await pixels.blob());
    // Released meanwhile: on record as seen, and not shown.
    if (held !== mine) {
      URL.revokeObjectURL(address);
      return;
    }
    const image = new Image();
    image.alt = "";
    image.className = button.value === "whole" ? "whole" : "small";
    image.src = address;
    image.onload = () => URL.revokeObjectURL(address);
    stage.replaceChildren(image);
  } catch (error) {
    if (held !== mine) return;
    const line = document.createElement("p");
    line.className = "warning";
    line.setAttribute("role", "alert");
    line.textContent = `${stage.dataset.failed} ${error.message}`;
    stage.replaceChildren(line);
    held = null;
  }
}

function hide() {
  if (held === null) return;
  held = null;
  stage.replaceChildren();
}

form.dataset.hold = "yes";
for (const button of form.querySelectorAll("button[data-hold]")) {
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    show(button);
  });
  button.addEventListener("pointerup", hide);
  button.addEventListener("pointercancel", hide);
}
form.addEventListener("submit", (event) => event.preventDefault());

const typing = (target) => target.closest("input, textarea, select");
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || event.repeat) return;
  if (document.querySelector("dialog[open]")) return;
  const own = event.target.closest("button[data-hold]");
  const onButton = own && (event.key === " " || event.key === "Enter");
  // Turned off in the list of keys (keys.js): a button that has the focus still works.
  if (!onButton && localStorage.getItem("obhut-keys-off") !== null) return;
  const button = onButton ? own : form.querySelector(`button[data-hold="${CSS.escape(event.key)}"]`);
  if (!button || held !== null) return;
  event.preventDefault();
  show(button);
});
document.addEventListener("keyup", hide);
// A held key's release is lost with the window's focus.
window.addEventListener("blur", hide);
document.addEventListener("visibilitychange", hide);
