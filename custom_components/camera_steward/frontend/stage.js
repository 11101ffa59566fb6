// A picture on which points are set, by mouse, touch and keys, and beside it by numbers: lines, areas and
// heights. Points are fractions of the picture's width and height.

import { make } from "./parts.js";

const SVG = "http://www.w3.org/2000/svg";
const WHOLE = 1000;
const STEP = 0.01;
const FINE_STEP = 0.001;
const EMPTY_RATIO = 16 / 9;
const AHEAD_PX = 30;
// As the settings are checked again where they are kept (core/utilization/view.py).
const THIN = 1e-4;
const SMALLEST = 1e-3;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function drawn(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function held(value) {
  return Math.round(Math.min(1, Math.max(0, value)) * 10000) / 10000;
}

// A picture, or a neutral grid, with figures on it. `label` says what it is.
export class Stage {
  constructor(label) {
    this._image = make("img", { alt: "", hidden: true, onload: () => this._fit() });
    this._lines = drawn("svg", { viewBox: `0 0 ${WHOLE} ${WHOLE}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.element = make("div", { class: "stage", role: "group", "aria-label": label }, this._image, this._lines);
    this._figures = new Set();
    this.ratio = EMPTY_RATIO;
    this.shape(EMPTY_RATIO);
  }

  get pictured() {
    return !this._image.hidden;
  }

  // Show a picture by its address, or none.
  show(address) {
    this._image.hidden = !address;
    if (address) this._image.src = address;
    else {
      this._image.removeAttribute("src");
      this.shape(EMPTY_RATIO);
    }
  }

  // Take this form, width by height.
  shape(ratio) {
    this.ratio = ratio;
    this.element.style.aspectRatio = String(ratio);
    for (const each of this._figures) each.update();
  }

  add(figure) {
    this._figures.add(figure);
    this._lines.append(...figure.lines);
    this.element.append(...figure.handles);
  }

  drop(figure) {
    this._figures.delete(figure);
    for (const each of [...figure.lines, ...figure.handles]) each.remove();
  }

  // Where a pointer is.
  at(event) {
    const { left, top, width, height } = this._lines.getBoundingClientRect();
    return [held((event.clientX - left) / width), held((event.clientY - top) / height)];
  }

  _fit() {
    this.shape(this._image.naturalWidth / this._image.naturalHeight);
  }
}

// What is set on a stage: `points` with the names of each, changed in place. `tone` is its colour; `closed` is
// an area, `arrow` a line with a side that is *in*; `follow` moves other points along; `changed` is called
// after each change.
export class Figure {
  constructor(context, stage, { points, names, tone, marks = () => "", closed = false, arrow = "", follow = null, changed }) {
    this._context = context;
    this._stage = stage;
    this._names = names;
    this._marks = marks;
    this._tone = tone;
    this._follow = follow;
    this._changed = changed;
    this._title = "";
    this.points = points;
    const shape = closed ? "polygon" : "polyline";
    this._casing = drawn(shape, { class: "casing" });
    this._line = drawn(shape, { class: `${closed ? "area" : "line"} ${tone}` });
    this.lines = [this._casing, this._line];
    this._tag = make("span", { class: "tag", "aria-hidden": "true" });
    this._arrow = arrow ? make("span", { class: `arrow ${tone}`, "aria-hidden": "true" }, this._head()) : null;
    this._side = arrow ? make("span", { class: `side ${tone}`, "aria-hidden": "true" }, arrow) : null;
    this._handles = [];
    this.fields = make("div", { class: "places" });
    this._grasp();
    this._fit();
  }

  get handles() {
    return [this._tag, ...(this._arrow ? [this._arrow, this._side] : []), ...this._handles];
  }

  set title(title) {
    this._title = title;
    this.update();
  }

  // Take other points, perhaps more or fewer.
  take(points) {
    this._stage.drop(this);
    this.points = points;
    this._fit();
  }

  remove() {
    this._stage.drop(this);
  }

  // Say whether it is wrong as it is.
  mark(wrong) {
    for (const each of [...this.lines, ...this._handles]) each.classList.toggle("wrong", wrong);
  }

  focus() {
    this._handles[0].focus();
  }

  // Show where the points are.
  update() {
    const { ratio } = this._stage;
    const path = this.points.map(([x, y]) => `${x * WHOLE},${y * WHOLE}`).join(" ");
    for (const each of this.lines) each.setAttribute("points", path);
    for (const [at, [x, y]] of this.points.entries()) {
      const handle = this._handles[at];
      this._put(handle, x, y);
      handle.setAttribute("aria-label", this._context.text("view_point", { figure: this._title, point: this._names(at) }));
      handle.setAttribute("aria-valuenow", String(Math.round(x * 100)));
      handle.setAttribute("aria-valuetext", this._context.text("view_place", { x: percent(x), y: percent(y) }));
      for (const [axis, input] of this._inputs[at].entries()) {
        if (!input.matches(":focus")) input.value = percent(this.points[at][axis]);
      }
    }
    const middle = (axis) => this.points.reduce((sum, each) => sum + each[axis], 0) / this.points.length;
    this._tag.textContent = this._title;
    if (!this._arrow) {
      this._put(this._tag, middle(0), middle(1));
      return;
    }
    // Seen from the first point to the second, *in* is to the right; downwards is positive.
    const [[fromX, fromY], [toX, toY]] = this.points;
    const turn = Math.atan2((toX - fromX) * ratio, -(toY - fromY));
    this._put(this._arrow, middle(0), middle(1));
    this._arrow.style.rotate = `${turn}rad`;
    this._put(this._side, middle(0), middle(1));
    this._side.style.translate = `calc(-50% + ${Math.cos(turn) * AHEAD_PX}px) calc(-50% + ${Math.sin(turn) * AHEAD_PX}px)`;
    this._put(this._tag, middle(0), middle(1));
    this._tag.style.translate = `calc(-50% - ${Math.cos(turn) * AHEAD_PX}px) calc(-50% - ${Math.sin(turn) * AHEAD_PX}px)`;
  }

  // ------------------------------------------------------------------ inside

  _put(element, x, y) {
    element.style.left = `${x * 100}%`;
    element.style.top = `${y * 100}%`;
  }

  _head() {
    const made = drawn("svg", { viewBox: "0 0 44 44" });
    made.append(drawn("path", { d: "M22 22h16m-6-6 6 6-6 6", class: "casing" }), drawn("path", { d: "M22 22h16m-6-6 6 6-6 6" }));
    return made;
  }

  // As many handles and fields as there are points.
  _fit() {
    this._handles = this.points.map((_, at) => this._handle(at));
    this._inputs = this.points.map((_, at) => [0, 1].map((axis) => this._input(at, axis)));
    this.fields.replaceChildren(...this._inputs.map((inputs, at) => this._row(at, inputs)));
    this._stage.add(this);
    this.update();
  }

  _handle(at) {
    const handle = make(
      "button",
      {
        type: "button",
        class: `point ${this._tone}`,
        role: "slider",
        "aria-valuemin": "0",
        "aria-valuemax": "100",
        onkeydown: (event) => this._press(event, at),
        onpointerdown: (event) => handle.setPointerCapture(event.pointerId),
        onpointermove: (event) => { if (handle.hasPointerCapture(event.pointerId)) this._move(at, this._stage.at(event)); },
      },
      make("span", {}, this._marks(at)),
    );
    return handle;
  }

  // All of it follows the pointer that holds its line or area.
  _grasp() {
    let last = null;
    this._line.addEventListener("pointerdown", (event) => {
      this._line.setPointerCapture(event.pointerId);
      last = this._stage.at(event);
    });
    this._line.addEventListener("pointermove", (event) => {
      if (!this._line.hasPointerCapture(event.pointerId)) return;
      const now = this._stage.at(event);
      const moved = [0, 1].map((axis) => {
        const all = this.points.map((each) => each[axis]);
        return Math.min(1 - Math.max(...all), Math.max(-Math.min(...all), now[axis] - last[axis]));
      });
      for (const each of this.points) for (const axis of [0, 1]) each[axis] = held(each[axis] + moved[axis]);
      last = now;
      this.update();
      this._changed();
    });
  }

  _press(event, at) {
    const to = ARROWS[event.key];
    if (!to) return;
    event.preventDefault();
    const step = event.shiftKey ? FINE_STEP : STEP;
    this._move(at, this.points[at].map((each, axis) => held(each + to[axis] * step)));
  }

  _move(at, point) {
    [this.points[at][0], this.points[at][1]] = point;
    this._follow?.(this.points, at);
    this.update();
    this._changed();
  }

  _input(at, axis) {
    const say = () => this._context.text(axis ? "view_from_top" : "view_from_left");
    return make("input", {
      type: "number",
      min: "0",
      max: "100",
      step: "0.1",
      "aria-label": `${this._names(at)}: ${say()}`,
      oninput: (event) => {
        const typed = event.target.valueAsNumber;
        if (Number.isNaN(typed)) return;
        const point = [...this.points[at]];
        point[axis] = held(typed / 100);
        this._move(at, point);
      },
      onblur: () => this.update(),
    });
  }

  _row(at, inputs) {
    const [left, top] = ["view_left", "view_top"].map((key) => make("span", { "aria-hidden": "true" }, this._context.text(key)));
    return make("div", { class: "place" }, make("span", { class: "which" }, this._names(at)), left, inputs[0], top, inputs[1]);
  }
}

function percent(fraction) {
  return String(Math.round(fraction * 1000) / 10);
}

// ------------------------------------------------------------------ what is wrong with points

function turn([ax, ay], [bx, by], [cx, cy]) {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

// Return which way four points go round: 1 clockwise, -1 the other way, 0 where sides cross or dent.
export function wayRound(points) {
  const turns = points.map((each, at) => turn(each, points[(at + 1) % 4], points[(at + 2) % 4]));
  if (turns.every((each) => each > THIN)) return 1;
  return turns.every((each) => each < -THIN) ? -1 : 0;
}

// Return whether the sides of an area cross, or it has no size.
export function crosses(points) {
  const sides = points.map((each, at) => [each, points[(at + 1) % points.length]]);
  const apart = (one, other) => Math.sign(turn(...one, other[0])) !== Math.sign(turn(...one, other[1]));
  const met = sides.some((one, at) => sides.some((other, to) => to > at + 1 && (at || to < sides.length - 1) && apart(one, other) && apart(other, one)));
  const size = sides.reduce((sum, [[ax, ay], [bx, by]]) => sum + ax * by - bx * ay, 0);
  return met || Math.abs(size) / 2 < SMALLEST;
}
