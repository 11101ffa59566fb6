// What is set in the view of a utilization, on a picture: a grid, one of one's own that stays in this browser,
// or the place without people once the utilization runs. What is typed and drawn stays until it is saved.

import { Approval } from "./approval.js";
import { Entrance, Floor, Lines, Persons, Queue, Zones } from "./drawing.js";
import { endForm, makeForm, sayDone, send } from "./forms.js";
import { Labels } from "./labels.js";
import { field, focusWrong, make, mark } from "./parts.js";
import { Stage } from "./stage.js";

// Where one is drawn whose name is known, what is wrong is said beside it.
const KNOWN = { lines: "entrance", zones: "queue" };
const DRAWN = ["lines", "zones", "entrance", "queue", "persons", "floor"];
// The most that each may be (core/utilization/view.py).
const NUMBERS = { capacity: "10000", till_people: "100" };

// A view that changed begins anew, and a scene is learnt from some pictures: how it went shows a while later.
const LOOK_AGAIN_MS = 5_000;

export class ViewEditor {
  // `row` is the utilization as its command gives it; `saved` looks at it again, `left` goes back.
  constructor(context, site, row, { saved, left }) {
    this._context = context;
    this._site = site;
    this._row = row;
    this._saved = saved;
    this._addresses = new Map();
    this.dirty = false;
    const text = (key, values) => context.text(key, values);
    const changed = () => this._change();
    const drawn = row.needs.some((each) => DRAWN.includes(each));
    this._stage = new Stage(text("view_stage"));
    this._parts = this._made(row.needs, changed);
    this._numbers = Object.keys(NUMBERS).filter((each) => row.needs.includes(each));
    this._inputs = new Map(this._numbers.map((each) => [each, make("input", { type: "number", min: "1", max: NUMBERS[each], step: "1", required: true, oninput: changed })]));
    this._under = this._choice();
    this._dirty = make("p", { class: "hint", role: "status" });
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._form = makeForm(
      context,
      {},
      () => this._save(),
      make(
        "div",
        { class: !drawn ? "" : this._parts.floor ? "drawing planned" : "drawing" },
        ...(drawn ? [this._drawing()] : []),
        make(
          "div",
          {},
          ...Object.values(this._parts).map((each) => each.element),
          ...this._numbers.map((each) => field(`view-${each}`, text(`view_${each}`), this._inputs.get(each), text(`view_${each}_hint`))),
        ),
      ),
      this._dirty,
      ...endForm(
        make("button", { type: "submit" }, text("view_save")),
        make("button", { type: "button", class: "second", onclick: () => this._undo() }, text("view_undo")),
      ),
    );
    this._approval = row.needs.includes("background") ? new Approval(context, site, row, { look: () => this._load("background"), done: (photo) => this._approved(photo) }) : null;
    this._title = make("h2", { tabindex: "-1" }, text("view_title", { name: row.name }));
    this.element = make(
      "section",
      {},
      make("div", { class: "above" }, make("button", { type: "button", class: "second", onclick: left }, text("view_back"))),
      this._title,
      make("p", { class: "hint" }, text("view_about")),
      this._told,
      ...(this._approval ? [this._approval.element] : []),
      this._form,
    );
    this._form.hidden = !row.needs.some((each) => each !== "background");
    this._set(row.view);
    this._meet();
  }

  open() {
    this._title.focus();
    this.element.scrollIntoView();
    this._approval?.refresh();
  }

  // Take how it stands now; what was drawn stays.
  update(row) {
    const before = JSON.stringify(this._row.view);
    this._row = row;
    if (!this.dirty && before !== JSON.stringify(row.view)) this._set(row.view);
    this._meet();
  }

  // Let go of all pictures of the place.
  clear() {
    this._approval?.clear();
    this._show("grid");
    for (const each of ["own", "place"]) {
      URL.revokeObjectURL(this._addresses.get(each));
      this._addresses.delete(each);
    }
  }

  // ------------------------------------------------------------------ the parts

  _made(needs, changed) {
    const context = this._context;
    const kinds = {
      lines: () => new Lines(context, this._stage, changed),
      zones: () => new Zones(context, this._stage, changed),
      entrance: () => new Entrance(context, this._stage, changed),
      queue: () => new Queue(context, this._stage, changed),
      floor: () => new Floor(context, this._site, this._stage, changed),
      labels: () => new Labels(context, changed, (label) => this._learn(label)),
      persons: () => new Persons(context, this._stage, changed),
    };
    const wanted = Object.keys(kinds).filter((each) => needs.includes(each));
    return Object.fromEntries(wanted.map((each) => [each, kinds[each]()]));
  }

  // The picture, and beside it the plan where there is one.
  _drawing() {
    const { floor } = this._parts;
    const seen = make("div", {}, ...(floor ? [make("h4", {}, this._context.text("view_seen_title"))] : []), this._stage.element);
    return make("div", { class: "stages" }, this._under, seen, ...(floor ? [floor.plan] : []), make("p", { class: "hint" }, this._context.text("view_keys")));
  }

  async _set(view) {
    for (const [each, input] of this._inputs) input.value = String(view[each]);
    for (const each of Object.values(this._parts)) each.set(view);
    this._mind(false);
    if (!view.floor?.plan || !this._parts.floor) return;
    const plan = await this._load("plan").catch(() => null);
    if (plan) this._parts.floor.show(this._keep("plan", plan));
  }

