// Diagnoses of their own: findings in sentences, tables, figures.

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
    ...diagnosis.findings.map((finding) => foreign("p", finding, { class: "finding" })),
    diagnosis.text && details("All numbers", h("pre", { tabindex: "0" }, diagnosis.text)),
    diagnosis.tables.map((table, place) => diagnosisTable(table, place === 0 ? label : `${label}-${place}`)),
    diagnosis.figures.length > 0 && h("div", { class: "figures" }, diagnosis.figures.map((place) => figureView(store.figures[place]))));
};

const renderDiagnoses = () => {
  const { diagnoses } = store.report;
  byId("diagnoses").hidden = diagnoses.length === 0;
  byId("diagnoses").replaceChildren(h("h2", { id: "diagnoses-heading" }, "Diagnoses"), ...diagnoses.map(diagnosisView));
};
