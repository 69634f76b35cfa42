// What was measured, how well, how sure, what is missing; tables, comparisons and figures.

const sentenceEnd = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** How an interval was computed, by the id that the data hold. */
const intervalMethods = {
  "prompt-bootstrap": "bootstrap over prompts",
  "wilson-over-prompts": "Wilson interval over prompts",
  "combined-parts": "combined from the intervals of the parts",
  "effective-wilson": "Wilson interval over the effective number of prompts",
};

/** The row of the score table that belongs to an evaluator of a run. */
const rowOf = (run, observer) => {
  for (const board of store.report.boards) {
    const row = board.rows.find(({ source }) => source.kind === "run" && source.run === run && source.observer === observer);
    if (row) return { board, row, cell: row.cells[board.overall] };
  }
  return null;
};

/** A line from 0 to 1 with the interval as a bar and the value as a mark. */
const scoreLine = (cell) => {
  const line = h("div", { class: "line", "aria-hidden": "true" });
  if (cell.bounds) {
    const bounds = h("span", { class: "bounds" });
    bounds.style.left = `${100 * cell.bounds[0]}%`;
    bounds.style.width = `${100 * (cell.bounds[1] - cell.bounds[0])}%`;
    line.append(bounds);
  }
  if (cell.interval) {
    const bar = h("span", { class: "range" });
    bar.style.left = `${100 * cell.interval.low}%`;
    bar.style.width = `${100 * (cell.interval.high - cell.interval.low)}%`;
    line.append(bar);
  }
  const mark = h("span", { class: "mark" });
  mark.style.left = `${100 * cell.value}%`;
  line.append(mark);
  return h("div", { class: "scale" }, line, h("div", { class: "ends", "aria-hidden": "true" }, h("span", null, "0"), h("span", null, "1")));
};

const scoreOf = (run, number, observer) => {
  const found = rowOf(run, number);
  const heading = [h("span", { class: "eye" }, foreign("bdi", observer.title)), observer.note && h("strong", { class: "warn" }, observer.note)];
  const folded = details(
    h("span", null, "Protocol ", foreign("code", observer.protocol.fingerprint)),
    h("p", { class: "soft" }, "Everything that must be equal for two numbers to be comparable:"),
    factList(observer.protocol.facts),
  );
  const missing = coverageList(observer.coverage.filter((line) => line.count > 0), "Unscored images");
  if (!found || found.cell.value === null) {
    const hasParts = found && found.row.cells.some((cell) => cell.value !== null);
    const why = !found ? "There is no score table for this evaluator." : hasParts ? "Some parts have a score, but not all that the overall score needs; see the table." : "No image has a score yet.";
    return h("div", { class: "score" }, h("p", { class: "eyes" }, heading), h("p", { class: "value none" }, "no score"), h("p", { class: "soft" }, why), missing, folded);
  }
  const { cell, board } = found;
  const decimals = Math.max(board.decimals, 2);
  const sure = cell.interval
    ? `95 % confidence interval ${fixed(cell.interval.low, decimals)} to ${fixed(cell.interval.high, decimals)} (${intervalMethods[cell.interval.method] ?? cell.interval.method})`
    : "no interval: too few prompts";
  const gaps = cell.n_missing > 0 && cell.bounds
    ? `${counted(cell.n_missing, "score")} missing: the score would be ${fixed(cell.bounds[0], decimals)} if all of them were incorrect and ${fixed(cell.bounds[1], decimals)} if all were correct${cell.with_missing ? `; with sampling error, from ${fixed(cell.with_missing.low, decimals)} to ${fixed(cell.with_missing.high, decimals)}` : ""}`
    : cell.n_missing > 0 ? `${counted(cell.n_missing, "score")} missing` : "nothing missing";
  return h(
    "div",
    { class: "score" },
    h("p", { class: "eyes" }, heading),
    h("p", { class: "value" }, fixed(cell.value, decimals), h("span", { class: "soft small" }, ` ${board.columns[board.overall]}`)),
    scoreLine(cell),
    h("p", null, `${sure}.`),
    h("p", { class: "soft" }, `From ${counted(cell.n_images, "image")} of ${counted(cell.n_prompts, "prompt")}; ${gaps}.`),
    missing,
    folded,
  );
};

