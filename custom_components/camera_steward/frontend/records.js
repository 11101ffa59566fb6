// The manager's books that people fill in: inquiries and complaints, contractors, media, recipients, feedback;
// opened, changed, closed.

import { endForm, makeForm, sayDone, send, tell } from "./forms.js";
import { download, facts, fillCards, make, put } from "./parts.js";
import { Questions } from "./questions.js";
import { marked } from "./states.js";

const KINDS = ["inquiry", "contractor", "medium", "recipient", "feedback"];

let made = 0;

export class RecordsPage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._asked = 0;
    this._kind = KINDS[0];
    this._closed = false;
    this._held = new Map();
    this._forms = new Map();
    const text = (key) => context.text(key);
    const pressed = (options, label, doing) =>
      make("div", { class: "switch", role: "group", "aria-label": label }, ...options.map(([value, said]) => make("button", { type: "button", class: "second", value, onclick: () => doing(value) }, said)));
    this._kinds = pressed(KINDS.map((each) => [each, text(`records_kind_${each}`)]), text("records_kind"), (kind) => this._turn(kind, this._closed));
    this._states = pressed(["open", "closed"].map((each) => [each, ""]), text("records_which"), (which) => this._turn(this._kind, which === "closed"));
    this._about = make("p", { class: "hint" });
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._list = make("ul", { class: "cards" });
    this._form = make("p", { class: "hint" });
    const button = (key, doing) => make("button", { type: "button", class: "second", onclick: doing }, text(key));
    this._buttons = make("div", { class: "buttons", hidden: true }, button("register_csv", () => this._download()), button("register_print", () => window.print()));
    this._newTitle = make("h2");
    this._newForm = make("div");
    this._new = make("section", { hidden: true }, this._newTitle, this._newForm);
    this.element = make(
      "div",
      {},
      make("section", {}, make("h2", {}, text("records_title")), this._kinds, this._about, this._form, this._trouble, this._told, make("div", { class: "above" }, this._states, this._buttons), this._list),
      this._new,
    );
    this._turn(this._kind, this._closed, false);
  }

  open() {
    this.refresh();
  }

  clear() {
    this._asked += 1;
    this._told.textContent = "";
    this._rows = null;
    this._held.clear();
    this._list.replaceChildren();
    this._buttons.hidden = true;
    this._form.textContent = "";
  }

  // Begin with a record that another page names.
  begin({ kind, record }) {
    this._wanted = record;
    this._turn(kind, false);
  }

  // What a printer gets: the book that is shown, as a table under its title.
  printed() {
    if (!this._rows?.length) return null;
    const context = this._context;
    const columns = this._fields.filter((each) => this._rows.some((row) => row.fields[each.name]));
    const heads = [context.text("records_number"), ...columns.map((each) => each.label), context.text("records_opened"), ...(this._closed ? [context.text("records_closed_at")] : [])];
    const cells = (row) => [
      String(row.number),
      ...columns.map((each) => this._value(each, row.fields[each.name])),
      this._by(row.opened_at, row.opened_by),
      ...(this._closed ? [context.moment(row.closed_at)] : []),
    ];
    const line = (tag, texts) => make("tr", {}, ...texts.map((each) => make(tag, {}, each)));
    const table = make("table", {}, make("thead", {}, line("th", heads)), make("tbody", {}, ...this._rows.map((each) => line("td", cells(each)))));
    return make("div", {}, make("h1", {}, this._title()), make("p", {}, this._which(this._closed ? "closed" : "open")), table);
  }

  // Look again what is in the book. What is being typed stays.
  async refresh() {
    const context = this._context;
    const asked = ++this._asked;
    try {
      const found = await context.call("records", this._site, { kind: this._kind, closed: this._closed, language: context.language });
      // Who turned to another book meanwhile does not want this any more.
      if (asked !== this._asked) return;
      this._trouble.textContent = "";
      this._fields = found.fields;
      this._form.textContent = found.form ? context.text("records_form", { address: found.form }) : "";
      this._rows = found.records;
      this._show();
      this._offerNew();
      this._lead();
    } catch (error) {
      if (asked === this._asked) this._trouble.textContent = context.error(error);
    }
  }

  // ------------------------------------------------------------------ inside

  // The whole of the book, open and closed.
  async _download() {
    const context = this._context;
    this._trouble.textContent = "";
    try {
      const { csv } = await context.call("records", this._site, { kind: this._kind, as_csv: true, language: context.language });
      download(this.element, this._title(), "csv", new Blob([csv], { type: "text/csv;charset=utf-8" }));
    } catch (error) {
      this._trouble.textContent = context.error(error);
    }
  }

  _title() {
    return this._context.text("records_of", { site: this._site.title, book: this._context.text(`records_kind_${this._kind}`) });
  }

  _turn(kind, closed, look = true) {
    this._kind = kind;
    this._closed = closed;
    for (const each of this._kinds.children) each.setAttribute("aria-pressed", String(each.value === kind));
    for (const each of this._states.children) {
      each.setAttribute("aria-pressed", String((each.value === "closed") === closed));
      each.textContent = this._which(each.value);
    }
    this._about.textContent = this._context.text(`records_about_${kind}`);
    this.clear();
    this._new.hidden = true;
    this._list.replaceChildren(make("li", { class: "none" }, this._context.text("panel_waiting")));
    if (look) this.refresh();
  }

  // How records that are open or closed are called in a book.
  _which(state) {
    return this._context.text(`records_${state}_${this._kind}`);
  }

  _show() {
    const context = this._context;
    const held = new Map();
    for (const each of this._rows) {
      const key = JSON.stringify([each, this._fields]);
      held.set(key, this._held.get(key) ?? this._card(each));
    }
    this._held = held;
    fillCards(this._list, [...held.values()].map((each) => each.card), context.text("records_none"));
    this._buttons.hidden = !this._rows.length;
  }

  _by(at, by) {
    return this._context.text("records_by", { at: this._context.moment(at), by });
  }

  // How a field reads: a choice by its name, a day as days are written here.
  _value({ type, options }, value) {
    if (!value) return "";
    if (type === "moment") return this._context.moment(value);
    if (type === "date") return this._context.date(value);
    return options.find((each) => each.value === value)?.label ?? value;
  }

  _card(row) {
    const context = this._context;
    const text = (key, values) => context.text(key, values);
    const titled = text("records_titled", { number: row.number, name: row.name });
    const dated = row.due_at && text(row.overdue ? "records_overdue" : "records_due", { day: context.day(row.due_at) });
    const due = dated && !row.closed_at ? [make("div", { class: "about" }, marked(row.overdue ? "overdue" : "upcoming", dated))] : [];
    const title = make("h3", { tabindex: "-1" }, titled);
    const card = make(
      "li",
      {},
      ...due,
      title,
      facts([
        ...this._fields.map((each) => [each.label, this._value(each, row.fields[each.name])]),
        [text("records_opened"), this._by(row.opened_at, row.opened_by)],
        [text("records_closed_at"), row.closed_at ? context.moment(row.closed_at) : ""],
      ]),
    );
    if (!row.closed_at) this._addForms(card, row, titled);
    return { card, title, record: row.record };
  }

  _addForms(card, row, titled) {
    const context = this._context;
    const kind = this._kind;
    const ways = {
      change: (fields) => context.call("record_save", this._site, { kind, record: row.record, fields }),
      close: (fields) => context.call("record_close", this._site, { record: row.record, fields }),
    };
    const forms = Object.entries(ways).map(([name, enter]) => {
      const what = context.text(name === "close" ? `records_close_${kind}` : "records_change");
      const form = this._asking(name, row, enter);
      form.hidden = true;
      form.classList.add("within");
      form.prepend(make("p", { class: "hint" }, context.text(`records_${name}_about`)));
      const label = context.text("records_way_of", { what, record: titled });
      const button = make("button", { type: "button", class: "second", "aria-expanded": "false", "aria-label": label, onclick: () => open(form) }, what);
      return { form, button };
    });
    const open = (form) => {
      for (const each of forms) {
        each.form.hidden = each.form !== form || !each.form.hidden;
        each.button.setAttribute("aria-expanded", String(!each.form.hidden));
      }
      if (!form.hidden) form.querySelector("input, textarea, select")?.focus();
    };
    card.append(make("div", { class: "buttons" }, ...forms.map((each) => each.button)), ...forms.map((each) => each.form));
  }

  // A form of the book's fields, to open, change or close a record; `enter` gets them.
  _asking(way, row, enter) {
    const context = this._context;
    const prefix = `record${++made}`;
    const asked = this._fields.filter((each) => !each.steward);
    const required = (each) => (way === "close" ? each.required_to_close : each.required);
    const questions = new Questions(context, this._site, prefix, asked.map((each) => ({ ...each, required: required(each) })));
    if (row) questions.fill(row.fields);
    return makeForm(
      context,
      {},
      (form) => this._send(form, prefix, questions, enter, !row),
      ...questions.elements,
      ...endForm(make("button", { type: "submit" }, context.text("records_enter"))),
    );
  }

  async _send(form, prefix, questions, enter, blank) {
    const context = this._context;
    const fields = questions.read(form);
    if (!fields) return;
    const doing = async () => {
      await enter(fields);
      if (blank) questions.clear();
      await this.refresh();
      sayDone(this.element, this._told, context.text("records_done"));
    };
    await send(form, this._told, doing, (error) => tell(context, form, prefix, error, "records"));
  }

  // The form for a new record: what is typed for one book waits while another is looked at.
  _offerNew() {
    const kind = this._kind;
    const key = JSON.stringify([kind, this._fields]);
    if (!this._forms.has(key)) {
      this._forms.set(key, this._asking("new", null, (fields) => this._context.call("record_save", this._site, { kind, record: null, fields })));
    }
    this._newTitle.textContent = this._context.text(`records_new_${kind}`);
    put(this._newForm, [this._forms.get(key)]);
    this._new.hidden = this._closed;
  }

  // To the record that is wanted.
  _lead() {
    const shown = this._wanted && [...this._held.values()].find((each) => each.record === this._wanted);
    this._wanted = null;
    if (!shown) return;
    shown.card.scrollIntoView();
    shown.title.focus();
  }
}
