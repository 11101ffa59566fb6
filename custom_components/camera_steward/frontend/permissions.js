// The manager's page of guest permissions: those that hold, how each was used, and a form to give one.

import { lacks, send } from "./forms.js";
import { choices, chosen, field, fill, fillCards, make, offer, permissionFacts } from "./parts.js";

const HOURS = [0.5, 1, 2, 4, 8, 12, 24];
const FIRST_HOURS = 1;
const FIRST_SPAN_HOURS = 3;
const HOUR_MS = 3_600_000;

export class PermissionsPage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._held = new Map();
    this._list = make("ul", { class: "cards" }, make("li", { class: "none" }, context.text("panel_waiting")));
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._form = this._build();
    this.element = make(
      "div",
      {},
      make(
        "section",
        {},
        make("h2", {}, context.text("permissions_title")),
        make("p", { class: "hint" }, context.text("permissions_about")),
        this._trouble,
        this._told,
        this._list,
      ),
      make("section", {}, make("h2", {}, context.text("permit_title")), this._form),
    );
  }

  open() {
    this.refresh();
  }

  clear() {
    this._told.textContent = "";
    this._show([]);
  }

  // Look again what holds and how it was used. What is being typed stays.
  async refresh() {
    const context = this._context;
    try {
      const found = await context.call("permissions", this._site);
      this._offer(found.users, found.longest_hours);
      this._show(found.permissions);
      this._trouble.textContent = "";
    } catch (error) {
      this._trouble.textContent = context.error(error);
      if (!this._held.size) this._list.replaceChildren();
    }
  }

  // ------------------------------------------------------------------ those that hold

  _show(permissions) {
    const held = new Map();
    for (const each of permissions) {
      const shown = this._held.get(each.permission) ?? this._card(each);
      this._showUses(shown, each.uses);
      held.set(each.permission, shown);
    }
    this._held = held;
    fillCards(this._list, [...held.values()].map((each) => each.card), this._context.text("permissions_none"));
  }

  _card(permission) {
    const context = this._context;
    const uses = make("div");
    const button = make(
      "button",
      { type: "button", class: "second", "aria-label": context.text("permission_end_of", { name: permission.name }) },
      context.text("permission_end"),
    );
    button.addEventListener("click", () => this._end(permission, button));
    const facts = permissionFacts(context, this._site, permission);
    return { card: make("li", {}, make("h3", {}, permission.name), facts, uses, button), uses };
  }

  _showUses(shown, uses) {
    const context = this._context;
    const lines = uses?.map((each) => {
      const [kind, purpose] = ["kind", "purpose"].map((name) => each[name] && context.text(`${name}_${each[name]}`));
      const what = [each.camera, kind, purpose, ...context.watched(each.watched)];
      return `${context.moment(each.at, true)} ${context.list(what.filter(Boolean))}`;
    });
    const said = JSON.stringify(lines ?? null);
    if (shown.said === said) return;
    shown.said = said;
    shown.uses.replaceChildren(
      make("h4", {}, context.text("permission_uses")),
      lines?.length
        ? make("ul", {}, ...lines.map((each) => make("li", {}, each)))
        : make("p", { class: "hint" }, context.text(lines ? "permission_unused" : "permission_uses_unknown")),
    );
  }

  async _end(permission, button) {
    button.disabled = true;
    this._told.textContent = "";
    try {
      await this._context.call("withdraw", this._site, { permission: permission.permission });
      this._told.textContent = this._context.text("permission_ended", { name: permission.name });
      await this.refresh();
      this._told.focus();
    } catch (error) {
      await this.refresh();
      this._trouble.textContent = this._context.error(error);
    }
    button.disabled = false;
  }

  // ------------------------------------------------------------------ the form

  _build() {
    const context = this._context;
    const text = (key) => context.text(key);
    this._cameras = choices("permit-cameras", text("permission_cameras"));
    offer(this._cameras, Object.entries(this._site.cameras));
    const form = make(
      "form",
      { novalidate: true },
      field("permit-user", text("permit_user"), make("select", { required: true }), text("permit_user_hint")),
      field("permit-name", text("permit_name"), make("input", { type: "text", maxlength: "100", autocomplete: "off", required: true }), text("permit_name_hint")),
      this._cameras,
      make(
        "div",
        { class: "pair" },
        field("permit-start", text("permit_start"), make("input", { type: "datetime-local", max: "2199-12-31T23:59", required: true })),
        field("permit-end", text("permit_end"), make("input", { type: "datetime-local", max: "2199-12-31T23:59", required: true })),
      ),
      field("permit-reason", text("permission_reason"), make("textarea", { rows: "2", maxlength: "500", required: true }), text("permit_reason_hint")),
      field("permit-hours", text("permit_hours"), make("select")),
      make("p", { role: "alert", class: "refused" }),
      make("button", { type: "submit" }, text("permit_give")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._give();
    });
    this._blank(form);
    return form;
  }

  _get(id) {
    return this._form.querySelector(`#permit-${id}`);
  }

  // Begin anew: the last hours, and the only camera where there is one.
  _blank(form) {
    form.reset();
    const now = Date.now();
    form.querySelector("#permit-start").value = this._context.typed(now - FIRST_SPAN_HOURS * HOUR_MS).replace(/\d\d$/, "00");
    form.querySelector("#permit-end").value = this._context.typed(now);
    form.querySelector("#permit-hours").value = FIRST_HOURS;
    const boxes = this._cameras.querySelectorAll("input");
    if (boxes.length === 1) boxes[0].checked = true;
  }

  _offer(users, longest) {
    const people = Object.entries(users).sort((one, other) => one[1].localeCompare(other[1], this._context.language));
    fill(this._get("user"), [["", this._context.text("permit_choose")], ...people]);
    const hours = this._get("hours");
    const first = !hours.options.length;
    fill(hours, HOURS.filter((each) => each <= longest).map((each) => [String(each), this._context.length(each)]));
    if (first) hours.value = FIRST_HOURS;
  }

  _lacks(given) {
    const wrong = {
      user: !given.user_id,
      name: !given.name,
      cameras: !given.cameras.length,
      start: !given.start,
      end: !given.end || given.end <= given.start,
      reason: !given.reason,
    };
    return lacks(this._form, "permit", wrong, (id) => this._context.text(`permit_needs_${id}`));
  }

  async _give() {
    const context = this._context;
    const given = {
      user_id: this._get("user").value,
      name: this._get("name").value.trim(),
      cameras: chosen(this._cameras),
      // As a clock in the home shows it: Home Assistant takes times without a zone so.
      start: this._get("start").value,
      end: this._get("end").value,
      reason: this._get("reason").value.trim(),
      hours: Number(this._get("hours").value),
    };
    if (this._lacks(given)) return;
    const doing = async () => {
      const made = await context.call("permit", this._site, given);
      this._told.textContent = context.text("permit_given", { name: made.name, until: context.moment(made.until) });
      this._blank(this._form);
      await this.refresh();
      this._told.focus();
    };
    await send(this._form, this._told, doing, (error) => {
      this._form.querySelector(".refused").textContent = context.error(error);
    });
  }
}
