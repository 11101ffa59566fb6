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

// Put the keyboard where something is marked as wrong first; return whether anything is.
export function focusWrong(root) {
  const first = root.querySelector("[aria-invalid=true]");
  (first?.matches("fieldset") ? first.querySelector("input") : first)?.focus();
  return Boolean(first);
}

// Make an input for a day that is not to come: pages outlast midnight.
export function pastDay(context, required = true) {
  const input = make("input", { type: "date", max: context.today(), required, onfocus: () => { input.max = context.today(); } });
  return input;
}

// Make a group to choose from: any of it (checkbox) or one (radio). `offer` gives the choices.
export function choices(id, label, type = "checkbox") {
  const group = make(
    "fieldset",
    { id, "data-type": type, "aria-describedby": `${id}-wrong`, oninput: () => mark(made, id) },
    make("legend", {}, label),
    make("p", { id: `${id}-wrong`, class: "wrong" }),
  );
  const made = make("div", { class: "choices" }, group);
  return made;
}

// Give a group its choices, [[value, text, hint]], and keep what is chosen.
export function offer(made, options) {
  const group = made.querySelector("fieldset");
  const held = new Map([...group.querySelectorAll("label")].map((each) => [each.querySelector("input").value, each]));
  const labels = options.map(([value, text, hint = ""]) => {
    const input = () => make("input", { type: group.dataset.type, name: group.id, value });
    const label = held.get(value) ?? make("label", { class: "choice" }, input(), make("span", {}, make("span"), make("span", { class: "hint" })));
    const [said, hinted] = label.lastElementChild.children;
    if (said.textContent !== text) said.textContent = text;
    if (hinted.textContent !== hint) hinted.textContent = hint;
    return label;
  });
  // Only where it changes: what is put in anew would lose the keyboard's place.
  if (labels.length === held.size && labels.every((each) => each.parentNode)) return;
  for (const each of held.values()) each.remove();
  group.firstElementChild.after(...labels);
}

// Return what is chosen of a group.
export function chosen(made) {
  return [...made.querySelectorAll("input:checked")].map((each) => each.value);
}

// Make a list of facts: [[what, text or element]]; what has no text is left out.
export function facts(entries) {
  const said = entries.filter(([, text]) => text);
  return make("dl", {}, ...said.flatMap(([what, text]) => [make("dt", {}, what), make("dd", {}, text)]));
}

// Put children into an element, only where they change: what is put in anew would lose the keyboard's place.
export function put(parent, children) {
  const stay = [...parent.children];
  if (children.length === stay.length && children.every((each, at) => each === stay[at])) return;
  parent.replaceChildren(...children);
}

// Show these cards in a list, or that there is none.
export function fillCards(list, cards, none) {
  put(list, cards.length ? cards : [make("li", { class: "none" }, none)]);
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

// Return what a date-and-time field holds, with its seconds: browsers leave them out where they are 0.
export function seconds(typed) {
  return typed.length === "2026-11-25T00:00".length ? `${typed}:00` : typed;
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

  knows(key) {
    return `component.${DOMAIN}.common.${key}` in this._texts;
  }

  // How an error reads: in the words of the integration where it has any.
  error(error) {
    const key = error?.translation_key;
    const known = key && this._said(`exceptions.${key}.message`, error.translation_placeholders ?? {});
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

  clock(moment, seconds = false, zone) {
    const { time_format: format, language } = this.hass.locale;
    const shown = { hour: "2-digit", minute: "2-digit" };
    if (seconds) shown.second = "2-digit";
    if (format === "12") shown.hour12 = true;
    if (format === "24") shown.hourCycle = "h23";
    return this._format(moment, format === "system" ? undefined : language, shown, zone);
  }

  moment(moment, seconds = false, zone) {
    return `${this.day(moment, zone)} ${this.clock(moment, seconds, zone)}`;
  }

  // From when to when; the day once where it is the same.
  span(start, end, seconds = false, zone) {
    const same = this.day(start, zone) === this.day(end, zone);
    return this.text("span", {
      start: this.moment(start, seconds, zone),
      end: same ? this.clock(end, seconds, zone) : this.moment(end, seconds, zone),
    });
  }

  // Spans that were watched or are missing, a line each; as a whole where it is many.
  watched(spans) {
    if (spans.length <= SPANS_LISTED) return spans.map(([start, end]) => this.span(start, end, true));
    const whole = this.span(spans[0][0], spans.at(-1)[1], true);
    return [this.text("register_parts", { span: whole, count: spans.length })];
  }

  length(hours) {
    if (hours < 1) return this.count(hours * 60, "minute");
    return hours < 48 ? this.count(hours, "hour") : this.count(hours / 24, "day");
  }

  // So many minutes, hours, days, in words.
  count(number, unit) {
    const said = new Intl.NumberFormat(this.language, { style: "unit", unit, unitDisplay: "long" }).format(number);
    return this.language === "ja" ? said.replace(/\s/g, "") : said;
  }

  number(count) {
    return count.toLocaleString(this.language);
  }

  size(bytes) {
    const [unit, number] = bytes < 1e9 ? ["megabyte", bytes / 1e6] : ["gigabyte", bytes / 1e9];
    return new Intl.NumberFormat(this.language, { style: "unit", unit, maximumFractionDigits: 1 }).format(number);
  }

  // The day in the home, such as 2026-11-25.
  today() {
    return this.typed(Date.now()).slice(0, 10);
  }

  // What a date-and-time field holds for a moment, as a clock in the home shows it.
  typed(moment, seconds = false) {
    const shown = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
    if (seconds) shown.second = "2-digit";
    return this._format(moment, "sv-SE", shown).replace(" ", "T");
  }

  _format(moment, locale, shown, timeZone = this.hass.config.time_zone) {
    return new Intl.DateTimeFormat(locale, { timeZone, ...shown }).format(new Date(moment));
  }
}

// A guest permission in words: which cameras, which footage, why, until when.
export function permissionFacts(context, site, permission) {
  const cameras = permission.cameras.map((id) => site.cameras[id] ?? context.text("camera_was_removed", { camera: id }));
  return facts(
    Object.entries({
      permission_cameras: context.list(cameras),
      permission_footage: context.span(permission.start, permission.end),
      permission_reason: permission.reason,
      permission_until: context.moment(permission.until),
    }).map(([key, text]) => [context.text(key), text]),
  );
}
