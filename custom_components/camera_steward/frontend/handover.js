// The manager's page for handing footage over: who asks and on what ground, what of which footage,
// a summary to approve, and then one download with its password.

import { Approved } from "./approved.js";
import { particulars } from "./disclosures.js";
import { endForm, lacks, makeForm, send, tell } from "./forms.js";
import { offered } from "./holds.js";
import { choices, chosen, facts, field, fill, make, mark, offer, seconds } from "./parts.js";

const STEPS = ["ask", "refuse", "order", "check", "approved"];

export class HandoverPage {
  constructor(context, site, go) {
    this._context = context;
    this._site = site;
    this._go = go;
    this._kinds = new Map();
    this._holds = new Map();
    this._inputs = new Map();
    this._particulars = make("div");
    this._waiting = make("p", { role: "status" }, context.text("panel_waiting"));
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._forms = { ask: this._ask(), refuse: this._refuse(), order: this._order(), check: this._check() };
    this._approved = new Approved(context, site, { again: () => this._leave("check"), done: () => this._finish() });
    this._sections = Object.fromEntries(STEPS.map((each) => [each, this._section(each)]));
    this.element = make("div", {}, this._trouble, ...Object.values(this._sections));
    this._step("ask", false);
  }

  open() {
    this.refresh();
    this._approved.watch();
  }

  // What was seen goes, the password above all; what was typed stays.
  clear() {
    this._told.textContent = "";
    this._holds.clear();
    for (const each of [this._hold, this._preserved]) each.replaceChildren();
    if (this._approved.waits) this._leave("ask");
    this.element.querySelector("dialog")?.close();
  }

  // Look again what there is to hand over. What is being typed stays.
  async refresh() {
    const context = this._context;
    try {
      const form = await context.call("handover_form", this._site);
      const holds = await context.call("holds", this._site);
      this._offer(form, holds);
      this._trouble.textContent = "";
      this._waiting.remove();
    } catch (error) {
      this._trouble.textContent = context.error(error);
    }
  }

  // Begin with a hold.
  begin({ hold }) {
    this._wanted = hold;
    if (this._holds.has(hold)) this._want();
  }

  // ------------------------------------------------------------------ the steps

  _section(name) {
    const context = this._context;
    const title = make("h2", { tabindex: "-1" }, context.text(`handover_${name}_title`));
    const first = name === "ask" ? [make("p", { class: "hint" }, context.text("handover_about")), this._told, this._waiting] : [];
    return make("section", {}, title, ...first, this._forms[name] ?? this._approved.element);
  }

  _step(name, focus = true) {
    this._at = name;
    for (const [each, section] of Object.entries(this._sections)) section.hidden = each !== name;
    // The same fields, whether it is refused or approved.
    if (name === "refuse" || name === "order") this._forms[name].querySelector(".particulars").append(this._particulars);
    if (!focus) return;
    this.element.scrollIntoView();
    this._sections[name].querySelector("h2").focus();
  }

  _form(submit, ...parts) {
    return makeForm(this._context, {}, submit, ...parts);
  }

  _buttons(next, back, ...more) {
    const text = (key) => this._context.text(key);
    const earlier = back ? [make("button", { type: "button", class: "second", onclick: () => this._step(back()) }, text("handover_back"))] : [];
    return endForm(make("button", { type: "submit" }, text(next)), ...earlier, ...more);
  }

  _text(name, { rows = 0, required = true } = {}) {
    const input = rows
      ? make("textarea", { rows: String(rows), maxlength: "500", required })
      : make("input", { type: "text", maxlength: "500", autocomplete: "off", required });
    const hint = `handover_${name}_hint`;
    return field(`handover-${name}`, this._context.text(`handover_${name}`), input, this._context.knows(hint) ? this._context.text(hint) : "");
  }

  _value(name) {
    return this.element.querySelector(`#handover-${name}`).value.trim();
  }

  // Say beside each field of a step what it lacks; return whether anything does.
  _lacks(step, wrong) {
    return lacks(this._forms[step], "handover", wrong, (name) => {
      const key = `handover_needs_${name}`;
      return this._context.text(this._context.knows(key) ? key : "handover_needs");
    });
  }

