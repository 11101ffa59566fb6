// The page of holds: what is kept past its time, until when and why; for the manager renewal, review
// and release; for manager and operators a form to preserve footage.

import { endForm, lacks, makeForm, send, tell } from "./forms.js";
import { choices, chosen, facts, field, fillCards, make, offer, seconds } from "./parts.js";

const HOUR_MS = 3_600_000;

export class HoldsPage {
  constructor(context, site, go) {
    this._context = context;
    this._site = site;
    this._go = go;
    this._held = new Map();
    this._about = make("p", { class: "hint" });
    this._list = make("ul", { class: "cards" }, make("li", { class: "none" }, context.text("panel_waiting")));
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._form = this._build();
    this._place = make("section", {}, make("h2", { tabindex: "-1" }, context.text("hold_title")), this._form);
    this.element = make(
      "div",
      {},
      make("section", {}, make("h2", {}, context.text("holds_title")), this._about, this._trouble, this._told, this._list),
      this._place,
    );
  }

  open() {
    this.refresh();
    if (this._begun) this._lead();
  }

  clear() {
    this._told.textContent = "";
    this._show([]);
  }

  // Look again what is held. What is being typed stays.
  async refresh() {
    const context = this._context;
    try {
      const form = await context.call("handover_form", this._site);
      const holds = await context.call("holds", this._site);
      this._offer(form);
      this._show(holds);
      this._trouble.textContent = "";
    } catch (error) {
      this._trouble.textContent = context.error(error);
      if (!this._held.size) this._list.replaceChildren();
    }
  }

  // Begin with what is known elsewhere: who asks, and what for.
  begin({ requested_by: body, reason, document, document_at: day }) {
    const given = { requested_by: body, reason, document, document_at: day };
    for (const [name, text] of Object.entries(given)) if (text) this._get(name).value = text;
    this._begun = true;
    if (this.element.isConnected) this._lead();
  }

  // To the form, which was begun elsewhere.
  _lead() {
    this._begun = false;
    this._place.scrollIntoView();
    this._place.querySelector("h2").focus();
  }

  // ------------------------------------------------------------------ what is held

  _show(holds) {
    const held = new Map();
    for (const each of holds) {
      const key = `${each.hold} ${this._role}`;
      const shown = this._held.get(key) ?? this._card(each);
      this._showFacts(shown, each);
      held.set(key, shown);
    }
    this._held = held;
    fillCards(this._list, [...held.values()].map((each) => each.card), this._context.text("holds_none"));
  }

  _card(hold) {
    const context = this._context;
    const title = make("h3", {}, context.list(hold.cameras.map((each) => each.camera)));
    const told = make("div");
    const shown = { card: make("li", {}, title, told), told };
    if (this._role !== "manager") return shown;
    const forms = ["renew", "review", "release"].map((each) => this._action(hold, each));
    const open = (form) => {
      for (const each of forms) each.form.hidden = each.form !== form || !each.form.hidden;
      for (const each of forms) each.button.setAttribute("aria-expanded", String(!each.form.hidden));
      if (!form.hidden) form.querySelector("textarea").focus();
    };
    for (const each of forms) {
      each.button.addEventListener("click", () => open(each.form));
      each.form.addEventListener("reset", () => { if (!each.form.hidden) open(each.form); });
    }
    const hand = make("button", { type: "button", class: "second", onclick: () => this._go("handover", { hold: hold.hold }) }, context.text("hold_hand_over"));
    shown.card.append(
      make("div", { class: "buttons" }, ...forms.map((each) => each.button), hand),
      ...forms.map((each) => each.form),
    );
    return shown;
  }

