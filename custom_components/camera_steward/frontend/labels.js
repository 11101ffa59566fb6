// The states of a scene that are told apart, and "this is how it looks now" for each.

import { part } from "./drawing.js";
import { field, make, mark } from "./parts.js";
import { marked } from "./states.js";

// As the settings are checked again where they are kept (core/utilization/view.py).
const LONGEST = "30";
const MOST = 8;

let made = 0;

export class Labels {
  // `learn` is called with a label that the scene shows now.
  constructor(context, changed, learn) {
    this._context = context;
    this._changed = changed;
    this._learn = learn;
    this._all = [];
    this._saved = [];
    this._learnt = {};
    this._runs = false;
    this._list = make("ul", { class: "cards drawn" });
    this._add = make("button", { type: "button", class: "second", onclick: () => this._begin() }, context.text("view_label_add"));
    this._told = make("p", { role: "status" });
    this._trouble = make("p", { role: "alert" });
    this.element = part(context, "labels", this._list, this._told, this._trouble, make("div", { class: "buttons" }, this._add));
  }

  set({ labels }) {
    this._saved = labels;
    for (const each of this._all) each.element.remove();
    this._all = [];
    for (const each of labels) this._put(each);
  }

  get() {
    return { labels: this._all.map((each) => each.input.value.trim()) };
  }

  // Take what was learnt, and whether it runs.
  meet({ learnt, status, view }) {
    this._learnt = learnt;
    this._runs = status === "running";
    this._saved = view.labels;
    for (const each of this._all) this._say(each);
  }

  check() {
    const names = this.get().labels;
    let right = true;
    for (const [at, each] of this._all.entries()) {
      const wrong = !names[at] ? "view_needs_name" : names.indexOf(names[at]) < at ? "view_needs_other_name" : "";
      mark(each.element, each.input.id, wrong ? this._context.text(wrong) : "");
      right &&= !wrong;
    }
    return right;
  }

  _begin() {
    const each = this._put("");
    this._changed();
    each.input.focus();
  }

  _put(name) {
    const context = this._context;
    const id = `label${++made}`;
    const input = make("input", { type: "text", maxlength: LONGEST, autocomplete: "off", required: true, value: name, oninput: () => { this._say(each); this._changed(); } });
    const learn = make("button", { type: "button", onclick: () => this._now(each) }, context.text("view_label_now"));
    const remove = make("button", { type: "button", class: "second", onclick: () => {
      this._all = this._all.filter((other) => other !== each);
      each.element.remove();
      this._able();
      this._changed();
      this._add.focus();
    } }, context.text("view_remove"));
    const count = make("p", { class: "hint" });
    const each = { input, learn, count, element: make("li", {}, field(id, context.text("view_label"), input), count, make("div", { class: "buttons" }, learn, remove)) };
    this._all.push(each);
    this._list.append(each.element);
    this._able();
    this._say(each);
    return each;
  }

  _able() {
    this._add.disabled = this._all.length >= MOST;
  }

  _say({ input, learn, count }) {
    const name = input.value.trim();
    const saved = this._saved.includes(name);
    learn.disabled = !saved || !this._runs;
    if (!saved) count.textContent = this._context.text("view_label_unsaved");
    else if (!this._runs) count.textContent = this._context.text("view_label_waits");
    else count.textContent = this._context.text("view_learnt", { count: this._context.number(this._learnt[name] ?? 0) });
  }

  async _now(each) {
    const label = each.input.value.trim();
    this._told.textContent = "";
    this._trouble.textContent = "";
    each.learn.disabled = true;
    try {
      await this._learn(label);
      this._told.replaceChildren(marked("done", this._context.text("view_learns", { label })));
    } catch (error) {
      this._trouble.textContent = this._context.error(error);
    }
    this._say(each);
  }
}
