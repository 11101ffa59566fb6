// How a duty or a task stands: an icon and its word, never a colour alone.

import { make } from "./parts.js";

const SVG = "http://www.w3.org/2000/svg";
const ROUND = "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z";
const WARNING = ["M12 4 2.8 20h18.4z", "M12 10v4", "M12 16.9v.2"];
const DRAWN = {
  enforced: ["M12 3 5 6v5c0 4.6 3 8.4 7 10 4-1.6 7-5.4 7-10V6z", "m9 12 2.2 2.2 4-4.4"],
  evidence_held: ["M6 3h8l4 4v14H6z", "m9 14 2.2 2.2 4-4.4"],
  due: [ROUND, "M12 7v5.2l3.2 2"],
  not_enforced: [ROUND, "m5.8 5.8 12.4 12.4"],
  breached: WARNING,
  not_applicable: [ROUND, "M8 12h8"],
  overdue: WARNING,
  upcoming: ["M4 6h16v14H4z", "M4 10.5h16", "M8 3v4.5", "M16 3v4.5"],
  waiting: [ROUND, "M12 7v5.2l3.2 2"],
  done: [ROUND, "m8 12.2 2.8 2.8 5.2-5.8"],
  closed: [ROUND, "m8.5 8.5 7 7", "m15.5 8.5-7 7"],
};

// Return an icon with a text beside it.
export function marked(name, text) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  for (const each of DRAWN[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", each);
    drawn.append(path);
  }
  return make("span", { class: `state ${name}` }, drawn, make("span", {}, text));
}
