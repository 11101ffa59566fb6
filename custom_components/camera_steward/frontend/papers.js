// The manager's page of papers: each made from the settings as they are, to read, print and save; the sign
// as it is wanted, and the adoption of the rules.

import { endForm, lacks, makeForm, sayDone, send } from "./forms.js";
import { choices, chosen, facts, field, fill, make, offer, pastDay, put } from "./parts.js";
import { showDocument } from "./record.js";
import { Sign } from "./sign.js";
import { marked } from "./states.js";

const SHORT = 12;

export class PapersPage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._held = new Map();
    this._trouble = make("p", { role: "alert" });
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._list = make("ul", { class: "cards" }, make("li", { class: "none" }, context.text("panel_waiting")));
    this._sign = new Sign(context, site, () => this._leaveSign());
    this._sign.element.hidden = true;
    const group = (title) => {
      const list = make("ul", { class: "cards" });
      return { list, section: make("section", { hidden: true }, make("h2", {}, context.text(title)), list) };
    };
    this._groups = { utilization: group("papers_utilizations_title"), register: group("papers_registers_title") };
    this._papers = make(
      "div",
      {},
      make(
        "section",
        {},
        make("h2", { tabindex: "-1" }, context.text("papers_title")),
        make("p", { class: "hint" }, context.text("papers_about")),
        this._trouble,
        this._told,
        this._list,
      ),
      ...Object.values(this._groups).map((each) => each.section),
    );
    this.element = make("div", {}, this._papers, this._sign.element);
  }

  open() {
    this.refresh();
    this._lead();
  }

  clear() {
    this._told.textContent = "";
    this._held.clear();
    this._list.replaceChildren();
    for (const { list, section } of Object.values(this._groups)) {
      list.replaceChildren();
      section.hidden = true;
    }
    this._sign.clear();
    this.element.querySelector("dialog")?.close();
  }

  async refresh() {
    const context = this._context;
    try {
      const papers = await context.call("papers", this._site, { language: context.language });
      this._trouble.textContent = "";
      this._show(papers);
      this._lead();
      this._wanted = null;
    } catch (error) {
      this._trouble.textContent = context.error(error);
      if (!this._held.size) this._list.replaceChildren();
    }
  }

  // Begin with a paper that another page names, and with what it is about.
  begin({ paper, subject = null }) {
    this._wanted = paper;
    this._about = subject;
    if (this.element.isConnected) this._lead();
  }

  // ------------------------------------------------------------------ the papers

  _show(papers) {
    const held = new Map();
    for (const each of papers) {
      const shown = this._held.get(each.paper) ?? this._card(each);
      this._showFacts(shown, each);
      held.set(each.paper, shown);
    }
    this._held = held;
    const cards = (group) => [...held.values()].filter((each) => each.paper.group === group).map((each) => each.card);
    put(this._list, cards("site"));
    for (const [name, { list, section }] of Object.entries(this._groups)) {
      put(list, cards(name));
      section.hidden = !list.childElementCount;
    }
  }

  _card(paper) {
    const context = this._context;
    const subject = make("select", { "aria-label": context.text("papers_subject", { paper: paper.title }) });
    const named = choices(`paper-${paper.paper}-named`, context.text("papers_notice_shown"));
    offer(named, [["manager", context.text("papers_sign_manager")]]);
    const size = make("select", { "aria-label": context.text("papers_sign_size") });
    fill(size, ["a4", "a3"].map((each) => [each, context.text(`papers_size_${each}`)]));
    const shown = { paper, subject, named, size, told: make("div"), title: make("h3", { tabindex: "-1" }, paper.title) };
    const buttons = paper.languages.map((language) =>
      make(
        "button",
        { type: "button", class: "second", "aria-label": context.text(`papers_read_${language}`, { paper: paper.title }), onclick: () => this._read(shown, language) },
        context.text(`papers_language_${language}`),
      ),
    );
    const sign = make("button", { type: "button", onclick: () => this._makeSign() }, context.text("papers_sign_make"));
    shown.card = make(
      "li",
      {},
      shown.title,
      make("p", {}, paper.about),
      shown.told,
      ...(paper.paper === "notice" ? [named] : []),
      make("div", { class: "buttons" }, subject, ...(paper.paper === "site_notice" ? [size] : []), ...(paper.paper === "sign" ? [sign] : buttons)),
    );
    if (paper.paper === "rules") this._addAdoption(shown);
    return shown;
  }

  _showFacts(shown, paper) {
    const context = this._context;
    const text = (key, values) => context.text(key, values);
    shown.paper = paper;
    const said = JSON.stringify(paper);
    if (shown.said === said) return;
    shown.said = said;
    const { version, adopted, differing, subjects } = paper;
    fill(shown.subject, subjects.map((each) => [each.id, each.name]));
    shown.subject.hidden = !subjects.length;
    const isRules = paper.paper === "rules";
    const told = adopted && text("papers_adopted_by", { on: context.date(adopted.on), body: adopted.body, by: adopted.by, version: adopted.version.slice(0, SHORT) });
    shown.told.replaceChildren(
      facts([
        [text("papers_version"), version ? make("code", {}, version.slice(0, SHORT)) : ""],
        [text("papers_adopted"), isRules ? told || text("papers_adopted_never") : ""],
      ]),
    );
    if (!isRules) return;
    const same = adopted?.version === version;
    const state = same ? marked("done", text("papers_rules_same")) : marked("due", text(adopted ? "papers_rules_differ" : "papers_rules_new"));
    shown.told.append(state);
    shown.adopt.classList.toggle("second", same);
    if (adopted && differing.length) {
      shown.told.append(make("p", {}, text("papers_differing")), make("ul", {}, ...differing.map((each) => make("li", {}, each))));
    }
    shown.version.textContent = text("papers_adopt_version", { version: version.slice(0, SHORT) });
  }

  async _read({ paper, subject, named, size }, language) {
    const context = this._context;
    this._trouble.textContent = "";
    const asked = { paper: paper.paper, language, options: { manager: chosen(named).length > 0, size: size.value } };
    if (paper.subjects.length) asked.subject = subject.value;
    try {
      const { html, file } = await context.call("paper", this._site, asked);
      showDocument(context, context.text(`papers_read_${language}`, { paper: paper.title }), html, this.element, file);
    } catch (error) {
      this._trouble.textContent = context.error(error);
    }
  }

  // To the paper that is wanted.
  _lead() {
    const shown = this._wanted && this._held.get(this._wanted);
    if (!shown) return;
    this._wanted = null;
    // Its other papers are about the same.
    for (const { subject } of this._held.values()) {
      if ([...subject.options].some((each) => each.value === this._about)) subject.value = this._about;
    }
    shown.card.scrollIntoView();
    shown.title.focus();
  }

  // ------------------------------------------------------------------ the sign

  _makeSign() {
    this._papers.hidden = true;
    this._sign.element.hidden = false;
    this._sign.open(this._held.get("sign").paper.options);
    this.element.scrollIntoView();
  }

  _leaveSign() {
    this._sign.element.hidden = true;
    this._papers.hidden = false;
    const { card, title } = this._held.get("sign") ?? {};
    card?.scrollIntoView();
    title?.focus();
  }

  // ------------------------------------------------------------------ the rules

  _addAdoption(shown) {
    const context = this._context;
    const text = (key) => context.text(key);
    shown.version = make("p", {});
    const day = pastDay(context);
    const form = makeForm(
      context,
      { hidden: true, class: "within" },
      () => this._adopt(shown, form, open),
      make("p", { class: "hint" }, text("papers_adopt_about")),
      shown.version,
      field("adopt-adopted_on", text("papers_adopt_on"), day),
      field("adopt-body", text("papers_adopt_body"), make("input", { type: "text", maxlength: "500", autocomplete: "off", required: true }), text("papers_adopt_body_hint")),
      ...endForm(
        make("button", { type: "submit" }, text("papers_adopt_enter")),
        make("button", { type: "button", class: "second", onclick: () => open(false) }, text("hold_cancel")),
      ),
    );
    const button = make("button", { type: "button", "aria-expanded": "false", onclick: () => open(form.hidden) }, text("papers_adopt"));
    const open = (shows) => {
      form.hidden = !shows;
      button.setAttribute("aria-expanded", String(shows));
      (shows ? day : button).focus();
    };
    shown.adopt = button;
    shown.card.lastElementChild.append(button);
    shown.card.append(form);
  }

  async _adopt(shown, form, open) {
    const context = this._context;
    const value = (name) => form.querySelector(`#adopt-${name}`).value.trim();
    const given = { version: shown.paper.version, adopted_on: value("adopted_on"), body: value("body") };
    const wrong = { adopted_on: !given.adopted_on || given.adopted_on > context.today(), body: !given.body };
    if (lacks(form, "adopt", wrong, (name) => context.text(`papers_needs_${name}`))) return;
    const doing = async () => {
      await context.call("adopt_rules", this._site, given);
      form.reset();
      open(false);
      await this.refresh();
      sayDone(this.element, this._told, context.text("papers_adopted_done"));
    };
    await send(form, this._told, doing, (error) => {
      form.querySelector(".refused").textContent = context.error(error);
    });
  }
}
