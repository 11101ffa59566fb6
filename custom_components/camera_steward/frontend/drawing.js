// What is drawn on a picture of the view, with its fields: lines, areas, the heights of persons, and the
// floor beside its plan. Each gives its part of the settings and says what is wrong with it.

import { field, make, mark } from "./parts.js";
import { Photo } from "./photos.js";
import { crosses, Figure, Stage, wayRound } from "./stage.js";

// As the settings are checked again where they are kept (core/utilization/view.py).
const LONGEST_NAME = "30";
const MOST = { line: 4, zone: 8 };
const MOST_CORNERS = 20;
const FEWEST_CORNERS = 3;
const SHORTEST = 0.02;
const APART = 0.05;

const START = {
  line: [[0.3, 0.6], [0.7, 0.6]],
  zone: [[0.35, 0.4], [0.65, 0.4], [0.65, 0.75], [0.35, 0.75]],
  persons: [[[0.12, 0.95], [0.12, 0.5]], [[0.88, 0.55], [0.88, 0.32]]],
  seen: [[0.3, 0.35], [0.7, 0.35], [0.9, 0.9], [0.1, 0.9]],
  drawn: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]],
};

let made = 0;

function copied(points) {
  return points.map((each) => [...each]);
}

function button(text, doing, more = {}) {
  return make("button", { type: "button", class: "second", onclick: doing, ...more }, text);
}

// Return the part of the page that is about one thing to set: its title, what it is for, room for what is wrong.
export function part(context, name, ...children) {
  const id = `view-${name}`;
  return make(
    "fieldset",
    { id, class: "part", "aria-describedby": `${id}-wrong` },
    make("legend", {}, context.text(`view_${name}`)),
    make("p", { class: "hint" }, context.text(`view_${name}_about`)),
    ...children,
    make("p", { id: `${id}-wrong`, class: "wrong", role: "alert" }),
  );
}

// One thing that was drawn: a box with its name, where its points are, and its buttons.
class Drawn {
  constructor(context, { name, figure, buttons, changed }) {
    this._context = context;
    this.figure = figure;
    const id = `drawn${++made}`;
    this._input = make("input", { type: "text", maxlength: LONGEST_NAME, autocomplete: "off", required: true, value: name, oninput: () => { this._say(); changed(); } });
    this._id = id;
    const places = make("details", {}, make("summary", {}, context.text("view_numbers")), figure.fields);
    this.element = make("li", {}, field(id, context.text("view_name"), this._input), places, make("div", { class: "buttons" }, ...buttons));
    this._say();
  }

  get name() {
    return this._input.value.trim();
  }

  focus() {
    this._input.focus();
    this._input.select();
  }

  // Say beside the name what is wrong.
  wrong(text) {
    mark(this.element, this._id, text);
    this.figure.mark(Boolean(text));
  }

  _say() {
    this.figure.title = this.name;
  }
}

// Lines or zones: as many as are wanted, each with a name of its own.
class Several {
  constructor(context, stage, kind, changed) {
    this._context = context;
    this._stage = stage;
    this._kind = kind;
    this._changed = changed;
    this._all = [];
    this._list = make("ul", { class: "cards drawn" });
    this._add = button(context.text(`view_add_${kind}`), () => this._begin());
    this.element = part(context, `${kind}s`, this._list, make("div", { class: "buttons" }, this._add));
  }

  clear() {
    for (const each of [...this._all]) this._remove(each);
  }

  check() {
    const text = (key) => this._context.text(key);
    const names = this._all.map((each) => each.name);
    const seen = new Set();
    let right = true;
    for (const [at, each] of this._all.entries()) {
      const twice = seen.has(names[at]);
      seen.add(names[at]);
      const wrong = !names[at] ? "view_needs_name" : twice ? "view_needs_other_name" : this.bad(each.figure.points);
      each.wrong(wrong ? text(wrong) : "");
      right &&= !wrong;
    }
    return right;
  }

  // Show at once where something is drawn that cannot be.
  look() {
    for (const each of this._all) each.figure.mark(Boolean(this.bad(each.figure.points)));
  }

  _begin() {
    const count = this._all.length + 1;
    const at = ((count - 1) % 5) * 0.05;
    const points = START[this._kind].map(([x, y]) => [x, y - 0.15 + at]);
    const drawn = this._put(this._context.text(`view_${this._kind}_named`, { number: String(count) }), points);
    this._changed();
    drawn.focus();
  }

  _put(name, points) {
    const drawn = this.draw(name, points);
    this._all.push(drawn);
    this._list.append(drawn.element);
    this._able();
    return drawn;
  }

  _able() {
    this._add.disabled = this._all.length >= MOST[this._kind];
  }

