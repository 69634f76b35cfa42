// The gallery: filters, order, and a grid that holds only what is near the screen.

/** The opinion that counts: of the chosen evaluator, or of the first one. */
const opinionOf = (sample) => {
  if (state.eye === "") return sample.opinions[0] ?? null;
  return sample.opinions.find((opinion) => opinion.eye === Number(state.eye)) ?? null;
};

/** One of right, wrong, scored, none, failed. */
const verdictOf = (sample, opinion = opinionOf(sample)) => {
  if (sample.outcome !== "ok") return "failed";
  if (!opinion || (opinion.outcome !== "ok" && opinion.score === null)) return "none";
  if (opinion.isCorrect !== null) return opinion.isCorrect ? "right" : "wrong";
  return opinion.score === null ? "none" : "scored";
};

const VERDICTS = { right: ["✓", "correct"], wrong: ["✗", "incorrect"], scored: ["●", "scored"], none: ["–", "no verdict"], failed: ["!", "no image"] };

const badgeOf = (sample, opinion = opinionOf(sample)) => {
  const verdict = verdictOf(sample, opinion);
  const [shape, word] = VERDICTS[verdict];
  const text = verdict === "failed" ? sample.outcome : verdict === "scored" ? fixed(opinion.score) : verdict === "none" && opinion ? opinion.outcome : word;
  return { verdict, shape, text };
};

// What is shown.

let shown = [];
let current = 0;

/** Keys to order by, ascending; samples without one come last either way, and equal ones in the order of their cases. */
const SORTS = {
  case: ["case", null],
  worst: ["score, lowest first", (sample) => opinionOf(sample)?.score ?? Infinity],
  best: ["score, highest first", (sample) => -(opinionOf(sample)?.score ?? -Infinity)],
  unsure: ["most uncertain first", (sample) => -(opinionOf(sample)?.uncertainty ?? -Infinity)],
};

const BY_MEASURE = "measure:";

/** The number of the measure that the gallery is ordered by, or -1. */
const orderingMeasure = () => (state.sort.startsWith(BY_MEASURE) ? store.measures.indexOf(state.sort.slice(BY_MEASURE.length)) : -1);

/** The key of the order: one of those above, or a measure, largest first. */
const keyOfOrder = () => {
  const measure = orderingMeasure();
  return measure < 0 ? (SORTS[state.sort] ?? SORTS.case)[1] : (sample) => -(sample.measures.get(measure) ?? -Infinity);
};

const orderBy = (samples, key) => {
  // The keys are computed once, not in every comparison; infinities cannot be subtracted.
  const keyed = samples.map((sample) => [key(sample), sample]);
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, sample]) => sample);
};

const select = () => {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const run = state.run === "" ? null : Number(state.run);
  const eye = state.eye === "" ? null : Number(state.eye);
  const fits = (sample) =>
    (run === null || sample.run === run) &&
    (state.part === "" || sample.part === state.part) &&
    (state.outcome === "" || sample.outcome === state.outcome) &&
    (state.registration === "" || sample.registration === state.registration) &&
    (state.apart === "" || (state.apart === "runs" ? sample.runsDiffer : sample.eyesDiffer)) &&
    (eye === null || sample.opinions.some((opinion) => opinion.eye === eye)) &&
    (state.verdict === "" || verdictOf(sample) === state.verdict) &&
    words.every((word) => sample.words.includes(word) || (state.replies !== "" && sample.replies?.includes(word)));
  const key = keyOfOrder();
  shown = store.ordered.filter(fits);
  if (key) shown = orderBy(shown, key);
  current = Math.min(current, Math.max(shown.length - 1, 0));
};

// Filters.

