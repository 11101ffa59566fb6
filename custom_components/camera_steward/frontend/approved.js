// The last step of handing over: one download, its password, and what came of it.

import { missing, outcome } from "./disclosures.js";
import { facts, make } from "./parts.js";
import { recordButtons } from "./record.js";

const FOLLOW_MS = 2_000;
const MINUTE_MS = 60_000;
const OVER = ["handed_over", "broken_off", "lapsed"];

export class Approved {
  // `again` begins a new approval of the same, `done` leaves all of it behind.
  constructor(context, site, { again, done }) {
    this._context = context;
    this._site = site;
    this._again = again;
    this._done = done;
    this.element = make("div");
  }

  get waits() {
    return Boolean(this._made);
  }

  // Show what was approved; `form` says how long it is good for, and names the signing key.
  show(made, { download_minutes: minutes, fingerprint }) {
    this._made = made;
    this._minutes = minutes;
    this._until = Date.now() + minutes * MINUTE_MS;
    this._row = null;
    this._draw(made, fingerprint);
    this.watch();
  }

  // Forget it, the password above all.
  clear() {
    clearInterval(this._timer);
    this._made = null;
    this.element.replaceChildren();
  }

  // Follow it while it is on the screen: the time that is left, and what the register says.
  watch() {
    clearInterval(this._timer);
    if (!this._made) return;
    let looking = false;
    let looked = 0;
    const look = async () => {
      if (!this.element.isConnected) {
        clearInterval(this._timer);
        return;
      }
      this._showLeft();
      if (looking || Date.now() - looked < FOLLOW_MS) return;
      looking = true;
      looked = Date.now();
      await this._follow();
      looking = false;
    };
    this._timer = setInterval(look, 500);
    look();
  }

  // ------------------------------------------------------------------ inside

  _draw({ number, file, path, password }, fingerprint) {
    const text = (key) => this._context.text(key);
    this._link = make("a", { class: "button", href: path, download: file, onclick: () => this._take() }, text("handover_download"));
    this._left = make("p", { role: "timer", class: "hint" });
    this._progress = make("progress", { hidden: true, max: "1", "aria-label": text("outcome_handing_over") });
    this._outcome = make("p", { role: "status" });
    this._ended = make("div");
    const told = make("span", { role: "status", class: "hint" });
    const copy = async () => {
      told.textContent = text((await copyText(password, told.parentNode)) ? "handover_copied" : "handover_copy_yourself");
    };
    this.element.replaceChildren(
      facts([[text("disclosure_number"), number], [text("disclosure_file"), file]]),
      make("h3", {}, text("handover_password")),
      make("p", {}, make("code", { class: "secret" }, password)),
      make("div", { class: "buttons" }, make("button", { type: "button", class: "second", onclick: copy }, text("handover_copy")), told),
      make("p", {}, text("handover_password_about")),
      make("h3", {}, text("handover_fingerprint")),
      make("p", {}, make("code", {}, fingerprint)),
      make("p", {}, text("handover_fingerprint_about")),
      make("h3", {}, text("handover_download_title")),
      make("div", { class: "buttons" }, this._link),
      this._left,
      this._outcome,
      this._progress,
      this._ended,
    );
  }

  // It is good for one download: the address goes once the browser has followed it.
  _take() {
    setTimeout(() => { this._link.hidden = true; });
    this.watch();
  }

  _showLeft() {
    const left = Math.max(0, Math.ceil((this._until - Date.now()) / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    const waits = !this._row || this._row.outcome === "approved";
    this._left.textContent = waits ? this._context.text("handover_left", { left: clock }) : "";
  }

  async _follow() {
    const made = this._made;
    const ends = Date.parse(made.expires_at);
    const within = [ends - (this._minutes + 1) * MINUTE_MS, ends + MINUTE_MS];
    const [start, end] = within.map((each) => new Date(each).toISOString());
    try {
      const { disclosures } = await this._context.call("disclosures", this._site, { start, end });
      const row = disclosures.find((each) => each.disclosure === made.disclosure);
      if (row && made === this._made) this._showRow(row);
    } catch {
      // The next look says more; nothing of what is shown is wrong by it.
    }
  }

  _showRow(row) {
    this._row = row;
    // Where it could not begin, it can be tried again.
    this._link.hidden = row.outcome !== "approved";
    this._progress.hidden = row.outcome !== "handing_over";
    if (row.total_bytes) this._progress.value = Math.min(1, row.done_bytes / row.total_bytes);
    const said = outcome(this._context, row);
    if (this._outcome.textContent !== said) this._outcome.textContent = said;
    if (!OVER.includes(row.outcome)) return;
    clearInterval(this._timer);
    this._left.textContent = "";
    this._ended.replaceChildren(...(row.outcome === "handed_over" ? this._whole(row) : this._broken(row)));
  }

  _whole(row) {
    const context = this._context;
    const trouble = make("p", { role: "alert" });
    const tell = (error) => { trouble.textContent = error ? context.error(error) : ""; };
    return [
      this._facts(row, [
        [context.text("disclosure_sha256"), make("code", {}, row.sha256)],
        [context.text("disclosure_missing"), missing(context, row).join("\n")],
      ]),
      make("h3", {}, context.text("record_title")),
      make("p", {}, context.text("handover_ended_about")),
      trouble,
      make("div", { class: "buttons" }, ...recordButtons(context, this._site, row, this.element, tell)),
      make("p", { class: "buttons" }, this._button("handover_done", this._done)),
    ];
  }

  _broken(row) {
    const text = (key, values) => this._context.text(key, values);
    return [
      this._facts(row, []),
      // Of one that lapsed nothing was sent.
      make("p", {}, row.outcome === "lapsed" ? text("package_over", { minutes: this._minutes }) : text("handover_broken_about")),
      make("div", { class: "buttons" }, this._button("handover_again", this._again), this._button("handover_done", this._done, "second")),
    ];
  }

  _facts(row, more) {
    const context = this._context;
    return facts([
      [context.text("disclosure_ended_at"), row.ended_at ? context.moment(row.ended_at, true) : ""],
      [context.text("disclosure_size_bytes"), row.started_at ? row.size_bytes.toLocaleString(context.language) : ""],
      ...more,
    ]);
  }

  _button(key, doing, kind = null) {
    return make("button", { type: "button", class: kind, onclick: doing }, this._context.text(key));
  }
}

// Copy a text, also where the page came without encryption; return whether it was copied.
async function copyText(text, beside) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed: below.
    }
  }
  const held = make("textarea", { readonly: true }, text);
  beside.append(held);
  held.select();
  const copied = document.execCommand("copy");
  held.remove();
  return copied;
}
