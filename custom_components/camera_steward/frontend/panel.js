// The sidebar page: everyone's own role and pledge, the manager's permissions and viewing register.
// Texts come with Home Assistant's translations of the integration; nothing is loaded from elsewhere.

import { OwnPage } from "./own.js";
import { Context, DOMAIN, fill, make } from "./parts.js";
import { PermissionsPage } from "./permissions.js";
import { RegisterPage } from "./register.js";
import { PRINTED, STYLE } from "./style.js";

const LOOK_AGAIN_MS = 30_000;
const MANAGERS = { permissions: PermissionsPage, register: RegisterPage };

// Before there are any texts.
const NO_ANSWER = { en: "Home Assistant does not answer.", ja: "Home Assistant から応答がありません。" };

class CameraStewardPanel extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    this._bar = make("ha-menu-button");
    this._nav = make("nav", { hidden: true });
    this._main = make("main");
    this._picker = make("select", { id: "site" });
    this._picker.addEventListener("change", () => this._show());
    this._round = 0;
    this._pages = new Map();
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
    this._timer = setInterval(this._look, LOOK_AGAIN_MS);
    document.addEventListener("visibilitychange", this._look);
    window.addEventListener("beforeprint", this._print);
    window.addEventListener("afterprint", this._printed);
    this._look();
  }

  disconnectedCallback() {
    clearInterval(this._timer);
    document.removeEventListener("visibilitychange", this._look);
    window.removeEventListener("beforeprint", this._print);
    window.removeEventListener("afterprint", this._printed);
    this._printed();
  }

  // ------------------------------------------------------------------ what Home Assistant sets

  set hass(hass) {
    const before = this._hass;
    this._hass = hass;
    this._bar.hass = hass;
    this.toggleAttribute("dark", Boolean(hass.themes?.darkMode));
    if (this._context) this._context.hass = hass;
    if (before?.user?.id !== hass.user?.id || before?.language !== hass.language) {
      this._forget();
      this._refresh();
    } else if (!before.connected && hass.connected) {
      this._refresh();
    }
  }

  set narrow(narrow) {
    this._bar.narrow = narrow;
  }

  set route(route) {
    this._route = route;
    if (this._sites) this._show();
  }

  // ------------------------------------------------------------------ what is shown

  // Keep nothing of what someone else, or the same person in another language, has seen.
  _forget() {
    this._round += 1;
    this._context = null;
    this._sites = null;
    this._pages.clear();
    this._page = null;
    this._nav.hidden = true;
    this._main.replaceChildren();
    this._printed();
  }

  // One at a time, in turn: each may find something new.
  _refresh() {
    this._turn = (this._turn ?? Promise.resolve()).then(() => this._lookAgain());
  }

  async _lookAgain() {
    if (!this._hass) return;
    const round = this._round;
    const hass = this._hass;
    try {
      const context = this._context ?? (await Context.load(hass));
      if (round !== this._round) return;
      this._context = context;
      const sites = await hass.callWS({ type: `${DOMAIN}/own` });
      if (round !== this._round) return;
      this._trouble("");
      this._sites = sites;
      const before = this._page;
      this._show();
      if (this._page === before) before.refresh?.();
    } catch (error) {
      if (round !== this._round) return;
      const { _context: context } = this;
      if (!context) this._trouble(NO_ANSWER[hass.language] ?? NO_ANSWER.en);
      else this._trouble(error?.translation_key ? context.text("panel_trouble") : context.error(error));
    }
  }

  _trouble(text) {
    this._main.querySelector(":scope > .trouble")?.remove();
    if (text) this._main.prepend(make("p", { role: "alert", class: "trouble" }, text));
  }

  _show() {
    const managed = this._sites.filter((each) => each.role === "manager" && each.pledged);
    // Who manages nothing any more keeps nothing of it on the screen.
    for (const [key, { site }] of this._pages) {
      if (site && !managed.some((each) => each.entry_id === site)) this._pages.delete(key);
    }
    const asked = (this._route?.path ?? "").slice(1);
    const name = managed.length && Object.hasOwn(MANAGERS, asked) ? asked : "own";
    this._showNav(managed, name);
    const site = managed.find((each) => each.entry_id === this._picker.value) ?? managed[0];
    const page = name === "own" ? this._own() : this._manager(name, site);
    if (page === this._page) return;
    this._page = page;
    this._main.classList.toggle("broad", name === "register");
    this._main.replaceChildren(
      ...(name !== "own" && managed.length > 1 ? [this._choice()] : []),
      page.element,
    );
    page.refresh?.();
  }

  _own() {
    const held = this._pages.get("own") ?? { page: new OwnPage(this._context, () => this._refresh()) };
    this._pages.set("own", held);
    held.page.update(this._sites);
    return held.page;
  }

  // What is typed into a page stays while another one is looked at.
  _manager(name, site) {
    const key = `${name} ${site.entry_id}`;
    const held = this._pages.get(key) ?? { page: new MANAGERS[name](this._context, site), site: site.entry_id };
    this._pages.set(key, held);
    return held.page;
  }

  _choice() {
    return make("div", { class: "field" }, make("label", { for: "site" }, this._context.text("panel_site")), this._picker);
  }

  _showNav(managed, name) {
    this._nav.hidden = !managed.length;
    fill(this._picker, managed.map((each) => [each.entry_id, each.title]));
    this._nav.setAttribute("aria-label", "Camera Steward");
    const links = ["own", ...Object.keys(MANAGERS)].map((each) => {
      const href = `${this._route?.prefix ?? ""}${each === "own" ? "" : `/${each}`}`;
      return make("a", { href, "aria-current": each === name ? "page" : null }, this._context.text(`panel_${each}`));
    });
    const said = links.map((each) => each.outerHTML).join("");
    if (this._navSaid === said) return;
    this._navSaid = said;
    this._nav.replaceChildren(...links);
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
