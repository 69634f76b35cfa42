// The sections that follow the paper: the summary in sentences, charts, pixel metrics, and what a report ends with.

/** One line for each model: its rank and what the intervals allow to say. */
const summaryGroups = () => {
  const line = (of) =>
    h("li", null, h("span", { class: "rank" }, of.rank !== "" ? of.rank.replace("-", "–") : "·", h("span", { class: "unseen" }, of.rank !== "" ? " (rank)" : " not ranked")),
      h("p", null, foreign("strong", of.name), ": ", of.sentences.map((text, place) => [place > 0 && " ", foreignSentence("span", text)])));
  return store.summary.map((group) => h("div", { class: "in-short" }, h("h2", null, foreign("bdi", group.title)), h("ol", { role: "list" }, group.lines.map(line))));
};

const figuresOf = (section) => store.figures.filter((figure) => figure.section === section);

const renderCharts = () => {
  const figures = [...figuresOf("scores"), ...figuresOf("comparisons")];
  byId("charts").hidden = figures.length === 0;
  byId("charts").replaceChildren(h("h2", { id: "charts-heading" }, "Charts"), h("div", { class: "figures" }, figures.map(figureView)));
};

/** Strips and curves stand with the sessions that they show. */
const renderRoundCharts = () => {
  const figures = figuresOf("rounds");
  if (figures.length > 0) byId("rounds").append(h("div", { class: "figures" }, figures.map(figureView)));
};

const renderPixelMetrics = () => {
  const tables = store.report.pixel_metrics;
  byId("pixels").hidden = tables.length === 0;
  byId("pixels").replaceChildren(h("h2", { id: "pixels-heading" }, "Pixel metrics"), ...tables.map(({ table }, number) => h("div", { class: "board" }, diagnosisTable(table, `pixels-${number}`))));
};

/** Costs, failures, methods and limits. */
const renderClosing = () => {
  for (const name of ["costs", "failures", "methods"]) {
    const table = store.closing[name];
    byId(name).hidden = !table;
    byId(name).replaceChildren(...(table ? [h("h2", { id: `${name}-heading` }, table.title), h("div", { class: "board" }, diagnosisTable({ ...table, title: "" }, `${name}-heading`))] : []));
  }
};