  // ------------------------------------------------------------------ 1: who asks

  _ask() {
    this._kind = choices("handover-kind", this._context.text("handover_kind"), "radio");
    this._kind.classList.add("needed");
    return this._form(
      () => this._asked(),
      this._kind,
      this._text("recipient"),
      this._text("reason", { rows: 2 }),
      ...this._buttons("handover_next"),
    );
  }

  _asked() {
    const [kind] = chosen(this._kind);
    if (this._lacks("ask", { kind: !kind, recipient: !this._value("recipient"), reason: !this._value("reason") })) return;
    this._askParticulars(this._kinds.get(kind));
    this._step(this._kinds.get(kind).ground ? "order" : "refuse");
  }

  // Show the fields of a kind of request; what was typed into one that another kind has too stays.
  _askParticulars({ kind, ground, particulars: asked }) {
    const context = this._context;
    const fields = asked.map(({ name, required, date, options }) => {
      const key = `${name} ${kind}`;
      const id = `handover-${name}`;
      if (!this._inputs.has(key)) {
        const input = options.length ? make("select") : make("input", date ? { type: "date", max: "2199-12-31" } : { type: "text", maxlength: "500", autocomplete: "off" });
        if (options.length) fill(input, [["", context.text("permit_choose")], ...options.map((each) => [each, context.text(`${name}_${each}`)])]);
        this._inputs.set(key, field(id, context.text(`particular_${name}`), input));
      }
      const made = this._inputs.get(key);
      const input = made.querySelector(`#${id}`);
      input.required = ground && required;
      const before = this._particulars.querySelector(`#${id}`);
      if (before && before !== input && !input.value) input.value = before.value;
      return made;
    });
    this._particulars.replaceChildren(...fields);
    for (const each of this._forms.refuse.querySelectorAll("[data-ground]")) each.hidden = each.dataset.ground !== String(ground);
    for (const each of this._forms.refuse.querySelectorAll(".self")) each.hidden = kind !== "self";
  }

  _request() {
    const [kind] = chosen(this._kind);
    const given = this._kinds.get(kind).particulars.map(({ name }) => [name, this._value(name)]);
    return {
      kind,
      particulars: Object.fromEntries(given.filter(([, value]) => value)),
      recipient: this._value("recipient"),
      reason: this._value("reason"),
    };
  }

  // ------------------------------------------------------------------ what is no ground

  _refuse() {
    const text = (key) => this._context.text(key);
    const way = (name, doing = null) =>
      make(
        "li",
        {},
        make("p", {}, text(`handover_instead_${name}`)),
        ...(doing ? [make("button", { type: "button", class: "second", onclick: doing }, text(`handover_do_${name}`))] : []),
      );
    this._preserved = make("select");
    return this._form(
      () => this._enterRefusal(),
      make(
        "div",
        { "data-ground": "false" },
        make("p", {}, text("handover_no_ground")),
        make("p", { class: "self" }, text("handover_no_ground_self")),
        make("h3", {}, text("handover_instead")),
        make(
          "ul",
          { class: "cards" },
          way("preserve", () => this._preserve()),
          way("written"),
          way("police"),
          make("li", { class: "self" }, make("p", {}, text("handover_instead_look")), make("button", { type: "button", class: "second", onclick: () => this._go("permissions") }, text("handover_do_look"))),
        ),
        make("h3", {}, text("handover_refusal_title")),
      ),
      make("div", { class: "particulars" }),
      field("handover-preserved", text("handover_preserved"), this._preserved, text("handover_preserved_hint")),
      this._text("refusal", { rows: 2 }),
      ...this._buttons("handover_refuse", () => (this._kinds.get(chosen(this._kind)[0]).ground ? "order" : "ask")),
    );
  }

  _preserve() {
    const { particulars: known, recipient, reason } = this._request();
    this._go("holds", {
      requested_by: known.agency ?? recipient,
      reason,
      document: known.document_number,
      document_at: known.document_date,
    });
  }

