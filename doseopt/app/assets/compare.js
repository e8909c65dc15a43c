// The page Compare: numbers of the designs that follow the curve.

import { $, Refused, ask, command, el, explain, notice, show, work, working } from "./ask.js";
import { Curve } from "./curve.js";

const percent = (v) => (v === null || v === undefined ? "–" : `${(100 * v).toFixed(1)}`);
const few = (v) => (v === null || v === undefined ? "–" : v.toFixed(1));
const months = (v) => (v === null || v === undefined ? "–" : (v / 30.4375).toFixed(1));
const COLUMNS = [
  ["correct_selection", "correct selection", "%", percent],
  ["benchmark_correct_selection", "benchmark", "%", percent],
  ["overdose_selection", "overdose selection", "%", percent],
  ["no_selection", "no dose named", "%", percent],
  ["sample_size", "patients", "", few],
  ["total_dlts", "with a DLT", "", few],
  ["patients_below_mtd", "below the MTD", "", few],
  ["patients_above_mtd", "above the MTD", "", few],
  ["duration", "duration", "months", months],
  ["declared_patients", "patients at the named dose", "", few],
  ["declared_dlts", "DLTs there", "", few],
  ["meets_definition", "meets the protocol's definition", "%", percent],
  ["declared_on_few", "named on 3 patients or fewer", "%", percent],
];
const FIXED = [["attained", "attained under the belief"], ["attainable", "attainable under the belief"]];
const SIMULATED = { exact: "", simulated: "simulated" };

export const timing = [];
export const state = { study: null, p: [], shown: new Set() };
let curve, asked, busy = false, making = "", at = null, delay = 0, again = null, rested = {}, attainable = null, columns = [], cells = {}, changed = () => {};

export function begin(onChange) {
  changed = onChange;
  curve = new Curve($("curve"), (p, event) => follow(p, event.timeStamp));
  $("rising").addEventListener("change", () => (curve.rising = $("rising").checked));
  $("scenario").addEventListener("change", () => {
    const p = state.study.scenarios[$("scenario").value];
    if (p) set(p);
  });
  $("find-attainable").addEventListener("click", findAttainable);
  $("find-maps").addEventListener("click", findMaps);
}

export function open(study, p) {
  document.querySelector(".palette").open = !matchMedia("(max-width: 56rem)").matches;
  if (making) asked.cancel(); // a graph of the study before
  prepared();
  state.study = study;
  state.shown = new Set(Object.keys(study.designs));
  attainable = null;
  rested = {};
  $("maps").replaceChildren();
  $("attainable-said").textContent = "";
  $("work-compare").hidden = true;
  $("scenario").replaceChildren(el("option", { value: "" }, "the curve as it is"), ...Object.keys(study.scenarios).map((name) => el("option", { value: name }, name)));
  $("designs").replaceChildren(...Object.entries(study.designs).map(([name, design]) => box(name, design)));
  set(p && p.length === study.labels.length ? p : study.start);
}

function box(name, design) {
  const check = el("input", { type: "checkbox", checked: true, value: name });
  check.addEventListener("change", () => {
    state.shown[check.checked ? "add" : "delete"](name);
    table();
    follow(state.p);
  });
  const rules = el("dl", {}, ...design.rules.flatMap(([rule, text]) => [el("dt", {}, rule), el("dd", {}, text)]));
  const item = el("div", { class: "design" }, el("label", { class: "check" }, check, name), el("details", {}, el("summary", {}, el("span", { class: "unseen" }, `${name}: `), "rules"), rules));
  explain(item);
  return item;
}

export function set(p) {
  curve.draw(state.study.labels, state.study.unit, state.study.target, p);
  table();
  follow([...p]);
}

// One question at a time: while it is answered the hand goes on, and the newest curve is asked for next.
async function follow(p, begun = performance.now()) {
  state.p = p;
  if (busy) return void (again = [p, begun]);
  busy = true;
  try {
    asked = ask("curve", { p, designs: [...state.shown] }, preparing);
    const answer = await asked;
    fill(answer, p);
    if (answer.waiting.length) again ??= [p, begun];
    else {
      prepared();
      timing.push({ ms: performance.now() - begun, p });
    }
    notice("");
  } catch (refused) {
    if (making) leaveOut(making, refused.message);
    else if (!again) notice(refused.message);
  }
  busy = false;
  if (again) {
    const next = again;
    again = null;
    follow(...next);
  } else changed();
}

