// How the pages look: Home Assistant's theme on the screen, black on white on paper.

export const STYLE = `
  :host { display: block; min-height: 100%; background: var(--primary-background-color);
          color: var(--primary-text-color); font-family: var(--ha-font-family-body, sans-serif);
          line-height: 1.5; color-scheme: light; container-type: inline-size; }
  :host([dark]) { color-scheme: dark; }
  [hidden] { display: none !important; }
  header { display: flex; align-items: center; height: var(--header-height, 56px); padding: 0 12px;
           background: var(--app-header-background-color); color: var(--app-header-text-color); }
  header h1 { margin: 0; font-size: 20px; font-weight: 400; }
  nav { border-bottom: 1px solid var(--divider-color); background: var(--app-header-background-color); }
  .menu { display: none; }
  .groups > div { display: flex; align-items: flex-start; padding: 0 12px; }
  .groups > div > div { display: flex; flex-wrap: wrap; }
  .groups > div + div { border-top: 1px solid var(--divider-color); }
  .group { flex: none; width: 5em; padding: 11px 0 0 4px; font-size: 13px; color: var(--secondary-text-color); }
  nav a { padding: 9px; white-space: nowrap; text-decoration: none; color: var(--app-header-text-color);
          border-bottom: 3px solid transparent; }
  nav a[aria-current] { font-weight: 500; border-color: var(--primary-color); }
  main { max-width: 760px; margin: 0 auto; padding: 16px; box-sizing: border-box; }
  main.broad { max-width: 1400px; }
  section { background: var(--card-background-color); border: 1px solid var(--divider-color);
            border-radius: 12px; padding: 8px 24px 24px; margin-bottom: 16px; }
  h2 { font-size: 22px; font-weight: 500; margin: 12px 0; overflow-wrap: anywhere; }
  h3 { font-size: 18px; font-weight: 500; margin: 16px 0 8px; overflow-wrap: anywhere; }
  h4 { font-size: 15px; font-weight: 500; margin: 12px 0 4px; }
  .text { white-space: pre-line; line-height: 1.7; max-height: 320px; overflow: auto;
          border: 1px solid var(--divider-color); border-radius: 8px; padding: 16px; }
  .hint { color: var(--secondary-text-color); font-size: 14px; margin: 4px 0; }
  [role="alert"], .wrong { color: var(--error-color); margin: 4px 0; }
  [role="status"] { margin: 4px 0; }
  .wrong { font-size: 14px; }
  [role="alert"]:empty, [role="status"]:empty, .wrong:empty { margin: 0; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 8px 0; }
  dt { color: var(--secondary-text-color); }
  dd { margin: 0; overflow-wrap: anywhere; white-space: pre-line; }
  ul { margin: 4px 0; padding-left: 20px; }
  ul.cards { list-style: none; padding: 0; margin-top: 12px; }
  ul.cards > li { border-top: 1px solid var(--divider-color); padding: 4px 0 16px; }
  ul.cards > li:last-child { padding-bottom: 0; }
  ul.cards > li.none { padding-top: 16px; }
  ul.cards > li > p { margin: 12px 0 0; }
  ul.cards > li > button, ul.cards .buttons { margin-top: 12px; }
  .field { margin: 0 0 16px; min-width: 0; }
  .field > label, legend { display: block; font-weight: 500; margin-bottom: 4px; }
  legend { padding: 0; }
  fieldset { border: 0; padding: 0; margin: 0 0 16px; min-width: 0; }
  .pair { display: flex; flex-wrap: wrap; gap: 0 16px; }
  .pair > .field { flex: 1 1 220px; }
  input:not([type="checkbox"], [type="radio"]), select, textarea {
    font: inherit; width: 100%; min-height: 44px; padding: 8px 12px; box-sizing: border-box;
    color: var(--primary-text-color); background: var(--card-background-color);
    border: 1px solid var(--secondary-text-color); border-radius: 8px; }
  textarea { resize: vertical; }
  input[type="checkbox"], input[type="radio"] { accent-color: var(--primary-color); }
  [aria-invalid="true"]:not(fieldset) { border-color: var(--error-color) !important; }
  label.choice { display: flex; gap: 12px; align-items: flex-start; padding: 10px 0; }
  label.choice input { width: 20px; height: 20px; margin: 2px 0; flex: none; }
  label.choice:has(.hint:not(:empty)) { padding: 6px 0; }
  label.choice .hint { display: block; margin: 0; }
  label.choice .hint:empty { display: none; }
  .field:has(:required) > label::after, .needed legend::after {
    content: var(--needed); margin-inline-start: 8px; padding: 1px 8px; border-radius: 10px;
    font-size: 12px; font-weight: 400; border: 1px solid currentColor; color: var(--secondary-text-color); }
  .within { border-inline-start: 3px solid var(--divider-color); padding-inline-start: 16px; margin-top: 12px; }
  code { font-family: var(--ha-font-family-code, monospace); font-size: 13px; overflow-wrap: anywhere; }
  .secret { display: inline-block; font-size: 22px; letter-spacing: 0.04em; padding: 8px 16px; user-select: all;
            border: 1px solid var(--divider-color); border-radius: 8px; }
  progress { width: 100%; accent-color: var(--primary-color); }
  dialog.record { width: min(900px, 94vw); height: 90vh; padding: 12px; border: 0; border-radius: 12px;
                  box-sizing: border-box; background: var(--card-background-color); }
  dialog.record[open] { display: flex; flex-direction: column; gap: 12px; }
  dialog.record iframe { flex: 1; border: 1px solid var(--divider-color); background: white; color-scheme: light; }
  button, a.button { font: inherit; min-height: 44px; padding: 8px 20px; border: 0; border-radius: 22px; cursor: pointer;
           background: var(--primary-color); color: var(--text-primary-color); }
  a.button { display: inline-flex; align-items: center; text-decoration: none; box-sizing: border-box; }
  button.second { background: transparent; color: var(--primary-text-color);
                  border: 1px solid var(--secondary-text-color); }
  button.link { min-height: 0; padding: 4px; vertical-align: middle; background: none; color: var(--primary-color); text-decoration: underline; }
  button:disabled { opacity: 0.4; cursor: default; }
  :focus-visible { outline: 2px solid var(--primary-color); outline-offset: 2px; }
  .filter { display: flex; flex-wrap: wrap; gap: 0 16px; align-items: flex-end; }
  .filter > .field { flex: 1 1 150px; }
  .filter > button { margin-bottom: 16px; }
  .above { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; justify-content: space-between;
           margin-bottom: 8px; }
  .buttons { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
  .buttons select { width: auto; max-width: 100%; }
  .rows { overflow-x: auto; }
  table { border-collapse: collapse; width: 100%; font-size: 14px; }
  th, td { text-align: start; vertical-align: top; padding: 10px 12px 10px 0; }
  th { color: var(--secondary-text-color); font-weight: 500; white-space: nowrap; }
  td { border-top: 1px solid var(--divider-color); overflow-wrap: break-word; }
  td .hint { margin: 0; font-size: 13px; }
  td.number, td.people { min-width: 7em; }
  td.number div { white-space: nowrap; }
  td.outcome, td.recipient, td.kind, td.footage, td.file { min-width: 9em; }
  td button { min-height: 36px; padding: 4px 14px; white-space: nowrap; }
  td:first-child, th:first-child { padding-inline-start: 12px; }
  tr.denied td:first-child { box-shadow: inset 4px 0 var(--error-color); }
  .mark { font-weight: 500; }
  .mark.denied { color: var(--error-color); }
  .state { display: inline-flex; gap: 6px; align-items: center; font-weight: 500; --drawn: var(--secondary-text-color); }
  .state svg { width: 22px; height: 22px; flex: none; fill: none; stroke: var(--drawn); stroke-width: 2;
               stroke-linecap: round; stroke-linejoin: round; }
  .state.enforced, .state.evidence_held, .state.done { --drawn: var(--success-color, #2e7d32); }
  .state.due, .state.not_enforced, .state.waiting { --drawn: #b26a00; }
  :host([dark]) :is(.state.due, .state.not_enforced, .state.waiting) { --drawn: #ffb74d; }
  .state.breached, .state.overdue, .state.closed { --drawn: var(--error-color); }
  ul.counts { list-style: none; padding: 0; margin: 12px 0; display: grid; gap: 8px;
              grid-template-columns: repeat(auto-fit, minmax(max(140px, 30%), 1fr)); }
  ul.counts li { display: flex; justify-content: space-between; align-items: center; gap: 8px;
                 border: 1px solid var(--divider-color); border-radius: 8px; padding: 8px 12px; }
  ul.counts strong { font-size: 20px; font-weight: 500; }
  .duty h3 { font-size: 16px; }
  .subject + .subject { margin-top: 12px; }
  .subject:has(h4) { border-inline-start: 3px solid var(--divider-color); padding-inline-start: 16px; }
  .dates { display: flex; flex-wrap: wrap; gap: 0 20px; }
  .inline label.choice { display: inline-flex; margin-inline-end: 24px; }
  .above .switch { margin: 0; }
  details { border-top: 1px solid var(--divider-color); }
  summary { padding: 12px 0; cursor: pointer; }
  summary .state, p > .state { vertical-align: middle; }
  .about { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; justify-content: space-between; margin-top: 12px; }
  .about + h3 { margin-top: 4px; }
  .label { display: inline-block; padding: 1px 10px; border-radius: 10px; font-size: 13px; border: 1px solid var(--divider-color);
           color: var(--secondary-text-color); }
  .thumbnail { display: block; max-width: 240px; max-height: 180px; margin: 8px 0; border-radius: 8px; }
  .switch { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 16px; }
  .switch button[aria-pressed="true"] { background: var(--primary-color); color: var(--text-primary-color); border-color: transparent; }
  .sign { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 24px; align-items: start; }
  .sign img { display: block; width: 100%; max-height: 70vh; object-fit: contain; background: #888; border-radius: 8px; padding: 12px;
              box-sizing: border-box; }
  section.slim { max-width: 728px; margin-inline: auto; box-sizing: border-box; }
  .stage { position: relative; width: 100%; margin: 12px auto; border-radius: 4px;
           background: repeating-linear-gradient(0deg, #0002 0 1px, transparent 1px 10%), repeating-linear-gradient(90deg, #0002 0 1px, transparent 1px 10%), #e4e7ea; }
  .stage > img, .stage > svg { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 4px; }
  .stage polyline, .stage polygon { fill: none; stroke-width: 3; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
  .stage .casing { stroke: #fff; stroke-width: 6; }
  .stage .line, .stage .area { stroke: var(--tone); cursor: grab; touch-action: none; }
  .stage .area { fill: color-mix(in srgb, var(--tone) 18%, transparent); }
  .lined { --tone: #0b5cad; }
  .zoned { --tone: #00695c; }
  .upright { --tone: #a04400; }
  .floored { --tone: #6a1b9a; }
  .stage .wrong { --tone: #c00020; }
  .stage .wrong:is(.line, .area) { stroke-dasharray: 8 5; }
  .stage .point { position: absolute; width: 44px; min-height: 44px; margin: -22px; padding: 0; background: none; touch-action: none; cursor: move; }
  .stage .point span { display: grid; place-items: center; width: 22px; height: 22px; margin: auto; border-radius: 50%; box-sizing: border-box;
                       background: var(--tone); color: #fff; border: 2px solid #fff; box-shadow: 0 0 0 1px #0008; font-size: 12px; font-weight: 600; line-height: 1; }
  .stage .point:focus-visible { outline: 0; z-index: 1; }
  .stage .point:focus-visible span { outline: 3px solid #ffb300; outline-offset: 2px; }
  .stage .tag, .stage .side { position: absolute; translate: -50% -50%; padding: 0 8px; border-radius: 10px; font-size: 13px; white-space: nowrap;
                              max-width: 40%; overflow: hidden; text-overflow: ellipsis; background: #fffd; color: #111; pointer-events: none; }
  .stage .tag:empty { display: none; }
  .stage .side { background: var(--tone); color: #fff; }
  .stage .arrow { position: absolute; width: 44px; height: 44px; margin: -22px; pointer-events: none; }
  .stage .arrow path { fill: none; stroke: var(--tone); stroke-width: 3; stroke-linecap: round; stroke-linejoin: round; }
  .stage .arrow .casing { stroke: #fff; stroke-width: 7; }
  .drawing { display: grid; gap: 0 32px; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); align-items: start; }
  .drawing > .stages { position: sticky; top: 8px; }
  .drawing.planned { grid-template-columns: 1fr; }
  .drawing.planned > :last-child { display: grid; gap: 0 32px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); align-items: start; }
  .drawing.planned > .stages { position: static; display: grid; gap: 0 32px; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .drawing.planned > .stages > :is(:first-child, .hint) { grid-column: 1 / -1; }
  fieldset.part { padding-top: 8px; margin-bottom: 24px; }
  fieldset.part > legend { float: inline-start; width: 100%; font-size: 18px; }
  fieldset.part > legend + * { clear: both; }
  .part details { border: 0; }
  .part summary { padding: 4px 0 12px; }
  ul.drawn > li { padding-top: 12px; }
  .part > .buttons, .part > div > .buttons { margin-top: 12px; }
  .places, .place { display: grid; gap: 8px; }
  .place { grid-template-columns: minmax(4em, 1fr) auto 5.5em auto 5.5em; align-items: center; }
  .place input:not([type="checkbox"]) { min-width: 0; padding-inline: 8px; }
  .plate { display: block; max-width: 100%; margin: 12px 0; border-radius: 8px; }
  .warning { border: 2px solid var(--error-color); border-radius: 8px; padding: 8px 16px; margin-bottom: 16px; }
  ol.steps { padding-left: 24px; }
  ol.steps li { margin-bottom: 16px; }
  @container (max-width: 870px) {
    .menu { display: flex; justify-content: space-between; align-items: center; width: 100%; border-radius: 0; padding: 8px 16px;
            background: transparent; color: var(--app-header-text-color); font-weight: 500; text-align: start; }
    .menu::after { content: ""; width: 8px; height: 8px; margin: 0 6px; border: solid currentColor; border-width: 0 2px 2px 0;
                   rotate: 45deg; translate: 0 -3px; }
    .menu[aria-expanded="true"]::after { rotate: 225deg; translate: 0 3px; }
    .menu[aria-expanded="false"] + .groups { display: none; }
    .groups > div { flex-direction: column; align-items: stretch; padding: 8px 0; border-top: 1px solid var(--divider-color); }
    .groups > div > div { flex-direction: column; }
    .group { width: auto; padding: 4px 16px; }
    nav a { padding: 10px 16px 10px 24px; border-bottom: 0; border-inline-start: 4px solid transparent; }
    .sign, .drawing, .drawing.planned > .stages { grid-template-columns: minmax(0, 1fr); }
    .drawing > .stages { position: static; }
    main { padding: 8px; }
    section { padding: 4px 16px 16px; }
    dl { grid-template-columns: 1fr; gap: 0; }
    dd { margin-bottom: 8px; }
    thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
    table, tbody { display: block; }
    tr { display: block; border-top: 1px solid var(--divider-color); padding: 8px 0; }
    tr.denied { box-shadow: inset 4px 0 var(--error-color); }
    td, td:first-child { display: grid; grid-template-columns: 7em 1fr; gap: 0 8px; border: 0; padding: 3px 0 3px 12px; }
    tr.denied td:first-child { box-shadow: none; }
    td::before { content: attr(data-label); color: var(--secondary-text-color); grid-row: 1 / span 20; }
    td > * { grid-column: 2; }
    td:empty { display: none; }
  }
`;

export const PRINTED = `
  @media screen { #camera-steward-paper { display: none; } }
  @media print {
    @page { size: A4 landscape; margin: 12mm; }
    html, body { background: white !important; color: black !important; height: auto !important; overflow: visible !important; }
    body > *:not(#camera-steward-paper) { display: none !important; }
    #camera-steward-paper { font: 9pt sans-serif; }
    #camera-steward-paper h1 { font-size: 14pt; font-weight: 500; margin: 0 0 4mm; }
    #camera-steward-paper table { border-collapse: collapse; width: 100%; }
    #camera-steward-paper thead { display: table-header-group; }
    #camera-steward-paper tr { break-inside: avoid; }
    #camera-steward-paper th, #camera-steward-paper td {
      border: 0.3pt solid #666; padding: 1mm 1.5mm; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
    #camera-steward-paper th { overflow-wrap: break-word; }
    #camera-steward-paper .mark.denied { font-weight: bold; }
  }
`;
