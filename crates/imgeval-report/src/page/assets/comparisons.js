// Differences between runs: of two a sentence and a table, of more a matrix in which each pair can be chosen.

/** The runs by one evaluator of which each was compared with some other, with all their comparisons. */
const comparisonGroups = () => {
  const groups = [];
  store.report.comparisons.forEach((comparison, number) => {
    const isOfRuns = comparison.kind === "runs";
    const fits = (group) => isOfRuns && group.isOfRuns && group.suite === comparison.suite && (group.names.has(comparison.a) || group.names.has(comparison.b));
    const joined = groups.filter(fits);
    const group = joined[0] ?? { suite: comparison.suite, isOfRuns, names: new Set(), pairs: [] };
    for (const other of joined.slice(1)) {
      other.names.forEach((name) => group.names.add(name));
      group.pairs.push(...other.pairs);
      groups.splice(groups.indexOf(other), 1);
    }
    if (joined.length === 0) groups.push(group);
    group.names.add(comparison.a).add(comparison.b);
    group.pairs.push(number);
  });
  return groups;
};

const probability = (value) => (value === null ? "–" : value < 0.0001 ? "< 0.0001" : value.toFixed(4));

const comparisonView = (number) => {
  const comparison = store.report.comparisons[number];
  const { a, b, is_paired: isPaired } = comparison;
  const line = (of, place) => {
    const isOverall = place === comparison.lines.length - 1;
    return h("tr", { class: isOverall ? "ours" : null },
      h("th", { scope: "row" }, foreign("bdi", of.part)),
      h("td", { class: "number" }, of.difference === null ? "–" : signed(of.difference, 3)),
      h("td", { class: "number" }, of.interval ? `${signed(of.interval.low, 3)} to ${signed(of.interval.high, 3)}` : "–"),
      h("td", { class: "number" }, of.n_prompts.toLocaleString("en")),
      isPaired && (of.won_tied_lost ?? ["–", "–", "–"]).map((n) => h("td", { class: "number" }, n.toLocaleString("en"))),
      h("td", { class: "number" }, probability(of.p_value)),
      h("td", { class: "number" }, probability(of.p_adjusted)),
      h("td", null, of.test || "–"),
      h("td", { class: "number" }, of.detectable === null ? "–" : fixed(of.detectable, 3)),
      h("td", { class: "number" }, of.prompts_needed === null ? "–" : of.prompts_needed.toLocaleString("en")));
  };
  const heads = ["Part", "Difference", "95 % interval", "Prompts", isPaired && [foreign("bdi", a), " better"], isPaired && "same", isPaired && [foreign("bdi", b), " better"], "p", "p (Holm)", "Test", "Detectable", "Prompts needed"].filter(Boolean);
  const hasSuites = store.report.comparisons.some((other) => other.suite !== comparison.suite);
  const title = comparison.kind === "runs" ? [foreign("bdi", a), " and ", foreign("bdi", b), isPaired ? ", prompt by prompt" : ", each on its own prompts", hasSuites && [" · ", foreign("bdi", comparison.suite)]] : foreign("bdi", comparison.title);
  return h("div", { class: "board" },
    h("h3", { id: `comparison-${number}` }, title),
    comparison.conclusion && foreign("p", comparison.conclusion, { class: "finding" }),
    ...comparison.notes.map((note) => foreign("p", sentenceEnd(note), { class: "notice" })),
    comparison.lines.length > 0 && h("p", { class: "soft small" }, "A positive difference means that ", foreign("bdi", a), " scores higher, a negative one that ", foreign("bdi", b), " does. Detectable: the smallest true difference that a comparison of this size detects with 80 % power."),
    comparison.lines.length > 0 && scroller(`comparison-${number}`, h("table", { class: "pins" }, h("thead", null, h("tr", null, heads.map((text, place) => h("th", { scope: "col", class: place > 0 && text !== "Test" ? "number" : null }, text)))), h("tbody", null, comparison.lines.map(line)))));
};

/** The line of a comparison about a part; the overall one if no part is named. */
const lineAbout = (comparison, part) => (part === "" ? comparison.lines.at(-1) : comparison.lines.find((line) => line.part === part)) ?? null;

const isClear = (line) => line?.interval && (line.interval.low > 0 || line.interval.high < 0);

/** The scores of the runs of a group, by the names that comparisons use. */
const scoresByName = (suite) => {
  const scores = new Map();
  for (const board of store.report.boards.filter((board) => board.suite === suite)) for (const row of board.rows.filter(isOurs)) scores.set(row.name, row.cells[board.overall].value);
  return scores;
};