  _remove(drawn) {
    this._all = this._all.filter((each) => each !== drawn);
    this._able();
    drawn.figure.remove();
    drawn.element.remove();
  }

  _away(find) {
    return button(this._context.text("view_remove"), () => {
      this._remove(find());
      this._changed();
      this._add.focus();
    });
  }
}

export class Lines extends Several {
  constructor(context, stage, changed) {
    super(context, stage, "line", changed);
  }

  set(view) {
    this.clear();
    for (const { name, start, end } of view.lines) this._put(name, copied([start, end]));
  }

  get() {
    return { lines: this._all.map((each) => ({ name: each.name, start: each.figure.points[0], end: each.figure.points[1] })) };
  }

  bad(points) {
    return short(points);
  }

  draw(name, points) {
    const context = this._context;
    const figure = line(context, this._stage, points, this._changed);
    const drawn = new Drawn(context, { name, figure, buttons: [turned(context, figure, this._changed), this._away(() => drawn)], changed: this._changed });
    return drawn;
  }
}

export class Zones extends Several {
  constructor(context, stage, changed) {
    super(context, stage, "zone", changed);
  }

  set(view) {
    this.clear();
    for (const { name, points } of view.zones) this._put(name, copied(points));
  }

  get() {
    return { zones: this._all.map((each) => ({ name: each.name, points: each.figure.points })) };
  }

  bad(points) {
    return crosses(points) ? "view_needs_area" : "";
  }

  draw(name, points) {
    const context = this._context;
    const figure = area(context, this._stage, points, this._changed);
    const drawn = new Drawn(context, { name, figure, buttons: [...corners(context, figure, this._changed), this._away(() => drawn)], changed: this._changed });
    return drawn;
  }
}

// One line or area, or none, by whose name its case knows it; others of its kind stay as they are.
class Known {
  constructor(context, stage, name, kind, changed) {
    this._context = context;
    this._stage = stage;
    this._name = name;
    this._kind = kind;
    this._changed = changed;
    this._figure = null;
    this._body = make("div");
    this.element = part(context, name, this._body);
    this.set({ [kind]: [] });
  }

  set(view) {
    const all = view[this._kind];
    this._others = all.filter((each) => each.name !== this._name);
    const found = all.find((each) => each.name === this._name);
    this._draw(found ? copied(this.points(found)) : null);
  }

  get() {
    return { [this._kind]: [...this._others, ...(this._figure ? [{ name: this._name, ...this.told(this._figure.points) }] : [])] };
  }

  check() {
    const wrong = this._figure && this.bad(this._figure.points);
    mark(this.element.parentNode, `view-${this._name}`, wrong ? this._context.text(wrong) : "");
    return !wrong;
  }

  look() {
    this._figure?.mark(Boolean(this.bad(this._figure.points)));
  }

  _draw(points) {
    const context = this._context;
    this._figure?.remove();
    this._figure = null;
    const turn = (next) => {
      this._draw(next);
      this._changed();
      this._body.querySelector("button").focus();
    };
    if (!points) {
      this._body.replaceChildren(make("div", { class: "buttons" }, button(context.text(`view_${this._name}_set`), () => turn(copied(this.start)))));
      return;
    }
    const figure = this.draw(points);
    this._figure = figure;
    figure.title = context.text(`view_${this._name}_here`);
    const places = make("details", {}, make("summary", {}, context.text("view_numbers")), figure.fields);
    this._body.replaceChildren(places, make("div", { class: "buttons" }, ...this.buttons(figure), button(context.text("view_remove"), () => turn(null))));
  }
}

// Where people queue.
export class Queue extends Known {
  start = START.zone;

  constructor(context, stage, changed) {
    super(context, stage, "queue", "zones", changed);
  }

  points({ points }) {
    return points;
  }

  told(points) {
    return { points };
  }

  bad(points) {
    return crosses(points) ? "view_needs_area" : "";
  }

  draw(points) {
    return area(this._context, this._stage, points, this._changed);
  }

  buttons(figure) {
    return corners(this._context, figure, this._changed);
  }
}

// The line at which visitors are counted.
export class Entrance extends Known {
  start = START.line;

  constructor(context, stage, changed) {
    super(context, stage, "entrance", "lines", changed);
  }

  points({ start, end }) {
    return [start, end];
  }

  told([start, end]) {
    return { start, end };
  }

  bad(points) {
    return short(points);
  }

  draw(points) {
    return line(this._context, this._stage, points, this._changed);
  }

  buttons(figure) {
    return [turned(this._context, figure, this._changed)];
  }
}