const coverageList = (lines, heading) => {
  if (lines.length === 0) return null;
  const item = (line) =>
    h("li", null, h("strong", null, `${line.count.toLocaleString("en")} × ${line.kind}`), line.meaning && `: ${line.meaning}`,
      line.examples.length > 0 && h("span", { class: "soft" }, ". For example ", line.examples.slice(0, 3).map((example, place) => [place > 0 && ", ", foreign("bdi", example)])));
  return details(`${heading} (${lines.length})`, h("ul", { class: "coverage" }, lines.map(item)));
};

const runCard = (run, number) => {
  const n_wanted = run.n_images + run.n_failed;
  const measured = [run.suite, run.prompts, run.model && `images by ${run.model}`].filter(Boolean);
  const isUnfinished = run.n_prompts_with_image < run.n_prompts;
  const numbers = [
    [counted(run.n_images, "usable image"), n_wanted > 0 ? `of ${counted(n_wanted, "sample")}` : "none generated or imported yet"],
    [run.n_prompts > 0 ? percent(run.n_prompts_with_image, run.n_prompts) : "no prompts", run.n_prompts > 0 ? `of prompts have an image: ${run.n_prompts_with_image.toLocaleString("en")} of ${run.n_prompts.toLocaleString("en")}` : "the run has no cases"],
    [counted(run.n_failed, "failure"), n_wanted > 0 ? `${percent(run.n_failed, n_wanted)} of samples` : ""],
  ];
  return h(
    "article",
    { class: "card run", "aria-labelledby": `run-${number}` },
    h("h3", { id: `run-${number}` }, foreign("bdi", run.name)),
    h("p", { class: "soft" }, measured.map((text, place) => [place > 0 && " · ", foreign("bdi", text)])),
    run.observers.length === 0
      ? h("div", { class: "score" }, h("p", { class: "value none" }, "no score"), h("p", null, run.n_images > 0 ? "These images are not evaluated yet, or the suite has no rules. The gallery shows them." : "There are no images to score."))
      : run.observers.map((observer, place) => scoreOf(number, place, observer)),
    h("ul", { class: "numbers" }, numbers.map(([value, text]) => h("li", null, h("strong", null, value), " ", h("span", { class: "soft" }, text)))),
    isUnfinished && h("p", { class: "notice" }, `${counted(run.n_prompts - run.n_prompts_with_image, "prompt has", "prompts have")} no usable image; scores are over the others.`),
    run.spend && h("p", null, h("strong", null, "Cost "), foreign("bdi", run.spend)),
    coverageList(run.coverage.filter((line) => line.count > 0), "Missing or noteworthy"),
    run.facts.length > 0 && details("Settings of the run", factList(run.facts)),
    run.n_images + run.n_failed > 0 && h("p", null, h("a", { href: linkTo({ ...DEFAULTS, run: String(number), at: "gallery" }) }, "See its images")),
  );
};

/** More runs than this are listed one line each, with their cards folded away. */
const MOST_CARDS = 4;

const renderSummary = () => {
  const { report } = store;
  const n_images = report.runs.reduce((sum, run) => sum + run.n_images, 0);
  const n_failed = report.runs.reduce((sum, run) => sum + run.n_failed, 0);
  const sessions = report.rounds?.sessions.length ?? 0;
  const suites = [...new Set(report.runs.map((run) => run.suite))];
  const observers = store.eyes.length;
  const ofRuns = `${counted(report.runs.length, "run")} of ${suites.length > 0 ? suites.join(", ") : "no suite"}: ${counted(n_images, "image")}, ${counted(n_failed, "failure")}, ${observers > 0 ? `scored by ${counted(observers, "evaluator")}` : "not evaluated yet"}.`;
  const lead = report.runs.length === 0 && sessions > 0
    ? `${counted(sessions, "session")} of edits by ${counted(report.rounds.models.length, "model")}, controls included.`
    : report.runs.length === 0 && report.diagnoses.length > 0 ? "" : ofRuns;
  const runs = [...report.runs.keys()];
  const cards = h("div", { class: "cards" }, runs.map((number) => runCard(report.runs[number], number)));
  const parts = [
    h("h1", { id: "summary-heading" }, foreign("bdi", report.title)),
    lead !== "" && h("p", { class: "lead" }, lead),
    ...report.notes.map((note) => foreign("p", note, { class: "notice" })),
    ...summaryGroups(),
    h("h2", { class: "unseen" }, "Runs"),
    runs.length > MOST_CARDS ? details(`Each run in full (${runs.length})`, cards) : runs.length > 0 ? cards : sessions + report.diagnoses.length === 0 && h("p", { class: "notice" }, "This report has no runs."),
  ];
  byId("summary").replaceChildren(...parts.filter(Boolean));
};