  async _enterRefusal() {
    if (this._lacks("refuse", { refusal: !this._value("refusal") })) return;
    const hold = this._holds.get(this._preserved.value);
    const given = { ...this._request(), refusal: this._value("refusal") };
    if (hold) Object.assign(given, { hold: hold.hold, cameras: hold.cameras.map((each) => each.camera_id), start: hold.start, end: hold.end });
    const made = await this._send("refuse", "refuse_request", given);
    if (!made) return;
    this._blank();
    this._step("ask");
    this._told.textContent = this._context.text("handover_refused", { number: made.number });
    this._told.focus();
  }

  // ------------------------------------------------------------------ 2: which footage, and how it was checked

  _order() {
    const text = (key) => this._context.text(key);
    const moment = () => make("input", { type: "datetime-local", step: "1", max: "2199-12-31T23:59:59", required: true });
    this._hold = make("select", { onchange: () => this._useHold() });
    this._cameras = choices("handover-cameras", text("handover_cameras"));
    this._cameras.classList.add("needed");
    const refuse = make("button", { type: "button", class: "second", onclick: () => this._step("refuse") }, text("handover_refuse_after_all"));
    return this._form(
      () => this._ordered(),
      make("h3", {}, text("handover_ground_title")),
      make("div", { class: "particulars" }),
      this._text("identity", { rows: 2 }),
      make("h3", {}, text("handover_footage_title")),
      field("handover-hold", text("handover_from"), this._hold, text("handover_from_hint")),
      this._cameras,
      make(
        "div",
        { class: "pair" },
        field("handover-start", text("handover_start"), moment()),
        field("handover-end", text("handover_end"), moment()),
      ),
      make("h3", {}, text("handover_people_title")),
      this._text("in_charge"),
      this._text("witness", { required: false }),
      ...this._buttons("handover_next", () => "ask", refuse),
    );
  }

  _ordered() {
    const context = this._context;
    const [start, end] = ["start", "end"].map((name) => seconds(this._value(name)));
    const now = context.typed(Date.now(), true);
    const [kind] = chosen(this._kind);
    const particulars = this._kinds.get(kind).particulars.map(({ name, required, date }) => {
      const value = this._value(name);
      return [name, (required && !value) || (date && value > now.slice(0, 10))];
    });
    const wrong = {
      ...Object.fromEntries(particulars),
      identity: !this._value("identity"),
      cameras: !chosen(this._cameras).length,
      start: !start,
      end: !end || end <= start || end > now,
      in_charge: !this._value("in_charge"),
    };
    if (this._lacks("order", wrong)) return;
    this._summary.replaceChildren(this._summed());
    this._step("check");
  }

  // The span as it was typed; a hold's own where that was left as it is.
  _span() {
    const hold = this._holds.get(this._hold.value);
    const exact = (name) => {
      const typed = seconds(this._value(name));
      return hold && typed === this._context.typed(hold[name], true) ? hold[name] : typed;
    };
    return { start: exact("start"), end: exact("end") };
  }

  // A hold brings its cameras and its span along; less of it may be chosen.
  _useHold() {
    const hold = this._holds.get(this._hold.value);
    this._offerCameras();
    if (!hold) return;
    for (const each of this._cameras.querySelectorAll("input")) each.checked = true;
    for (const name of ["start", "end"]) this.element.querySelector(`#handover-${name}`).value = this._context.typed(hold[name], true);
    for (const name of ["cameras", "start", "end"]) mark(this._forms.order, `handover-${name}`);
  }

  _want() {
    this._hold.value = this._wanted;
    this._wanted = null;
    this._useHold();
  }

  _offer(form, holds) {
    const context = this._context;
    this._offered = form;
    this._kinds = new Map(form.kinds.map((each) => [each.kind, each]));
    this._holds = new Map(holds.filter((each) => each.state !== "ending").map((each) => [each.hold, each]));
    offer(
      this._kind,
      form.kinds.map(({ kind, ground }) => [kind, context.text(`request_${kind}`), context.text(ground ? "handover_is_ground" : "handover_is_none")]),
    );
    const offered = [...this._holds.values()].map((each) => [each.hold, this._named(each)]);
    fill(this._hold, [["", context.text("handover_from_vault")], ...offered]);
    fill(this._preserved, [["", context.text("handover_not_preserved")], ...offered]);
    if (this._wanted && this._holds.has(this._wanted)) this._want();
    else this._offerCameras();
  }

