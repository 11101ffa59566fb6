// The manager's guided way to take a camera down: what is still open, the decision, the steps, the record,
// and the end, with which it leaves the settings.

import { lacks, makeForm, sayDone, send, tell } from "./forms.js";
import { choices, chosen, facts, field, fill, make, offer, pastDay } from "./parts.js";
import { LANGUAGES, showDocument } from "./record.js";
import { marked } from "./states.js";

// What is chosen at first, and where it is no camera but all of them.
const NONE = "";
const WHOLE = "*";

export class RemovalPage {
  constructor(context, site, go) {
    this._context = context;
    this._site = site;
    this._go = go;
    this._asked = 0;
    const text = (key) => context.text(key);
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._what = make("select", { onchange: () => this._choose() });
    this._open = make("div");
    this._steps = make("ol", { class: "steps" });
    this._decided = make("div");
    this._begin = this._beginning();
    this._finish = this._finishing();
    this._withdrawal = this._withdrawing();
    const section = (name, ...parts) => make("section", { hidden: true }, make("h2", { tabindex: "-1" }, text(`removal_${name}_title`)), make("p", { class: "hint" }, text(`removal_${name}_about`)), ...parts);
    this._sections = {
      open: section("open", this._open),
      begin: section("begin", this._begin),
      steps: section("steps", this._decided, this._steps, this._withdrawal),
      finish: section("finish", this._finish),
    };
    this.element = make(
      "div",
      {},
      make("section", {}, make("h2", {}, text("removal_title")), make("p", { class: "hint" }, text("removal_about")), this._trouble, this._told, field("removal-what", text("removal_what"), this._what)),
      ...Object.values(this._sections),
    );
    this._offer();
  }

  open() {
    this._offer();
    this.refresh();
  }

  clear() {
    this._asked += 1;
    for (const each of Object.values(this._sections)) each.hidden = true;
    this.element.querySelector("dialog")?.close();
  }

  // Take the site as it is now: cameras come and go.
  meet(site) {
    this._site = site;
    const chosen = this._what.value;
    this._offer();
    if (this._what.value !== chosen) this._choose();
  }

  async refresh() {
    if (this._what.value === NONE) return;
    const asked = ++this._asked;
    try {
      const found = await this._context.call("removal", this._site, { camera: this._camera(), language: this._context.language });
      // Who chose another meanwhile does not want this any more.
      if (asked !== this._asked) return;
      this._trouble.textContent = "";
      this._show(found);
    } catch (error) {
      if (asked !== this._asked) return;
      this.clear();
      this._trouble.textContent = this._context.error(error);
    }
  }

  // ------------------------------------------------------------------ which

  _offer() {
    const cameras = Object.entries(this._site.cameras);
    fill(this._what, [[NONE, this._context.text("permit_choose")], ...cameras, [WHOLE, this._context.text("removal_whole")]]);
  }

  _camera() {
    return this._what.value === WHOLE ? null : this._what.value;
  }

  _choose() {
    this.clear();
    this._told.textContent = "";
    this._trouble.textContent = "";
    for (const each of [this._begin, this._finish, this._withdraw]) each.reset();
    this._warn();
    this.refresh();
  }

  // ------------------------------------------------------------------ what is still open

  _show(found) {
    const { record, steps } = found;
    this._record = record?.record;
    this._showOpen(found);
    this._sections.open.hidden = false;
    this._sections.begin.hidden = Boolean(record);
    this._sections.steps.hidden = this._sections.finish.hidden = !record;
    if (record) this._showSteps(record, steps);
  }

