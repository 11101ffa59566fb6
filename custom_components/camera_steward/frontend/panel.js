// The sidebar page: everyone's own role and pledge; for manager and operators duties, tasks, utilizations and
// what is preserved; for the manager papers, records, removal, permissions, the registers, hand-over, who can
// watch past the steward, copies, and the recovery kit.
// Texts come with Home Assistant's translations of the integration; nothing is loaded from elsewhere.

import { CopiesPage } from "./copies.js";
import { DisclosuresPage } from "./disclosures.js";
import { DutiesPage } from "./duties.js";
import { ExposurePage } from "./exposure.js";
import { HandoverPage } from "./handover.js";
import { HoldsPage } from "./holds.js";
import { KitPage } from "./kit.js";
import { OwnPage } from "./own.js";
import { PapersPage } from "./papers.js";
import { Context, DOMAIN, fill, make } from "./parts.js";
import { PermissionsPage } from "./permissions.js";
import { RecordsPage } from "./records.js";
import { RegisterPage } from "./register.js";
import { RemovalPage } from "./removal.js";
import { PRINTED, STYLE } from "./style.js";
import { TasksPage } from "./tasks.js";
import { UtilizationsPage } from "./utilizations.js";

const LOOK_AGAIN_MS = 30_000;
// A site that was there and is not may be starting anew.
const LOOK_SOON_MS = 2_000;
const AWAY_MS = 120_000;
const MANAGER = ["manager"];
const BOTH = ["manager", "operator"];
const PAGES = {
  duties: { Page: DutiesPage, roles: BOTH },
  tasks: { Page: TasksPage, roles: BOTH },
  papers: { Page: PapersPage, roles: MANAGER },
  records: { Page: RecordsPage, roles: MANAGER },
  removal: { Page: RemovalPage, roles: MANAGER },
  utilizations: { Page: UtilizationsPage, roles: BOTH, broad: true },
  permissions: { Page: PermissionsPage, roles: MANAGER },
  register: { Page: RegisterPage, roles: MANAGER, broad: true },
  holds: { Page: HoldsPage, roles: BOTH },
  handover: { Page: HandoverPage, roles: MANAGER },
  disclosures: { Page: DisclosuresPage, roles: MANAGER, broad: true },
  exposure: { Page: ExposurePage, roles: MANAGER },
  copies: { Page: CopiesPage, roles: MANAGER, broad: true },
  kit: { Page: KitPage, roles: MANAGER },
};

// How they stand in the navigation.
const GROUPS = {
  duties: ["own", "duties", "tasks", "utilizations", "papers", "records", "removal"],
  footage: ["permissions", "register", "holds", "handover", "disclosures", "exposure", "copies", "kit"],
};

// Before there are any texts.
const NO_ANSWER = { en: "Home Assistant does not answer.", ja: "Home Assistant から応答がありません。" };

// One person's pages. They outlast the panel, which Home Assistant makes anew at will: what is typed
// stays while its user looks something up elsewhere. Nothing of it is left for another user.
let kept = { whose: null, context: null, pages: new Map() };

// The panel that is on the screen.
let shown = null;

