// The manager's page of the copies outside the vault: what, where, until when, and when last checked.

import { make } from "./parts.js";

const COLUMNS = ["what", "where", "until", "past", "checked"];
const ORIGINS = ["automatic", "manual", "other"];
const MORE = ["foreign", "opens", "protected", "silent", "noticed"];

export class CopiesPage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._trouble = make("p", { role: "alert" });
    this._count = make("p", { role: "status" }, context.text("panel_waiting"));
    this._rows = make("div", { class: "rows" });
    this.element = make(
      "section",
      {},
      make("h2", {}, context.text("copies_title")),
      make("p", { class: "hint" }, context.text("copies_about")),
      this._trouble,
      this._count,
      this._rows,
    );
  }

  // Not again by itself: each look asks wherever backups are kept.
  async open() {
    try {
      this._show(await this._context.call("copies", this._site));
      this._trouble.textContent = "";
    } catch (error) {
      this.clear();
      this._trouble.textContent = this._context.error(error);
    }
  }

  clear() {
    this._count.textContent = "";
    this._rows.replaceChildren();
  }

  _show({ copies, looked_at: at }) {
    const context = this._context;
    const count = (past) => copies.filter((each) => each.past_limit === past).length;
    this._count.textContent = context.text("copies_count", {
      count: copies.length,
      past: count(true),
      unknown: count(null),
      at: context.moment(at),
    });
    const head = COLUMNS.map((each) => make("th", { scope: "col" }, context.text(`copies_${each}`)));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...copies.map((each) => this._row(each))));
    this._rows.replaceChildren(copies.length ? table : make("p", { class: "hint" }, context.text("copies_none")));
  }

  _row(copy) {
    const cells = [this._what(copy), this._where(copy), this._until(copy), [this._past(copy)], this._checked(copy)];
    return make(
      "tr",
      { class: copy.past_limit ? "denied" : null },
      ...cells.map((lines, column) =>
        make("td", { "data-label": this._context.text(`copies_${COLUMNS[column]}`) }, ...this._lines(lines)),
      ),
    );
  }

  _what({ kind, name, camera, by, note, holds, remarks }) {
    const context = this._context;
    const found = kind === "files";
    const held = holds.map(([place, own]) => (place === "folder" ? own : context.text(`copies_${place}`)));
    const what = context.list([...new Set(held)]);
    const sure = !remarks.includes("unsure");
    const remarked = (names) => names.filter((each) => remarks.includes(each)).map((each) => context.text(`copies_remark_${each}`));
    return [
      make("span", { class: "mark" }, name),
      context.list([context.text(`copies_kind_${kind}`), ...remarked(ORIGINS)]),
      camera,
      by && context.text(found ? "copies_by" : "copies_responsible", { by }),
      holds.length && context.text(sure ? "copies_holds" : "copies_may_hold", { what }),
      ...remarked(MORE),
      note,
    ];
  }

  _where({ kind, where }) {
    const nowhere = this._context.text(kind === "backup" ? "copies_this_machine" : "copies_place_unknown");
    return where.map((each) => each || nowhere);
  }

  _until({ end, holds_until: until, kept_hours: hours }) {
    const context = this._context;
    return [
      context.text(`copies_end_${end}`, {
        date: until && context.day(until),
        length: hours && context.length(hours),
      }),
    ];
  }

  _past({ past_limit: past }) {
    const key = { true: "copies_past_yes", false: "copies_past_no" }[past] ?? "copies_past_unknown";
    return make("span", { class: past ? "mark denied" : "mark" }, this._context.text(key));
  }

  _checked({ kind, made_at: made, checked_at: checked, remarks }) {
    const context = this._context;
    return [
      checked && context.day(checked),
      made && context.text(kind === "backup" ? "copies_made" : "copies_seen", { at: context.day(made) }),
      remarks.includes("due") && make("span", { class: "mark denied" }, context.text("copies_remark_due")),
    ];
  }

  // The first line as it is, the others smaller below it.
  _lines(lines) {
    return lines
      .filter(Boolean)
      .map((each, number) => (each instanceof Node ? make("div", {}, each) : make("div", { class: number ? "hint" : null }, each)));
  }
}
