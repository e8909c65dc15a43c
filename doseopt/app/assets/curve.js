// A curve whose points are dragged, or moved by keys: each is a slider to a screen reader.

const NS = "http://www.w3.org/2000/svg";
const SIZE = { width: 640, height: 340, left: 58, right: 14, top: 14, bottom: 44 };
const STEP = { ArrowUp: 0.01, ArrowRight: 0.01, ArrowDown: -0.01, ArrowLeft: -0.01, PageUp: 0.05, PageDown: -0.05 };

const make = (name, attributes = {}, text = "") => {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text) node.textContent = text;
  return node;
};

export class Curve {
  // `changed(p, event)` is told the rates whenever a hand or a key has moved a point.
  constructor(box, changed) {
    Object.assign(this, { box, changed, p: [], rising: true, drag: -1 });
    this.svg = make("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "group", class: "curve" });
    box.replaceChildren(this.svg);
    this.svg.addEventListener("pointerdown", (event) => this.grip(event));
    this.svg.addEventListener("pointermove", (event) => this.drag >= 0 && this.move(this.drag, this.rate(event), event));
    for (const end of ["pointerup", "pointercancel"]) this.svg.addEventListener(end, () => (this.drag = -1));
  }

  x(k) {
    const inner = SIZE.width - SIZE.left - SIZE.right;
    return SIZE.left + (inner * (k + 0.5)) / this.labels.length;
  }

  y(rate) {
    return SIZE.top + (SIZE.height - SIZE.top - SIZE.bottom) * (1 - rate);
  }

  draw(labels, unit, target, p) {
    Object.assign(this, { labels, unit, target, p: [...p] });
    this.svg.setAttribute("aria-label", `True DLT rate at each of ${labels.length} doses; a slider a dose`);
    this.svg.replaceChildren();
    for (const rate of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      this.svg.append(make("line", { x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: this.y(rate), y2: this.y(rate), class: "grid" }));
      this.svg.append(make("text", { x: SIZE.left - 6, y: this.y(rate) + 4, class: "tick end" }, `${100 * rate}%`));
    }
    this.svg.append(make("line", { x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: this.y(target), y2: this.y(target), class: "target" }));
    this.svg.append(make("text", { x: SIZE.width - SIZE.right, y: this.y(target) - 5, class: "tick end" }, `target ${+(100 * target).toFixed(1)}%`));
    this.line = make("polyline", { class: "line" });
    this.svg.append(this.line);
    this.points = labels.map((label, k) => this.point(label, k));
    this.place();
  }

  point(label, k) {
    const said = `${label} ${this.unit}`.trim();
    const group = make("g", {
      role: "slider", tabindex: 0, class: "point", "aria-label": `True DLT rate at ${said}`,
      "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "vertical",
    });
    group.append(make("circle", { r: 22, class: "grip" }), make("circle", { r: 9, class: "dot" }), make("text", { class: "value", y: -14 }));
    group.addEventListener("keydown", (event) => this.key(event, k));
    this.svg.append(make("text", { x: this.x(k), y: SIZE.height - 24, class: "tick middle" }, label), group);
    this.mark ??= [];
    this.mark[k] = make("text", { x: this.x(k), y: SIZE.height - 7, class: "right-dose middle" });
    this.svg.append(this.mark[k]);
    return group;
  }

  place() {
    this.line.setAttribute("points", this.p.map((rate, k) => `${this.x(k)},${this.y(rate)}`).join(" "));
    this.points.forEach((group, k) => {
      const percent = +(100 * this.p[k]).toFixed(1);
      group.setAttribute("transform", `translate(${this.x(k)} ${this.y(this.p[k])})`);
      group.setAttribute("aria-valuenow", percent);
      group.setAttribute("aria-valuetext", `${percent}%`);
      group.lastChild.textContent = `${percent}%`;
      group.lastChild.setAttribute("y", this.p[k] > 0.93 ? 26 : -14);
    });
  }

  judge(right) {
    this.points.forEach((group, k) => {
      group.classList.toggle("is-right", right[k]);
      this.mark[k].textContent = right[k] ? "right" : "";
    });
  }

  key(event, k) {
    const to = event.key === "Home" ? 0 : event.key === "End" ? 1 : event.key in STEP ? this.p[k] + STEP[event.key] : null;
    if (to === null) return;
    event.preventDefault();
    this.move(k, to, event);
  }

  grip(event) {
    const at = this.at(event);
    const k = this.labels.map((_, j) => Math.abs(this.x(j) - at.x)).reduce((best, d, j, all) => (d < all[best] ? j : best), 0);
    if (Math.abs(this.x(k) - at.x) > 40) return;
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    this.drag = k;
    this.points[k].focus({ preventScroll: true });
    this.move(k, this.rate(event), event);
  }

  at(event) {
    const point = new DOMPoint(event.clientX, event.clientY);
    return point.matrixTransform(this.svg.getScreenCTM().inverse());
  }

  rate(event) {
    return 1 - (this.at(event).y - SIZE.top) / (SIZE.height - SIZE.top - SIZE.bottom);
  }

  move(k, to, event) {
    const rate = Math.round(1000 * Math.min(Math.max(to, 0), 1)) / 1000;
    if (rate === this.p[k]) return;
    this.p[k] = rate;
    if (this.rising) this.p = this.p.map((other, j) => (j < k ? Math.min(other, rate) : j > k ? Math.max(other, rate) : other));
    this.place();
    this.changed([...this.p], event);
  }
}
