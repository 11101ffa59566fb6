// The sidebar page: one's own role, the pledge and the rules to accept.
// Texts come with Home Assistant's translations of the integration; nothing is loaded from elsewhere.

const DOMAIN = "camera_steward";

class CameraStewardPanel extends HTMLElement {
  constructor() {
    super();
    this.attachShadow({ mode: "open" });
    this._started = false;
  }

  set hass(hass) {
    this._hass = hass;
    if (!this._started) {
      this._started = true;
      this._load();
    }
    const bar = this.shadowRoot.querySelector("ha-menu-button");
    if (bar) bar.hass = hass;
  }

  set narrow(narrow) {
    this._narrow = narrow;
    const bar = this.shadowRoot.querySelector("ha-menu-button");
    if (bar) bar.narrow = narrow;
  }

  async _load() {
    const hass = this._hass;
    this._language = hass.language === "ja" ? "ja" : "en";
    const found = await hass.callWS({
      type: "frontend/get_translations",
      language: this._language,
      category: "common",
      integration: [DOMAIN],
    });
    this._texts = found.resources;
    await this._show();
  }

  _text(key, values = {}) {
    const text = this._texts[`component.${DOMAIN}.common.${key}`] || key;
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  async _show(message) {
    const root = this.shadowRoot;
    root.innerHTML = `
      <style>
        :host { display: block; min-height: 100%; background: var(--primary-background-color);
                color: var(--primary-text-color); font-family: var(--ha-font-family-body, sans-serif); }
        header { display: flex; align-items: center; height: var(--header-height, 56px);
                 padding: 0 12px; background: var(--app-header-background-color);
                 color: var(--app-header-text-color); font-size: 20px; }
        main { max-width: 760px; margin: 0 auto; padding: 16px; box-sizing: border-box; }
        section { background: var(--card-background-color); border: 1px solid var(--divider-color);
                  border-radius: 12px; padding: 8px 24px 24px; margin-bottom: 16px; }
        .text { white-space: pre-line; line-height: 1.7; max-height: 320px; overflow: auto;
                border: 1px solid var(--divider-color); border-radius: 8px; padding: 16px; }
        label { display: flex; gap: 12px; align-items: flex-start; margin: 16px 0; }
        input { width: 20px; height: 20px; flex: none; }
        button { font: inherit; padding: 10px 20px; border: 0; border-radius: 20px; cursor: pointer;
                 background: var(--primary-color); color: var(--text-primary-color); }
        button:disabled { opacity: 0.4; cursor: default; }
        [role="alert"] { color: var(--error-color); }
      </style>
      <header><ha-menu-button></ha-menu-button><span>Camera Steward</span></header>
      <main></main>`;
    const bar = root.querySelector("ha-menu-button");
    bar.hass = this._hass;
    bar.narrow = this._narrow;
    const main = root.querySelector("main");
    if (message) main.append(this._line("p", message, { role: "alert" }));
    let sites;
    try {
      sites = await this._hass.callWS({ type: `${DOMAIN}/own` });
    } catch (error) {
      main.append(this._line("p", this._text("panel_trouble"), { role: "alert" }));
      return;
    }
    if (!sites.length) main.append(this._line("p", this._text("panel_nobody")));
    for (const site of sites) main.append(this._site(site));
  }

  _line(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  _site(site) {
    const made = document.createElement("section");
    made.append(
      this._line("h2", site.title),
      this._line("p", this._text("panel_you", { name: site.name, role: this._text(`role_${site.role}`) })),
    );
    if (site.pledged) {
      made.append(this._line("p", this._text("panel_pledged")));
    }
    made.append(
      this._line("h3", this._text("panel_pledge")),
      this._line("div", site.pledge[this._language], { class: "text", tabindex: "0" }),
      this._line("h3", this._text("panel_rules")),
      this._line("div", site.rules[this._language], { class: "text", tabindex: "0" }),
    );
    if (!site.pledged) made.append(this._acceptance(site));
    return made;
  }

  _acceptance(site) {
    const made = document.createElement("div");
    const label = document.createElement("label");
    const box = this._line("input", "", { type: "checkbox" });
    label.append(box, this._line("span", this._text("panel_read", { name: site.name })));
    const button = this._line("button", this._text("panel_accept"), { type: "button" });
    button.disabled = true;
    box.addEventListener("change", () => { button.disabled = !box.checked; });
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await this._hass.callWS({
          type: `${DOMAIN}/accept`,
          entry_id: site.entry_id,
          version: site.version,
          language: this._language,
        });
        await this._show();
      } catch (error) {
        await this._show(this._text("panel_changed"));
      }
    });
    made.append(label, button);
    return made;
  }
}

customElements.define("camera-steward-panel", CameraStewardPanel);