function line(context, stage, points, changed) {
  const ends = [context.text("view_line_start"), context.text("view_line_end")];
  return new Figure(context, stage, { points, names: (at) => ends[at], tone: "lined", arrow: context.text("view_in"), changed });
}

function short([[ax, ay], [bx, by]]) {
  return Math.hypot(bx - ax, by - ay) < SHORTEST ? "view_needs_length" : "";
}

// A button by which the other way is in.
function turned(context, figure, changed) {
  return button(context.text("view_turn"), () => {
    figure.take([...figure.points].reverse());
    changed();
  });
}

function area(context, stage, points, changed) {
  return new Figure(context, stage, { points, closed: true, tone: "zoned", names: (at) => context.text("view_corner", { number: String(at + 1) }), marks: (at) => String(at + 1), changed });
}

// Buttons for one corner more, in the middle of the longest side, and for one less.
function corners(context, figure, changed) {
  const set = (points) => {
    figure.take(points);
    able();
    changed();
  };
  const able = () => {
    const count = figure.points.length;
    more.disabled = count >= MOST_CORNERS;
    less.disabled = count <= FEWEST_CORNERS;
  };
  const more = button(context.text("view_corner_more"), () => {
    const { points } = figure;
    const next = (at) => points[(at + 1) % points.length];
    const lengths = points.map(([x, y], at) => Math.hypot(next(at)[0] - x, next(at)[1] - y));
    const at = lengths.indexOf(Math.max(...lengths));
    const middle = [0, 1].map((axis) => (points[at][axis] + next(at)[axis]) / 2);
    set([...points.slice(0, at + 1), middle, ...points.slice(at + 1)]);
  });
  const less = button(context.text("view_corner_less"), () => set(figure.points.slice(0, -1)));
  able();
  return [more, less];
}

// How tall a person is at two places: for the detector that is built in.
export class Persons {
  constructor(context, stage, changed) {
    this._context = context;
    this._stage = stage;
    this._changed = changed;
    this._figures = [];
    this._body = make("div");
    this.element = part(context, "persons", this._body);
    this._draw([]);
  }

  set(view) {
    this._draw(view.persons.map(({ foot, head }) => copied([foot, head])));
  }

  get() {
    return { persons: this._figures.map(({ points: [foot, head] }) => ({ foot, head })) };
  }

  check() {
    const wrong = this._wrong();
    mark(this.element.parentNode, "view-persons", wrong ? this._context.text(wrong) : "");
    return !wrong;
  }

  look() {
    const wrong = Boolean(this._wrong());
    for (const each of this._figures) each.mark(wrong);
  }

  _wrong() {
    if (!this._figures.length) return "";
    const [one, other] = this._figures.map((each) => each.points);
    const upright = ([[, foot], [, head]]) => foot - head >= SHORTEST;
    if (!upright(one) || !upright(other)) return "view_needs_upright";
    return Math.abs(one[0][1] - other[0][1]) < APART ? "view_needs_depth" : "";
  }

  _draw(persons) {
    const context = this._context;
    const text = (key) => context.text(key);
    for (const each of this._figures) each.remove();
    const ends = [text("view_foot"), text("view_head")];
    // Feet and head stay in one column.
    const follow = (points, at) => { points[1 - at][0] = points[at][0]; };
    this._figures = persons.map((points) => new Figure(context, this._stage, { points, names: (at) => ends[at], tone: "upright", follow, changed: this._changed }));
    for (const [at, each] of this._figures.entries()) each.title = context.text("view_person", { number: String(at + 1) });
    const turn = (next) => {
      this._draw(next);
      this._changed();
      this._body.querySelector("button").focus();
    };
    if (!persons.length) {
      this._body.replaceChildren(make("div", { class: "buttons" }, button(text("view_persons_set"), () => turn(START.persons.map(copied)))));
      return;
    }
    const places = this._figures.map((each, at) => make("div", {}, make("h4", {}, context.text("view_person", { number: String(at + 1) })), each.fields));
    this._body.replaceChildren(make("details", {}, make("summary", {}, text("view_numbers")), ...places), make("div", { class: "buttons" }, button(text("view_remove"), () => turn([]))));
  }
}

