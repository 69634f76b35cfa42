// Puts the page together.

const SECTIONS = { summary: "Summary", tables: "Scores", charts: "Charts", pixels: "Pixel metrics", comparisons: "Comparisons", architecture: "Architecture", artefacts: "Artifacts", weaknesses: "Weaknesses", rounds: "Rounds", sessions: "Sessions", forensics: "Forensics", diagnoses: "Diagnoses", figures: "Figures", costs: "Costs", failures: "Failures", methods: "Methods", prompts: "Prompt by model", gallery: "Gallery" };

// Light and dark.

const THEMES = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };

const storedTheme = () => {
  try {
    return localStorage.getItem("imgeval-theme") ?? "auto";
  } catch {
    return "auto";
  }
};

const setTheme = (theme) => {
  const name = theme in THEMES ? theme : "auto";
  document.documentElement.dataset.theme = name;
  byId("theme").textContent = { auto: "◐", light: "○", dark: "●" }[name];
  byId("theme").setAttribute("aria-label", THEMES[name]);
  byId("theme").title = THEMES[name];
  try {
    localStorage.setItem("imgeval-theme", name);
  } catch {
    // Some browsers keep nothing for pages on the disk; then the choice lasts as long as the page.
  }
};

const nextTheme = () => {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
};

// Keys.

const KEY_HELP = [
  ["/", "search"],
  ["g", "go to the gallery"],
  ["p", "go to prompt by model, if there are several runs"],
  ["↑ ↓ ← →, Home, End, Page keys", "move in the gallery and in prompt by model"],
  ["Enter", "open the sample"],
  ["← →", "previous and next sample, when one is open"],
  ["s", "compare with the next run on the same case"],
  ["b m c u", "boxes, masks, color scores, ignored detections, where there are any"],
  ["w", "source and edit side by side, or under a slider"],
  ["Esc", "close"],
  ["t", "light, dark, system theme"],
  ["?", "show these keys"],
];

const showKeys = () => {
  const dialog = byId("keys");
  const row = ([keys, text]) => h("tr", null, h("th", { scope: "row" }, h("kbd", null, keys)), h("td", null, text));
  dialog.replaceChildren(
    h("h2", { id: "keys-heading" }, "Keys"),
    h("table", null, h("tbody", null, KEY_HELP.map(row))),
    h("p", { class: "soft" }, "“Runs disagree” means that the same evaluator called one run correct and another incorrect on the same case and number, or gave scores at least 0.25 apart; “evaluators disagree” means the same for two evaluators of one image. In prompt by model, models disagree where their mean scores on a prompt are at least 0.25 apart. Every state of the page is in its address: copy it to share what you see."),
    h("button", { type: "button", onclick: () => dialog.close() }, "Close"),
  );
  dialog.showModal();
};

const DETAIL_KEYS = { ArrowLeft: () => stepSample(-1), ArrowRight: () => stepSample(1), s: stepRival, w: toggleWipe };
for (const [layer, [key]] of Object.entries(LAYERS)) DETAIL_KEYS[key] = () => toggleLayer(layer);

const PAGE_KEYS = {
  "/": () => {
    scrollToSection("gallery");
    byId("search").focus({ preventScroll: true });
    byId("search").select();
  },
  g: () => {
    scrollToSection("gallery");
    focusCard(current);
  },
  p: () => {
    if (byId("prompts").hidden) return;
    scrollToSection("prompts");
    focusCell(sheet.at);
  },
};

