// The page Running trial.

import { $, ask, command, el, explain, show, texts, work } from "./ask.js";

export const so_far = { given: null, text: "" };
let study = null, page = "", turn = 0;

export function begin(onChange) {
  $("builder").addEventListener("submit", (event) => {
    event.preventDefault();
    const [n, t, p] = ["count-n", "count-t", "count-p"].map((id) => Number($(id).value) || 0);
    if (n + t + p === 0) return;
    const pending = `?${$("days").value}`;
    const spaced = "N".repeat(n) + "T".repeat(t) + pending.repeat(p);
    $("outcomes").value = `${$("outcomes").value.trim()} ${$("dose").value}${spaced}`.trim();
    for (const id of ["count-n", "count-t", "count-p"]) $(id).value = 0;
    next(onChange);
  });
  $("typed").addEventListener("submit", (event) => {
    event.preventDefault();
    next(onChange);
  });
  $("outcomes").addEventListener("input", forget);
  $("clear").addEventListener("click", () => {
    $("typed").reset();
    next(onChange);
  });
  $("tables").addEventListener("change", () => {
    if ($("tables").files.length) $("outcomes").value = "";
    next(onChange);
  });
  $("show-details").addEventListener("click", () => show($("trial-page"), page, "next"));
  $("show-posterior").addEventListener("click", () => further("posterior", "Posterior"));
  $("show-pathways").addEventListener("click", () => further("pathways", "Pathways", { design: $("of-design").value, cohorts: Number($("ahead").value) }));
  $("show-table").addEventListener("click", () => further("table", "Decision table", { design: $("of-design").value }));
}

export function open(opened) {
  study = opened;
  so_far.given = null;
  so_far.text = "no patients yet";
  $("typed").reset();
  $("dose").replaceChildren(...study.all_labels.map((label, k) => el("option", { value: k + 1 }, `level ${k + 1}: ${label} ${study.unit}`)));
  $("of-design").replaceChildren(...Object.keys(study.designs).map((name) => el("option", {}, name)));
  $("window-label").hidden = study.window !== null;
  forget();
}

// What is shown is of the patients that are entered: when those change it goes, and what is still computed is not shown.
function forget() {
  turn += 1;
  for (const id of ["next", "trial-page", "trial-faults", "command-trial", "command-more"]) $(id).replaceChildren();
  $("more").hidden = true;
  $("work-trial").hidden = true;
}

export async function next(onChange = () => {}) {
  forget();
  const now = turn;
  try {
    const window = $("window").value && study.window === null ? Number($("window").value) : null;
    const given = { outcomes: $("outcomes").value, files: await texts($("tables").files), cutoff: $("cutoff").value, window };
    const answer = await ask("trial", given);
    so_far.given = given;
    so_far.text = given.files.length ? `patients of ${given.files.map((f) => f.name).join(", ")}` : given.outcomes.trim() || "no patients yet";
    onChange();
    if (turn !== now) return;
    page = answer.html;
    $("next").replaceChildren(...cards(answer));
    explain($("next"));
    command("command-trial", answer.command);
    $("more").hidden = false;
  } catch (refused) {
    if (turn !== now) return;
    $("trial-faults").replaceChildren(...(refused.faults ?? [{ where: "", message: refused.message }]).map((f) =>
      el("p", { class: "fault" }, f.where ? `${f.where}: ${f.message}` : f.message)));
  }
}

const WORDS = { treat: "Treat", wait: "Wait", stop: "Stop" };

function cards(answer) {
  const alike = new Map();
  for (const [name, one] of Object.entries(answer.designs)) {
    const key = `${one.action}|${one.says}`;
    alike.set(key, [...(alike.get(key) ?? []), [name, one]]);
  }
  const seen = el("p", {}, "So far: ", answer.doses.filter((d) => d.n).map((d) => `${d.y} of ${d.n} with a DLT at ${d.label} ${study.unit}`.trim()).join("; ") || "nobody was treated", ".");
  return [seen, ...[...alike.values()].map((group) => {
    const [, first] = group[0];
    return el("article", { class: `card ${first.action}` },
      el("h2", {}, el("span", { class: "badge" }, WORDS[first.action]), ` ${first.says}`),
      ...first.if.map((line) => el("p", { class: "then" }, line)),
      ...group.map(([name, one], k) => el("details", { open: k === 0 }, el("summary", {}, el("strong", {}, name), ": why"), el("ul", {}, ...one.why.map((line) => el("li", {}, line))))));
  })];
}

async function further(verb, what, given = {}) {
  const now = turn;
  for (const id of ["trial-page", "command-more"]) $(id).replaceChildren();
  const answer = await work("work-trial", what, verb, given);
  if (!answer || turn !== now) return;
  show($("trial-page"), answer.html, verb);
  command("command-more", answer.command);
}