// The graph of a design is made once; where that takes long it is said, and can be cancelled.
function preparing(name) {
  making = name;
  at?.tell(name);
  delay ||= setTimeout(() => (at = working("work-curve", "Preparing the graph of a design, once", () => asked.cancel())).tell(making), 500);
}

function prepared(fault = "") {
  clearTimeout(delay);
  if (fault) at ??= working("work-curve", "");
  at?.done(fault);
  [making, at, delay] = ["", null, 0];
}

function leaveOut(name, why) {
  prepared(`${name} is left out: ${why}. Tick it under Designs to try again.`);
  for (const input of $("designs").querySelectorAll("input")) if (input.value === name) input.checked = false;
  state.shown.delete(name);
  table();
  again = [state.p, performance.now()];
}

function table() {
  const known = state.study.definition === null ? "meets_definition" : "declared_on_few";
  columns = COLUMNS.filter(([key]) => key !== known && (key !== "duration" || state.study.window !== null));
  cells = {};
  const heads = columns.map(([, label, unit]) => el("th", { scope: "col" }, unit ? `${label}, ${unit}` : label));
  if (attainable) heads.splice(2, 0, ...FIXED.map(([, label]) => el("th", { scope: "col", class: "fixed" }, `${label}, %`)));
  const head = el("tr", {}, el("th", { scope: "col" }, "design"), ...heads);
  const rows = [...state.shown].map((name) => row(name));
  $("numbers").replaceChildren(el("table", { class: "cards" }, el("caption", {}, "At this curve, each design would"), el("thead", {}, head), el("tbody", {}, ...rows)));
  explain($("numbers"));
  wide("selected", "Named as the MTD, % of trials", true);
  wide("treated", "Patients treated at the dose, %", false);
  legend();
}

function row(name) {
  const design = state.study.designs[name];
  cells[name] = {};
  const line = el("tr", {}, el("th", { scope: "row" }, name));
  const said = [];
  if (design.why_not) {
    const button = el("button", { type: "button" }, "Compute at this curve");
    button.addEventListener("click", () => rest(name));
    cells[name].at = el("span", {}, `does not follow the hand: ${design.why_not}. `, button);
    said.push(el("td", { class: "left" }, cells[name].at));
  }
  for (const [key, label, unit] of columns.slice(design.why_not ? 1 : 0)) {
    cells[name][key] = el("td", { "data-label": label, "data-unit": unit }, "…");
    said.push(cells[name][key]);
  }
  const one = attainable?.rows[name];
  if (attainable) said.splice(2, 0, ...FIXED.map(([key, label]) =>
    el("td", { class: "fixed", "data-label": label, "data-unit": "%", title: one?.rules ?? "" }, one ? percent(one[key]) : "–")));
  line.append(...said);
  return line;
}

function wide(id, caption, none) {
  const labels = state.study.all_labels;
  const head = el("tr", {}, el("th", { scope: "col" }, "design"), ...(none ? [el("th", { scope: "col" }, "none")] : []), ...labels.map((label) => el("th", { scope: "col" }, label)));
  const rows = [...state.shown].map((name) => {
    const each = [...(none ? ["none"] : []), ...labels].map(() => el("td", { class: "bar" }));
    cells[name][id] = each;
    return el("tr", {}, el("th", { scope: "row" }, name), ...each);
  });
  $(id).replaceChildren(el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...rows)));
  explain($(id));
}

function fill(answer, p) {
  curve.judge(answer.right.length === p.length ? answer.right : state.study.planned.map((j) => answer.right[j]));
  const right = answer.right.map((is, j) => (is ? state.study.all_labels[j] : null)).filter((label) => label !== null);
  $("right").textContent = right.length ? `At this curve right: ${right.join(", ")} ${state.study.unit}.`.replace(" .", ".") : "At this curve no dose is right; only naming none is correct.";
  for (const [name, numbers] of Object.entries(answer.numbers)) put(name, numbers);
  for (const [name, why] of Object.entries(answer.refused)) if (cells[name]) for (const [key] of columns) cells[name][key].textContent = key === columns[0][0] ? why : "";
  for (const [name, one] of Object.entries(rested)) if (cells[name] && String(one.p) !== String(p)) stale(name, one);
  command("command-compare", answer.command);
}

