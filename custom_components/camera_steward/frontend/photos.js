// A photo: taken or chosen, made small here already, sent, and seen before the form goes.

import { field, make, mark } from "./parts.js";

const LONGEST_SIDE = 2000;
const QUALITY = 0.85;
const TOO_LARGE = 413;

export class Photo {
  // `fresh` is whether it is to be taken now, with a telephone's camera; `taken` is told its address here, null
  // when it is none any more.
  constructor(context, site, { id, label, required, hint = context.text("tasks_photo_hint"), fresh = true, taken = () => {} }) {
    this._context = context;
    this._site = site;
    this._id = id;
    this._taken = taken;
    this._chosen = 0;
    this.value = "";
    this.sending = false;
    this._input = make("input", { type: "file", accept: "image/*", capture: fresh && "environment", required, onchange: () => this.take(this._input.files[0]) });
    this._progress = make("progress", { hidden: true, "aria-label": context.text("tasks_photo_sending") });
    this._told = make("p", { role: "status", class: "hint" });
    this._seen = make("img", { class: "thumbnail", alt: context.text("tasks_photo_seen"), hidden: true, onerror: () => { this._seen.hidden = true; } });
    this.element = field(id, label, this._input, hint);
    this.element.append(this._progress, this._told, this._seen);
  }

  clear() {
    this._input.value = "";
    this._forget();
  }

  // Send a picture, which may also come from elsewhere than the field.
  async take(file) {
    const context = this._context;
    this._forget();
    if (!file) return;
    const chosen = this._chosen;
    this.sending = true;
    this._progress.hidden = false;
    this._told.textContent = context.text("tasks_photo_sending");
    mark(this.element, this._id);
    try {
      const small = await smaller(file);
      const photo = await this._send(small);
      // Another was chosen meanwhile.
      if (chosen !== this._chosen) return;
      this.value = photo;
      this._seen.src = URL.createObjectURL(small);
      this._seen.hidden = false;
      this._told.textContent = context.text("tasks_photo_sent");
      this._taken(this._seen.src);
    } catch (error) {
      if (chosen !== this._chosen) return;
      this._input.value = "";
      this._told.textContent = "";
      mark(this.element, this._id, context.error(error));
    }
    this.sending = false;
    this._progress.hidden = true;
  }

  // ------------------------------------------------------------------ inside

  _forget() {
    this._chosen += 1;
    this.value = "";
    this.sending = false;
    this._progress.hidden = true;
    this._told.textContent = "";
    this._seen.hidden = true;
    if (this._seen.src) URL.revokeObjectURL(this._seen.src);
    this._seen.removeAttribute("src");
    this._taken(null);
  }

  async _send(picture) {
    const { hass } = this._context;
    const answer = await hass.fetchWithAuth(`/api/camera_steward/${this._site.entry_id}/photo`, { method: "POST", body: picture });
    if (answer.ok) return (await answer.json()).photo;
    // What stands before Home Assistant, such as a proxy, answers in its own way.
    if (answer.status === TOO_LARGE) throw { translation_key: "photo_too_large" };
    const said = await answer.json().catch(() => ({}));
    throw { translation_key: said.key };
  }
}

// Return a picture of less detail, without what else is in its file; as it is where this browser cannot read it.
async function smaller(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return file;
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = make("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  return made ?? file;
}
