// Everyone's page: one's own role, the permission one was given, the pledge and the rules to accept; for
// who has duties to look after how many need attention.

import { attention } from "./duties.js";
import { make, permissionFacts } from "./parts.js";
import { marked } from "./states.js";

export class OwnPage {
  constructor(context, { accepted, go }) {
    this._context = context;
    this._accepted = accepted;
    this._go = go;
    this._shown = new Map();
    this._trouble = make("p", { role: "alert" });
    this._list = make("div");
    this.element = make("div", {}, this._trouble, this._list);
  }

  // Show the sites as they are now. A section stays while its texts do: it may be half read.
  update(sites, away) {
    const shown = new Map();
    for (const { permissions, ...site } of sites) {
      const key = JSON.stringify(site);
      const held = this._shown.get(key) ?? this._section(site);
      this._permit(held, site, permissions);
      if (site.pledged && site.role === "manager") this._count(held, site);
      shown.set(key, held);
    }
    const same = shown.size === this._shown.size && [...shown.keys()].every((each) => this._shown.has(each));
    this._shown = shown;
    if (same && shown.size) return;
    const nobody = make("p", {}, this._context.text(away ? "panel_away" : "panel_nobody"));
    this._list.replaceChildren(...(shown.size ? [...shown.values()].map((each) => each.section) : [nobody]));
  }

  _section(site) {
    const { text, language } = this._words();
    const permissions = make("div");
    const duties = make("p", { role: "status" });
    const section = make(
      "section",
      {},
      make("h2", {}, site.title),
      make("p", {}, text("panel_you", { name: site.name, role: text(`role_${site.role}`) })),
      duties,
      permissions,
    );
    if (site.pledged) section.append(make("p", {}, text("panel_pledged")));
    for (const [key, words] of [["panel_pledge", site.pledge], ["panel_rules", site.rules]]) {
      section.append(
        make("h3", {}, text(key)),
        make("div", { class: "text", tabindex: "0", role: "region", "aria-label": text(key) }, words[language]),
      );
    }
    if (!site.pledged) section.append(this._acceptance(site));
    return { section, permissions, duties };
  }

  // Say in a line how many duties need attention; nothing where that cannot be told just now.
  async _count(held, site) {
    const context = this._context;
    let count;
    try {
      const { counts } = await context.call("duties", site, { language: context.language });
      count = attention(counts);
    } catch {
      held.duties.replaceChildren();
      held.counted = null;
      return;
    }
    if (held.counted === count) return;
    held.counted = count;
    const said = count ? context.text("duties_attention", { count: context.number(count) }) : context.text("duties_attention_none");
    const look = make("button", { type: "button", class: "link", onclick: () => this._go(site, "duties") }, context.text("duties_look"));
    held.duties.replaceChildren(marked(count ? "due" : "done", said), " ", look);
  }

  _permit(held, site, permissions) {
    const said = JSON.stringify(permissions);
    if (held.said === said) return;
    held.said = said;
    held.permissions.replaceChildren();
    if (!permissions.length) return;
    held.permissions.append(
      make("h3", {}, this._context.text("panel_permission")),
      ...permissions.map((each) => permissionFacts(this._context, site, each)),
    );
  }

  _acceptance(site) {
    const { text, language } = this._words();
    const box = make("input", { type: "checkbox" });
    const button = make("button", { type: "button", disabled: true }, text("panel_accept"));
    box.addEventListener("change", () => { button.disabled = !box.checked; });
    button.addEventListener("click", async () => {
      button.disabled = true;
      this._trouble.textContent = "";
      try {
        await this._context.call("accept", site, { version: site.version, language });
      } catch (error) {
        this._trouble.textContent = this._context.error(error);
        button.disabled = false;
      }
      this._accepted();
    });
    const label = make("label", { class: "choice" }, box, make("span", {}, text("panel_read", { name: site.name })));
    return make("div", {}, make("p", { class: "hint" }, text("panel_accept_about")), label, button);
  }

  _words() {
    const context = this._context;
    return { text: (key, values) => context.text(key, values), language: context.language };
  }
}
