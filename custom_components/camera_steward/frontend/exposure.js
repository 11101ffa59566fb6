// The manager's page of what can be watched past the steward: by whom, by which entities, and where.

import { make } from "./parts.js";

export class ExposurePage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._trouble = make("p", { role: "alert" });
    this._people = make("dl");
    this._cameras = make("ul", { class: "cards" }, make("li", { class: "none" }, context.text("panel_waiting")));
    this.element = make(
      "div",
      {},
      make(
        "section",
        {},
        make("h2", {}, context.text("exposure_title")),
        make("p", { class: "hint" }, context.text("exposure_about")),
        this._trouble,
        this._people,
        this._cameras,
      ),
    );
  }

  open() {
    this.refresh();
  }

  clear() {
    this._people.replaceChildren();
    this._cameras.replaceChildren();
  }

  async refresh() {
    try {
      this._show(await this._context.call("exposure", this._site));
      this._trouble.textContent = "";
    } catch (error) {
      this.clear();
      this._trouble.textContent = this._context.error(error);
    }
  }

  _show({ others, administrators, cameras }) {
    this._people.replaceChildren(
      ...this._fact("exposure_others", others),
      ...this._fact("exposure_administrators", administrators),
    );
    const none = make("li", { class: "none" }, this._context.text("exposure_no_camera"));
    this._cameras.replaceChildren(...(cameras.length ? cameras.map((each) => this._camera(each)) : [none]));
  }

  _camera({ camera, sealed, enforced, entities, dashboards }) {
    const context = this._context;
    const state = context.text(enforced ? "exposure_enforced" : "exposure_not_enforced");
    return make(
      "li",
      {},
      make("h3", {}, camera),
      make(
        "p",
        {},
        `${context.text(sealed ? "exposure_sealed" : "exposure_shared")} `,
        make("span", { class: enforced ? "mark" : "mark denied" }, state),
      ),
      make("dl", {}, ...this._fact("exposure_entities", entities), ...this._fact("exposure_dashboards", dashboards)),
    );
  }

  _fact(key, names) {
    const none = this._context.text("exposure_none");
    return [
      make("dt", {}, this._context.text(key)),
      make("dd", {}, names.length ? this._context.list(names) : none),
    ];
  }
}
