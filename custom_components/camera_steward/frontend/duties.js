// How the duties of the pack stand: counts, what keeps cameras from recording, what needs attention and
// what to do about it; then the rest by state.

import { make, put } from "./parts.js";
import { marked } from "./states.js";

const ATTENTION = ["breached", "due", "not_enforced"];
const WELL = ["enforced", "evidence_held", "not_applicable"];

// Return how many need attention, of the counts by state.
export function attention(counts) {
  return ATTENTION.reduce((sum, each) => sum + (counts[each] ?? 0), 0);
}

export class DutiesPage {
  constructor(context, site, go) {
    this._context = context;
    this._site = site;
    this._go = go;
    this._cards = new Map();
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status" }, context.text("panel_waiting"));
    this._pack = make("p", { class: "hint" });
    this._counts = make("ul", { class: "counts" });
    this._gates = make("ul", { class: "cards" });
    this._wanting = make("ul", { class: "cards" });
    this._well = WELL.map((state) => this._fold(state));
    const text = (key) => context.text(key);
    this._parts = [
      make("section", {}, make("h2", {}, text("duties_gate_title")), make("p", { class: "hint" }, text("duties_gate_about")), this._gates),
      make("section", {}, make("h2", {}, text("duties_wanting_title")), this._wanting),
      make("section", {}, make("h2", {}, text("duties_well_title")), ...this._well.map((each) => each.details)),
    ];
    this.element = make(
      "div",
      {},
      make("section", {}, make("h2", {}, text("duties_title")), make("p", { class: "hint" }, text("duties_about")), this._trouble, this._told, this._counts, this._pack),
      ...this._parts,
    );
    this.clear();
    this._told.textContent = text("panel_waiting");
  }

  open() {
    this.refresh();
  }

  clear() {
    this._said = null;
    this._cards.clear();
    this._told.replaceChildren();
    this._pack.textContent = "";
    for (const each of [this._counts, this._gates, this._wanting]) each.replaceChildren();
    for (const each of this._parts) each.hidden = true;
  }

  async refresh() {
    try {
      const found = await this._context.call("duties", this._site, { language: this._context.language });
      this._trouble.textContent = "";
      this._show(found);
    } catch (error) {
      this.clear();
      this._trouble.textContent = this._context.error(error);
    }
  }

  // ------------------------------------------------------------------ inside

  _show(found) {
    const said = JSON.stringify(found);
    if (this._said === said) return;
    this._said = said;
    const { pack, counts, controls, gates } = found;
    const context = this._context;
    const count = attention(counts);
    const told = count ? context.text("duties_attention", { count: context.number(count) }) : context.text("duties_attention_none");
    this._told.replaceChildren(marked(count ? "due" : "done", told));
    this._counts.replaceChildren(
      ...[...ATTENTION, ...WELL].map((state) =>
        make("li", {}, marked(state, context.text(`state_${state}`)), make("strong", {}, context.number(counts[state] ?? 0))),
      ),
    );
    this._pack.textContent = context.text("duties_pack", { ...pack, as_of: context.date(pack.as_of.slice(0, 10)) });
    const [gate, wanting, well] = this._parts;
    gate.hidden = !gates.length;
    const shut = (each) => (each.open ? (each.provisional_until ? 1 : 2) : 0);
    const sorted = [...gates].sort((one, other) => shut(one) - shut(other));
    put(this._gates, sorted.map((each) => this._kept("gate", each.camera_id, each, () => this._gate(each))));
    const cards = (states) =>
      states.flatMap((state) => {
        const found = controls.filter((each) => each.state === state);
        return [...new Set(found.map((each) => each.id))].map((id) => {
          const group = found.filter((each) => each.id === id);
          return this._kept(state, id, group, () => this._card(group));
        });
      });
    wanting.hidden = !count;
    put(this._wanting, cards(ATTENTION));
    well.hidden = false;
    for (const each of this._well) {
      const held = cards([each.state]);
      each.details.hidden = !held.length;
      each.summary.replaceChildren(
        marked(each.state, context.text("duties_fold", { state: context.text(`state_${each.state}`), count: context.number(counts[each.state] ?? 0) })),
      );
      put(each.list, held);
    }
  }

