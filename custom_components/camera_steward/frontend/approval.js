// The picture of the place on which icons are drawn: one's own or the place without people, and that
// someone looked and saw nobody in it.

import { endForm, makeForm, send, tell } from "./forms.js";
import { facts, focusWrong, make, mark } from "./parts.js";
import { Photo } from "./photos.js";
import { marked } from "./states.js";

const KIND = "approve_background";

export class Approval {
  // `look` fetches the place without people; `done` is told of the approved photo, to put it into use.
  constructor(context, site, row, { look, done }) {
    this._context = context;
    this._site = site;
    this._row = row;
    this._look = look;
    this._done = done;
    this._task = null;
    const text = (key) => context.text(key);
    this._told = make("p", { role: "status", tabindex: "-1" });
    this._state = make("div");
    this._seen = make("img", { class: "plate", alt: text("view_background_seen"), hidden: true });
    this._plate = make("img", { class: "plate", alt: text("view_background_chosen"), hidden: true });
    this._photo = new Photo(context, site, {
      id: "background-photo",
      label: text("view_background_file"),
      hint: text("view_background_hint"),
      required: true,
      fresh: false,
      taken: (address) => this._meetPicture(address),
    });
    this._take = make("button", { type: "button", class: "second", onclick: () => this._fetch() }, text("view_background_take"));
    this._tick = make("input", { type: "checkbox", id: "background-nobody", required: true, "aria-describedby": "background-nobody-wrong" });
    this._form = makeForm(
      context,
      { class: "within" },
      () => this._approve(),
      this._photo.element,
      make("div", { class: "buttons" }, this._take),
      make("p", { class: "hint" }, text("view_under_place_about")),
      this._plate,
      make("div", { class: "field" }, make("label", { class: "choice" }, this._tick, make("span", {}, text("view_background_nobody"))), make("p", { id: "background-nobody-wrong", class: "wrong" })),
      ...endForm(make("button", { type: "submit" }, text("view_background_approve"))),
    );
    this._another = make("details", {}, make("summary", {}, text("view_background_choose")), this._form);
    this.element = make("div", { class: "part" }, make("h3", {}, text("view_background")), make("p", { class: "hint" }, text("view_background_about")), this._told, this._state, this._seen, this._another);
    this._photo.element.querySelector(".thumbnail").remove();
  }

  clear() {
    this._photo.clear();
    this._show(this._seen, null);
    this._kept = null;
  }

  meet(row) {
    this._row = row;
    this._take.disabled = row.status !== "running";
  }

  // Look again what is approved.
  async refresh() {
    const context = this._context;
    try {
      const tasks = await context.call("tasks", this._site, { language: context.language });
      this._task = tasks.find((each) => each.kind === KIND && each.subject.id === this._row.utilization) ?? null;
    } catch (error) {
      this._form.querySelector(".refused").textContent = context.error(error);
    }
    const { background } = this._row.view;
    const last = this._task?.last;
    const state = background ? marked("done", context.text("view_background_there")) : marked("due", context.text("view_background_none"));
    const due = this._task?.state === "upcoming" ? context.text("tasks_state_upcoming", { day: context.day(this._task.due_at) }) : "";
    this._state.replaceChildren(state, facts([[context.text("tasks_last"), last ? context.text("tasks_last_by", { at: context.moment(last.at), by: last.by }) : ""], [context.text("view_background_again"), due]]));
    if (!this._photo.value && !this._photo.sending) this._another.open = !background;
    if (!background || this._kept === background) return;
    this._kept = background;
    const answer = await context.hass.fetchWithAuth(`/api/camera_steward/${this._site.entry_id}/utilization/${this._row.utilization}/plan`);
    if (answer.ok) this._show(this._seen, URL.createObjectURL(await answer.blob()));
  }

  // Whoever ticked that nobody is in it saw another picture.
  _meetPicture(address) {
    this._show(this._plate, address);
    this._tick.checked = false;
  }

  _show(image, address) {
    if (image === this._seen && image.src) URL.revokeObjectURL(image.src);
    image.hidden = !address;
    if (address) image.src = address;
    else image.removeAttribute("src");
  }

  async _fetch() {
    const refused = this._form.querySelector(".refused");
    refused.textContent = "";
    this._take.disabled = true;
    this._photo.clear();
    try {
      await this._photo.take(await this._look());
    } catch (error) {
      refused.textContent = this._context.error(error);
    }
    this.meet(this._row);
  }

  async _approve() {
    const context = this._context;
    const form = this._form;
    const { value, sending } = this._photo;
    mark(form, "background-photo", sending ? context.text("tasks_needs_waiting") : value ? "" : context.text("tasks_needs_photo"));
    mark(form, "background-nobody", this._tick.checked ? "" : context.text("tasks_needs_tick"));
    if (focusWrong(form)) return;
    const doing = async () => {
      await context.call("task_done", this._site, { task: this._task?.task ?? "", answers: { nobody: true, photo: value } });
      await this._done(value);
      form.reset();
      this._photo.clear();
      await this.refresh();
      this._told.replaceChildren(marked("done", context.text("view_background_done")));
      this._told.focus();
    };
    await send(form, this._told, doing, (error) => tell(context, form, "background", error, "tasks"));
  }
}
