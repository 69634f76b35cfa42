// Prompt by model: a row for each case, a column for each run, and only what is near the screen in the document.

const sheet = { box: null, body: null, head: null, runs: [], all: [], rows: [], eye: null, drawn: new Map(), at: { row: 0, column: 0, image: 0 }, cell: 0, picture: 0, row: 0, isNarrow: false, made: "" };

/** So many images of a cell are shown; more are counted. */
const MOST_IN_CELL = 4;

const runsOfSuite = (suite) => [...store.report.runs.keys()].filter((run) => store.report.runs[run].suite === suite);

/** Suites of which several runs have samples. */
const sheetSuites = () => {
  const withSamples = new Set(store.samples.map((sample) => sample.run));
  const suites = [...new Set(store.report.runs.map((run) => run.suite))];
  return suites.filter((suite) => runsOfSuite(suite).filter((run) => withSamples.has(run)).length > 1);
};

/** The evaluator of the sheet: the chosen one, or the one who looked at most images of these runs. */
const sheetEyes = (runs) => {
  const [counts, isOf] = [new Map(), new Set(runs)];
  for (const sample of store.samples) {
    if (!isOf.has(sample.run)) continue;
    for (const { eye } of sample.opinions) counts.set(eye, (counts.get(eye) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([eye]) => eye);
};

const opinionBy = (sample, eye) => sample.opinions.find((opinion) => opinion.eye === eye) ?? null;

const meanOf = (values) => (values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length);

/** All rows, with the mean score of each run and how far the runs are apart. */
const buildRows = (runs, eye) => {
  const rows = new Map();
  const columns = new Map(runs.map((run, column) => [run, column]));
  for (const sample of store.ordered) {
    const column = columns.get(sample.run);
    if (column === undefined) continue;
    const key = `${sample.promptNumber} ${sample.name}`;
    let row = rows.get(key);
    if (!row) rows.set(key, (row = { name: sample.name, prompt: sample.prompt, part: sample.part, cells: runs.map(() => []) }));
    row.cells[column].push(sample);
  }
  for (const row of rows.values()) {
    const inputs = new Set(row.cells.flat().map((sample) => sample.input));
    // Later rounds go on from answers, which differ.
    row.input = inputs.size === 1 ? [...inputs][0] : "";
    row.means = row.cells.map((samples) => meanOf(samples.map((sample) => opinionBy(sample, eye)?.score ?? null).filter((score) => score !== null)));
    const known = row.means.filter((mean) => mean !== null);
    row.mean = meanOf(known);
    row.spread = known.length > 1 ? meanOf(known.map((mean) => (mean - row.mean) ** 2)) : -1;
    row.isApart = known.length > 1 && Math.max(...known) - Math.min(...known) >= APART;
  }
  return [...rows.values()];
};

const ROW_ORDERS = {
  case: ["case", null],
  apart: ["disagreement, largest first", (row) => -row.spread],
  worst: ["mean score, lowest first", (row) => row.mean ?? Infinity],
  best: ["mean score, highest first", (row) => -(row.mean ?? -Infinity)],
};

const SHEET_STATE = ["msuite", "meye", "mq", "mpart", "mapart", "msort"];

const selectRows = () => {
  const words = state.mq.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) => {
    const text = `${row.prompt}\n${row.name}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const key = (ROW_ORDERS[state.msort] ?? ROW_ORDERS.case)[1];
  sheet.rows = sheet.all.filter((row) => (state.mpart === "" || row.part === state.mpart) && (state.mapart === "" || row.isApart) && (words.length === 0 || fits(row)));
  if (key) sheet.rows = orderBy(sheet.rows, key);
};

// Cells.

const cellSummary = (samples) => {
  const verdicts = samples.map((sample) => verdictOf(sample, opinionBy(sample, sheet.eye)));
  const n = samples.length;
  const [nCorrect, nWrong] = [verdicts.filter((verdict) => verdict === "right").length, verdicts.filter((verdict) => verdict === "wrong").length];
  if (nCorrect + nWrong > 0) {
    const kind = nCorrect === nCorrect + nWrong ? "right" : nCorrect === 0 ? "wrong" : "scored";
    return h("span", { class: `badge ${kind}` }, h("span", { "aria-hidden": "true" }, `${{ right: "✓", wrong: "✗", scored: "◐" }[kind]} `), `${nCorrect} of ${nCorrect + nWrong}`, h("span", { class: sheet.cell < 150 ? "unseen" : null }, " correct"));
  }
  const mean = meanOf(samples.map((sample) => opinionBy(sample, sheet.eye)?.score ?? null).filter((score) => score !== null));
  if (mean !== null) return h("span", { class: "badge scored" }, h("span", { "aria-hidden": "true" }, "● "), `mean ${fixed(mean)}`);
  const nFailed = verdicts.filter((verdict) => verdict === "failed").length;
  return h("span", { class: `badge ${nFailed === n ? "failed" : "none"}` }, nFailed === n ? "! no image" : "– no verdict");
};

const sheetLink = (sample, place) => {
  const { verdict, shape, text } = badgeOf(sample, opinionBy(sample, sheet.eye));
  const isSingle = place.n === 1;
  const badge = h("span", { class: `badge ${verdict}` }, h("span", { "aria-hidden": "true" }, `${shape}${isSingle ? " " : ""}`), isSingle ? text : h("span", { class: "unseen" }, ` ${text}`));
  const run = store.report.runs[sample.run].name;
  return h("a", { href: linkTo({ open: keyOf(sample), with: "", from: "prompts" }), tabindex: "-1", "data-row": place.row, "data-column": place.column, "data-image": place.image },
    h("span", { class: "unseen" }, `${run}: `), h("span", { class: "picture" }, pictureOf(sample)), badge);
};

const sheetCell = (row, rowNumber, column) => {
  const samples = row.cells[column];
  const shownHere = samples.slice(0, MOST_IN_CELL);
  const at = { row: rowNumber, column };
  const cell = h("div", { role: "gridcell", "aria-colindex": column + 2, class: `cell n${Math.min(shownHere.length, 2)}` });
  if (samples.length === 0) {
    cell.append(h("span", { class: "soft small", "data-row": rowNumber, "data-column": column, "data-image": 0, tabindex: "-1" }, "no sample"));
    return cell;
  }
  cell.append(h("span", { class: "shots" }, shownHere.map((sample, image) => sheetLink(sample, { ...at, image, n: samples.length }))));
  if (samples.length > 1) cell.append(h("span", { class: "tally" }, cellSummary(samples), samples.length > MOST_IN_CELL && h("span", { class: "soft" }, ` +${samples.length - MOST_IN_CELL}`)));
  return cell;
};

/** The image that all runs were asked to edit. */
const sourceThumb = (row) => {
  const [hash, extension] = row.input.split(".");
  if (store.problems[hash]) return null;
  const picture = h("img", { src: thumbSource(row.cells.flat()[0].run, { hash, extension }), alt: "source image", decoding: "async" });
  picture.addEventListener("error", () => picture.remove());
  return picture;
};

const sheetRow = (number) => {
  const row = sheet.rows[number];
  const head = h("div", { role: "rowheader", class: row.input === "" ? "asked" : "asked of-edit", "aria-colindex": 1 },
    row.input !== "" && sourceThumb(row),
    foreign("span", row.prompt.slice(0, 300) || "no prompt", { class: "prompt", title: row.prompt.slice(0, 300) }),
    h("span", { class: "where" }, foreign("bdi", row.name), row.part && [" · ", foreign("bdi", row.part)], row.isApart && h("span", { class: "differ" }, " ≠", h("span", { class: "unseen" }, " runs disagree"))));
  const line = h("div", { role: "row", class: "case", "aria-rowindex": number + 2 }, head, sheet.runs.map((_, column) => sheetCell(row, number, column)));
  line.style.transform = `translateY(${number * sheet.row}px)`;
  line.style.height = `${sheet.row}px`;
  return line;
};

// The part that is near the screen.

const measureSheet = () => {
  const width = sheet.box.clientWidth;
  const n = sheet.runs.length;
  sheet.isNarrow = width < 640;
  const first = sheet.isNarrow ? 0 : Math.min(260, Math.max(170, Math.round(width * 0.18)));
  sheet.cell = Math.max(104, Math.min(320, Math.floor((width - first) / Math.max(n, 1))));
  const mostImages = Math.max(1, ...sheet.all.flatMap((row) => row.cells.map((samples) => samples.length)));
  sheet.picture = Math.min(sheet.cell - 12, mostImages > 1 ? 224 : 192);
  sheet.row = sheet.picture + (sheet.isNarrow ? 74 : 0) + (mostImages > 1 ? 38 : 36);
  const style = sheet.box.style;
  style.setProperty("--first", `${first}px`);
  style.setProperty("--cell", `${sheet.cell}px`);
  style.setProperty("--picture", `${sheet.picture}px`);
  style.setProperty("--shown", `${width}px`);
  style.setProperty("--columns", String(n));
  sheet.box.classList.toggle("narrow", sheet.isNarrow);
  sheet.body.style.height = `${sheet.rows.length * sheet.row}px`;
  sheet.body.style.width = sheet.head.style.width = `${first + n * sheet.cell}px`;
};

/** About so many images are added in one frame; the others come with the next. Their layout and paint cost more than their making. */
const MOST_IN_FRAME = 12;

/** Draws all rows around the screen, or as many as fit into a frame; tells whether all are there. */
const drawSheet = (isHurried = false) => {
  let nImages = 0;
  const [top, height] = [sheet.box.scrollTop, sheet.box.clientHeight];
  const first = Math.max(0, Math.floor((top - height / 2) / sheet.row));
  const last = Math.min(sheet.rows.length, Math.ceil((top + 1.5 * height) / sheet.row));
  const focused = Number(document.activeElement?.dataset?.row ?? -1);
  for (const [number, line] of sheet.drawn) {
    if ((number < first || number >= last) && number !== focused) {
      line.remove();
      sheet.drawn.delete(number);
    }
  }
  const missing = [];
  for (let number = first; number < last; number++) if (!sheet.drawn.has(number)) missing.push(number);
  // What is on the screen comes first.
  const middle = (top + height / 2) / sheet.row - 0.5;
  missing.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
  while (missing.length > 0) {
    const number = missing.shift();
    const line = sheetRow(number);
    const after = [...sheet.drawn.keys()].filter((other) => other > number);
    sheet.body.insertBefore(line, after.length > 0 ? sheet.drawn.get(Math.min(...after)) : null);
    sheet.drawn.set(number, line);
    nImages += line.getElementsByTagName("img").length;
    if (isHurried && nImages >= MOST_IN_FRAME) break;
  }
  markEntry();
  return missing.length === 0;
};

/** The cell that the Tab key leads to. */
const placeOf = ({ row, column, image }) => {
  const found = sheet.drawn.get(row)?.querySelectorAll(`[data-column="${column}"]`);
  return found?.[Math.min(image, found.length - 1)] ?? null;
};

const markEntry = () => {
  for (const other of sheet.body.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  const entry = placeOf(sheet.at) ?? sheet.body.querySelector("[data-row]");
  if (entry) entry.tabIndex = 0;
};

const redrawSheet = () => {
  const hadFocus = sheet.body.contains(document.activeElement);
  sheet.body.replaceChildren();
  sheet.drawn.clear();
  measureSheet();
  drawSheet();
  markOverflow(sheet.box.parentElement);
  if (hadFocus) focusCell(sheet.at);
};

const focusCell = (at) => {
  if (sheet.rows.length === 0) return;
  const row = Math.max(0, Math.min(at.row, sheet.rows.length - 1));
  const column = Math.max(0, Math.min(at.column, sheet.runs.length - 1));
  sheet.at = { row, column, image: Math.max(0, at.image) };
  const head = sheet.head.offsetHeight;
  const [top, height] = [row * sheet.row, sheet.box.clientHeight - head];
  if (top < sheet.box.scrollTop) sheet.box.scrollTop = top;
  else if (top + sheet.row > sheet.box.scrollTop + height) sheet.box.scrollTop = top + sheet.row - height;
  const left = column * sheet.cell;
  const room = sheet.box.clientWidth - (sheet.isNarrow ? 0 : Number.parseInt(sheet.box.style.getPropertyValue("--first"), 10));
  if (left < sheet.box.scrollLeft) sheet.box.scrollLeft = left;
  else if (left + sheet.cell > sheet.box.scrollLeft + room) sheet.box.scrollLeft = left + sheet.cell - room;
  drawSheet();
  placeOf(sheet.at)?.focus({ preventScroll: true });
};

const lastImage = (row, column) => Math.max(0, Math.min(sheet.rows[row]?.cells[column]?.length ?? 0, MOST_IN_CELL) - 1);

const SHEET_MOVES = {
  ArrowRight: ({ row, column, image }) => (image < lastImage(row, column) ? { row, column, image: image + 1 } : { row, column: column + 1, image: 0 }),
  ArrowLeft: ({ row, column, image }) => (image > 0 ? { row, column, image: image - 1 } : { row, column: column - 1, image: lastImage(row, column - 1) }),
  ArrowDown: (at) => ({ ...at, row: at.row + 1 }),
  ArrowUp: (at) => ({ ...at, row: at.row - 1 }),
  Home: (at) => ({ ...at, column: 0, image: 0 }),
  End: (at) => ({ ...at, column: sheet.runs.length - 1, image: 0 }),
  PageDown: (at) => ({ ...at, row: Math.min(sheet.rows.length - 1, at.row + Math.max(1, Math.floor(sheet.box.clientHeight / sheet.row) - 1)) }),
  PageUp: (at) => ({ ...at, row: Math.max(0, at.row - Math.max(1, Math.floor(sheet.box.clientHeight / sheet.row) - 1)) }),
};

/** The samples of the same run, in the order of the rows: what an open sample goes on to. */
const sheetWalk = (sample) => {
  const column = sheet.runs.indexOf(sample.run);
  return column < 0 ? [] : sheet.rows.flatMap((row) => row.cells[column]);
};

const focusInSheet = (sample) => {
  const row = sheet.rows.findIndex((row) => row.cells.some((samples) => samples.includes(sample)));
  if (row < 0) return;
  const column = sheet.runs.indexOf(sample.run);
  focusCell({ row, column, image: Math.min(sheet.rows[row].cells[column].indexOf(sample), MOST_IN_CELL - 1) });
};

const buildSheet = () => {
  sheet.head = h("div", { role: "rowgroup", class: "heads" });
  sheet.body = h("div", { role: "rowgroup", class: "lines" });
  sheet.box = h("div", {
    role: "grid", class: "sheet", "aria-labelledby": "prompts-heading",
    onkeydown: (event) => {
      const move = SHEET_MOVES[event.key];
      if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const to = move(sheet.at);
      if (to.row >= 0 && to.row < sheet.rows.length && to.column >= 0 && to.column < sheet.runs.length) focusCell(to);
    },
    onfocusin: (event) => {
      const { row, column, image } = event.target.dataset;
      if (row !== undefined) sheet.at = { row: Number(row), column: Number(column), image: Number(image) };
    },
    onclick: (event) => {
      const link = event.target.closest("a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      const { row, column, image } = link.dataset;
      openSample(sheet.rows[Number(row)].cells[Number(column)][Number(image)], "prompts");
    },
  }, sheet.head, sheet.body);
  byId("prompts").replaceChildren(
    h("h2", { id: "prompts-heading", tabindex: "-1" }, "Prompt by model"),
    h("p", { class: "soft" }, "What every run made of the same prompt. Arrow keys move, Enter opens."),
    h("form", { id: "sheet-filters", class: "filters", role: "search", "aria-label": "Filter the prompts", onsubmit: (event) => { event.preventDefault(); focusCell({ row: 0, column: 0, image: 0 }); } }),
    h("p", { id: "sheet-count", class: "soft", role: "status" }),
    h("div", { class: "sideways" }, sheet.box, h("p", { class: "hint", "aria-hidden": "true" }, "Scroll sideways for more models →")),
  );
  let isDrawing = false;
  const later = (draw) => () => {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      if (store && sheet.runs.length > 0) draw();
    });
  };
  let left = 0;
  const draw = later(() => {
    if (sheet.box.scrollLeft !== left) markOverflow(sheet.box.parentElement);
    left = sheet.box.scrollLeft;
    if (!drawSheet(true)) draw();
  });
  sheet.box.addEventListener("scroll", draw, { passive: true });
  let width = 0;
  new ResizeObserver(later(() => {
    if (sheet.box.clientWidth === width || sheet.box.clientWidth === 0) return;
    width = sheet.box.clientWidth;
    redrawSheet();
  })).observe(sheet.box);
};

const sheetFilters = (suites, eyes) => {
  const set = (name) => (value) => go({ [name]: value, at: "prompts" });
  const parts = [...tally(sheet.all.map((row) => row.part))].filter(([part]) => part !== "");
  const nApart = sheet.all.filter((row) => row.isApart).length;
  const hasScores = sheet.all.some((row) => row.mean !== null);
  const search = h("input", { type: "search", id: "sheet-search", autocomplete: "off", spellcheck: "false", placeholder: "words", oninput: (event) => set("mq")(event.target.value) });
  search.value = state.mq;
  const apart = h("input", { type: "checkbox", id: "sheet-apart", onchange: (event) => set("mapart")(event.target.checked ? "1" : "") });
  apart.checked = state.mapart !== "";
  const fields = [
    h("div", { class: "field wide" }, h("label", { for: "sheet-search" }, "Search prompts and cases"), search),
    suites.length > 1 && chooserOf("sheet-suite", "Suite", suites.map((suite) => [suite, suite]), sheet.suite, (value) => go({ msuite: value, meye: "", mpart: "", at: "prompts" })),
    parts.length > 1 && chooserOf("sheet-part", "Part", [["", "all"], ...parts.map(([part, n]) => [part, `${part} (${n})`])], state.mpart, set("mpart")),
    eyes.length > 1 && chooserOf("sheet-eye", "Evaluator", eyes.map((eye) => [String(eye), `${KINDS[store.eyes[eye].kind]}: ${store.eyes[eye].title}`]), String(sheet.eye), set("meye")),
    hasScores && chooserOf("sheet-order", "Order", Object.entries(ROW_ORDERS).map(([value, [text]]) => [value, text]), state.msort, set("msort")),
    (nApart > 0 || state.mapart !== "") && h("label", { class: "check" }, apart, `models disagree (${nApart})`),
  ];
  const form = byId("sheet-filters");
  const [focused, cursor] = [form.contains(document.activeElement) && document.activeElement.id, document.activeElement?.selectionStart];
  form.replaceChildren(...fields.filter(Boolean));
  if (focused) byId(focused)?.focus({ preventScroll: true });
  if (focused === "sheet-search") byId(focused).setSelectionRange(cursor, cursor);
};

const sheetHeads = () => {
  const board = store.report.boards.find((board) => board.suite === sheet.suite && board.rows.some(isOurs));
  const scoreText = (run) => {
    const row = board?.rows.find(({ source }) => source.kind === "run" && source.run === run && store.report.runs[run].observers[source.observer]?.id === store.eyes[sheet.eye]?.id);
    const value = row?.cells[board.overall].value ?? null;
    return value === null ? null : fixed(value, Math.max(board.decimals, 2));
  };
  const head = (run, column) => h("div", { role: "columnheader", "aria-colindex": column + 2 }, foreign("bdi", store.report.runs[run].name), scoreText(run) && h("span", { class: "interval" }, scoreText(run)));
  sheet.head.replaceChildren(h("div", { role: "row", class: "case", "aria-rowindex": 1 }, h("div", { role: "columnheader", class: "asked", "aria-colindex": 1 }, "Prompt"), sheet.runs.map(head)));
};

const renderPrompts = () => {
  const suites = sheetSuites();
  byId("prompts").hidden = suites.length === 0;
  if (suites.length === 0) return;
  const suite = suites.includes(state.msuite) ? state.msuite : suites[0];
  const runs = runsOfSuite(suite);
  const eyes = sheetEyes(runs);
  const eye = eyes.includes(Number(state.meye)) && state.meye !== "" ? Number(state.meye) : eyes[0] ?? null;
  const made = `${suite}\n${eye}`;
  const isNew = sheet.store !== store || sheet.made !== made;
  if (isNew) Object.assign(sheet, { store, made, suite, runs, eye, all: buildRows(runs, eye) });
  const before = sheet.rows;
  selectRows();
  const [n, all] = [sheet.rows.length, sheet.all.length];
  byId("sheet-count").textContent = n === 0 ? "No prompt fits these filters." : n === all ? `${counted(all, "prompt")} by ${counted(runs.length, "run")}` : `${n.toLocaleString("en")} of ${counted(all, "prompt")}`;
  sheet.box.setAttribute("aria-rowcount", String(n + 1));
  sheet.box.setAttribute("aria-colcount", String(runs.length + 1));
  sheet.box.parentElement.hidden = n === 0;
  sheetFilters(suites, eyes);
  if (isNew) sheetHeads();
  if (!isNew || before.length === 0) {
    sheet.box.scrollTop = 0;
    sheet.at = { row: 0, column: 0, image: 0 };
  }
  redrawSheet();
};