  // A card as it was, while what it says is the same: it may hold the keyboard.
  _kept(kind, id, content, build) {
    const key = `${kind} ${id}`;
    const said = JSON.stringify(content);
    const held = this._cards.get(key);
    if (held?.said === said) return held.card;
    const card = build();
    this._cards.set(key, { said, card });
    return card;
  }

  _fold(state) {
    const summary = make("summary");
    const list = make("ul", { class: "cards" });
    const about = make("p", { class: "hint" }, this._context.text(`duties_about_${state}`));
    return { state, summary, list, details: make("details", {}, summary, about, list) };
  }

  // ------------------------------------------------------------------ may a camera record

  _gate({ camera, open, provisional_until: until, missing }) {
    const context = this._context;
    const state = !open ? ["closed", context.text("duties_gate_closed")] : until ? ["waiting", context.text("duties_gate_provisional", { until: context.moment(until) })] : ["done", context.text("duties_gate_open")];
    const lacking = missing.length ? [make("p", {}, context.text("duties_gate_missing")), make("ul", {}, ...missing.map((each) => make("li", {}, each)))] : [];
    return make("li", {}, make("h3", {}, camera), marked(...state), ...lacking);
  }

  // ------------------------------------------------------------------ a control

  // One duty in one state, with whom and what it is about in it.
  _card(group) {
    const context = this._context;
    const [{ cite, text, state, addressed, evidence, limit }] = group;
    // Of the guidebook, which is voluntary: addressed or not, in its own words.
    const item = typeof addressed === "boolean" ? [make("span", {}, context.text(addressed ? "duties_addressed" : "duties_not_addressed"))] : [];
    return make(
      "li",
      { class: "duty" },
      make("div", { class: "about" }, marked(state, context.text(`state_${state}`)), ...item, make("span", { class: "hint" }, cite)),
      make("h3", {}, text),
      ...group.map((each) => this._subject(each)),
      ...(evidence ? [make("p", { class: "hint" }, context.text("duties_evidence", { evidence }))] : []),
      ...(limit ? [make("p", { class: "hint" }, context.text("duties_limit", { limit }))] : []),
    );
  }

  _subject(control) {
    const context = this._context;
    const text = (key, values) => context.text(key, values);
    const { subject, since, voluntary, why, task, task_title: title, next_at: next, checked_at: at, checked_by: by } = control;
    const named = subject.kind === "site" ? [] : [make("h4", {}, subject.name)];
    const reasons = why.length ? [make("ul", {}, ...why.map((each) => make("li", {}, unnamed(each, subject.name))))] : [];
    const dates = [
      since && text("duties_since", { day: context.day(since) }),
      at && text("duties_checked", { at: context.moment(at), by }),
      next && text("duties_next", { day: context.day(next) }),
    ];
    const label = text("duties_do_of", { task: title, subject: subject.name });
    const doing = task && ATTENTION.includes(control.state)
      ? [make("div", { class: "buttons" }, make("button", { type: "button", class: "second", "aria-label": label, onclick: () => this._go("tasks", { task }) }, text("duties_do", { task: title })))]
      : [];
    return make(
      "div",
      { class: "subject" },
      ...named,
      ...(voluntary ? [make("p", { class: "hint" }, text("duties_voluntary"))] : []),
      ...reasons,
      make("p", { class: "hint dates" }, ...dates.filter(Boolean).map((each) => make("span", {}, each))),
      ...doing,
    );
  }
}

// A reason without the name of what it is about, which stands above it already.
function unnamed(reason, name) {
  const begins = [`${name}：`, `${name}: `].find((each) => reason.startsWith(each));
  if (!begins) return reason;
  const rest = reason.slice(begins.length);
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}