  _showFacts(shown, hold) {
    const said = JSON.stringify(hold);
    if (shown.said === said) return;
    shown.said = said;
    const context = this._context;
    const text = (key, values) => context.text(key, values);
    const number = (count) => count.toLocaleString(context.language);
    const due = make("span", { class: hold.review_due ? "mark denied" : "" });
    due.textContent = text(hold.review_due ? "hold_review_due" : "hold_review_by", { day: context.day(hold.review_at) });
    const left = text("hold_left", { days: context.count(hold.days_left, "day") });
    const state = {
      copying: text("hold_copying", { done: number(hold.copied), count: number(hold.segments) }),
      kept: text("hold_kept", { size: context.size(hold.size_bytes) }),
      ending: text("hold_ending"),
    }[hold.state];
    const lost = hold.unreadable ? [make("div", { class: "mark denied" }, text("hold_lost", { count: number(hold.unreadable) }))] : [];
    const day = hold.document_at ? context.date(hold.document_at) : "";
    const role = hold.role ? text(`role_${hold.role}`) : "";
    shown.told.replaceChildren(
      facts([
        [text("hold_until"), make("span", {}, context.moment(hold.until), " ", make("span", { class: "mark" }, left))],
        [text("hold_next_review"), due],
        [text("hold_footage"), context.span(hold.start, hold.end, true)],
        [text("hold_requested_by"), hold.requested_by],
        [text("hold_document"), [hold.document, day].filter(Boolean).join(" ")],
        [text("hold_reason"), hold.reason],
        [text("hold_placed_by"), [hold.placed_by, role, context.moment(hold.placed_at)].filter(Boolean).join(" ")],
        [text("hold_copy"), make("div", {}, state, ...lost)],
        [text("hold_number"), hold.hold],
      ]),
    );
  }

  // ------------------------------------------------------------------ what the manager does with it

  _action(hold, name) {
    const context = this._context;
    const text = (key) => context.text(key);
    const id = `${name}-${hold.hold}`;
    const what = name === "review" ? "note" : "reason";
    const form = makeForm(
      context,
      { hidden: true, class: "within" },
      () => this._act(hold, name, form, id, what),
      make("p", { class: "hint" }, text(`hold_${name}_about`)),
      field(`${id}-${what}`, text(`hold_${name}_${what}`), make("textarea", { rows: "2", maxlength: "500", required: true })),
    );
    if (name === "renew") form.append(field(`${id}-until_at`, text("hold_renew_days"), this._days()));
    if (name === "release") {
      const sure = choices(`${id}-sure`, text("hold_release_sure"));
      offer(sure, [["yes", text("hold_release_yes")]]);
      form.append(sure);
    }
    form.append(
      ...endForm(
        make("button", { type: "submit" }, text(`hold_${name}`)),
        make("button", { type: "reset", class: "second" }, text("hold_cancel")),
      ),
    );
    const cameras = context.list(hold.cameras.map((each) => each.camera));
    const button = make(
      "button",
      { type: "button", class: "second", "aria-expanded": "false", "aria-label": context.text(`hold_${name}_of`, { cameras }) },
      text(`hold_${name}`),
    );
    return { form, button };
  }

  async _act(hold, name, form, id, what) {
    const context = this._context;
    const given = { hold: hold.hold, [what]: form.querySelector(`#${id}-${what}`).value.trim() };
    const days = form.querySelector(`#${id}-until_at`);
    if (days) given.days = Number(days.value);
    const wrong = { [what]: !given[what] };
    if (days) wrong.until_at = !this._fits(days);
    if (name === "release") wrong.sure = !form.querySelector("input:checked");
    if (this._lacks(form, id, wrong)) return;
    await this._send(form, id, `hold_${name}`, given, () => {
      form.reset();
      return context.text(`hold_${name}_done`, { hold: hold.hold });
    });
  }

  // ------------------------------------------------------------------ the form

  _build() {
    const context = this._context;
    const text = (key) => context.text(key);
    const moment = () => make("input", { type: "datetime-local", step: "1", max: "2199-12-31T23:59:59", required: true });
    this._cameras = choices("hold-cameras", text("hold_cameras"));
    this._cameras.classList.add("needed");
    const form = makeForm(
      context,
      {},
      () => this._hold(),
      this._cameras,
      make(
        "div",
        { class: "pair" },
        field("hold-start", text("hold_start"), moment()),
        field("hold-end_at", text("hold_end"), moment()),
      ),
      field("hold-requested_by", text("hold_requested_by"), make("input", { type: "text", maxlength: "500", autocomplete: "off", required: true }), text("hold_requested_by_hint")),
      field("hold-reason", text("hold_reason"), make("textarea", { rows: "2", maxlength: "500", required: true }), text("hold_reason_hint")),
      make(
        "div",
        { class: "pair" },
        field("hold-document", text("hold_document_number"), make("input", { type: "text", maxlength: "500", autocomplete: "off" })),
        field("hold-document_at", text("hold_document_day"), make("input", { type: "date", max: "2199-12-31" })),
      ),
      field("hold-until_at", text("hold_days"), this._days()),
      make("p", { role: "alert", class: "refused" }),
      make("button", { type: "submit" }, text("hold_place")),
    );
    this._blank(form);
    return form;
  }

