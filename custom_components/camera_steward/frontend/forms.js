// How forms are made and sent, and how it is said beside each field what it lacks.

import { focusWrong, make, mark } from "./parts.js";
import { marked } from "./states.js";

// Make a form that says itself what it lacks; labels of fields that must be filled in are marked.
export function makeForm(context, attributes, submit, ...parts) {
  const form = make("form", { novalidate: true, style: `--needed: "${context.text("panel_needed")}"`, ...attributes }, ...parts);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
  return form;
}

// Make the end of a form: room for why it was refused, and its buttons.
export function endForm(...buttons) {
  return [make("p", { role: "alert", class: "refused" }), make("div", { class: "buttons" }, ...buttons)];
}

// Say beside each field what it lacks, {name: whether it is wrong}; return whether anything does.
export function lacks(form, prefix, wrong, say) {
  for (const [name, isWrong] of Object.entries(wrong)) mark(form, `${prefix}-${name}`, isWrong ? say(name) : "");
  return focusWrong(form);
}

// Send what a form holds, not twice at once; `refuse` gets the error where it is not taken.
export async function send(form, told, doing, refuse) {
  const button = form.querySelector("button[type=submit]");
  form.querySelector(".refused").textContent = "";
  told.textContent = "";
  button.disabled = true;
  try {
    await doing();
  } catch (error) {
    refuse(error);
  }
  button.disabled = false;
}

// Say in words that something was done, at the head of its page, where the keyboard then is.
export function sayDone(page, told, text) {
  told.replaceChildren(marked("done", text));
  told.focus();
  page.scrollIntoView();
}

// Say what an error is about beside the field that it names, else in words at the form's end.
export function tell(context, form, prefix, error, needs = prefix) {
  const name = error?.translation_placeholders?.field;
  const input = name && form.querySelector(`#${prefix}-${CSS.escape(name)}`);
  if (input) {
    const key = `${needs}_needs_${name}`;
    mark(form, input.id, context.knows(key) ? context.text(key) : context.error(error));
    focusWrong(form);
  } else {
    form.querySelector(".refused").textContent = context.error(error);
  }
}