  _offerCameras() {
    const context = this._context;
    const hold = this._holds.get(this._hold.value);
    const cameras = hold
      ? hold.cameras.map((each) => [each.camera_id, each.camera])
      : this._offered.cameras.map((each) => offered(context, each));
    offer(this._cameras, cameras);
    const boxes = this._cameras.querySelectorAll("input");
    if (boxes.length === 1) boxes[0].checked = true;
  }

  _named(hold) {
    const context = this._context;
    const cameras = context.list(hold.cameras.map((each) => each.camera));
    return context.text("handover_hold", { cameras, span: context.span(hold.start, hold.end, true), body: hold.requested_by });
  }

  // ------------------------------------------------------------------ 3: to check

  _check() {
    const context = this._context;
    this._summary = make("div");
    return this._form(
      () => this._approve(),
      this._summary,
      make("p", {}, context.text("handover_approves", { name: this._site.name })),
      make("p", { class: "hint" }, context.text("handover_approves_hint")),
      ...this._buttons("handover_approve", () => "order"),
    );
  }

  _given() {
    return {
      ...this._request(),
      ...this._span(),
      cameras: chosen(this._cameras),
      identity: this._value("identity"),
      in_charge: this._value("in_charge"),
      witness: this._value("witness"),
      ...(this._hold.value ? { hold: this._hold.value } : {}),
    };
  }

  _summed() {
    const context = this._context;
    const text = (key) => context.text(key);
    const given = this._given();
    const boxes = [...this._cameras.querySelectorAll("label")].filter((each) => each.querySelector("input").checked);
    const names = boxes.map((each) => each.lastElementChild.firstElementChild.textContent);
    // As they were typed: times without a zone are the home's.
    const [start, end] = ["start", "end"].map((name) => `${seconds(this._value(name))}Z`);
    return facts([
      [text("disclosure_kind"), text(`request_${given.kind}`)],
      [text("disclosure_particulars"), particulars(context, given)],
      [text("disclosure_recipient"), given.recipient],
      [text("disclosure_reason"), given.reason],
      [text("disclosure_identity"), given.identity],
      [text("disclosure_cameras"), context.list(names)],
      [text("disclosure_footage"), context.span(start, end, true, "UTC")],
      [text("disclosure_hold"), given.hold],
      [text("disclosure_in_charge"), given.in_charge],
      [text("disclosure_witness"), given.witness],
    ]);
  }

  async _approve() {
    const made = await this._send("check", "disclose", this._given());
    if (!made) return;
    this._step("approved");
    this._approved.show(made, this._offered);
  }

  // Leave what was approved behind.
  _leave(step) {
    this._approved.clear();
    this._step(step);
  }

  _finish() {
    this._blank();
    this._leave("ask");
  }

  // ------------------------------------------------------------------ inside

  _blank() {
    for (const each of Object.values(this._forms)) each.reset();
    this._inputs.clear();
    this._particulars.replaceChildren();
    this._offerCameras();
  }

  // Send a command; an error is shown in the step whose field it names, else where it was sent.
  async _send(step, command, given) {
    const context = this._context;
    for (const each of Object.values(this._forms)) each.querySelector(".refused").textContent = "";
    let made = null;
    const doing = async () => { made = await context.call(command, this._site, given); };
    await send(this._forms[step], this._told, doing, (error) => {
      const name = error?.translation_placeholders?.field;
      const steps = [step, ...Object.keys(this._forms)];
      const at = name && steps.find((each) => this._forms[each].querySelector(`#handover-${CSS.escape(name)}`));
      if (at && at !== step) this._step(at);
      tell(context, this._forms[at || step], "handover", error);
    });
    return made;
  }
}