  _days() {
    const input = make("input", { type: "number", min: "1", step: "1", inputmode: "numeric", required: true });
    this._limit(input);
    return input;
  }

  // What is given at first is what a form goes back to; what was typed stays.
  _limit(input) {
    if (!this._lengths) return;
    input.max = String(this._lengths.longest);
    input.defaultValue = String(this._lengths.usual);
  }

  _fits(input) {
    return input.checkValidity() && Number.isInteger(Number(input.value));
  }

  _get(name) {
    return this._form.querySelector(`#hold-${name}`);
  }

  // Begin anew: the last hour, and the only camera where there is one.
  _blank(form) {
    form.reset();
    const now = Date.now();
    form.querySelector("#hold-start").value = this._context.typed(now - HOUR_MS, true);
    form.querySelector("#hold-end_at").value = this._context.typed(now, true);
    this._chooseOnly();
  }

  _chooseOnly() {
    const boxes = this._cameras.querySelectorAll("input");
    if (boxes.length === 1) boxes[0].checked = true;
  }

  _offer({ role, cameras, hold_days: usual, longest_hold_days: longest }) {
    const context = this._context;
    const days = context.count(longest, "day");
    this._role = role;
    this._about.textContent = context.text(role === "manager" ? "holds_about" : "holds_about_operator", { days });
    const first = !this._cameras.querySelector("input");
    offer(
      this._cameras,
      cameras.map((each) => offered(context, each)),
    );
    if (first) this._chooseOnly();
    this._lengths = { usual, longest };
    this._limit(this._get("until_at"));
  }

  async _hold() {
    const context = this._context;
    const given = {
      cameras: chosen(this._cameras),
      // As a clock in the home shows it: Home Assistant takes times without a zone so.
      start: seconds(this._get("start").value),
      end: seconds(this._get("end_at").value),
      requested_by: this._get("requested_by").value.trim(),
      reason: this._get("reason").value.trim(),
      document: this._get("document").value.trim(),
      document_at: this._get("document_at").value || null,
      days: Number(this._get("until_at").value),
    };
    const wrong = {
      cameras: !given.cameras.length,
      start: !given.start,
      end_at: !given.end || given.end <= given.start || given.end > context.typed(Date.now(), true),
      requested_by: !given.requested_by,
      reason: !given.reason,
      until_at: !this._fits(this._get("until_at")),
    };
    if (this._lacks(this._form, "hold", wrong)) return;
    await this._send(this._form, "hold", "hold", given, (made) => {
      this._blank(this._form);
      return context.text("hold_placed", { until: context.moment(made.until), hold: made.hold });
    });
  }

  // ------------------------------------------------------------------ both

  // Say beside each field what it lacks; return whether anything does.
  _lacks(form, prefix, wrong) {
    return lacks(form, prefix, wrong, (name) => this._context.text(`hold_needs_${name}`));
  }

  async _send(form, prefix, command, given, done) {
    const doing = async () => {
      const told = done(await this._context.call(command, this._site, given));
      await this.refresh();
      this._told.textContent = told;
      this._told.focus();
    };
    await send(form, this._told, doing, (error) => tell(this._context, form, prefix, error, "hold"));
  }
}

// A camera to choose: its id, its name, and from when to when there is footage of it.
export function offered(context, { camera_id: id, camera, removed, oldest, newest }) {
  const name = removed ? context.text("camera_was_removed", { camera }) : camera;
  const kept = oldest ? context.text("hold_there_is", { span: context.span(oldest, newest) }) : context.text("hold_no_footage");
  return [id, name, kept];
}