  _showOpen({ recording, holds, disclosures, inquiries, footage }) {
    const context = this._context;
    const text = (key, values) => context.text(key, values);
    const said = JSON.stringify([recording, holds, disclosures, inquiries, footage]);
    if (this._said === said) return;
    this._said = said;
    // What there is, and a way to where it is dealt with.
    const list = (each, page, begins, say) => {
      if (!each.length) return text("removal_none");
      const go = make("button", { type: "button", class: "link", onclick: () => this._go(page, begins) }, text("tasks_open", { page: text(`panel_${page}`) }));
      return make("div", {}, make("ul", {}, ...each.map((found) => make("li", {}, say(found)))), go);
    };
    const kept = footage.segments
      ? text("removal_footage", { count: context.number(footage.segments), oldest: context.moment(footage.oldest_at), gone_by: context.moment(footage.gone_by) })
      : text("removal_footage_none");
    this._open.replaceChildren(
      facts([
        [text("removal_recording"), text(recording ? "removal_recording_on" : "removal_recording_off")],
        [text("removal_holds"), list(holds, "holds", null, (each) => text("removal_hold", { until: context.day(each.until), reason: each.reason }))],
        [text("removal_disclosures"), list(disclosures, "disclosures", null, (each) => text("removal_disclosure", each))],
        [text("removal_inquiries"), list(inquiries, "records", { kind: "inquiry", record: inquiries[0]?.record }, (each) => text("removal_inquiry", { ...each, day: context.date(each.received_on) }))],
        [text("removal_kept"), kept],
      ]),
    );
  }

  // ------------------------------------------------------------------ the decision

  _beginning() {
    const context = this._context;
    const text = (key) => context.text(key);
    this._erase = choices("removal-erase", text("removal_erase"), "radio");
    this._erase.classList.add("needed");
    offer(this._erase, ["limit", "now"].map((each) => [each, text(`removal_erase_${each}`), text(`removal_erase_${each}_hint`)]));
    const sure = choices("removal-sure", text("removal_sure"));
    offer(sure, [["yes", text("removal_sure_yes")]]);
    this._warning = make(
      "div",
      { class: "warning", hidden: true },
      make("p", {}, marked("breached", text("removal_warning"))),
      field("removal-reason", text("removal_reason"), make("textarea", { rows: "2", maxlength: "4000", required: true }), text("removal_reason_hint")),
      sure,
    );
    this._erase.addEventListener("input", () => this._warn());
    return makeForm(
      context,
      {},
      () => this._decide(),
      make(
        "div",
        { class: "pair" },
        field("removal-decided_on", text("removal_decided_on"), pastDay(context)),
        field("removal-body", text("removal_body"), make("input", { type: "text", maxlength: "500", autocomplete: "off", required: true }), text("removal_body_hint")),
      ),
      field("removal-medium", text("removal_medium"), make("textarea", { rows: "2", maxlength: "4000" }), text("removal_medium_hint")),
      field("removal-notified", text("removal_notified"), make("textarea", { rows: "2", maxlength: "4000" }), text("removal_notified_hint")),
      this._erase,
      this._warning,
      make("p", { role: "alert", class: "refused" }),
      make("button", { type: "submit" }, text("removal_begin")),
    );
  }

  // What cannot be undone is said before it is chosen for good.
  _warn() {
    this._warning.hidden = chosen(this._erase)[0] !== "now";
  }

  async _decide() {
    const context = this._context;
    const form = this._begin;
    const value = (name) => form.querySelector(`#removal-${name}`).value.trim();
    const [erase] = chosen(this._erase);
    const now = erase === "now";
    const given = { camera: this._camera(), decided_on: value("decided_on"), body: value("body"), erase, medium: value("medium"), notified: value("notified") };
    if (now) given.reason = value("reason");
    const wrong = {
      decided_on: !given.decided_on || given.decided_on > context.today(),
      body: !given.body,
      erase: !erase,
      reason: now && !given.reason,
      sure: now && !form.querySelector("#removal-sure input:checked"),
    };
    if (lacks(form, "removal", wrong, (name) => context.text(`removal_needs_${name}`))) return;
    await this._send(form, "removal_begin", given, () => context.text("removal_begun"));
  }

  // ------------------------------------------------------------------ the steps

