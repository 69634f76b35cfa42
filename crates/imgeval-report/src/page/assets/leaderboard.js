// The runs of one table in one list, ranked as far as the noise allows.

/** From so many runs on, a list says more than a sentence for each pair. */
const MANY_RUNS = 3;

/** The rows of a table by the same evaluator, the highest overall score first; rows without a score last. */
const leagues = (board) => {
  const leagues = new Map();
  for (const row of board.rows.filter(isOurs)) {
    const evaluator = store.report.runs[row.source.run].observers[row.source.observer];
    const key = evaluator?.id ?? "";
    if (!leagues.has(key)) leagues.set(key, { evaluator, rows: [] });
    leagues.get(key).rows.push(row);
  }
  return [...leagues.values()].map((league) => ({ ...league, rows: orderRows(league.rows, String(board.overall), "descending") }));
};

const leaderboard = (board, number) => {
  const decimals = Math.max(board.decimals, 2);
  const all = leagues(board).filter(({ rows }) => rows.filter((row) => row.cells[board.overall].value !== null).length >= MANY_RUNS);
  return all.map(({ evaluator, rows }, place) => {
    const isRanked = rows.some((row) => row.cells[board.overall].rank);
    const hasModels = rows.some((row) => { const run = store.report.runs[row.source.run]; return run.model !== "" && run.model !== run.name; });
    const hasMissing = rows.some((row) => row.cells[board.overall].n_missing > 0);
    const notes = new Set(rows.map((row) => row.note));
    const line = (row) => {
      const run = store.report.runs[row.source.run];
      const cell = row.cells[board.overall];
      const interval = cell.interval && `${fixed(cell.interval.low, decimals)}–${fixed(cell.interval.high, decimals)}`;
      return h("tr", null,
        isRanked && h("td", { class: "number place" }, cell.rank ? rankText(cell.rank) : h("span", { class: "soft" }, "–", h("span", { class: "unseen" }, " not ranked"))),
        h("th", { scope: "row" }, foreign("bdi", run.name), notes.size > 1 && row.note && h("strong", { class: "warn" }, row.note)),
        hasModels && h("td", null, foreign("bdi", run.model)),
        h("td", { class: "number" }, cell.value === null ? h("span", { class: "soft" }, "no score") : h("strong", null, fixed(cell.value, decimals))),
        h("td", { class: "number soft" }, interval ?? "–"),
        h("td", { class: "scale-cell" }, cell.value !== null && scoreLine(cell)),
        h("td", { class: "number" }, cell.n_prompts.toLocaleString("en")),
        hasMissing && h("td", { class: "number" }, cell.n_missing > 0 ? cell.n_missing.toLocaleString("en") : "0"));
    };
    const heads = [isRanked && ["Rank", true], ["Run", false], hasModels && ["Model", false], ["Score", true], ["95 % interval", true], ["0 to 1", false], ["Prompts", true], hasMissing && ["Missing", true]].filter(Boolean);
    const id = `leaders-${number}-${place}`;
    return h("div", { class: "board" },
      h("h3", { id }, "Leaderboard: ", foreign("bdi", board.title), all.length > 1 && evaluator && [", by ", foreign("bdi", evaluator.title)]),
      scroller(id, h("table", { class: "leaders" }, h("thead", null, h("tr", null, heads.map(([text, isNumber]) => h("th", { scope: "col", class: isNumber ? "number" : null }, text)))), h("tbody", null, rows.map(line)))),
      notes.size === 1 && rows[0].note !== "" && h("p", { class: "small" }, h("strong", { class: "warn" }, sentenceEnd(rows[0].note))),
      isRanked && h("p", { class: "soft small" }, "Runs share ranks where the 95 % interval of their difference includes zero."));
  });
};
