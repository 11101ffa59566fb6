// The manager's page of the viewing register: who watched what, when, and who was refused.

import { download, field, fill, firstWrong, make, mark } from "./parts.js";

const DAYS = 7;
const DRAWN = 500;
const DAY_MS = 86_400_000;
const COLUMNS = ["at", "name", "purpose", "camera", "watched", "kind", "remarks", "client"];

export class RegisterPage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._asked = 0;
    this._people = {};
    this._cameras = { ...site.cameras };
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
      make("h2", {}, context.text("panel_register")),
      this._form,
      this._trouble,
      make("div", { class: "above" }, this._told, this._buttons),
      this._table,
    );
  }

  // When it comes onto the screen: what was asked for before, as it is now.
  open() {
    this._show();
  }

  clear() {
    this._asked += 1;
    this._chosen = null;
    this._people = {};
    this._told.textContent = "";
    this._buttons.hidden = true;
    this._table.replaceChildren();
    this._offer();
  }

  // What a printer gets: the table under its title, without the page around it.
  printed() {
    if (!this._chosen) return null;
    const { from, to } = this._chosen;
    const title = this._context.text("register_of", { site: this._site.title, start: this._context.date(from), end: this._context.date(to) });
    const told = make("p", {}, this._told.textContent);
    return make("div", {}, make("h1", {}, title), told, this._table.cloneNode(true));
  }

  // ------------------------------------------------------------------ what is asked for

  _build() {
    const context = this._context;
    const today = context.typed(Date.now()).slice(0, 10);
    const day = (value) => make("input", { type: "date", max: "2199-12-30", required: true, value });
    const form = make(
      "form",
      { novalidate: true, class: "filter" },
      field("register-from", context.text("register_from"), day(later(today, 1 - DAYS))),
      field("register-to", context.text("register_to"), day(today)),
      field("register-person", context.text("register_name"), make("select")),
      field("register-camera", context.text("register_camera"), make("select")),
      make("button", { type: "submit" }, context.text("register_show")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._show();
    });
    return form;
  }

  _offer() {
    const { _context: context, _form: form } = this;
    const sorted = (named) => Object.entries(named).sort((one, other) => one[1].localeCompare(other[1], context.language));
    fill(form.querySelector("#register-person"), [["", context.text("register_everyone")], ...sorted(this._people)]);
    fill(form.querySelector("#register-camera"), [["", context.text("register_every_camera")], ...sorted(this._cameras)]);
  }

  _query({ from, to, person, camera }) {
    const asked = { start: `${from}T00:00:00`, end: `${later(to, 1)}T00:00:00` };
    if (person) asked.user_id = person;
    if (camera) asked.camera = camera;
    return asked;
  }

  async _show() {
    const { _context: context, _form: form } = this;
    const [from, to, person, camera] = ["from", "to", "person", "camera"].map((id) => form.querySelector(`#register-${id}`).value);
    mark(form, "register-from", from ? "" : context.text("register_needs_day"));
    mark(form, "register-to", to && from <= to ? "" : context.text("register_needs_day"));
    const wrong = firstWrong(form);
    if (wrong) {
      wrong.focus();
      return;
    }
    const asked = ++this._asked;
    this._trouble.textContent = "";
    this._told.textContent = context.text("panel_waiting");
    try {
      const found = await context.call("viewings", this._site, this._query({ from, to, person, camera }));
      const { users } = await context.call("permissions", this._site);
      // Who asked again meanwhile does not want this any more.
      if (asked !== this._asked) return;
      this._chosen = { from, to, person, camera };
      this._draw(found.viewings, users);
    } catch (error) {
      if (asked !== this._asked) return;
      this._told.textContent = "";
      this._trouble.textContent = context.error(error);
    }
  }

  async _download() {
    const { _context: context, _chosen: chosen } = this;
    this._trouble.textContent = "";
    try {
      const asked = { ...this._query(chosen), as_csv: true, language: context.language };
      const { csv } = await context.call("viewings", this._site, asked);
      const name = context.text("register_of", { site: this._site.title, start: chosen.from, end: chosen.to });
      download(this.element, name, "csv", new Blob([csv], { type: "text/csv;charset=utf-8" }));
    } catch (error) {
      this._trouble.textContent = context.error(error);
    }
  }

  // ------------------------------------------------------------------ what was found

  _draw(rows, users) {
    const context = this._context;
    Object.assign(this._people, users);
    for (const row of rows) {
      if (row.user_id !== null && row.name !== null) this._people[row.user_id] = row.name;
      if (row.camera_id !== null && !(row.camera_id in this._site.cameras)) {
        this._cameras[row.camera_id] = context.text("camera_was_removed", { camera: row.camera_id });
      }
    }
    this._offer();
    const { from, to } = this._chosen;
    const number = (count) => count.toLocaleString(context.language);
    const counted = rows.length > DRAWN ? "register_newest" : "register_count";
    this._told.textContent = rows.length
      ? context.text(counted, { count: number(rows.length), shown: number(DRAWN) })
      : context.text("register_none", { start: this._context.date(from), end: this._context.date(to) });
    this._buttons.hidden = !rows.length;
    if (!rows.length) {
      this._table.replaceChildren();
      return;
    }
    // Roles by name: on a narrow screen the rows are laid out as cards, and stay a table to a reader.
    const heads = COLUMNS.map((each) => make("th", { scope: "col", role: "columnheader" }, context.text(`register_${each}`)));
    this._table.replaceChildren(
      make(
        "table",
        { role: "table", "aria-label": context.text("panel_register") },
        make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)),
        make("tbody", { role: "rowgroup" }, ...rows.slice(0, DRAWN).map((each) => this._row(each))),
      ),
    );
  }

  _row(row) {
    const context = this._context;
    const lines = (texts) => texts.map((each) => make("div", {}, each));
    const option = (name, value) => (value ? context.text(`${name}_${value}`) : "");
    const cells = {
      at: [make("time", { datetime: row.at }, context.day(row.at), " ", context.clock(row.at, true))],
      name: [
        make("div", {}, row.name ?? context.text("refusal_nobody")),
        ...(row.role ? [make("div", { class: "hint" }, option("role", row.role))] : []),
      ],
      purpose: [option("purpose", row.purpose)],
      camera: [row.camera_id === null ? "" : this._cameras[row.camera_id]],
      watched: lines(context.watched(row.watched)),
      kind: [option("kind", row.kind)],
      remarks: [
        ...(row.refusal ? [make("div", { class: "mark denied" }, context.text("register_refused", { why: option("refusal", row.refusal) }))] : []),
        ...row.unusual.map((each) => make("div", { class: "mark" }, option("unusual", each))),
        ...(row.refusal || row.ended_at ? [] : [make("div", { class: "hint" }, context.text("register_open"))]),
      ],
      client: [row.client ?? ""],
    };
    return make(
      "tr",
      { role: "row", class: row.refusal ? "denied" : null },
      ...COLUMNS.map((each) => make("td", { role: "cell", class: each, "data-label": context.text(`register_${each}`) }, ...cells[each])),
    );
  }
}

// Return the day that comes some days later.
function later(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