// Four points of the picture and where they are on the plan, whose picture is sent and kept.
export class Floor {
  constructor(context, site, stage, changed) {
    this._context = context;
    this._stage = stage;
    this._changed = changed;
    const text = (key) => context.text(key);
    this._plan = new Stage(text("view_plan_stage"));
    this.plan = make("div", { hidden: true }, make("h4", {}, text("view_plan_title")), this._plan.element);
    this._photo = new Photo(context, site, {
      id: "view-plan",
      label: text("view_plan"),
      hint: text("view_plan_hint"),
      required: false,
      fresh: false,
      taken: (address) => {
        this._plan.show(address ?? (this._id ? this._kept : null));
        this._size();
        if (address) changed();
      },
    });
    const metres = (name) => make("input", { type: "number", min: "1", max: "60", step: "0.1", required: true, oninput: () => { this._size(); changed(); } });
    this._width = metres();
    this._depth = metres();
    this._numbers = make("div");
    this._id = "";
    this._kept = null;
    this._blank = button(text("view_plan_blank"), () => {
      this._id = "";
      this._photo.clear();
      changed();
    });
    this._set = make("div", { class: "buttons" }, button(text("view_floor_set"), () => {
      this._draw({ seen: START.seen, drawn: START.drawn, width_m: 6, depth_m: 4, plan: "" });
      changed();
      this._width.focus();
    }));
    this._body = make(
      "div",
      { hidden: true },
      make("div", { class: "pair" }, field("view-width_m", text("view_width"), this._width), field("view-depth_m", text("view_depth"), this._depth)),
      this._photo.element,
      make("details", {}, make("summary", {}, text("view_numbers")), this._numbers),
      make("div", { class: "buttons" }, this._blank, button(text("view_remove"), () => {
        this._draw(null);
        changed();
        this._set.firstElementChild.focus();
      })),
    );
    this.element = part(context, "floor", this._set, this._body);
    // Beside what is drawn: one sees there what one moves.
    this.plan.append(this.element.querySelector("#view-floor-wrong"));
  }

  set(view) {
    this._kept = null;
    this._draw(view.floor);
  }

  // Show the plan that is kept, by its address here.
  show(address) {
    this._kept = address;
    if (!this._photo.value && this._id) this._plan.show(address);
  }

  get() {
    if (!this._seen) return { floor: null };
    const [width, depth] = [this._width, this._depth].map((each) => each.valueAsNumber);
    return { floor: { seen: this._seen.points, drawn: this._drawn.points, width_m: width, depth_m: depth, plan: this._photo.value || this._id } };
  }

  check() {
    if (!this._seen) return true;
    const text = (key) => this._context.text(key);
    let right = true;
    for (const [name, input] of [["width_m", this._width], ["depth_m", this._depth]]) {
      const wrong = !input.value || !input.checkValidity();
      mark(this.element, `view-${name}`, wrong ? text("view_needs_metres") : "");
      right &&= !wrong;
    }
    const wrong = this._photo.sending ? "tasks_needs_waiting" : this._crossed();
    mark(this.element.closest("form"), "view-floor", wrong ? text(wrong) : "");
    return right && !wrong;
  }

  look() {
    if (!this._seen) return;
    const wrong = this._crossed();
    this._seen.mark(wrong === "view_needs_seen");
    this._drawn.mark(Boolean(wrong) && wrong !== "view_needs_seen");
    mark(this.element.closest("form"), "view-floor", wrong ? this._context.text(wrong) : "");
  }

  _crossed() {
    const [seen, drawn] = [this._seen, this._drawn].map((each) => wayRound(each.points));
    if (!seen) return "view_needs_seen";
    if (!drawn) return "view_needs_drawn";
    return seen === drawn ? "" : "view_needs_same_turn";
  }

  // A blank plan has the form of the floor.
  _size() {
    const ratio = this._width.valueAsNumber / this._depth.valueAsNumber;
    if (!this._plan.pictured && ratio > 0.1 && ratio < 10) this._plan.shape(ratio);
  }

  _draw(floor) {
    const context = this._context;
    for (const each of [this._seen, this._drawn]) each?.remove();
    this._seen = this._drawn = null;
    this._id = floor?.plan ?? "";
    this._photo.clear();
    this._set.hidden = Boolean(floor);
    this._body.hidden = this.plan.hidden = !floor;
    if (!floor) return;
    const options = { closed: true, tone: "floored", names: (at) => context.text("view_floor_point", { number: String(at + 1) }), marks: (at) => String(at + 1), changed: this._changed };
    this._seen = new Figure(context, this._stage, { ...options, points: copied(floor.seen) });
    this._drawn = new Figure(context, this._plan, { ...options, points: copied(floor.drawn) });
    this._seen.title = context.text("view_floor_seen");
    this._drawn.title = context.text("view_floor_drawn");
    this._width.value = String(floor.width_m);
    this._depth.value = String(floor.depth_m);
    const titled = (key, fields) => make("div", {}, make("h4", {}, context.text(key)), fields);
    this._numbers.replaceChildren(titled("view_floor_seen", this._seen.fields), titled("view_floor_drawn", this._drawn.fields));
    this._size();
  }
}