  _meet() {
    this._buttons.place.disabled = this._row.status !== "running";
    this._parts.labels?.meet(this._row);
    this._approval?.meet(this._row);
  }

  _change() {
    this._told.textContent = "";
    for (const each of Object.values(this._parts)) each.look?.();
    this._mind(true);
  }

  _mind(dirty) {
    this.dirty = dirty;
    this._dirty.textContent = dirty ? this._context.text("view_unsaved") : "";
  }

  _undo() {
    for (const each of this._form.querySelectorAll("[aria-invalid=true]")) mark(this._form, each.id);
    this._form.querySelector(".refused").textContent = "";
    this._set(this._row.view);
    this._told.textContent = this._context.text("view_undone");
    this._told.focus();
  }

  // ------------------------------------------------------------------ the picture under it

  _choice() {
    const context = this._context;
    const text = (key) => context.text(key);
    const pressed = (name, doing) => make("button", { type: "button", class: "second", "aria-pressed": String(name === "grid"), onclick: doing }, text(`view_under_${name}`));
    this._file = make("input", { type: "file", accept: "image/*", hidden: true, onchange: () => this._own() });
    this._buttons = {
      grid: pressed("grid", () => this._show("grid")),
      own: pressed("own", () => this._file.click()),
      place: pressed("place", () => this._place()),
    };
    this._trouble = make("p", { role: "alert" });
    return make(
      "div",
      {},
      make("h3", {}, text("view_under")),
      make("div", { class: "switch", role: "group", "aria-label": text("view_under") }, ...Object.values(this._buttons)),
      this._file,
      make("ul", { class: "hint" }, ...["own", "place"].map((each) => make("li", {}, text(`view_under_${each}_about`)))),
      this._trouble,
    );
  }

  _show(name, address = null) {
    this._trouble.textContent = "";
    this._stage.show(address);
    for (const [each, button] of Object.entries(this._buttons)) button.setAttribute("aria-pressed", String(each === name));
  }

  // A picture from a file, for this browser alone.
  _own() {
    const [file] = this._file.files;
    this._file.value = "";
    if (!file) return;
    const address = this._keep("own", file);
    const probe = new Image();
    probe.onload = () => this._show("own", address);
    probe.onerror = () => { this._trouble.textContent = this._context.text("view_no_picture"); };
    probe.src = address;
  }

  async _place() {
    this._trouble.textContent = "";
    this._buttons.place.disabled = true;
    try {
      this._show("place", this._keep("place", await this._load("background")));
    } catch (error) {
      this._trouble.textContent = this._context.error(error);
    }
    this._meet();
  }


  async _load(what) {
    const { hass } = this._context;
    const answer = await hass.fetchWithAuth(`/api/camera_steward/${this._site.entry_id}/utilization/${this._row.utilization}/${what}`);
    if (answer.ok) return answer.blob();
    const said = await answer.json().catch(() => ({}));
    throw { translation_key: said.key };
  }

  _keep(name, blob) {
    if (this._addresses.has(name)) URL.revokeObjectURL(this._addresses.get(name));
    this._addresses.set(name, URL.createObjectURL(blob));
    return this._addresses.get(name);
  }

  // ------------------------------------------------------------------ what is sent

  async _save() {
    const context = this._context;
    const rights = Object.values(this._parts).map((each) => each.check());
    for (const [name, input] of this._inputs) {
      const right = input.value && input.checkValidity();
      mark(this._form, `view-${name}`, right ? "" : context.text("view_needs_number", { most: NUMBERS[name] }));
      rights.push(right);
    }
    if (rights.some((each) => !each)) {
      this._form.querySelector(".refused").textContent = context.text("view_not_saved");
      focusWrong(this._form);
      return;
    }
    const view = { ...this._row.view };
    for (const each of Object.values(this._parts)) Object.assign(view, each.get());
    for (const [name, input] of this._inputs) view[name] = input.valueAsNumber;
    const doing = async () => {
      await context.call("utilization_view", this._site, { utilization: this._row.utilization, view });
      this._mind(false);
      await this._look();
      sayDone(this.element, this._told, context.text("view_saved"));
    };
    await send(this._form, this._told, doing, (error) => this._refuse(error));
  }

  // Say what is wrong beside what it names.
  _refuse(error) {
    const said = this._context.error(error);
    const [name] = String(error?.translation_placeholders?.field ?? "").split(/[.[]/);
    const known = KNOWN[name] in this._parts ? KNOWN[name] : name;
    const found = name && this._form.querySelector(`#view-${CSS.escape(known)}`);
    if (found) mark(this._form, found.id, said);
    this._form.querySelector(".refused").textContent = found ? this._context.text("view_not_saved") : said;
    focusWrong(this._form);
  }

  async _learn(label) {
    await this._context.call("utilization_learn", this._site, { utilization: this._row.utilization, label });
    await this._look();
  }

  // A background was approved: it is put into what is saved, and not what is only drawn so far.
  async _approved(photo) {
    const view = { ...this._row.view, background: photo };
    await this._context.call("utilization_view", this._site, { utilization: this._row.utilization, view });
    await this._look();
  }

  async _look() {
    await this._saved();
    setTimeout(() => { if (this.element.isConnected) this._saved(); }, LOOK_AGAIN_MS);
  }
}
