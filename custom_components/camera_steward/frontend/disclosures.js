// The manager's page of the disclosure register: what was handed over or refused, to whom and why.

import { Book, lines } from "./book.js";
import { make } from "./parts.js";
import { recordButtons } from "./record.js";

const DAYS = 365;
const COLUMNS = ["number", "outcome", "recipient", "kind", "footage", "people", "file"];
// As they are asked for; the ledger keeps them by name.
const PARTICULARS = ["law", "article", "agency", "officer_post", "officer_name", "document_number", "document_date", "matter"];

export class DisclosuresPage {
  constructor(context, site) {
    this._context = context;
    this._site = site;
    this._book = new Book(context, site, {
      page: "disclosures",
      texts: "disclosure",
      command: "disclosures",
      rows: "disclosures",
      days: DAYS,
      columns: COLUMNS,
      cells: (row) => this._cells(row),
      kind: (row) => (row.outcome === "refused" || row.to_return ? "denied" : null),
    });
    this.element = make("div", {}, this._book.element);
  }

  open() {
    this._book.show();
  }

  clear() {
    this._book.clear();
    this.element.querySelector("dialog")?.close();
  }

  printed() {
    return this._book.printed();
  }

  // ------------------------------------------------------------------ what was found

  _cells(row) {
    const context = this._context;
    return {
      number: [make("div", {}, row.number), make("time", { datetime: row.at }, context.moment(row.at))],
      outcome: this._outcome(row),
      recipient: [make("div", {}, row.recipient), ...this._named([[row.approved_by ? "disclosure_reason" : "disclosures_asked", row.reason]])],
      kind: [
        ...lines([context.text(`request_${row.kind}`), particulars(context, row)]),
        ...this._named([["disclosure_identity", row.identity]]),
      ],
      footage: this._footage(row),
      people: this._named([
        [row.approved_by ? "disclosure_approved_by" : "disclosures_refused_by", row.name],
        ["disclosure_in_charge", row.in_charge],
        ["disclosure_witness", row.witness],
      ]),
      file: this._file(row),
    };
  }

  _outcome(row) {
    const context = this._context;
    const denied = row.outcome === "refused" || row.outcome === "broken_off";
    return [
      make("div", { class: denied ? "mark denied" : "mark" }, outcome(context, row)),
      ...(row.refusal ? [make("div", {}, row.refusal)] : []),
      ...(row.to_return ? [make("div", { class: "mark denied" }, context.text("disclosures_to_return"))] : []),
    ];
  }

  _footage(row) {
    const context = this._context;
    return [
      ...lines([...row.cameras.map((each) => each.camera), ...(row.start ? [context.span(row.start, row.end, true)] : [])]),
      ...this._named([
        ["disclosure_hold", row.hold],
        ...missing(context, row).map((each, at) => [at ? "" : "disclosure_missing", each]),
      ]),
    ];
  }

  // Each under what it is called; what there is none of is left out.
  _named(entries) {
    const given = entries.filter(([, text]) => text);
    return given.flatMap(([key, text]) => [
      ...(key ? [make("div", { class: "hint" }, this._context.text(key))] : []),
      make("div", {}, text),
    ]);
  }

  _file(row) {
    if (!row.started_at) return [];
    return [
      make("div", {}, row.file),
      ...(row.ended_at ? [make("div", { class: "hint" }, `${row.size_bytes.toLocaleString(this._context.language)} B`)] : []),
      ...(row.outcome === "handed_over" ? [make("code", {}, row.sha256)] : []),
      ...(row.ended_at ? this._records(row) : []),
    ];
  }

  _records(row) {
    const trouble = (error) => this._book.trouble(error);
    const buttons = recordButtons(this._context, this._site, row, this.element, trouble);
    return [make("div", { class: "hint" }, this._context.text("record_title")), make("div", { class: "buttons" }, ...buttons)];
  }
}

// How far a request has come, in words.
export function outcome(context, { outcome: name, why }) {
  const said = context.text(`outcome_${name}`);
  return why ? context.text("disclosures_why", { outcome: said, why: context.text(`broken_${why}`) }) : said;
}

// The particulars of a request in one line.
export function particulars(context, { particulars: given }) {
  const said = PARTICULARS.filter((name) => given[name]).map((name) => {
    const value = given[name];
    const shown = name === "matter" ? context.text(`matter_${value}`) : name.endsWith("_date") ? context.date(value) : value;
    return context.text("disclosures_particular", { name: context.text(`particular_${name}`), value: shown });
  });
  return context.list(said);
}

// What was asked for and is not in the package: a line each span of a camera, as a whole where it is many.
export function missing(context, { missing: parts }) {
  const spans = new Map();
  for (const each of parts) spans.set(each.camera, [...(spans.get(each.camera) ?? []), ...each.spans]);
  return [...spans].flatMap(([camera, found]) => {
    const inOrder = found.sort(([one], [other]) => Date.parse(one) - Date.parse(other));
    return context.watched(inOrder).map((each) => `${camera} ${each}`);
  });
}