class CameraStewardPanel extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    this._bar = make("ha-menu-button");
    this._menu = make("button", { type: "button", class: "menu", "aria-expanded": "false", "aria-controls": "pages", onclick: () => this._unfold() });
    this._groups = make("div", { id: "pages", class: "groups" });
    this._nav = make("nav", { hidden: true, "aria-label": "Camera Steward", onkeydown: (event) => this._leaveMenu(event) }, this._menu, this._groups);
    this._main = make("main");
    this._picker = make("select", { id: "site" });
    this._picker.addEventListener("change", () => this._show());
    root.append(
      make("style", {}, STYLE),
      make("header", {}, this._bar, make("h1", {}, "Camera Steward")),
      this._nav,
      this._main,
    );
    this._look = () => { if (!document.hidden) this._refresh(); };
    this._print = () => this._putPrinted();
    this._printed = () => this._paper?.remove();
  }

  connectedCallback() {
    shown = this;
    this._timer = setInterval(this._look, LOOK_AGAIN_MS);
    document.addEventListener("visibilitychange", this._look);
    window.addEventListener("beforeprint", this._print);
    window.addEventListener("afterprint", this._printed);
    this._look();
  }

  disconnectedCallback() {
    clearInterval(this._timer);
    clearTimeout(this._soon);
    document.removeEventListener("visibilitychange", this._look);
    window.removeEventListener("beforeprint", this._print);
    window.removeEventListener("afterprint", this._printed);
    this._printed();
  }

  // ------------------------------------------------------------------ what Home Assistant sets

  set hass(hass) {
    const regained = this._hass?.connected === false && hass.connected;
    const first = !this._hass;
    this._hass = hass;
    this._bar.hass = hass;
    this.toggleAttribute("dark", Boolean(hass.themes?.darkMode));
    const whose = JSON.stringify([hass.user?.id, hass.language]);
    const another = whose !== kept.whose;
    if (another) this._forget(whose);
    if (kept.context) kept.context.hass = hass;
    if (first || another || regained) this._refresh();
  }

  set narrow(narrow) {
    this._bar.narrow = narrow;
  }

  set route(route) {
    this._route = route;
    if (this._sites && this.isConnected) this._show();
  }

  // ------------------------------------------------------------------ what is shown

  // Keep nothing of what someone else, or the same person in another language, has seen.
  _forget(whose) {
    kept = { whose, context: null, pages: new Map() };
    this._sites = null;
    this._page = null;
    this._ownPage = null;
    this._nav.hidden = true;
    this._main.replaceChildren();
    this._printed();
  }

  // One at a time, in turn: each may find something new.
  _refresh() {
    const look = () => this._lookAgain();
    this._turn = (this._turn ?? Promise.resolve()).then(look, look);
  }

  async _lookAgain() {
    if (!this._hass) return;
    const mine = kept;
    const hass = this._hass;
    try {
      const context = mine.context ?? (await Context.load(hass));
      const sites = await hass.callWS({ type: `${DOMAIN}/own` });
      // Someone else's by now, or shown by a panel that came after this one.
      if (mine !== kept || !this.isConnected) return;
      mine.context = context;
      this._miss(sites);
      this._sites = sites;
    } catch (error) {
      if (mine !== kept) return;
      const { context } = mine;
      if (!context) this._trouble(NO_ANSWER[hass.language] ?? NO_ANSWER.en);
      else this._trouble(error?.translation_key ? context.text("panel_trouble") : context.error(error));
      return;
    }
    this._trouble("");
    const before = this._page;
    this._show();
    if (this._page === before) before.refresh?.();
  }

  // Look again soon for a site that was there a while ago.
  _miss(sites) {
    const missing = (this._sites ?? []).some((each) => !sites.some((site) => site.entry_id === each.entry_id));
    if (missing) this._awaySince = Date.now();
    else if (sites.length) this._awaySince = null;
    this._away = this._awaySince && Date.now() - this._awaySince < AWAY_MS;
    clearTimeout(this._soon);
    if (this._away) this._soon = setTimeout(this._look, LOOK_SOON_MS);
  }

  _trouble(text) {
    this._main.querySelector(":scope > .trouble")?.remove();
    if (text) this._main.prepend(make("p", { role: "alert", class: "trouble" }, text));
  }

  _show() {
    // A role that is gone, or a site that does not run just now: what was seen goes, what was typed stays.
    for (const { page, name, site } of kept.pages.values()) {
      if (!this._managed(name).some((each) => each.entry_id === site)) page.clear();
    }
    const asked = (this._route?.path ?? "").slice(1);
    const name = Object.hasOwn(PAGES, asked) && this._managed(asked).length ? asked : "own";
    const sites = name === "own" ? [] : this._managed(name);
    this._showNav(name);
    // Elsewhere the choice stays.
    if (sites.length) fill(this._picker, sites.map((each) => [each.entry_id, each.title]));
    const site = sites.find((each) => each.entry_id === this._picker.value) ?? sites[0];
    const page = name === "own" ? this._own() : this._paged(name, site);
    if (page.element.parentNode === this._main) return;
    this._page = page;
    this._main.classList.toggle("broad", Boolean(PAGES[name]?.broad));
    this._main.replaceChildren(...(sites.length > 1 ? [this._choice()] : []), page.element);
    page.open?.();
  }

  // The sites in which one has a page.
  _managed(name) {
    return this._sites.filter((each) => each.pledged && PAGES[name].roles.includes(each.role));
  }

  _own() {
    const go = (site, name) => shown?._go(site, name);
    this._ownPage ??= new OwnPage(kept.context, { accepted: () => this._refresh(), go });
    this._ownPage.update(this._sites, this._away);
    return this._ownPage;
  }

  _paged(name, site) {
    const key = `${name} ${site.entry_id}`;
    if (!kept.pages.has(key)) {
      const go = (other, values) => shown?._go(site, other, values);
      const page = new PAGES[name].Page(kept.context, site, go);
      kept.pages.set(key, { page, name, site: site.entry_id });
    }
    const { page } = kept.pages.get(key);
    page.meet?.(site);
    return page;
  }

  // Go from one page of a site to another, which begins with what is known already.
  _go(site, name, values) {
    history.pushState(null, "", this._address(name));
    window.dispatchEvent(new CustomEvent("location-changed", { detail: { replace: false } }));
    if (values) this._paged(name, site).begin(values);
  }

  _address(name) {
    return `${this._route?.prefix ?? ""}${name === "own" ? "" : `/${name}`}`;
  }

  _choice() {
    return make("div", { class: "field" }, make("label", { for: "site" }, kept.context.text("panel_site")), this._picker);
  }

  // Name the pages in their groups. On a narrow screen they are behind a button that names the page one is on.
  _showNav(name) {
    const context = kept.context;
    const text = (each) => context.text(`panel_${each}`);
    const there = (each) => each === "own" || this._managed(each).length;
    const groups = Object.entries(GROUPS).map(([group, pages]) => [group, pages.filter(there)]).filter(([, pages]) => pages.length);
    this._nav.hidden = groups.flatMap(([, pages]) => pages).length < 2;
    const said = JSON.stringify([context.language, this._route?.prefix, groups]);
    if (this._navSaid !== said) {
      this._navSaid = said;
      this._groups.replaceChildren(...groups.map(([group, pages]) => this._group(group, pages)));
    }
    for (const each of this._groups.querySelectorAll("a")) {
      if (each.dataset.page === name) each.setAttribute("aria-current", "page");
      else each.removeAttribute("aria-current");
    }
    if (this._named !== name) this._unfold(false);
    this._named = name;
    this._menu.textContent = text(name);
  }

  _group(group, pages) {
    const context = kept.context;
    const id = `group-${group}`;
    const link = (each) => make("a", { href: this._address(each), "data-page": each, onclick: () => this._unfold(false) }, context.text(`panel_${each}`));
    return make("div", { role: "group", "aria-labelledby": id }, make("span", { id, class: "group" }, context.text(`panel_group_${group}`)), make("div", {}, ...pages.map(link)));
  }

  _unfold(open = this._menu.getAttribute("aria-expanded") !== "true") {
    // The link that was followed goes; the keyboard stays here.
    if (!open && this._groups.contains(this.shadowRoot.activeElement)) this._menu.focus();
    this._menu.setAttribute("aria-expanded", String(open));
  }

  _leaveMenu(event) {
    if (event.key === "Escape") this._unfold(false);
  }

  // ------------------------------------------------------------------ on paper

  // Home Assistant's own page stands around this one; on paper there is the table alone.
  _putPrinted() {
    const paper = this._page?.printed?.();
    if (!paper) return;
    this._printed();
    paper.id = "camera-steward-paper";
    paper.append(make("style", {}, PRINTED));
    document.body.append(paper);
    this._paper = paper;
  }
}

customElements.define("camera-steward-panel", CameraStewardPanel);