const tally = (values) => {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

const FILTERS = ["run", "part", "verdict", "outcome", "registration", "apart", "eye", "sort"];

const chooser = (name, label, options) => {
  const box = h("select", { id: `filter-${name}`, onchange: (event) => go({ [name]: event.target.value, at: "gallery" }) }, options.map(([value, text]) => h("option", { value }, text)));
  return h("div", { class: "field" }, h("label", { for: `filter-${name}` }, label), box);
};

/** Every verdict that some sample has by some evaluator. */
const verdictsThere = (samples) => {
  const there = new Set();
  for (const sample of samples) {
    for (const opinion of sample.opinions.length > 0 ? sample.opinions : [null]) there.add(verdictOf(sample, opinion));
    // By an evaluator who did not look at it.
    if (sample.outcome === "ok" && sample.opinions.length < store.report.runs[sample.run].observers.length) there.add("none");
  }
  return there;
};

/** The orders for which the samples hold something. */
const sortsThere = (samples) => {
  const hasSome = (read) => samples.some((sample) => sample.opinions.some((opinion) => read(opinion) !== null));
  const [hasScores, hasUncertainty] = [hasSome((opinion) => opinion.score), hasSome((opinion) => opinion.uncertainty)];
  return Object.entries(SORTS).filter(([value]) => value === "case" || (value === "unsure" ? hasUncertainty : hasScores));
};

const buildFilters = () => {
  const { samples, report, eyes } = store;
  const parts = tally(samples.map((sample) => sample.part));
  const outcomes = tally(samples.map((sample) => sample.outcome));
  const fields = [];
  if (report.runs.length > 1) {
    const counts = tally(samples.map((sample) => sample.run));
    fields.push(chooser("run", "Run", [["", "all"], ...report.runs.map((run, number) => [String(number), `${runTitle(run)} (${counts.get(number) ?? 0})`])]));
  }
  if (parts.size > 1) fields.push(chooser("part", "Part", [["", "all"], ...[...parts].filter(([part]) => part !== "").map(([part, n]) => [part, `${part} (${n})`])]));
  const verdicts = verdictsThere(samples);
  if (verdicts.size > 1) fields.push(chooser("verdict", "Verdict", [["", "all"], ...Object.entries(VERDICTS).filter(([value]) => verdicts.has(value)).map(([value, [shape, word]]) => [value, `${shape} ${word}`])]));
  if (outcomes.size > 1) fields.push(chooser("outcome", "Outcome", [["", "all"], ...[...outcomes].map(([outcome, n]) => [outcome, `${outcome} (${n})`])]));
  if (report.runs.length > 1 || eyes.length > 1) {
    const between = [["", "all"]];
    if (report.runs.length > 1) between.push(["runs", `runs (${samples.filter((sample) => sample.runsDiffer).length})`]);
    if (eyes.length > 1) between.push(["eyes", `evaluators (${samples.filter((sample) => sample.eyesDiffer).length})`]);
    fields.push(chooser("apart", "Disagreement between", between));
  }
  if (eyes.length > 1) fields.push(chooser("eye", "Evaluator", [["", "first evaluator"], ...eyes.map((eye, number) => [String(number), `${KINDS[eye.kind]}: ${eye.title}`])]));
  const registrations = tally(samples.map((sample) => sample.registration).filter((status) => status !== ""));
  if (registrations.size > 0) fields.push(chooser("registration", "Registration", [["", "all"], ...[...registrations].map(([status, n]) => [status, `${status} (${n})`])]));
  const measured = store.measures.map((name) => [`${BY_MEASURE}${name}`, `${name}, largest first`]);
  const sorts = [...sortsThere(samples).map(([value, [text]]) => [value, text]), ...measured];
  if (sorts.length > 1) fields.push(chooser("sort", "Order", sorts));
  const search = h("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", placeholder: "words", oninput: (event) => go({ q: event.target.value, at: "gallery" }) });
  const replies = eyes.some((eye) => eye.kind !== "detector") && h("input", { type: "checkbox", id: "replies", onchange: (event) => go({ replies: event.target.checked ? "1" : "", at: "gallery" }) });
  byId("filters").replaceChildren(
    h("div", { class: "field wide" }, h("label", { for: "search" }, "Search prompts, cases, reasons ", h("kbd", null, "/")), search),
    ...fields,
    replies ? h("label", { class: "check" }, replies, "include replies") : "",
    h("button", { type: "button", id: "clear", onclick: () => go({ ...DEFAULTS, sort: state.sort, layers: state.layers, at: "gallery" }) }, "Clear"),
  );
};

