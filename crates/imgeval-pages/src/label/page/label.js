// The label page. Texts of cases are put in as text only; what was typed stays in this browser until the server has
// said that it is on the disk.
"use strict";

const RETRY_MS = 2000;
const PATIENCE_MS = 20000;
const byId = (id) => document.getElementById(id);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const rater = (new URLSearchParams(location.search).get("rater") || "").trim();

// run, version, total, scale and labelled (places) as the server tells them.
let state = null;
let place = 0;
// What is shown, with `place`; null on the end screen.
let item = null;
let values = [];
let current = 0;
// A request is under way that must end before anything else begins.
let isBusy = true;
// Both images are on the screen.
let isReady = false;
// Counts what was shown, so that late answers about earlier images are dropped.
let turn = 0;
// Of this sitting: {key, place}, the last one at the end.
const saved = [];
// Scores typed and not saved, by key.
const drafts = new Map();
// Places whose image file is gone.
const unreadable = new Set();
let ahead = null;
// The server may be another one by now.
let hadTrouble = false;

// --- the server ---

/** The server cannot be reached, or cannot do what it should: to be tried again. */
class Trouble extends Error {}
/** The server will not do this, however often it is asked. */
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, body) {
  const options = { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" };
  if (body) {
    options.method = "POST";
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let response, text;
  try {
    response = await fetch(path, options);
    text = await response.text();
  } catch {
    throw new Trouble("the server does not answer; is `imgeval label` still running?");
  }
  if (response.ok) {
    try {
      return JSON.parse(text);
    } catch {
      throw new Trouble("something else than `imgeval label` answers at this address");
    }
  }
  if ([400, 404].includes(response.status)) throw new Refused(response.status, text);
  throw new Trouble(text || `the server answers with status ${response.status}`);
}

const who = () => `rater=${encodeURIComponent(rater)}`;

/** Asks until there is an answer; only a refusal is thrown. */
async function insist(path) {
  for (;;) {
    try {
      const answer = await request(path);
      calm();
      return answer;
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      alarm(`${sentence(error.message)} It is asked again every 2 seconds.`);
      await sleep(RETRY_MS);
    }
  }
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;

function alarm(text) {
  byId("alarm").textContent = text;
  byId("alarm").hidden = false;
  hadTrouble = true;
}

function calm() {
  byId("alarm").hidden = true;
}

function notice(text) {
  byId("notice").textContent = text;
}

// --- what is not saved yet ---

const drawer = () => `imgeval-label|${state.run}|${rater}|`;

function keep(change) {
  try {
    localStorage.setItem(drawer() + change.key, JSON.stringify(change));
    return true;
  } catch {
    return false;
  }
}

function unkeep(change) {
  try {
    localStorage.removeItem(drawer() + change.key);
  } catch {
    // Nothing was kept either.
  }
}

function kept() {
  const changes = [];
  try {
    for (let index = 0; index < localStorage.length; index += 1) {
      const name = localStorage.key(index);
      if (!name.startsWith(drawer())) continue;
      const { key, values: scores } = JSON.parse(localStorage.getItem(name));
      changes.push({ key, values: scores });
    }
  } catch {
    // A browser that keeps nothing has nothing to send.
  }
  return changes;
}

/** Sends a label, or takes one back if it has no values, until the server has it; false if it is refused. */
async function send(change) {
  const isKept = keep(change);
  const path = change.values ? "/api/label" : "/api/undo";
  for (;;) {
    try {
      await request(path, { run: state.run, rater, ...change });
      unkeep(change);
      calm();
      return true;
    } catch (error) {
      if (error instanceof Refused) {
        unkeep(change);
        calm();
        notice(`Refused: ${error.message}`);
        return false;
      }
      const refuge = isKept ? "It is kept in this browser and" : "Leave this page open: it";
      alarm(`Not saved yet: ${sentence(error.message)}\n${refuge} is sent again every 2 seconds.`);
      await sleep(RETRY_MS);
    }
  }
}

// --- what is shown ---

function screen(name) {
  for (const id of ["ask", "work", "end"]) byId(id).hidden = id !== name;
}

function imageUrl(of, which) {
  return `/image/${of.key}/${which}?${who()}&run=${state.run}`;
}

async function fetchItem(at) {
  const found = await request(`/api/item/${at}?${who()}`);
  found.place = at;
  return found;
}

/** Loads the images of a place before it is shown. */
function lookAhead(at) {
  if (at === null || ahead?.place === at) return;
  const next = { place: at, item: null, images: [] };
  ahead = next;
  fetchItem(at)
    .then((found) => {
      next.item = found;
      next.images = ["answer", ...(found.has_source ? ["source"] : [])].map((which) => {
        const image = new Image();
        image.src = imageUrl(found, which);
        return image;
      });
    })
    .catch(() => {
      // It is asked again, and insisted upon, when it is shown.
      if (ahead === next) ahead = null;
    });
}

async function show(at) {
  isBusy = true;
  const mine = ++turn;
  place = at;
  try {
    if (hadTrouble && !(await refresh())) return;
    const isAhead = ahead?.place === at && ahead.item;
    item = isAhead ? ahead.item : await insist(`/api/item/${at}?${who()}`);
    item.place = at;
    ahead = null;
  } catch (error) {
    alarm(sentence(error.message));
    isBusy = false;
    return;
  }
  if (mine !== turn) return;
  screen("work");
  values = drafts.get(item.key)?.slice() ?? item.values?.slice() ?? state.scale.map(() => null);
  const empty = values.indexOf(null);
  current = empty < 0 ? 0 : empty;
  byId("prompt").textContent = item.prompt;
  byId("explanation").textContent = item.explanation;
  byId("words").scrollTop = 0;
  byId("unreadable").hidden = true;
  byId("stage").classList.remove("full");
  byId("answer-frame").hidden = false;
  byId("source-frame").hidden = !item.has_source;
  byId("answer-caption").hidden = !item.has_source;
  notice("");
  isReady = false;
  document.body.dataset.ready = "";
  isBusy = false;
  choose(current);
  const shown = [load("answer", mine)];
  if (item.has_source) shown.push(load("source", mine));
  const all = await Promise.all(shown);
  if (mine !== turn || !all.every(Boolean)) return;
  isReady = true;
  document.body.dataset.ready = item.key;
  lookAhead(nextOpen(at));
}

/** Whether the image is on the screen; asks again while the server is gone. */
async function load(which, mine) {
  const image = byId(which);
  const url = imageUrl(item, which);
  for (let attempt = 0; mine === turn; attempt += 1) {
    // Another address for another try: a browser remembers what failed.
    image.src = attempt ? `${url}&attempt=${attempt}` : url;
    try {
      await image.decode();
      calm();
      return true;
    } catch {
      if (mine !== turn) return false;
    }
    let status = 0;
    try {
      status = (await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" })).status;
    } catch {
      // Status 0: nobody answers.
    }
    if (mine !== turn) return false;
    if (status === 404 || status === 400 || (status === 200 && attempt > 0)) {
      tellUnreadable();
      return false;
    }
    if (status !== 200) {
      alarm("The image cannot be loaded; is `imgeval label` still running? It is asked again every 2 seconds.");
      await sleep(RETRY_MS);
    }
  }
  return false;
}

function tellUnreadable() {
  unreadable.add(item.place);
  byId("answer-frame").hidden = true;
  byId("source-frame").hidden = true;
  byId("unreadable").textContent =
    "This image cannot be shown: its file is gone or damaged. Enter or → goes on without a label.";
  byId("unreadable").hidden = false;
  document.body.dataset.ready = "unreadable";
}

function draw() {
  const { total, labelled, scale } = state;
  byId("bar").max = total;
  byId("bar").value = labelled.size;
  byId("progress").textContent = `${labelled.size} of ${total} labelled`;
  byId("where").textContent = `image ${place + 1}`;
  const isLabelled = labelled.has(place);
  const isChanged = isLabelled && item?.values?.some((value, index) => value !== values[index]);
  byId("status").textContent = isChanged ? "labelled; the change is not saved" : isLabelled ? "labelled" : "no label yet";
  byId("status").className = isLabelled && !isChanged ? "saved" : "";
  byId("undo").disabled = byId("end-undo").disabled = saved.length === 0;
  scale.forEach((_, index) => {
    const row = byId(`score-${index}`);
    row.classList.toggle("current", index === current);
    row.querySelectorAll("button").forEach((button, value) => {
      button.setAttribute("aria-checked", String(values[index] === value));
    });
  });
}

function buildScores() {
  const rows = state.scale.map(({ name, most, question }, index) => {
    const row = document.createElement("div");
    row.className = "score";
    row.id = `score-${index}`;
    row.tabIndex = 0;
    row.setAttribute("role", "radiogroup");
    row.setAttribute("aria-label", name);
    row.addEventListener("focus", () => {
      current = index;
      draw();
    });
    const add = (tag, className, text) => {
      const element = document.createElement(tag);
      element.className = className;
      element.textContent = text;
      row.append(element);
      return element;
    };
    add("span", "name", name.replaceAll("_", " "));
    const choices = add("div", "values", "");
    for (let value = 0; value <= most; value += 1) {
      const button = document.createElement("button");
      button.type = "button";
      button.tabIndex = -1;
      button.setAttribute("role", "radio");
      button.textContent = value === 10 ? "10 (t)" : String(value);
      button.addEventListener("click", () => {
        current = index;
        fill(value);
      });
      choices.append(button);
    }
    add("span", "question", question);
    return row;
  });
  byId("scores").replaceChildren(...rows);
  byId("ten-row").hidden = state.scale.every(({ most }) => most < 10);
}

// --- what a person does ---

function choose(index) {
  current = Math.max(0, Math.min(index, state.scale.length - 1));
  byId(`score-${current}`).focus();
  draw();
}

function remember() {
  drafts.set(item.key, values.slice());
  draw();
}

function fill(value) {
  const { name, most } = state.scale[current];
  if (value > most) {
    notice(`${name.replaceAll("_", " ")} goes from 0 to ${most}`);
    return;
  }
  notice("");
  values[current] = value;
  remember();
  choose(current + 1);
}

function clear() {
  if (values[current] === null && current > 0) choose(current - 1);
  values[current] = null;
  remember();
}

/** The next place without a label and with an image, after `at` and then from the beginning. */
function nextOpen(at) {
  for (let step = 1; step <= state.total; step += 1) {
    const next = (at + step) % state.total;
    if (next !== at && !state.labelled.has(next) && !unreadable.has(next)) return next;
  }
  return null;
}

async function goOn() {
  const next = nextOpen(place);
  if (next !== null) return show(next);
  if (!state.labelled.has(place) && !unreadable.has(place)) return undefined;
  turn += 1;
  item = null;
  const { total, labelled } = state;
  byId("end-title").textContent =
    labelled.size === total ? `All ${total} images are labelled.` : `${labelled.size} of ${total} images are labelled.`;
  byId("end-text").textContent = unreadable.size ? `${unreadable.size} cannot be shown: their files are gone or damaged.` : "";
  document.body.dataset.ready = "end";
  draw();
  isBusy = false;
  return screen("end");
}

async function save() {
  if (unreadable.has(place)) return goOn();
  if (!isReady) return notice("wait until the image is there");
  const missing = values.indexOf(null);
  if (missing >= 0) {
    choose(missing);
    return notice("give every score first");
  }
  isBusy = true;
  const change = { key: item.key, values: values.slice() };
  const isSaved = await send(change);
  isBusy = false;
  if (!isSaved) return undefined;
  state.labelled.add(place);
  saved.push({ key: change.key, place });
  drafts.delete(change.key);
  item.values = change.values;
  draw();
  return goOn();
}

async function takeBack() {
  const last = saved.pop();
  if (!last) return notice("nothing was saved in this sitting that could be taken back");
  isBusy = true;
  if (await send({ key: last.key, values: null })) {
    state.labelled.delete(last.place);
    drafts.delete(last.key);
  }
  ahead = null;
  return show(last.place);
}

function move(step) {
  if (!item) return show(place);
  const next = place + step;
  if (next < 0 || next >= state.total) return notice(step < 0 ? "this is the first image" : "this is the last image");
  return show(next);
}

function toggleFull() {
  byId("stage").classList.toggle("full");
}

function toggleHelp() {
  const help = byId("help");
  if (help.open) help.close();
  else help.showModal();
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !state) return;
  const { key } = event;
  if (key === "?") {
    event.preventDefault();
    toggleHelp();
    return;
  }
  // Buttons keep what keys mean to them.
  if (byId("help").open || (["Enter", " "].includes(key) && event.target instanceof HTMLButtonElement)) return;
  const isFull = byId("stage").classList.contains("full");
  const work = {
    Enter: save,
    Backspace: clear,
    t: () => fill(10),
    z: toggleFull,
    Escape: () => byId("stage").classList.remove("full"),
    ArrowUp: () => choose(current - 1),
    ArrowDown: () => choose(current + 1),
  };
  const everywhere = { u: takeBack, ArrowLeft: () => move(-1), ArrowRight: () => move(1) };
  let action = everywhere[key] ?? (item ? work[key] : undefined);
  if (item && /^[0-9]$/.test(key)) action = () => fill(Number(key));
  if (item && isFull && ARROWS[key]) {
    const [x, y] = ARROWS[key];
    action = () => document.querySelectorAll(".pane").forEach((pane) => pane.scrollBy(80 * x, 80 * y));
  } else if (event.repeat && !["ArrowLeft", "ArrowRight"].includes(key)) {
    // A key held down is one answer.
    if (action) event.preventDefault();
    return;
  }
  if (!action) return;
  event.preventDefault();
  if (!isBusy) action();
}

// --- beginning, and coming back ---

async function refresh() {
  const told = await insist(`/api/state?${who()}`);
  hadTrouble = false;
  if (state && (told.run !== state.run || told.version !== state.version)) {
    location.reload();
    return false;
  }
  told.labelled = new Set(told.labelled);
  state = told;
  return true;
}

/** Another tab may have labelled meanwhile. */
async function comeBack() {
  if (isBusy || document.hidden) return;
  isBusy = true;
  ahead = null;
  const goesOn = await refresh();
  isBusy = !goesOn;
  if (!goesOn || !item) return;
  try {
    const found = await fetchItem(place);
    if (item?.key === found.key) {
      item.values = found.values;
      if (!drafts.has(item.key)) values = found.values?.slice() ?? state.scale.map(() => null);
      draw();
    }
  } catch {
    // It is looked at again when it is saved.
  }
}

function askName(problem) {
  screen("ask");
  byId("name").value = rater;
  byId("name-problem").textContent = problem;
  byId("name").focus();
}

async function begin() {
  if (!rater) return askName("");
  try {
    await refresh();
  } catch (error) {
    return askName(sentence(error.message));
  }
  byId("rater").textContent = rater;
  buildScores();
  const waiting = kept();
  if (waiting.length) screen("work");
  for (const change of waiting) await send(change);
  if (waiting.length) await refresh();
  // The first place without a label.
  place = state.total - 1;
  if (state.labelled.size === state.total) return goOn();
  const first = nextOpen(place);
  return show(first === null ? place : first);
}

document.addEventListener("keydown", onKey);
window.addEventListener("focus", comeBack);
document.addEventListener("visibilitychange", comeBack);
window.addEventListener("beforeunload", (event) => {
  if (!byId("alarm").hidden && state && kept().length) event.preventDefault();
});
byId("name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value.trim();
  if (name) location.assign(`/?rater=${encodeURIComponent(name)}`);
});
const unlessBusy = (action) => () => {
  document.activeElement?.blur();
  if (!isBusy) action();
};
byId("save").addEventListener("click", unlessBusy(save));
byId("undo").addEventListener("click", unlessBusy(takeBack));
byId("end-undo").addEventListener("click", unlessBusy(takeBack));
byId("back").addEventListener("click", unlessBusy(() => move(-1)));
byId("forth").addEventListener("click", unlessBusy(() => move(1)));
byId("end-back").addEventListener("click", unlessBusy(() => move(-1)));
byId("help-button").addEventListener("click", toggleHelp);
for (const id of ["answer", "source"]) byId(id).addEventListener("click", toggleFull);
begin();
