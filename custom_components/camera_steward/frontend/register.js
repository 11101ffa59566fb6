// The manager's page of the viewing register: who watched what, when, and who was refused.

import { Book, lines } from "./book.js";
import { field, fill, make } from "./parts.js";

const DAYS = 7;
const COLUMNS = ["at", "name", "purpose", "camera", "watched", "kind", "remarks", "client"];

export class RegisterPage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._people = {};
    this._cameras = { ...site.cameras };
    this._person = make("select");
    this._camera = make("select");
    this._book = new Book(context, site, {
      page: "register",
      texts: "register",
      command: "viewings",
      rows: "viewings",
      days: DAYS,
      columns: COLUMNS,
      fields: [
        field("register-person", context.text("register_name"), this._person),
        field("register-camera", context.text("register_camera"), this._camera),
      ],
      query: () => this._query(),
      more: () => context.call("permissions", site),
      read: (rows, { users }) => this._read(rows, users),
      cells: (row) => this._cells(row),
      kind: (row) => (row.refusal ? "denied" : null),
    });
    this.element = this._book.element;
  }

  // When it comes onto the screen: what was asked for before, as it is now.
  open() {
    this._book.show();
  }

  clear() {
    this._book.clear();
    this._people = {};
    this._offer();
  }

  printed() {
    return this._book.printed();
  }

  // ------------------------------------------------------------------ what is asked for

  _offer() {
    const context = this._context;
    const sorted = (named) => Object.entries(named).sort((one, other) => one[1].localeCompare(other[1], context.language));
    fill(this._person, [["", context.text("register_everyone")], ...sorted(this._people)]);
    fill(this._camera, [["", context.text("register_every_camera")], ...sorted(this._cameras)]);
  }

  _query() {
    const asked = {};
    if (this._person.value) asked.user_id = this._person.value;
    if (this._camera.value) asked.camera = this._camera.value;
    return asked;
  }

  // Who and what is in the register can be asked for.
  _read(rows, users) {
    const context = this._context;
    Object.assign(this._people, users);
    for (const row of rows) {
      if (row.user_id !== null && row.name !== null) this._people[row.user_id] = row.name;
      if (row.camera_id !== null && !(row.camera_id in this._site.cameras)) {
        this._cameras[row.camera_id] = context.text("camera_was_removed", { camera: row.camera });
      }
    }
    this._offer();
  }

  // ------------------------------------------------------------------ what was found

  _cells(row) {
    const context = this._context;
    const option = (name, value) => (value ? context.text(`${name}_${value}`) : "");
    return {
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
  }
}
