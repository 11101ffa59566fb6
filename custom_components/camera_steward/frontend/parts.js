// What the pages share: elements made of text, times as the user reads them, errors in words.

export const DOMAIN = "camera_steward";

const NO_CONNECTION = 3;
const SPANS_LISTED = 3;

// Days in an order that the user chose, in numbers; Home Assistant names the orders so.
const DAY_LOCALES = { DMY: "en-GB", MDY: "en-US", YMD: "sv-SE" };

// Make an element. Children are elements or texts, never markup: names and reasons are typed by people.
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Make a field: its label, what is typed into, a hint, and room for what is wrong until it is mended.
export function field(id, label, input, hint = "") {
  input.id = id;
  const wrong = make("p", { id: `${id}-wrong`, class: "wrong" });
  const made = make("div", { class: "field" }, make("label", { for: id }, label), input);
  if (hint) made.append(make("p", { id: `${id}-hint`, class: "hint" }, hint));
  made.append(wrong);
  made.addEventListener("input", () => mark(made, id));
  input.setAttribute("aria-describedby", `${hint ? `${id}-hint ` : ""}${id}-wrong`);
  return made;
}

// Say what is wrong with a field or a group of them; nothing where it is right.
export function mark(root, id, text = "") {
  root.querySelector(`#${id}`).setAttribute("aria-invalid", text ? "true" : "false");
  root.querySelector(`#${id}-wrong`).textContent = text;
}

// Return what is marked as wrong first.
export function firstWrong(root) {
  return root.querySelector("[aria-invalid=true]");
}

// Give a list of choices, and keep what is chosen.
export function fill(select, options) {
  const held = [...select.options].map((each) => [each.value, each.textContent]);
  // A list that is open closes when it is filled anew.
  if (JSON.stringify(held) === JSON.stringify(options)) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

// Let the browser save what a command returned. The link stands in the page, as Firefox asks.
export function download(element, name, ending, blob) {
  const address = URL.createObjectURL(blob);
  const link = make("a", { href: address, download: `${name.replace(/[\\/:*?"<>|\s]+/g, "_")}.${ending}` });
  element.append(link);
  link.click();
  link.remove();
  // The browser reads it after the click; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export class Context {
  constructor(hass, texts, language) {
    this.hass = hass;
    this.language = language;
    this._texts = texts;
  }

  static async load(hass) {
    const language = hass.language === "ja" ? "ja" : "en";
    const found = await Promise.all(
      ["common", "exceptions"].map((category) =>
        hass.callWS({ type: "frontend/get_translations", language, category, integration: [DOMAIN] }),
      ),
    );
    return new Context(hass, Object.assign({}, ...found.map((each) => each.resources)), language);
  }

  // ------------------------------------------------------------------ texts

  text(key, values = {}) {
    return this._said(`common.${key}`, values) ?? key;
  }

  // How an error reads: in the words of the integration where it has any.
  error(error) {
    const key = error?.translation_key;
    const known = key && this._said(`exceptions.${key}.message`);
    if (known) return known;
    const code = error?.code ?? error?.error?.code ?? error;
    return this.text(code === NO_CONNECTION || !this.hass.connected ? "panel_no_connection" : "panel_failed");
  }

  _said(key, values = {}) {
    return this._texts[`component.${DOMAIN}.${key}`]?.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  list(texts) {
    const type = this.language === "ja" ? "conjunction" : "unit";
    return new Intl.ListFormat(this.language, { type }).format(texts);
  }

  // ------------------------------------------------------------------ commands

  call(command, site, values = {}) {
    return this.hass.callWS({ type: `${DOMAIN}/${command}`, entry_id: site.entry_id, ...values });
  }

  // ------------------------------------------------------------------ times, in Home Assistant's zone

  day(moment, zone) {
    const { date_format: order, language } = this.hass.locale;
    const shown = { year: "numeric", month: "2-digit", day: "2-digit" };
    if (order in DAY_LOCALES) return this._format(moment, DAY_LOCALES[order], shown, zone);
    const locale = order === "system" ? undefined : language;
    return this._format(moment, locale, { ...shown, month: "short", day: "numeric" }, zone);
  }

  // A day of the calendar, such as 2026-11-25: the same in every zone.
  date(day) {
    return this.day(`${day}T00:00:00Z`, "UTC");
  }

  clock(moment, seconds = false) {
    const { time_format: format, language } = this.hass.locale;
    const shown = { hour: "2-digit", minute: "2-digit" };
    if (seconds) shown.second = "2-digit";
    if (format === "12") shown.hour12 = true;
    if (format === "24") shown.hourCycle = "h23";
    return this._format(moment, format === "system" ? undefined : language, shown);
  }

  moment(moment, seconds = false) {
    return `${this.day(moment)} ${this.clock(moment, seconds)}`;
  }

  // From when to when; the day once where it is the same.
  span(start, end, seconds = false) {
    const same = this.day(start) === this.day(end);
    return this.text("span", {
      start: this.moment(start, seconds),
      end: same ? this.clock(end, seconds) : this.moment(end, seconds),
    });
  }

  // What was watched, a line each; as a whole where it is many.
  watched(spans) {
    if (spans.length <= SPANS_LISTED) return spans.map(([start, end]) => this.span(start, end, true));
    const whole = this.span(spans[0][0], spans.at(-1)[1], true);
    return [this.text("register_parts", { span: whole, count: spans.length })];
  }

  length(hours) {
    const days = hours / 24;
    const [unit, number] = hours < 1 ? ["minute", hours * 60] : days >= 2 ? ["day", days] : ["hour", hours];
    return new Intl.NumberFormat(this.language, { style: "unit", unit, unitDisplay: "long" }).format(number);
  }

  // What a date-and-time field holds for a moment, as a clock in the home shows it.
  typed(moment) {
    const shown = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
    return this._format(moment, "sv-SE", shown).replace(" ", "T");
  }

  _format(moment, locale, shown, timeZone = this.hass.config.time_zone) {
    return new Intl.DateTimeFormat(locale, { timeZone, ...shown }).format(new Date(moment));
  }
}

// A guest permission in words: which cameras, which footage, why, until when.
export function permissionFacts(context, site, permission) {
  const cameras = permission.cameras.map((id) => site.cameras[id] ?? context.text("camera_was_removed", { camera: id }));
  const facts = {
    permission_cameras: context.list(cameras),
    permission_footage: context.span(permission.start, permission.end),
    permission_reason: permission.reason,
    permission_until: context.moment(permission.until),
  };
  return make(
    "dl",
    {},
    ...Object.entries(facts).flatMap(([key, text]) => [
      make("dt", {}, context.text(key)),
      make("dd", {}, text),
    ]),
  );
}
