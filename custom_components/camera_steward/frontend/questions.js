// Fields for what a command asks: ticks, choices, texts, dates and photos; and what is answered.

import { choices, chosen, field, fill, focusWrong, make, mark, offer, pastDay } from "./parts.js";
import { Photo } from "./photos.js";

const LISTED = 6;
const SHORT = 16;
const LONGEST_TEXT = "500";
const LONGEST_LONG_TEXT = "4000";

export class Questions {
  // `questions` as a command gives them, fields of records alike; `prefix` begins the ids of the fields.
  constructor(context, site, prefix, questions) {
    this._context = context;
    this._site = site;
    this._asked = questions.map((each) => ({ ...each, ...this._field(each, `${prefix}-${each.name}`), id: `${prefix}-${each.name}` }));
  }

  get elements() {
    return this._asked.map((each) => each.element);
  }

  // Show what is known already.
  fill(values) {
    for (const each of this._asked) each.set(values[each.name] ?? "");
  }

  clear() {
    for (const each of this._asked) {
      each.set("");
      mark(each.element, each.id);
    }
  }

  // Return the answers by name, those that were given; null where something is missing, which is marked.
  read(form) {
    const context = this._context;
    const answers = {};
    for (const each of this._asked) {
      const value = each.get();
      const missing = each.required && !value ? context.text(NEEDS[each.type] ?? "tasks_needs_text") : "";
      mark(each.element, each.id, each.waits?.() ? context.text("tasks_needs_waiting") : missing || this._late(each, value));
      if (value) answers[each.name] = value;
    }
    return focusWrong(form) ? null : answers;
  }

  // ------------------------------------------------------------------ inside

  // A day is not to come, but where it may.
  _late({ type, to_come: toCome }, value) {
    const late = type === "date" && !toCome && value > this._context.today();
    return late ? this._context.text("tasks_needs_past") : "";
  }

  // Return an element, and how its answer is read and set.
  _field({ type, label, required, to_come: toCome, options = [] }, id) {
    if (type === "tick") return this._tick(id, label, required);
    if (type === "photo") return this._photo(id, label, required);
    if (type === "choice") return options.length > LISTED || !required ? this._list(id, label, required, options) : this._choice(id, label, required, options);
    const input = this._input(type, required, toCome);
    return { element: field(id, label, input), get: () => input.value.trim(), set: (value) => { input.value = value; } };
  }

  _input(type, required, toCome) {
    if (type === "date") return toCome ? make("input", { type: "date", max: "2199-12-31", required }) : pastDay(this._context, required);
    if (type === "long_text") return make("textarea", { rows: "4", maxlength: LONGEST_LONG_TEXT, required });
    if (type === "address") return make("input", { type: "url", maxlength: LONGEST_TEXT, autocomplete: "off", placeholder: "https://", required });
    return make("input", { type: "text", maxlength: LONGEST_TEXT, autocomplete: "off", required });
  }

  _tick(id, label, required) {
    const input = make("input", { type: "checkbox", id, required, "aria-describedby": `${id}-wrong` });
    const element = make("div", { class: "field" }, make("label", { class: "choice" }, input, make("span", {}, label)), make("p", { id: `${id}-wrong`, class: "wrong" }));
    element.addEventListener("input", () => mark(element, id));
    return { element, get: () => input.checked, set: (value) => { input.checked = Boolean(value); } };
  }

  _choice(id, label, required, options) {
    const element = choices(id, label, "radio");
    element.classList.toggle("needed", required);
    element.classList.toggle("inline", options.every((each) => each.label.length <= SHORT));
    offer(element, options.map((each) => [each.value, each.label]));
    const set = (value) => { for (const each of element.querySelectorAll("input")) each.checked = each.value === value; };
    return { element, get: () => chosen(element)[0] ?? "", set };
  }

  _list(id, label, required, options) {
    const input = make("select", { required });
    fill(input, [["", this._context.text(required ? "permit_choose" : "tasks_not_stated")], ...options.map((each) => [each.value, each.label])]);
    return { element: field(id, label, input), get: () => input.value, set: (value) => { input.value = value; } };
  }

  _photo(id, label, required) {
    const photo = new Photo(this._context, this._site, { id, label, required });
    const set = (value) => { if (!value) photo.clear(); };
    return { element: photo.element, get: () => photo.value, set, waits: () => photo.sending };
  }
}

const NEEDS = {
  tick: "tasks_needs_tick",
  choice: "tasks_needs_choice",
  date: "tasks_needs_date",
  photo: "tasks_needs_photo",
};