// Weaknesses and figures.

const weaknessTable = (view, number) => {
  const shown = (value, unit) => `${threeDigits(value)}${unit && ` ${unit}`}`;
  const line = (of, place) =>
    h("tr", null,
      h("th", { scope: "row" }, place === 0 || view.lines[place - 1].group !== of.group ? foreign("bdi", of.group) : h("span", { class: "unseen" }, of.group)),
      h("td", null, of.measure),
      h("td", { class: "number" }, of.value === null ? "–" : shown(of.value, of.unit)),
      h("td", { class: "number" }, of.interval ? `${threeDigits(of.interval[0])} to ${threeDigits(of.interval[1])}` : "–"),
      h("td", { class: "number" }, of.control ? [shown(of.control.value, of.unit), h("span", { class: "interval" }, foreign("bdi", of.control.name))] : "–"),
      h("td", { class: "number" }, of.n.toLocaleString("en"), of.n_missing > 0 && h("span", { class: "interval" }, `${of.n_missing.toLocaleString("en")} not measured`)),
      h("td", { class: "words" }, foreign("bdi", of.verdict)));
  const heads = ["Group", "Measure", "Value", "95 % interval", "Control", "Cases", "Verdict"];
  const figure = (of) =>
    h("figure", null, h("a", { href: of.source }, h("img", { src: of.source, alt: `${of.group}: the answers that show it most, each beside its source and with an overlay`, loading: "lazy" })), h("figcaption", null, foreign("bdi", `${of.group}: where it shows most`)));
  return h("div", { class: "board" },
    h("h3", { id: `weakness-${number}` }, foreign("bdi", view.run)),
    view.reference && h("p", { class: "soft small" }, "Colors are compared with ", foreign("bdi", view.reference), "."),
    ...view.notes.map((note) => foreign("p", note, { class: "notice" })),
    scroller(`weakness-${number}`, h("table", null, h("thead", null, h("tr", null, heads.map((text, place) => h("th", { scope: "col", class: place > 1 && place < 6 ? "number" : null }, text)))), h("tbody", null, view.lines.map(line)))),
    h("p", { class: "soft small" }, "Measured by ", foreign("bdi", view.meters.join(", ")), "."),
    view.figures.length > 0 && h("div", { class: "figures" }, view.figures.map(figure)));
};

const renderWeaknesses = () => {
  const { weaknesses } = store.report;
  byId("weaknesses").hidden = weaknesses.length === 0;
  byId("weaknesses").replaceChildren(
    h("h2", { id: "weaknesses-heading" }, "Weaknesses"),
    h("p", { class: "soft" }, "Measured on the images themselves, by case. The control is the same measure on images that nobody edited; a verdict says no more than value, control and test allow. The gallery can be ordered by each measure, and each sample shows where it was found."),
    ...weaknesses.map(weaknessTable),
  );
};

const figureView = (of) =>
    h("figure", null, h("a", { href: mode === "single" ? null : figureSource(of) }, h("img", { src: figureSource(of), alt: of.alternative, width: of.size?.[0], height: of.size?.[1], loading: "lazy" })), h("figcaption", null, foreign("bdi", of.title)),
      details("In words", foreign("p", of.alternative)));

const renderFigures = () => {
  const elsewhere = new Set(store.report.diagnoses.flatMap((diagnosis) => diagnosis.figures));
  const figures = store.figures.filter((figure, place) => figure.section === "others" && !elsewhere.has(place));
  byId("figures").hidden = figures.length === 0;
  byId("figures").replaceChildren(h("h2", { id: "figures-heading" }, "Figures"), h("div", { class: "figures" }, figures.map(figureView)));
};
