// Questions to the session's process, and what every page shares: documents, words, commands, work that takes long.

export const $ = (id) => document.getElementById(id);
export const el = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in node && key !== "list" && typeof value !== "string") node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
};

const waiting = new Map();
let last = 0;

export class Refused extends Error {
  constructor(faults) {
    super(faults.map((f) => (f.where ? `${f.where}: ${f.message}` : f.message)).join("\n"));
    this.faults = faults;
  }
}

export function ask(verb, given = {}, told = () => {}) {
  const id = ++last;
  const answer = new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, told });
    window.Shiny.setInputValue("ask", { id, verb, given }, { priority: "event" });
  });
  return Object.assign(answer, { cancel: () => ask("cancel", { question: id }) });
}

function answered(message) {
  if (message.id === null) return notice(message.ended);
  const one = waiting.get(message.id);
  waiting.delete(message.id);
  if (!one) return;
  if ("answer" in message) one.resolve(message.answer);
  else if ("faults" in message) one.reject(new Refused(message.faults));
  else one.reject(new Refused([{ where: "", message: message.ended }]));
}

export function listen() {
  window.Shiny.addCustomMessageHandler("answer", answered);
  window.Shiny.addCustomMessageHandler("progress", (message) => waiting.get(message.id)?.told(message.text));
  window.jQuery(document).on("shiny:disconnected", () =>
    notice("The connection to the server has ended, and with it what was entered here. Load the page anew."));
}

export function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

export function command(id, text) {
  const copy = el("button", { type: "button", class: "copy" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(text);
    copy.textContent = "Copied";
  });
  $(id).replaceChildren("The same as a command: ", el("code", {}, text), " ", copy);
}

// Words ---------------------------------------------------------------------------------------------------------------

let terms = null;
let meanings = {};

export function learn(words) {
  meanings = words;
  const escaped = Object.keys(words).sort((a, b) => b.length - a.length).map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  terms = new RegExp(`(?<![\\w-])(${escaped.join("|")})(?![\\w-])`, "g");
  $("glossary").replaceChildren(...Object.entries(words).sort(([a], [b]) => a.localeCompare(b)).flatMap(([word, text]) =>
    [el("dt", {}, word), el("dd", {}, text)]));
}

export function explain(root) {
  if (!terms) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (text.parentElement?.closest("abbr, svg, code, pre, script, style, option, textarea, button, dt, h1")) continue;
    const parts = text.textContent.split(terms);
    if (parts.length < 2) continue;
    text.replaceWith(...parts.map((part, k) => (k % 2 ? el("abbr", { title: meanings[part] }, part) : part)));
  }
}

// Documents: pages of doseopt's own renderer, each with its own style, none of whose scripts could run -----------------

export function show(box, page, name = "", kinds = ["html", "docx", "pdf"]) {
  const parsed = new DOMParser().parseFromString(page, "text/html");
  const host = el("div", { class: "document" });
  const root = host.attachShadow({ mode: "open" });
  const style = el("style");
  style.textContent = `${parsed.querySelector("style").textContent.replace(/\bbody \{/g, ".body {")} .body { padding: .5rem 0; margin: 0; }`;
  const body = el("div", { class: "body" });
  body.append(...parsed.body.childNodes);
  for (const link of body.querySelectorAll('a[href^="#"]')) link.addEventListener("click", (event) => {
    event.preventDefault();
    root.getElementById(link.getAttribute("href").slice(1))?.scrollIntoView();
  });
  explain(body);
  root.append(style, body);
  const saving = name ? kinds.map((kind) => {
    const button = el("button", { type: "button" }, `Download ${kind.toUpperCase()}`);
    button.addEventListener("click", () => download(name, kind, button));
    return button;
  }) : [];
  box.replaceChildren(el("div", { class: "row" }, ...saving), host);
}

const TYPES = {
  html: "text/html", pdf: "application/pdf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
};

async function download(name, kind, button) {
  button.disabled = true;
  try {
    const { base64 } = await ask("written", { name, kind });
    save(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)), `${name}.${kind}`, TYPES[kind]);
  } catch (refused) {
    notice(refused.message);
  }
  button.disabled = false;
}

export function save(content, name, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// Work that takes long: what it does, how long it has taken, and a way to end it ---------------------------------------

export async function work(id, what, verb, given) {
  const at = working(id, what, () => asked.cancel());
  const asked = ask(verb, given, at.tell);
  try {
    const answer = await asked;
    at.done();
    return answer;
  } catch (refused) {
    at.done(refused.message);
    return null;
  }
}

// Show that something is at work, and a way to cancel it.
export function working(id, what, stop) {
  const box = $(id);
  const said = el("span", { role: "status" }, `${what} …`);
  const clock = el("span", { class: "quiet" });
  const cancel = el("button", { type: "button" }, "Cancel");
  cancel.addEventListener("click", stop);
  box.replaceChildren(el("progress", { "aria-label": what }), said, clock, cancel);
  box.hidden = false;
  const begun = performance.now();
  const timer = setInterval(() => (clock.textContent = `${Math.round((performance.now() - begun) / 1000)} s`), 1000);
  return {
    tell: (text) => (said.textContent = `${what}: ${text}`),
    done: (fault = "") => {
      clearInterval(timer);
      box.hidden = !fault;
      if (fault) box.replaceChildren(el("p", { class: "fault", role: "alert" }, fault));
    },
  };
}

export const MOST_LETTERS = 2000000;

export async function texts(files) {
  const total = [...files].reduce((sum, file) => sum + file.size, 0);
  if (total > MOST_LETTERS) throw new Refused([{ where: "file", message: `wanted at most ${MOST_LETTERS / 1e6} MB, got ${(total / 1e6).toFixed(1)} MB; nothing was sent` }]);
  return Promise.all([...files].map(async (file) => ({ name: file.name, text: decode(new Uint8Array(await file.arrayBuffer())) })));
}

function decode(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