const showFilters = () => {
  for (const name of FILTERS) {
    const box = byId(`filter-${name}`);
    if (box && box.value !== state[name]) box.value = state[name];
    box?.classList.toggle("set", state[name] !== DEFAULTS[name]);
  }
  if (byId("search").value !== state.q) byId("search").value = state.q;
  if (byId("replies")) byId("replies").checked = state.replies !== "";
  byId("clear").disabled = ["q", "replies", ...FILTERS].every((name) => name === "sort" || state[name] === DEFAULTS[name]);
};

let repliesOf = null;

/** Replies lie in the files of details; they are read when somebody searches them. */
const ensureReplies = () => {
  if (state.replies === "" || repliesOf === store) return;
  repliesOf = store;
  const progress = (n, all) => {
    byId("reading").textContent = n < all ? `Reading replies: ${n} of ${all} files` : "";
    if (n === all && state.q !== "") render(null);
  };
  loadReplies(progress).catch((error) => {
    repliesOf = null;
    byId("reading").textContent = `Not all replies could be searched: ${error.message}`;
  });
};

// The grid.

const GAP = 16;
const CAPTION = 92;
const grid = { columns: 1, width: 0, row: 0, cards: new Map(), list: null };

const measureGrid = () => {
  const width = grid.list.clientWidth;
  const least = width < 560 ? 148 : 220;
  grid.columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
  grid.width = Math.floor((width - GAP * (grid.columns - 1)) / grid.columns);
  grid.row = grid.width + CAPTION + GAP;
  grid.list.style.height = `${Math.ceil(shown.length / grid.columns) * grid.row}px`;
};

const placeholder = (shape, text) => h("span", { class: "placeholder" }, h("span", { class: "shape", "aria-hidden": "true" }, shape), h("span", null, text));

const pictureOf = (sample) => {
  if (!sample.image) return placeholder("!", `no image: ${sample.outcome}`);
  const problem = store.problems[sample.image.hash];
  if (problem) return placeholder("?", problem);
  const picture = h("img", { src: thumbSource(sample.run, sample.image), alt: "", decoding: "async" });
  picture.addEventListener("error", () => picture.replaceWith(placeholder("?", "The picture cannot be shown.")));
  return picture;
};

const makeCard = (place) => {
  const sample = shown[place];
  const { verdict, shape, text } = badgeOf(sample);
  const measured = sample.measures.get(orderingMeasure());
  const differing = [sample.runsDiffer && "runs disagree", sample.eyesDiffer && "evaluators disagree"].filter(Boolean).join(", ");
  const link = h(
    "a",
    { href: linkTo({ open: keyOf(sample), with: "", from: "" }), tabindex: place === current ? "0" : "-1", "data-place": place },
    h("span", { class: "picture" }, pictureOf(sample)),
    h("span", { class: "caption" },
      h("span", { class: "verdict" },
        h("span", { class: `badge ${verdict}` }, h("span", { "aria-hidden": "true" }, `${shape} `), text),
        measured !== undefined && h("span", { class: "soft small" }, ` ${threeDigits(measured)}`),
        differing && h("span", { class: "differ", title: differing }, "≠", h("span", { class: "unseen" }, differing))),
      foreign("span", sample.prompt.slice(0, 200) || "no prompt", { class: "prompt" }),
      h("span", { class: "where" }, store.report.runs.length > 1 && [foreign("bdi", store.report.runs[sample.run].name), " · "], foreign("bdi", sample.name), ` #${sample.number}`, sample.part && [" · ", foreign("bdi", sample.part)])),
  );
  const card = h("li", { "aria-setsize": shown.length, "aria-posinset": place + 1 }, link);
  card.style.width = `${grid.width}px`;
  card.style.height = `${grid.row - GAP}px`;
  card.style.transform = `translate(${(place % grid.columns) * (grid.width + GAP)}px, ${Math.floor(place / grid.columns) * grid.row}px)`;
  return card;
};

