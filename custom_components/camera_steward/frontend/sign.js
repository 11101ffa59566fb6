// The sign as it is wanted: languages, size, what it says and what its code opens; seen at once, to print
// and to save.

import { choices, chosen, download, field, make, mark, offer } from "./parts.js";
import { showDocument } from "./record.js";

const LANGUAGES = ["ja", "en", "zh", "ko"];
const SIZES = ["a4", "a3", "sticker"];
const SHOWN = ["manager", "contact", "purpose"];
const PAUSE_MS = 400;
const PRINT_SCALE = 300 / 96;
// Browsers on phones draw no more.
const MOST_PIXELS = 16_000_000;

export class Sign {
  constructor(context, site, back) {
    this._context = context;
    this._site = site;
    this._asked = 0;
    const text = (key) => context.text(key);
    this._languages = choices("sign-languages", text("papers_sign_languages"));
    offer(this._languages, LANGUAGES.map((each) => [each, text(`papers_language_${each}`)]));
    this._size = choices("sign-size", text("papers_sign_size"), "radio");
    offer(this._size, SIZES.map((each) => [each, text(`papers_size_${each}`)]));
    this._shown = choices("sign-shown", text("papers_sign_shown"));
    offer(this._shown, SHOWN.map((each) => [each, text(`papers_sign_${each}`)]));
    for (const each of [this._languages, this._size]) each.classList.add("inline");
    this._address = make("input", { type: "text", maxlength: "500", autocomplete: "off" });
    this._keep = choices("sign-keep", text("papers_sign_keep"));
    offer(this._keep, [["keep", text("papers_sign_keep_yes"), text("papers_sign_keep_hint")]]);
    this._trouble = make("p", { role: "alert" });
    this._preview = make("img", { alt: text("papers_sign_preview"), hidden: true });
    const button = (key, doing, kind = "second") => make("button", { type: "button", class: kind, disabled: true, onclick: () => this._take(doing) }, text(key));
    this._doing = [
      button("papers_print", () => this._print(), null),
      button("papers_save_svg", () => this._save()),
      button("papers_save_png", () => this._savePicture()),
    ];
    const form = make(
      "form",
      { oninput: () => this._wait() },
      this._languages,
      this._size,
      this._shown,
      field("sign-qr", text("papers_sign_qr"), this._address, text("papers_sign_qr_hint")),
      this._keep,
      this._trouble,
      make("div", { class: "buttons" }, ...this._doing, make("button", { type: "button", class: "second", onclick: back }, text("papers_back"))),
    );
    form.addEventListener("submit", (event) => event.preventDefault());
    this._title = make("h2", { tabindex: "-1" }, text("papers_sign_title"));
    this.element = make("section", {}, this._title, make("p", { class: "hint" }, text("papers_sign_about")), make("div", { class: "sign" }, form, this._preview));
    this._choose(this._size, ["a4"]);
    this._choose(this._keep, ["keep"]);
  }

  // Begin with how it was printed last.
  open({ languages, qr, ...shown }) {
    this._choose(this._languages, languages);
    this._choose(this._shown, SHOWN.filter((each) => shown[each]));
    this._address.value = qr;
    this._title.focus();
    this._look();
  }

  // What was seen goes; what was chosen stays.
  clear() {
    this._asked += 1;
    this._made = null;
    this._preview.hidden = true;
    for (const each of this._doing) each.disabled = true;
  }

  // ------------------------------------------------------------------ inside

  _choose(group, values) {
    for (const each of group.querySelectorAll("input")) each.checked = values.includes(each.value);
  }

  _options() {
    const shown = chosen(this._shown);
    return {
      languages: chosen(this._languages),
      size: chosen(this._size)[0],
      ...Object.fromEntries(SHOWN.map((each) => [each, shown.includes(each)])),
      qr: this._address.value.trim(),
    };
  }

  _wait() {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._look(), PAUSE_MS);
  }

  // Show the sign as it would be; the last that was asked for counts.
  async _look() {
    const context = this._context;
    const asked = ++this._asked;
    const options = this._options();
    this._trouble.textContent = options.languages.length ? "" : context.text("papers_needs_languages");
    if (!options.languages.length) {
      this.clear();
      return;
    }
    try {
      const made = await this._ask(options);
      if (asked !== this._asked) return;
      this._made = made;
      if (this._preview.src) URL.revokeObjectURL(this._preview.src);
      // As a picture: nothing in it runs.
      this._preview.src = URL.createObjectURL(this._drawn());
      await this._preview.decode();
      this._preview.hidden = false;
      for (const each of this._doing) each.disabled = false;
    } catch (error) {
      if (asked !== this._asked) return;
      this.clear();
      this._tell(error);
    }
  }

  // Beside the field that it names, where that can be mended here.
  _tell(error) {
    const context = this._context;
    if (error?.translation_placeholders?.field === "qr") mark(this.element, "sign-qr", context.text("papers_needs_qr"));
    else this._trouble.textContent = context.error(error);
  }

  _ask(options) {
    return this._context.call("paper", this._site, { paper: "sign", language: this._context.language, options });
  }

  // Print or save it as it is chosen now; where it is to hang, that is kept first.
  async _take(doing) {
    clearTimeout(this._timer);
    this._trouble.textContent = "";
    if (chosen(this._keep).length) {
      try {
        await this._ask({ ...this._options(), keep: true });
      } catch (error) {
        this._tell(error);
        return;
      }
    }
    await this._look();
    if (this._made) await doing();
  }

  _drawn() {
    return new Blob([this._made.svg], { type: "image/svg+xml" });
  }

  _name() {
    return this._made.file.replace(/\.\w+$/, "");
  }

  _print() {
    showDocument(this._context, this._context.text("papers_sign_title"), this._made.html, this.element);
  }

  _save() {
    download(this.element, this._name(), "svg", this._drawn());
  }

  // At the resolution of print, as far as browsers draw.
  async _savePicture() {
    const name = this._name();
    const { naturalWidth: width, naturalHeight: height } = this._preview;
    const scale = Math.min(PRINT_SCALE, Math.sqrt(MOST_PIXELS / (width * height)));
    const canvas = make("canvas", { width: Math.floor(width * scale), height: Math.floor(height * scale) });
    canvas.getContext("2d").drawImage(this._preview, 0, 0, canvas.width, canvas.height);
    const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
    if (picture) download(this.element, name, "png", picture);
    else this._trouble.textContent = this._context.text("papers_no_png");
  }
}
