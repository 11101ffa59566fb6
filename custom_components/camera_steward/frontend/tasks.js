// What people have to do by a date, each with the form that says it is done; what is done elsewhere leads there.

import { endForm, makeForm, sayDone, send, tell } from "./forms.js";
import { facts, make, put } from "./parts.js";
import { Questions } from "./questions.js";
import { marked } from "./states.js";

const STATES = ["overdue", "due", "upcoming"];

// Which page does it, or shows what it is about, and what that begins with.
const PAGES = {
  adopt_rules: () => ["papers", { paper: "rules" }],
  review_rules: () => ["papers", { paper: "rules" }],
  post_sign: () => ["papers", { paper: "sign" }],
  pledge: () => ["own"],
  recovery_kit: () => ["kit"],
  review_viewings: () => ["register"],
  answer_inquiry: ({ id }) => ["records", { kind: "inquiry", record: id }],
  contract_clause: ({ id }) => ["records", { kind: "contractor", record: id }],
  remove_device: () => ["removal"],
  remove_sign: () => ["removal"],
  dispose_medium: ({ id }) => ["records", { kind: "medium", record: id }],
  post_prior_notice: ({ id }) => ["papers", { paper: "prior_notice", subject: id }],
  post_site_notice: ({ id }) => ["papers", { paper: "site_notice", subject: id }],
  assess_risks: ({ id }) => ["papers", { paper: "risk_sheet", subject: id }],
  assess_reidentification: ({ id }) => ["papers", { paper: "reidentification", subject: id }],
  brief_staff: ({ id }) => ["papers", { paper: "staff_sheet", subject: id }],
  adopt_usage_rules: ({ id }) => ["papers", { paper: "usage_rules", subject: id }],
  review_feedback: () => ["records", { kind: "feedback" }],
  approve_background: ({ id }) => ["utilizations", { utilization: id }],
};

// What is entered on that page, where it is also put into use.
const THERE = ["approve_background"];

let made = 0;

export class TasksPage {
  constructor(context, site, go) {
    this._context = context;
    this._site = site;
    this._go = go;
    this._held = new Map();
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._none = make("p", { role: "status" }, context.text("panel_waiting"));
    this._lists = new Map(STATES.map((state) => [state, this._list(state)]));
    this.element = make(
      "div",
      {},
      make("section", {}, make("h2", {}, context.text("tasks_title")), make("p", { class: "hint" }, context.text("tasks_about")), this._trouble, this._told, this._none),
      ...[...this._lists.values()].map((each) => each.section),
    );
  }

  open() {
    this.refresh();
    this._lead();
  }

  clear() {
    this._told.textContent = "";
    this._show([]);
    this._none.textContent = "";
  }

  // Look again what is to be done. What is being typed stays.
  async refresh() {
    try {
      const tasks = await this._context.call("tasks", this._site, { language: this._context.language });
      this._trouble.textContent = "";
      this._show(tasks);
      this._lead();
      // What is not there was done meanwhile.
      this._wanted = null;
    } catch (error) {
      this._trouble.textContent = this._context.error(error);
      this._none.textContent = "";
    }
  }

  // Begin with a task that another page names.
  begin({ task }) {
    this._wanted = task;
    if (this.element.isConnected) this._lead();
  }

  // ------------------------------------------------------------------ what is to be done

  _list(state) {
    const list = make("ul", { class: "cards" });
    const title = this._context.text(`tasks_${state}_title`);
    const hint = this._context.text(`tasks_${state}_about`);
    const section = make("section", { hidden: true }, make("h2", {}, title), make("p", { class: "hint" }, hint), list);
    return { list, section };
  }

  _show(tasks) {
    const held = new Map();
    for (const each of tasks) {
      // A form stays while what it asks does.
      const key = JSON.stringify([each.task, each.may, each.by_hand, each.questions]);
      const shown = this._held.get(key) ?? this._card(each);
      this._showFacts(shown, each);
      held.set(key, { ...shown, state: each.state, may: each.may });
    }
    this._held = held;
    for (const [state, { list, section }] of this._lists) {
      const found = [...held.values()].filter((each) => each.state === state);
      // One's own first; in the order of their dates otherwise.
      const cards = [true, false].flatMap((may) => found.filter((each) => each.may === may)).map((each) => each.card);
      put(list, cards);
      section.hidden = !cards.length;
    }
    this._none.textContent = tasks.length ? "" : this._context.text("tasks_none");
  }