/** Rows around the screen; the row of the card with the focus stays. */
const drawGrid = () => {
  const top = grid.list.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor((-top - 400) / grid.row)) * grid.columns;
  const last = Math.min(shown.length, Math.max(Math.ceil((innerHeight - top + 400) / grid.row), 2) * grid.columns);
  const focused = Number(document.activeElement?.dataset?.place ?? -1);
  for (const [place, card] of grid.cards) {
    if ((place < first || place >= last) && place !== focused) {
      card.remove();
      grid.cards.delete(place);
    }
  }
  for (let place = first; place < last; place++) {
    if (grid.cards.has(place)) continue;
    const card = makeCard(place);
    grid.cards.set(place, card);
    // In the order of reading, for those who walk through the page.
    const next = grid.cards.get(place + 1);
    grid.list.insertBefore(card, next ?? null);
  }
};

const redrawGrid = () => {
  const hadFocus = grid.list.contains(document.activeElement);
  grid.list.replaceChildren();
  grid.cards.clear();
  measureGrid();
  drawGrid();
  if (hadFocus) focusCard(current);
};

const focusCard = (place) => {
  if (shown.length === 0) return;
  current = Math.max(0, Math.min(place, shown.length - 1));
  const top = grid.list.getBoundingClientRect().top + Math.floor(current / grid.columns) * grid.row;
  const head = byId("top").offsetHeight + 8;
  if (top < head) scrollBy(0, top - head);
  else if (top + grid.row > innerHeight) scrollBy(0, top + grid.row - innerHeight);
  drawGrid();
  for (const [other, card] of grid.cards) card.firstChild.tabIndex = other === current ? 0 : -1;
  grid.cards.get(current)?.firstChild.focus({ preventScroll: true });
};

const MOVES = {
  ArrowRight: () => current + 1,
  ArrowLeft: () => current - 1,
  ArrowDown: () => current + grid.columns,
  ArrowUp: () => current - grid.columns,
  Home: () => 0,
  End: () => shown.length - 1,
  PageDown: () => current + grid.columns * Math.max(1, Math.floor(innerHeight / grid.row)),
  PageUp: () => current - grid.columns * Math.max(1, Math.floor(innerHeight / grid.row)),
};

const buildGallery = () => {
  grid.list = h("ul", {
    class: "grid", "aria-label": "Samples",
    onkeydown: (event) => {
      const move = MOVES[event.key];
      if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const to = move();
      if (to >= 0 && to < shown.length) focusCard(to);
      else if (event.key.startsWith("Page")) focusCard(to < 0 ? 0 : shown.length - 1);
    },
    onfocusin: (event) => {
      const place = Number(event.target.dataset.place);
      if (Number.isInteger(place)) current = place;
    },
    onclick: (event) => {
      const link = event.target.closest("a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      openSample(shown[Number(link.dataset.place)]);
    },
  });
  byId("gallery").replaceChildren(
    h("h2", { id: "gallery-heading", tabindex: "-1" }, "Gallery"),
    h("form", { id: "filters", class: "filters", role: "search", "aria-label": "Filter the gallery", onsubmit: (event) => { event.preventDefault(); focusCard(0); } }),
    h("p", { id: "count", class: "soft", role: "status" }),
    h("p", { id: "reading", class: "soft", role: "status" }),
    grid.list,
  );
  let isDrawing = false;
  const later = (draw) => () => {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      if (store) draw();
    });
  };
  addEventListener("scroll", later(drawGrid), { passive: true });
  new ResizeObserver(later(() => { if (grid.list.clientWidth > 0) redrawGrid(); })).observe(grid.list);
};

const renderGallery = () => {
  select();
  showFilters();
  ensureReplies();
  const all = store.samples.length;
  byId("count").textContent = all === 0
    ? "The runs hold no samples yet."
    : shown.length === 0 ? "No sample fits these filters." : shown.length === all ? counted(all, "sample") : `${shown.length.toLocaleString("en")} of ${counted(all, "sample")}`;
  redrawGrid();
};