const differenceMatrix = (group, number) => {
  const { comparisons } = store.report;
  const pairs = group.pairs.map((place) => [place, comparisons[place]]);
  const parts = [...new Set(pairs.flatMap(([, comparison]) => comparison.lines.slice(0, -1).map((line) => line.part)))];
  const part = parts.includes(state.differ) ? state.differ : "";
  const scores = scoresByName(group.suite);
  const names = [...group.names].toSorted((a, b) => (scores.get(b) ?? -1) - (scores.get(a) ?? -1));
  const found = new Map();
  for (const [place, comparison] of pairs) {
    const line = lineAbout(comparison, part);
    found.set(`${comparison.a}\n${comparison.b}`, { place, line, sign: 1 }).set(`${comparison.b}\n${comparison.a}`, { place, line, sign: -1 });
  }
  const largest = Math.max(0.01, ...pairs.map(([, comparison]) => Math.abs(lineAbout(comparison, part)?.difference ?? 0)));
  const cell = (row, column) => {
    if (row === column) return h("td", { class: "same" }, h("span", { class: "unseen" }, "the same run"));
    const pair = found.get(`${row}\n${column}`);
    if (!pair) return h("td", { class: "soft same" }, "not compared");
    const { place, line, sign } = pair;
    const isChosen = state.pair === String(place);
    if (!line || line.difference === null) return h("td", { class: "soft same" }, "no difference known");
    const value = sign * line.difference;
    const ends = line.interval && (sign > 0 ? [line.interval.low, line.interval.high] : [-line.interval.high, -line.interval.low]);
    const clear = isClear(line);
    const word = !line.interval ? "no interval" : !clear ? "could be noise" : value > 0 ? "higher" : "lower";
    const button = h("button", { type: "button", id: `pair-${number}-${place}-${sign}`, "aria-pressed": String(isChosen), onclick: () => go({ pair: isChosen ? "" : String(place) }, { isStep: true }) },
      h("span", { class: "difference" }, h("span", { "aria-hidden": "true" }, clear ? (value > 0 ? "▲ " : "▼ ") : ""), signed(value, 3)),
      ends && h("span", { class: "interval" }, `${signed(ends[0], 3)} to ${signed(ends[1], 3)}`),
      h("span", { class: "unseen" }, ` ${word}`));
    button.style.setProperty("--strength", `${Math.round(14 + 56 * Math.min(1, Math.abs(value) / largest))}%`);
    return h("td", { class: ["cell", clear ? (value > 0 ? "higher" : "lower") : "unclear", isChosen && "chosen"].filter(Boolean).join(" ") }, button);
  };
  const id = `differences-${number}`;
  const n = group.pairs.length;
  const byChance = Math.round(n * 0.05);
  const chosen = group.pairs.find((place) => String(place) === state.pair);
  return h("div", { class: "board" },
    h("h3", { id }, "Differences between ", counted(names.length, "run")),
    h("p", { class: "soft" }, "Each cell: the run of the row compared with the run of the column, as difference of scores with its 95 % interval. ▲ and ▼ mark differences whose interval excludes zero; the others could be noise. Choose a cell to see the pair part by part."),
    parts.length > 1 && h("div", { class: "choices" }, chooserOf(`differ-${number}`, "Part", [["", "overall"], ...parts.map((name) => [name, name])], part, (value) => go({ differ: value }))),
    scroller(id, h("table", { class: "matrix pins" },
      h("thead", null, h("tr", null, h("td", null), names.map((name) => h("th", { scope: "col" }, foreign("bdi", name))))),
      h("tbody", null, names.map((row) => h("tr", null, h("th", { scope: "row" }, foreign("bdi", row), scores.get(row) !== null && scores.has(row) && h("span", { class: "interval" }, fixed(scores.get(row), 3))), names.map((column) => cell(row, column))))))),
    h("p", { class: "soft small" }, `The intervals are not corrected for looking at ${counted(n, "pair")}`, byChance > 0 ? `: if no run differed from another, about ${byChance} of them would exclude zero all the same.` : "."),
    chosen !== undefined && comparisonView(chosen));
};

const renderComparisons = () => {
  byId("comparisons").hidden = store.report.comparisons.length === 0;
  const views = comparisonGroups().map((group, number) => (group.names.size < MANY_RUNS ? group.pairs.map(comparisonView) : differenceMatrix(group, number)));
  rebuild(byId("comparisons"), h("h2", { id: "comparisons-heading" }, "Comparisons"), views);
};