  _showSteps(record, steps) {
    const context = this._context;
    const said = JSON.stringify([record, steps]);
    if (this._stepped === said) return;
    this._stepped = said;
    this._steps.replaceChildren(...steps.map((each) => this._step(each)));
    const button = (language) =>
      make("button", { type: "button", class: "second", onclick: () => this._print(language) }, context.text(`removal_print_${language}`));
    const { decided_on: day, body, reason, erase } = record.fields;
    this._decided.replaceChildren(
      facts([
        [context.text("removal_decided_on"), context.date(day)],
        [context.text("removal_body"), body],
        [context.text("removal_erase"), context.text(`removal_erase_${erase}`)],
        [context.text("removal_reason"), reason],
      ]),
      make("div", { class: "buttons" }, ...LANGUAGES.map(button)),
    );
  }

  _step({ task, title, done_at: at, done_by: by }) {
    const context = this._context;
    if (at) return make("li", {}, marked("done", title), make("p", { class: "hint" }, context.text("tasks_last_by", { at: context.moment(at), by })));
    const go = make("button", { type: "button", class: "second", "aria-label": context.text("tasks_do_of", { task: title }), onclick: () => this._go("tasks", { task }) }, context.text("tasks_do"));
    return make("li", {}, marked("due", title), ...(task ? [make("div", { class: "buttons" }, go)] : []));
  }

  async _print(language) {
    const context = this._context;
    this._trouble.textContent = "";
    try {
      const { html, file } = await context.call("paper", this._site, { paper: "removal", language, subject: this._record, options: {} });
      showDocument(context, context.text(`removal_print_${language}`), html, this.element, file);
    } catch (error) {
      this._trouble.textContent = context.error(error);
    }
  }

  // ------------------------------------------------------------------ taken back

  _withdrawing() {
    const context = this._context;
    const text = (key) => context.text(key);
    this._withdraw = makeForm(
      context,
      {},
      () => this._takeBack(),
      make("p", { class: "hint" }, text("removal_withdraw_about")),
      field("withdraw-reason", text("removal_withdraw_reason"), make("textarea", { rows: "2", maxlength: "4000", required: true })),
      make("p", { role: "alert", class: "refused" }),
      make("button", { type: "submit", class: "second" }, text("removal_withdraw")),
    );
    return make("details", {}, make("summary", {}, text("removal_withdraw")), this._withdraw);
  }

  async _takeBack() {
    const context = this._context;
    const form = this._withdraw;
    const reason = form.querySelector("#withdraw-reason").value.trim();
    if (lacks(form, "withdraw", { reason: !reason }, () => context.text("removal_needs_reason"))) return;
    await this._send(form, "removal_withdraw", { record: this._record, reason }, () => {
      this._withdrawal.open = false;
      return context.text("removal_withdrawn");
    });
  }

  // ------------------------------------------------------------------ the end

  _finishing() {
    const context = this._context;
    const text = (key) => context.text(key);
    const sure = choices("finish-sure", text("removal_finish_sure"));
    sure.classList.add("needed");
    offer(sure, [["yes", text("removal_finish_yes")]]);
    return makeForm(context, {}, () => this._end(), sure, make("p", { role: "alert", class: "refused" }), make("button", { type: "submit" }, text("removal_finish")));
  }

  async _end() {
    const context = this._context;
    const form = this._finish;
    const sure = form.querySelector("input:checked");
    if (lacks(form, "finish", { sure: !sure }, () => context.text("removal_needs_finish"))) return;
    const name = this._what.selectedOptions[0].textContent;
    const whole = this._camera() === null;
    await this._send(form, "removal_finish", { record: this._record }, () => {
      const cameras = { ...this._site.cameras };
      delete cameras[this._what.value];
      this._what.value = NONE;
      this.meet({ ...this._site, cameras });
      this.clear();
      return context.text(whole ? "removal_finished_whole" : "removal_finished", { camera: name });
    });
  }

  async _send(form, command, given, done) {
    const doing = async () => {
      await this._context.call(command, this._site, given);
      const told = done();
      form.reset();
      this._warn();
      await this.refresh();
      sayDone(this.element, this._told, told);
    };
    await send(form, this._told, doing, (error) => tell(this._context, form, "removal", error));
  }
}
