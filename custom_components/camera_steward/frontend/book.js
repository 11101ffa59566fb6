// What the registers share: the days asked for, a table that a narrow screen shows as cards, CSV, paper.

import { download, field, focusWrong, make, mark } from "./parts.js";

const DRAWN = 500;
const DAY_MS = 86_400_000;

export class Book {
  // `command` returns rows as `rows`, or with `as_csv` a table; `days` are asked for at first.
  // `fields` stand in the form after the days, and `query` returns what of the command they are.
  // `read` sees the rows, and what `more` asked for, before they are drawn; `cells` returns a row's parts by column, `kind` its class.
  // `page` names the texts of the page, `texts` those of the columns.
  constructor(context, site, given) {
    this._context = context;
    this._site = site;
    this._given = { fields: [], query: () => ({}), more: () => null, read: () => {}, kind: () => null, ...given };
    this._asked = 0;
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status" });
    this._table = make("div", { class: "rows" });
    this._form = this._build();
    this._buttons = make(
      "div",
      { class: "buttons", hidden: true },
      make("button", { type: "button", class: "second", onclick: () => this._download() }, context.text("register_csv")),
      make("button", { type: "button", class: "second", onclick: () => window.print() }, context.text("register_print")),
    );
    this.element = make(
      "section",
      { class: "wide" },
      make("h2", {}, context.text(`panel_${given.page}`)),
      this._form,
      this._trouble,
      make("div", { class: "above" }, this._told, this._buttons),
      this._table,
    );
  }

  clear() {
    this._asked += 1;
    this._chosen = null;
    this._told.textContent = "";
    this._buttons.hidden = true;
    this._table.replaceChildren();
  }

  // What a printer gets: the table under its title, without the page around it.
  printed() {
    if (!this._chosen) return null;
    const [start, end] = [this._chosen.from, this._chosen.to].map((each) => this._context.date(each));
    const told = make("p", {}, this._told.textContent);
    const table = this._table.cloneNode(true);
    for (const each of table.querySelectorAll(".buttons")) each.remove();
    return make("div", {}, make("h1", {}, this._title(start, end)), told, table);
  }

  // Show what was asked for, as it is now.
  async show() {
    const { _context: context, _form: form, _given: given } = this;
    const [from, to] = ["from", "to"].map((id) => form.querySelector(`#register-${id}`).value);
    mark(form, "register-from", from ? "" : context.text("register_needs_day"));
    mark(form, "register-to", to && from <= to ? "" : context.text("register_needs_day"));
    if (focusWrong(form)) return;
    const query = { start: `${from}T00:00:00`, end: `${later(to, 1)}T00:00:00`, ...given.query() };
    const asked = ++this._asked;
    this._trouble.textContent = "";
    this._told.textContent = context.text("panel_waiting");
    try {
      const { [given.rows]: rows } = await context.call(given.command, this._site, query);
      const more = await given.more();
      // Who asked again meanwhile does not want this any more.
      if (asked !== this._asked) return;
      given.read(rows, more);
      this._chosen = { from, to, query };
      this._draw(rows);
    } catch (error) {
      if (asked !== this._asked) return;
      this._told.textContent = "";
      this._trouble.textContent = context.error(error);
    }
  }

  // Say what went wrong; nothing where all is well again.
  trouble(error) {
    this._trouble.textContent = error ? this._context.error(error) : "";
  }

  // ------------------------------------------------------------------ inside

  _title(start, end) {
    return this._context.text(`${this._given.page}_of`, { site: this._site.title, start, end });
  }

  _build() {
    const context = this._context;
    const today = context.today();
    const day = (value) => make("input", { type: "date", max: "2199-12-30", required: true, value });
    const form = make(
      "form",
      { novalidate: true, class: "filter" },
      field("register-from", context.text("register_from"), day(later(today, 1 - this._given.days))),
      field("register-to", context.text("register_to"), day(today)),
      ...this._given.fields,
      make("button", { type: "submit" }, context.text("register_show")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.show();
    });
    return form;
  }

  async _download() {
    const { _context: context, _chosen: chosen } = this;
    this._trouble.textContent = "";
    try {
      const asked = { ...chosen.query, as_csv: true, language: context.language };
      const { csv } = await context.call(this._given.command, this._site, asked);
      const name = this._title(chosen.from, chosen.to);
      download(this.element, name, "csv", new Blob([csv], { type: "text/csv;charset=utf-8" }));
    } catch (error) {
      this.trouble(error);
    }
  }

  _draw(rows) {
    const { _context: context, _given: given } = this;
    const number = (count) => count.toLocaleString(context.language);
    const counted = rows.length > DRAWN ? "register_newest" : "register_count";
    const [start, end] = [this._chosen.from, this._chosen.to].map((each) => context.date(each));
    this._told.textContent = rows.length
      ? context.text(counted, { count: number(rows.length), shown: number(DRAWN) })
      : context.text(`${given.page}_none`, { start, end });
    this._buttons.hidden = !rows.length;
    if (!rows.length) {
      this._table.replaceChildren();
      return;
    }
    // Roles by name: on a narrow screen the rows are laid out as cards, and stay a table to a reader.
    const heads = given.columns.map((each) => make("th", { scope: "col", role: "columnheader" }, this._column(each)));
    this._table.replaceChildren(
      make(
        "table",
        { role: "table", "aria-label": context.text(`panel_${given.page}`) },
        make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)),
        make("tbody", { role: "rowgroup" }, ...rows.slice(0, DRAWN).map((each) => this._row(each))),
      ),
    );
  }

  _column(name) {
    return this._context.text(`${this._given.texts}_${name}`);
  }

  _row(row) {
    const { cells, columns, kind } = this._given;
    const found = cells(row);
    return make(
      "tr",
      { role: "row", class: kind(row) },
      ...columns.map((each) => make("td", { role: "cell", class: each, "data-label": this._column(each) }, ...found[each])),
    );
  }
}

// Return the parts of a cell, each on a line of its own.
export function lines(texts) {
  return texts.map((each) => make("div", {}, each));
}

// Return the day that comes some days later.
function later(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
