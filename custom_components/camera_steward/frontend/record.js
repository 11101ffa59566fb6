// Printable documents, shown as what they are: the record of a disclosure, and others' papers.

import { download, make } from "./parts.js";

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
  showDocument(context, context.text(`record_of_${language}`, { number: row.number }), html, where);
}

// Show a document to read and to print; under a file's name, to save as well.
export function showDocument(context, title, html, where, file = null) {
  // Of this origin, so that it can be printed from here; no script in it runs.
  const frame = make("iframe", { title, srcdoc: html, sandbox: "allow-same-origin allow-modals" });
  const dialog = make("dialog", { class: "record", "aria-label": title, onclose: () => dialog.remove() });
  const print = () => {
    frame.contentWindow.focus();
    frame.contentWindow.print();
  };
  const save = () => download(dialog, file.replace(/\.html$/, ""), "html", new Blob([html], { type: "text/html;charset=utf-8" }));
  dialog.append(
    make(
      "div",
      { class: "buttons" },
      make("button", { type: "button", onclick: print }, context.text("record_print")),
      ...(file ? [make("button", { type: "button", class: "second", onclick: save }, context.text("papers_save_html"))] : []),
      make("button", { type: "button", class: "second", onclick: () => dialog.close() }, context.text("record_close")),
    ),
    frame,
  );
  where.append(dialog);
  dialog.showModal();
}
