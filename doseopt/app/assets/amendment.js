// The page Amendment.

import { $, command, el, explain, show, work } from "./ask.js";
import { so_far } from "./trial.js";

let made = "";

export function begin() {
  $("make-first").addEventListener("click", () => make("first", "First page", "first"));
  $("make-ladder").addEventListener("click", () => make("smallest", "The smallest change", "ladder"));
  $("make-report").addEventListener("click", () => make("amend", "The whole report", "amendment"));
}

export function open(study) {
  forget();
  const names = Object.keys(study.designs);
  $("registered").replaceChildren(...names.map((name) => el("option", {}, name)));
  $("registered").value = study.registered ?? names[0];
  const proposed = study.amended.length ? study.amended : names.slice(1, 2);
  $("amended").replaceChildren(...names.map((name) => el("label", { class: "check" }, el("input", { type: "checkbox", value: name, checked: proposed.includes(name) }), name)));
  explain($("amended"));
  $("work-amendment").hidden = true;
  told();
}

export function told() {
  if (made && made !== asked()) forget();
  $("so-far").textContent = `Data so far: ${so_far.text}.`;
}

const chosen = () => ({
  registered: $("registered").value,
  amended: [...$("amended").querySelectorAll("input:checked")].map((input) => input.value).filter((name) => name !== $("registered").value),
});

const asked = () => JSON.stringify([chosen(), so_far.given]);

function forget() {
  made = "";
  $("amendment-page").replaceChildren();
  $("command-amendment").replaceChildren();
}

// The first page is made when the page is opened, and again when what it is made from has changed.
export function visit() {
  told();
  if (made !== asked()) make("first", "First page", "first");
}

async function make(verb, what, name) {
  forget();
  const now = asked();
  made = now;
  const answer = await work("work-amendment", what, verb, chosen());
  if (!answer || made !== now) return; // what it was made from has changed meanwhile
  show($("amendment-page"), answer.html, name);
  command("command-amendment", answer.command);
}
