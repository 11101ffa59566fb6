// The printable record of a disclosure, shown as the document that it is.

import { make } from "./parts.js";

export const LANGUAGES = ["ja", "en"];

// Return a button for each language that shows the record of a disclosure; errors go to `trouble`.
export function recordButtons(context, site, row, where, trouble) {
  return LANGUAGES.map((language) =>
    make(
      "button",
      {
        type: "button",
        class: "second",
        "aria-label": context.text(`record_of_${language}`, { number: row.number }),
        onclick: () => show(context, site, row, language, where, trouble),
      },
      context.text(`record_${language}`),
    ),
  );
}

async function show(context, site, row, language, where, trouble) {
  trouble(null);
  let html;
  try {
    ({ html } = await context.call("disclosure_record", site, { disclosure: row.disclosure, language }));
  } catch (error) {
    trouble(error);
    return;
  }
  const title = context.text(`record_of_${language}`, { number: row.number });
  // Of this origin, so that it can be printed from here; no script in it runs.
  const frame = make("iframe", { title, srcdoc: html, sandbox: "allow-same-origin allow-modals" });
  const dialog = make("dialog", { class: "record", "aria-label": title, onclose: () => dialog.remove() });
  const print = () => {
    frame.contentWindow.focus();
    frame.contentWindow.print();
  };
  dialog.append(
    make(
      "div",
      { class: "buttons" },
      make("button", { type: "button", onclick: print }, context.text("record_print")),
      make("button", { type: "button", class: "second", onclick: () => dialog.close() }, context.text("record_close")),
    ),
    frame,
  );
  where.append(dialog);
  dialog.showModal();
}
