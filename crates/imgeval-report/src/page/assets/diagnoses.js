// Diagnoses of their own, in the order of the paper: findings in sentences, tables, figures.

const diagnosisTable = (table, label) => {
  const heads = table.columns.map((column) => h("th", { scope: "col", class: column.is_number ? "number" : null }, foreign("bdi", column.title)));
  const cell = (text, place) => (place === 0 ? h("th", { scope: "row" }, foreign("bdi", text)) : h("td", { class: table.columns[place]?.is_number ? "number" : "words" }, foreign("bdi", text)));
  const body = (section) =>
    h("tbody", null,
      section.heading && h("tr", { class: "group" }, h("th", { colspan: table.columns.length, scope: "rowgroup" }, foreign("bdi", section.heading))),
      section.rows.map((row) => h("tr", null, row.map(cell))));
  return [
    table.title && h("h4", { id: `${label}-title` }, foreign("bdi", table.title)),
    scroller(table.title ? `${label}-title` : label, h("table", null, h("thead", null, h("tr", null, heads)), table.sections.map(body))),
    ...table.notes.map((note) => foreign("p", note, { class: "soft small" })),
  ];
};

const diagnosisView = (diagnosis, number) => {
  const label = `diagnosis-${number}`;
  return h("div", { class: "board" },
    h("h3", { id: label }, foreign("bdi", diagnosis.title)),
    ...diagnosis.findings.map((finding) => foreignSentence("p", finding, { class: "finding" })),
    diagnosis.text && details("All numbers", h("pre", { tabindex: "0" }, diagnosis.text)),
    diagnosis.tables.map((table, place) => diagnosisTable(table, place === 0 ? label : `${label}-${place}`)),
    diagnosis.figures.length > 0 && h("div", { class: "figures" }, diagnosis.figures.map((place) => figureView(store.figures[place]))));
};

/** Sections of diagnoses by their kind. */
const DIAGNOSES = { architecture: ["architecture", "Architecture"], artefacts: ["artefacts", "Decoder and artifacts"], rounds: ["sessions", "Rounds of existing images"], forensics: ["forensics", "Forensics"], other: ["diagnoses", "Other diagnoses"] };

const renderDiagnoses = () => {
  const numbered = store.report.diagnoses.map((diagnosis, number) => ({ diagnosis, number }));
  for (const [kind, [section, title]] of Object.entries(DIAGNOSES)) {
    const own = numbered.filter(({ diagnosis }) => diagnosis.kind === kind);
    byId(section).hidden = own.length === 0;
    byId(section).replaceChildren(h("h2", { id: `${section}-heading` }, title), ...own.map(({ diagnosis, number }) => diagnosisView(diagnosis, number)));
  }
};
