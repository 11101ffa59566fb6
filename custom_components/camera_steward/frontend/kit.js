// The manager's page of the recovery kit: when it was taken last, and to save it.

import { download, make } from "./parts.js";

export class KitPage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._trouble = make("p", { role: "alert" });
    this._taken = make("p", { role: "status" }, context.text("panel_waiting"));
    this._button = make("button", { type: "button", onclick: () => this._save() }, context.text("kit_save"));
    this.element = make(
      "div",
      {},
      make(
        "section",
        {},
        make("h2", {}, context.text("kit_title")),
        make("p", {}, context.text("kit_about")),
        make("p", {}, context.text("kit_keep")),
        this._taken,
        this._trouble,
        this._button,
      ),
    );
  }

  open() {
    this.refresh();
  }

  clear() {
    this._taken.textContent = "";
  }

  async refresh() {
    try {
      this._show(await this._context.call("recovery_kit_taken", this._site));
    } catch (error) {
      this.clear();
      this._trouble.textContent = this._context.error(error);
    }
  }

  _show(taken) {
    const context = this._context;
    const told = taken && { at: context.moment(taken.at), name: taken.name };
    if (!taken) this._taken.textContent = context.text("kit_never");
    else this._taken.textContent = context.text(taken.valid ? "kit_taken" : "kit_outdated", told);
  }

  // What comes is given to the browser to save, and kept nowhere here.
  async _save() {
    const context = this._context;
    this._button.disabled = true;
    this._trouble.textContent = "";
    try {
      const { html } = await context.call("recovery_kit", this._site, { language: context.language });
      download(this.element, context.text("kit_file", { site: this._site.title }), "html", new Blob([html], { type: "text/html;charset=utf-8" }));
      await this.refresh();
    } catch (error) {
      this._trouble.textContent = context.error(error);
    } finally {
      this._button.disabled = false;
    }
  }
}