addEventListener("keydown", (event) => {
  if (!store || event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  if (isTyping(event.target)) {
    // Out of a search and to what it found.
    if (event.target.id === "sheet-search" && ["Escape", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      focusCell({ row: 0, column: 0, image: 0 });
    }
    if (event.target.id === "search" && ["Escape", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      focusCard(0);
    }
    return;
  }
  const act = event.key === "?" ? showKeys : event.key === "t" ? nextTheme : (byId("detail").open ? DETAIL_KEYS : PAGE_KEYS)[event.key];
  if (!act) return;
  // Arrows move within long texts.
  if (byId("detail").open && event.key.startsWith("Arrow") && event.target.closest("pre, input[type=range]")) return;
  event.preventDefault();
  act();
});

// Places.

const scrollToSection = (name) => {
  const section = byId(name);
  if (!section || section.hidden) return;
  scrollTo(0, section.getBoundingClientRect().top + scrollY - byId("top").offsetHeight);
};

const markSection = () => {
  const edge = byId("top").offsetHeight + 40;
  const names = Object.keys(SECTIONS).filter((name) => !byId(name).hidden);
  const here = names.filter((name) => byId(name).getBoundingClientRect().top <= edge).at(-1) ?? names[0];
  for (const link of byId("sections").children) {
    if (link.dataset.section === here) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
};

/** As a link within the page, but the filters stay. */
const jumpTo = (event, name) => {
  event.preventDefault();
  go({ at: name, open: "", with: "" }, { isStep: true });
  scrollToSection(name);
  byId(`${name}-heading`).setAttribute("tabindex", "-1");
  byId(`${name}-heading`).focus({ preventScroll: true });
};

const buildSections = () => {
  const link = (name) =>
    h("a", { href: linkTo({ at: name, open: "", with: "" }), "data-section": name, onclick: (event) => jumpTo(event, name) }, SECTIONS[name]);
  // Among the pages of a folder of runs, the index is two steps up.
  const isInFolder = mode === "live" && /\/view\/[^/]+\/$/.test(location.pathname);
  const up = isInFolder && h("a", { href: "../../" }, "All runs");
  byId("sections").replaceChildren(...(up ? [up] : []), ...Object.keys(SECTIONS).filter((name) => !byId(name).hidden).map(link));
};

/** Draws what the state says; `before` is the state until now, or null if everything may have changed. */
const render = (before) => {
  if (!store) return;
  const isOther = (names) => !before || names.some((name) => before[name] !== state[name]);
  if (before && isOther(["order", "published", "intervals"])) renderTables();
  if (before && isOther(["differ", "pair"])) renderComparisons();
  if (isOther(SHEET_STATE)) renderPrompts();
  const isFiltered = !before || ["q", "replies", ...FILTERS].some((name) => before[name] !== state[name]);
  if (isFiltered) {
    if (before) current = 0;
    renderGallery();
  }
  renderDetail(before ?? state);
};

const show = (index, revision) => {
  store = buildStore(index, revision);
  kept.clear();
  document.title = store.report.title;
  renderSummary();
  renderTables();
  renderCharts();
  renderPixelMetrics();
  renderComparisons();
  renderRounds();
  renderRoundCharts();
  renderWeaknesses();
  renderDiagnoses();
  renderFigures();
  renderClosing();
  buildFilters();
  // A page of sessions alone has no gallery.
  byId("prompts").hidden = sheetSuites().length === 0;
  byId("gallery").hidden = store.report.runs.length === 0 && store.report.rounds !== null;
  buildSections();
  byId("foot").replaceChildren(h("p", null, `Made with ${store.report.tool}.`, mode === "single" ? " This is the page in one file: it holds thumbnails; the originals are in the runs." : ""));
};

addEventListener("popstate", () => {
  const before = state;
  state = readState();
  render(before);
  if (state.open === "" && before.open !== "") focusOpener(before);
  else if (state.at !== before.at && state.at !== "") scrollToSection(state.at);
});

byId("detail").addEventListener("cancel", (event) => {
  event.preventDefault();
  closeSample();
});
document.querySelector(".skip").addEventListener("click", (event) => jumpTo(event, "gallery"));
byId("theme").addEventListener("click", nextTheme);
byId("help").addEventListener("click", showKeys);
addEventListener("scroll", () => { if (store) requestAnimationFrame(markSection); }, { passive: true });

// Live.

const liveLine = (live) => {
  const part = (run) => {
    const done = run.n_prompts > 0 ? `${run.n_prompts_with_image.toLocaleString("en")} of ${counted(run.n_prompts, "prompt")} with an image` : "no prompts";
    return h("li", null, foreign("strong", run.name), " ", h("progress", { max: Math.max(run.n_prompts, 1), value: run.n_prompts_with_image, "aria-label": `progress of ${run.name}` }), ` ${done}, ${counted(run.n_images, "image")}, ${counted(run.n_failed, "failure")}`, run.spend && [" · ", foreign("bdi", run.spend)]);
  };
  return [live.problem && h("p", { class: "notice", role: "alert" }, live.problem), h("ul", null, live.runs.map(part)), h("p", { class: "soft small" }, `Live. Last checked at ${new Date().toLocaleTimeString()}.`)];
};

/** Takes new data; what the reader looks at stays where it is. */
const takeNews = async (revision) => {
  const answer = await fetch(`data/${revision}/index`);
  if (!answer.ok) return;
  const index = await answer.json();
  const [first] = [...grid.cards.entries()].filter(([, card]) => card.getBoundingClientRect().bottom > byId("top").offsetHeight).sort(([a], [b]) => a - b);
  const seen = first && store && shown[first[0]];
  const isReading = seen && grid.list.getBoundingClientRect().top < 0;
  const [key, top] = [isReading && keyOf(seen), isReading && first[1].getBoundingClientRect().top];
  const focused = shown[current] && keyOf(shown[current]);
  const isFirst = !store;
  const [typing, cursor] = [document.activeElement?.id, document.activeElement?.selectionStart];
  const folds = () => [...document.querySelectorAll("main details")];
  const unfolded = folds().map((fold) => fold.open);
  show(index, revision);
  if (folds().length === unfolded.length) folds().forEach((fold, place) => (fold.open = unfolded[place]));
  render(null);
  if (typing && document.activeElement?.id !== typing) byId(typing)?.focus({ preventScroll: true });
  if (typing === "search") byId("search").setSelectionRange(cursor, cursor);
  const again = key && findSample(key);
  const place = again ? shown.indexOf(again) : -1;
  if (place >= 0) scrollBy(0, grid.list.getBoundingClientRect().top + Math.floor(place / grid.columns) * grid.row - top);
  const chosen = focused && findSample(focused);
  if (chosen) current = Math.max(0, shown.indexOf(chosen));
  if (isFirst) finishOpening();
};

const poll = async () => {
  let pause = 2;
  try {
    const live = await fetch("live.json").then((answer) => answer.json());
    pause = live.every;
    byId("live").hidden = false;
    if (live.revision !== store?.revision) await takeNews(live.revision);
    byId("live").replaceChildren(...liveLine(live).filter(Boolean));
    document.body.dataset.revision = live.revision;
  } catch {
    byId("live").hidden = false;
    byId("live").replaceChildren(h("p", { class: "notice", role: "alert" }, "imgeval serve does not answer; this page shows what it sent last."));
  }
  setTimeout(poll, 1000 * pause);
};

const finishOpening = () => {
  if (state.at !== "" && state.open === "") scrollToSection(state.at);
  markSection();
  document.body.dataset.ready = "yes";
};

setTheme(storedTheme());
buildGallery();
buildSheet();
if (mode === "live") {
  poll();
} else {
  show(JSON.parse(byId("index").textContent), null);
  byId("index").textContent = "";
  render(null);
  finishOpening();
}