function put(name, numbers) {
  if (!cells[name]) return;
  const best = (key) => key === "correct_selection" || key === "benchmark_correct_selection";
  for (const [key, , , format] of columns) {
    if (!cells[name][key]) continue;
    cells[name][key].textContent = format(numbers[key]);
    if (best(key)) bar(cells[name][key], numbers[key]);
  }
  cells[name].selected.forEach((cell, k) => bar(cell, k ? numbers.selection[k - 1] : numbers.no_selection, true));
  cells[name].treated.forEach((cell, k) => bar(cell, numbers.allocation[k], true));
}

function bar(cell, value, text = false) {
  if (text) cell.textContent = percent(value);
  cell.style.setProperty("--share", `${100 * (value ?? 0)}%`);
  cell.classList.add("bar");
}

async function rest(name) {
  const p = [...state.p];
  const answer = await work("work-compare", `${name} at this curve`, "at_rest", { p, design: name });
  if (!answer) return;
  rested[name] = answer;
  put(name, answer.numbers[name]);
  stale(name, answer);
}

function stale(name, one) {
  const same = String(one.p) === String(state.p);
  const button = el("button", { type: "button" }, "Compute anew");
  button.addEventListener("click", () => rest(name));
  const at = one.p.map((rate) => +(100 * rate).toFixed(1)).join(", ");
  const how = SIMULATED[one.engine] ?? one.engine;
  const correct = `correct ${percent(one.numbers[name].correct_selection)}%`;
  cells[name].at.replaceChildren([correct, how].filter(Boolean).join(", "), ...(same ? [] : [` at the curve ${at} % `, button]));
}

async function findAttainable() {
  const answer = await work("work-compare", "What is attainable", "attainable", {});
  if (!answer) return;
  attainable = answer;
  const refused = Object.entries(answer.refused).map(([name, why]) => ` ${name}: ${why}.`).join("");
  $("attainable-said").textContent = `Attained and attainable: ${answer.utility}, averaged over what the study believes (${answer.belief}); it does not depend on this curve.${refused}`;
  explain($("attainable-said"));
  table();
  await follow(state.p);
  command("command-compare", answer.command);
}

async function findMaps() {
  const answer = await work("work-compare", "Maps", "maps", {});
  if (!answer) return;
  show($("maps"), answer.html, "maps");
  command("command-compare", answer.command);
}

function legend() {
  const duration = state.study.window === null ? " The study states no clock, so that durations are not known." : "";
  const meets = state.study.definition === null ? "" : ` Definition of the protocol: ${state.study.definition}.`;
  $("legend").textContent = `${state.study.rule} Benchmark: what complete information would attain with as many patients.${meets}${duration}`;
  explain($("legend"));
}

// Designs of the library ----------------------------------------------------------------------------------------------

export async function library(text, take) {
  const kinds = await ask("kinds");
  $("kind").replaceChildren(...Object.keys(kinds).map((kind) => el("option", {}, kind)));
  const fields = () => $("fields").replaceChildren(...kinds[$("kind").value].map(field));
  $("kind").addEventListener("change", fields);
  $("kind").value = "boin";
  fields();
  $("add").addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = {};
    for (const input of $("fields").querySelectorAll("[data-name]")) values[input.dataset.name] = valued(input);
    const cap = $("new-cap").value ? Number($("new-cap").value) : null;
    try {
      const answer = await ask("added", { text: text(), kind: $("kind").value, name: $("new-name").value, cap, values });
      await take(answer.text);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      notice(refused.message);
    }
  });
}

function field(one) {
  let input;
  if (one.choices.length) input = el("select", {}, el("option", { value: "" }, "as usual"), ...one.choices.map((c) => el("option", {}, c)));
  else if (one.is === "bool") input = el("input", { type: "checkbox", checked: one.default === true });
  else input = el("input", { type: one.is === "number" ? "number" : "text", step: "any", placeholder: one.default === null ? one.wanted : `${one.default}` });
  input.dataset.name = one.name;
  input.dataset.is = one.is;
  return el("label", { title: one.wanted, class: one.is === "bool" ? "check" : "" }, one.says || one.name, " ", input);
}

function valued(input) {
  if (input.type === "checkbox") return input.checked;
  if (input.value === "") return null;
  return input.dataset.is === "number" ? Number(input.value) : input.value;
}