  _card(task) {
    const context = this._context;
    const title = make("h3", { tabindex: "-1" }, this._titled(task));
    const about = make("p", {}, task.about);
    const told = make("div");
    const shown = { task: task.task, title, told, card: make("li", {}, told, title, about) };
    const detail = make("div");
    shown.detail = detail;
    shown.card.append(detail);
    const buttons = make("div", { class: "buttons" });
    const byItself = !task.by_hand || THERE.includes(task.kind);
    if (byItself) shown.card.append(make("p", {}, this._byItself(task)), buttons);
    else if (!task.may) shown.card.append(make("p", { class: "hint" }, context.text("tasks_not_yours")), buttons);
    else this._addForm(shown, task, buttons);
    buttons.append(...this._pages(task));
    return shown;
  }

  _titled({ title, subject }) {
    return subject.kind === "site" ? title : this._context.text("tasks_of", { task: title, subject: subject.name });
  }

  _showFacts(shown, { state, due_at: due, product_default: ours, last }) {
    const context = this._context;
    const said = JSON.stringify([state, due, ours, last]);
    if (shown.said === said) return;
    shown.said = said;
    const label = ours ? [make("span", { class: "label" }, context.text("tasks_product_default"))] : [];
    shown.told.replaceChildren(make("div", { class: "about" }, marked(state, context.text(`tasks_state_${state}`, { day: context.day(due) })), ...label));
    shown.detail.replaceChildren(facts([[context.text("tasks_last"), last ? context.text("tasks_last_by", { at: context.moment(last.at), by: last.by }) : ""]]));
  }

  // What does it, where nobody says so by hand.
  _byItself({ kind, subject }) {
    const key = `tasks_by_${kind}`;
    return this._context.text(this._context.knows(key) ? key : "tasks_by_itself", { name: subject.name });
  }

  _pages({ kind, by_hand: byHand, subject }) {
    const context = this._context;
    const [page, begins] = PAGES[kind]?.(subject) ?? [];
    // One's own page is one's own; the rest is the manager's.
    const mine = page === "own" ? subject.id === context.hass.user.id : this._site.role === "manager";
    if (!page || !mine) return [];
    const said = context.text("tasks_open", { page: context.text(`panel_${page}`) });
    return [make("button", { type: "button", class: byHand ? "second" : null, onclick: () => this._go(page, begins) }, said)];
  }

  // ------------------------------------------------------------------ to say that it is done

  _addForm(shown, task, buttons) {
    const context = this._context;
    const prefix = `task${++made}`;
    const questions = new Questions(context, this._site, prefix, task.questions);
    const form = makeForm(
      context,
      { hidden: true, class: "within" },
      () => this._enter(task, titled, form, prefix, questions, open),
      ...questions.elements,
      ...endForm(
        make("button", { type: "submit" }, context.text("tasks_enter")),
        make("button", { type: "button", class: "second", onclick: () => open(false) }, context.text("hold_cancel")),
      ),
    );
    const titled = this._titled(task);
    const button = make("button", { type: "button", "aria-expanded": "false", "aria-label": context.text("tasks_do_of", { task: titled }), onclick: () => open(form.hidden) }, context.text("tasks_do"));
    const open = (shows) => {
      form.hidden = !shows;
      button.setAttribute("aria-expanded", String(shows));
      if (shows) form.querySelector("input, textarea, select")?.focus();
      else button.focus();
    };
    shown.open = () => open(true);
    buttons.append(button);
    shown.card.append(buttons, form);
  }

  async _enter(task, titled, form, prefix, questions, open) {
    const context = this._context;
    const answers = questions.read(form);
    if (!answers) return;
    const doing = async () => {
      await context.call("task_done", this._site, { task: task.task, answers });
      questions.clear();
      open(false);
      await this.refresh();
      sayDone(this.element, this._told, context.text("tasks_done", { task: titled }));
    };
    await send(form, this._told, doing, (error) => tell(context, form, prefix, error, "tasks"));
  }

  // To the task that is wanted, with its form; gone is what was done meanwhile.
  _lead() {
    const shown = this._wanted && [...this._held.values()].find((each) => each.task === this._wanted);
    if (!shown) return;
    this._wanted = null;
    shown.card.scrollIntoView();
    if (shown.open) shown.open();
    else shown.title.focus();
  }
}
