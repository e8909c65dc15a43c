// The pages: which is shown, and what they tell each other.

import { $, ask, explain, learn, listen } from "./ask.js";
import * as amendment from "./amendment.js";
import * as bookmark from "./bookmark.js";
import * as compare from "./compare.js";
import * as study from "./study.js";
import * as trial from "./trial.js";

const TABS = [...document.querySelectorAll("[role=tab]")];
let current = "compare", known = null;

function turn(tab, focus = false) {
  current = tab.getAttribute("aria-controls");
  for (const each of TABS) {
    const on = each === tab;
    each.setAttribute("aria-selected", on);
    each.tabIndex = on ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = !on;
  }
  if (focus) tab.focus();
  if (known) mark();
  if (current === "amendment" && known) amendment.visit();
}

for (const tab of TABS) {
  tab.addEventListener("click", () => turn(tab));
  tab.addEventListener("keydown", (event) => {
    const at = TABS.indexOf(tab), last = TABS.length - 1;
    const to = { ArrowRight: at < last ? at + 1 : 0, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    turn(TABS[to], true);
  });
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address keeps its bookmark
  $("main").focus();
});

const mark = () => bookmark.keep(study.text(), known.command, compare.state.p, current);

function opened(found, p) {
  const before = compare.state.p;
  const alike = known && String(known.labels) === String(found.labels);
  known = found;
  $("title").textContent = found.title;
  $("subtitle").textContent = [found.registry, found.size, `target DLT rate ${+(100 * found.target).toFixed(1)}%`].filter(Boolean).join(" · ");
  compare.open(found, p ?? (alike ? before : null));
  trial.open(found);
  amendment.open(found);
  trial.next();
}

async function start() {
  await window.Shiny.initializedPromise;
  listen();
  const first = await ask("begin");
  learn(first.words);
  explain($("main"));
  compare.begin(mark);
  trial.begin(amendment.told);
  amendment.begin();
  study.begin(opened, first.bundled);
  const kept = await bookmark.kept();
  let text = kept.text ?? first.text;
  if (kept.study) text = (await ask("bundled", { name: kept.study })).text || first.text;
  await study.set(text, kept.p);
  compare.library(study.text, (added) => study.set(added));
  const tab = TABS.find((each) => each.getAttribute("aria-controls") === kept.page);
  if (tab) turn(tab);
  document.documentElement.dataset.ready = "yes";
}

window.doseopt = { timing: compare.timing };
start();
