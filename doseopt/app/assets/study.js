// The page Study: a file that is edited, with its faults beside their lines.

import { $, MOST_LETTERS, Refused, ask, command, el, notice, save, texts } from "./ask.js";

const LINE = 20; // pixels, as the style sheet has it
let timer = null, take = () => {}, asked = "";

export const text = () => $("text").value;

export function begin(onStudy, names) {
  take = onStudy;
  $("bundled").replaceChildren(el("option", { value: "" }, "choose"), ...names.map((name) => el("option", {}, name)));
  $("bundled").addEventListener("change", async () => {
    if ($("bundled").value) set((await ask("bundled", { name: $("bundled").value })).text);
  });
  $("open-study").addEventListener("change", async () => {
    try {
      const [file] = await texts($("open-study").files);
      if (file) await set(file.text);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      said([{ line: null, where: "", message: refused.faults[0].message }]);
    }
    $("open-study").value = "";
  });
  $("save-study").addEventListener("click", () => save(text(), "study.toml", "application/toml"));
  $("text").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => read(), 500);
    gutter([]);
  });
  $("text").addEventListener("scroll", () => ($("gutter").scrollTop = $("text").scrollTop));
  $("text").maxLength = MOST_LETTERS;
}

export async function set(content, p = null) {
  $("text").value = content;
  return read(p);
}

async function read(p = null) {
  const content = text();
  asked = content;
  $("study-said").textContent = "Reading …";
  try {
    const answer = await ask("read", { text: content });
    if (asked !== content) return;
    said(answer.faults);
    if (!answer.faults.length) {
      command("command-study", `doseopt check ${answer.study.command}`);
      $("study-said").textContent = `Valid: ${answer.study.size}; hash ${answer.study.hash}. All pages show this study now.`;
      take(answer.study, p);
    }
  } catch (refused) {
    said(refused.faults ?? [{ line: null, where: "", message: refused.message }]);
  }
}

function said(faults) {
  const many = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  if (faults.length) $("study-said").textContent = `${many}: the other pages show the study as it was read last.`;
  $("study-faults").replaceChildren(...faults.map((fault) => {
    const place = fault.line ? `line ${fault.line}` : "the file";
    const jump = el("button", { type: "button" }, place);
    jump.addEventListener("click", () => go(fault.line ?? 1));
    return el("p", { class: "fault" }, jump, ` ${fault.where ? `${fault.where}: ` : ""}${fault.message}`);
  }));
  gutter(faults);
  if (faults.length && !$("study").hidden) notice("");
}

function gutter(faults) {
  const wrong = new Map(faults.filter((f) => f.line).map((f) => [f.line, f.message]));
  const lines = text().split("\n").length;
  $("gutter").replaceChildren(...Array.from({ length: lines }, (_, k) =>
    el("div", wrong.has(k + 1) ? { class: "wrong", title: wrong.get(k + 1) } : {}, `${k + 1}`)));
  $("gutter").scrollTop = $("text").scrollTop;
}

function go(line) {
  const lines = text().split("\n");
  const from = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  $("text").focus();
  $("text").setSelectionRange(from, from + (lines[line - 1] ?? "").length);
  $("text").scrollTop = Math.max(0, (line - 5) * LINE);
}
