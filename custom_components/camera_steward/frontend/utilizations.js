// What cameras are used for beside crime prevention: how each utilization stands, what it waits for, what came
// of it; for the manager also what is set in its view.

import { ViewEditor } from "./editor.js";
import { facts, fillCards, make } from "./parts.js";
import { marked } from "./states.js";

const SHORT = 16;
const ICONS = {
  running: "done",
  pending: "waiting",
  waiting: "waiting",
  off: "not_applicable",
  ended: "closed",
  no_stream: "breached",
  detector_failed: "breached",
};

const UNSET = [
  ["lines", (view) => !view.lines.length],
  ["floor", (view) => !view.floor],
  ["labels", (view) => view.labels.length < 2],
  ["background", (view) => !view.background],
];

// What a page begins with that mends what is missing.
const BEGINS = { records: { kind: "recipient" } };

export class UtilizationsPage {
  constructor(context, site, go) {
    this._context = context;
    this._site = site;
    this._go = go;
    this._rows = [];
    this._cards = new Map();
    this._editors = new Map();
    this._shown = null;
    const text = (key) => context.text(key);
    this._trouble = make("p", { role: "alert" });
    this._list = make("ul", { class: "cards" });
    this._wait = make("p", { role: "status" }, text("panel_waiting"));
    this._all = make("section", { class: "slim" }, make("h2", {}, text("utilization_title")), make("p", { class: "hint" }, text("utilization_about")), this._trouble, this._wait, this._list);
    this._place = make("div", { hidden: true });
    this.element = make("div", {}, this._all, this._place);
  }

  open() {
    this.refresh();
  }

  clear() {
    this._rows = [];
    this._cards.clear();
    this._list.replaceChildren();
    this._wait.textContent = "";
    this._leave();
    for (const each of this._editors.values()) each.clear();
  }

  meet(site) {
    this._site = site;
  }

  // Begin with the view of a utilization that another page names.
  begin({ utilization }) {
    this._wanted = utilization;
    if (this.element.isConnected) this._lead();
  }

  async refresh() {
    try {
      const rows = await this._context.call("utilizations", this._site, { language: this._context.language });
      this._trouble.textContent = "";
      this._show(rows);
      this._lead();
    } catch (error) {
      this._trouble.textContent = this._context.error(error);
    }
    this._wait.textContent = "";
  }

  // ------------------------------------------------------------------ how they stand

  _show(rows) {
    this._rows = rows;
    for (const each of rows) this._editors.get(each.utilization)?.update(each);
    const cards = rows.map((each) => {
      const said = JSON.stringify(each);
      const held = this._cards.get(each.utilization);
      if (held?.said === said) return held.card;
      const card = this._card(each);
      this._cards.set(each.utilization, { said, card });
      return card;
    });
    fillCards(this._list, cards, this._context.text("utilization_none"));
    if (this._shown && !rows.some((each) => each.utilization === this._shown)) this._leave();
  }

  _card(row) {
    const context = this._context;
    const text = (key, values) => context.text(key, values);
    const moment = (at) => (at ? context.moment(at) : "");
    const buttons = [];
    if (this._site.role === "manager") {
      if (row.needs.length) buttons.push(this._button("utilization_view", row, () => this._edit(row.utilization)));
      buttons.push(this._button("utilization_papers", row, () => this._go("papers", { paper: "prior_notice", subject: row.utilization })));
    }
    return make(
      "li",
      {},
      make("div", { class: "about" }, marked(ICONS[row.status], text(`utilization_status_${row.status}`)), make("span", { class: "label" }, row.case_title)),
      make("h3", {}, row.name),
      ...(row.pending && row.running_version ? [make("p", { class: "hint" }, text("utilization_pending"))] : []),
      ...this._lacks("utilization_lost", row.lost),
      ...this._lacks("utilization_missing", row.missing),
      facts([
        [text("utilization_camera"), row.camera],
        [text("utilization_begun"), moment(row.begun_at)],
        [text("utilization_opens"), moment(row.opens_at)],
        [text("utilization_frames"), this._frames(row)],
        [text("utilization_version"), make("code", {}, row.version.slice(0, SHORT))],
        [text("utilization_running_version"), row.pending && row.running_version ? make("code", {}, row.running_version.slice(0, SHORT)) : ""],
      ]),
      ...this._unset(row),
      ...(row.result.length ? [make("h4", {}, text("utilization_result")), make("ul", {}, ...row.result.map((each) => make("li", {}, each)))] : []),
      ...(buttons.length ? [make("div", { class: "buttons" }, ...buttons)] : []),
    );
  }

  // What has to be set before anything comes of it.
  _unset({ needs, view }) {
    const context = this._context;
    const unset = UNSET.filter(([name, isUnset]) => needs.includes(name) && isUnset(view)).map(([name]) => context.text(`view_${name}`));
    return unset.length ? [make("p", {}, marked("due", context.text("utilization_unset", { what: context.list(unset) })))] : [];
  }

  _button(key, { name }, doing) {
    const said = this._context.text(key);
    return make("button", { type: "button", class: "second", "aria-label": `${said}: ${name}`, onclick: doing }, said);
  }

  _frames({ frames_taken: taken, frames_persisted: persisted, frame_age_seconds: age }) {
    const context = this._context;
    const longest = age === null ? "" : context.text("utilization_longest", { seconds: age.toLocaleString(context.language, { maximumFractionDigits: 2 }) });
    return `${context.text("utilization_counted", { taken: context.number(taken), kept: context.number(persisted) })}${longest && `\n${longest}`}`;
  }

  // What is not there, each with a way to where it is done.
  _lacks(key, lacking) {
    if (!lacking.length) return [];
    const context = this._context;
    const way = ({ text, task, page }) => {
      const to = task ? ["tasks", { task }] : page ? [page, BEGINS[page]] : null;
      if (!to || (page && this._site.role !== "manager")) return make("li", {}, text);
      const said = task ? context.text("utilization_do") : context.text("tasks_open", { page: context.text(`panel_${page}`) });
      return make("li", {}, text, " ", make("button", { type: "button", class: "link", "aria-label": `${said}: ${text}`, onclick: () => this._go(...to) }, said));
    };
    return [make("h4", {}, context.text(key)), make("ul", {}, ...lacking.map(way))];
  }

  // ------------------------------------------------------------------ the view of one

  _edit(id) {
    const row = this._rows.find((each) => each.utilization === id);
    if (!row || !row.needs.length || this._site.role !== "manager") return;
    // Another case or detector has other things to set.
    const key = JSON.stringify(row.needs);
    const held = this._editors.get(id);
    const editor = held?.key === key ? held : new ViewEditor(this._context, this._site, row, { saved: () => this.refresh(), left: () => this._leave() });
    editor.key = key;
    this._editors.set(id, editor);
    this._shown = id;
    this._all.hidden = true;
    this._place.hidden = false;
    this._place.replaceChildren(editor.element);
    editor.open();
  }

  // Back to all of them; no picture stays.
  _leave() {
    const editor = this._editors.get(this._shown);
    editor?.clear();
    const card = this._cards.get(this._shown)?.card;
    this._shown = null;
    this._place.hidden = true;
    this._place.replaceChildren();
    this._all.hidden = false;
    card?.scrollIntoView({ block: "nearest" });
    card?.querySelector("button")?.focus();
  }

  // To the one that is wanted.
  _lead() {
    if (!this._wanted || !this._rows.length) return;
    this._edit(this._wanted);
    this._wanted = null;
  }
}
