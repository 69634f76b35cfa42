// The data of the page: an index that is there from the start, and files of details that are loaded when they are needed.

const mode = document.documentElement.dataset.mode;

/** What the page shows; replaced as a whole when a live page gets news. */
let store = null;

const KINDS = { detector: "detector", judge: "judge", human: "rater" };

const buildStore = (index, revision) => {
  const { report } = index;
  // The same evaluator looks at several runs: it has one number for all of them.
  const eyes = [];
  const eyeNumbers = new Map();
  const eyeOf = report.runs.map((run) =>
    run.observers.map((observer) => {
      if (!eyeNumbers.has(observer.id)) {
        eyeNumbers.set(observer.id, eyes.length);
        eyes.push(observer);
      }
      return eyeNumbers.get(observer.id);
    }),
  );
  const collator = new Intl.Collator("en", { numeric: true });
  const ranks = new Array(index.cases.length);
  index.cases.map((name, number) => number).sort((a, b) => collator.compare(index.cases[a], index.cases[b])).forEach((number, rank) => (ranks[number] = rank));
  const lowerPrompts = index.prompts.map((text) => text.toLowerCase());
  const lowerReasons = index.reasons.map((text) => text.toLowerCase());
  const samples = index.samples.map(([run, name, number, part, prompt, outcome, image, opinions, registration, measures, input], place) => {
    const opinionsOf = opinions.map(([observer, outcome, score, isCorrect, uncertainty, reasons]) => ({
      observer, eye: eyeOf[run][observer], outcome: index.outcomes[outcome], score, isCorrect, uncertainty, reasons: index.reasons[reasons],
    }));
    const words = [lowerPrompts[prompt], index.cases[name].toLowerCase(), ...opinions.map((opinion) => lowerReasons[opinion[5]])];
    return {
      place, run, name: index.cases[name], rank: ranks[name], number, part: index.parts[part], prompt: index.prompts[prompt], promptNumber: prompt,
      outcome: index.outcomes[outcome], image: image && { hash: image[0], extension: image[1], width: image[2], height: image[3] },
      registration: index.registrations[registration], measures: new Map(measures), input: input === null ? "" : index.inputs[input],
      opinions: opinionsOf, words: words.join("\n"), replies: null, runsDiffer: false,
      eyesDiffer: opinionsOf.length > 1 && differ(opinionsOf),
    };
  });
  const groups = new Map();
  const byKey = new Map(samples.map((sample) => [keyOf(sample), sample]));
  for (const sample of samples) {
    const key = groupKey(index.report, sample);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(sample);
  }
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    // Each evaluator's verdicts are compared with its own on the other runs.
    const runsDiffer = eyes.some((_, eye) => differ(group.flatMap((sample) => sample.opinions.filter((opinion) => opinion.eye === eye))));
    for (const sample of group) sample.runsDiffer = runsDiffer;
  }
  const ordered = samples.toSorted((a, b) => a.rank - b.rank || a.number - b.number || a.run - b.run);
  return { ...index, revision, eyes, samples, ordered, groups, byKey };
};

/** So far apart are scores that disagree. */
const APART = 0.25;

const differ = (opinions) => {
  const heard = opinions.filter((opinion) => opinion.outcome === "ok");
  if (heard.some((opinion) => opinion.isCorrect === true) && heard.some((opinion) => opinion.isCorrect === false)) return true;
  const scores = heard.map((opinion) => opinion.score).filter((score) => score !== null);
  return scores.length > 1 && Math.max(...scores) - Math.min(...scores) >= APART;
};

/** A run's name, with its suite where the run of another suite has the same one. */
const runTitle = (run) => (store.report.runs.some((other) => other.name === run.name && other.suite !== run.suite) ? `${run.name} · ${run.suite}` : run.name);

const keyOf = (sample) => `${sample.run}/${sample.number}/${sample.name}`;

const findSample = (key) => store.byKey.get(key) ?? null;

/** Equal for answers to the same case: suites may share ids, and fresh prompts too. */
const groupKey = (report, sample) => `${sample.number} ${report.runs[sample.run].suite} ${sample.promptNumber} ${sample.name}`;

/** The samples that other runs have of the same case. */
const rivalsOf = (sample) => store.groups.get(groupKey(store.report, sample)).filter((other) => other.run !== sample.run);

const thumbSource = (run, image) => {
  if (mode === "live") return `thumb/${run}/${image.hash}`;
  if (mode === "folder") return `thumbs/${image.hash}.jpg`;
  return `data:image/jpeg;base64,${byId(`thumb-${image.hash}`)?.textContent ?? ""}`;
};

/** The original; of a page in one file the thumbnail. */
const imageSource = (run, image) => {
  if (mode === "live") return `image/${run}/${image.hash}`;
  if (mode === "folder") return `images/${image.hash}.${image.extension}`;
  return thumbSource(run, image);
};

/** An image that shows where something was measured; a page in one file has none. */
const overlaySource = (overlay) => `overlays/${overlay.name}`;

const figureSource = (figure) => figure.source;

// Files of details.

const MOST_KEPT = 24;
const kept = new Map();
const waiting = new Map();

const receive = (name, text) => waiting.get(name)?.(text);
// A data file of a page on the disk calls this with one string.
Object.defineProperty(window, "imgevalData", { value: receive });

const readFile = (name) => {
  if (mode === "single") return Promise.resolve(byId(name).textContent);
  if (mode === "live") {
    return fetch(`data/${store.revision}/${name}`).then((answer) => {
      if (!answer.ok) throw new Error("the server does not have these details any more");
      return answer.text();
    });
  }
  return new Promise((resolve, reject) => {
    const script = h("script", { src: `data/${name}.js` });
    const end = (then, value) => {
      waiting.delete(name);
      script.remove();
      then(value);
    };
    waiting.set(name, (text) => end(resolve, text));
    script.addEventListener("error", () => end(reject, new Error(`data/${name}.js cannot be read; perhaps the report was written anew, then reload the page`)));
    document.head.append(script);
  });
};

const loadFile = (name) => {
  if (!kept.has(name)) {
    const loading = readFile(name).then(JSON.parse);
    loading.catch(() => kept.delete(name));
    kept.set(name, loading);
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(name);
};

const fileOf = (files, place) => {
  let [low, high] = [0, files.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (files[middle].first <= place) low = middle;
    else high = middle - 1;
  }
  return files[low];
};

const loadDetail = async (files, place) => {
  const file = fileOf(files, place);
  return (await loadFile(file.name))[place - file.first];
};

/** Reads all replies into the samples; tells how far it is. */
const loadReplies = async (progress) => {
  const mine = store;
  for (const [number, file] of mine.texts.entries()) {
    if (mine !== store) return;
    progress(number, mine.texts.length);
    const texts = await readFile(file.name).then(JSON.parse);
    texts.forEach((text, offset) => {
      const parts = [text.prompt, text.expectation, text.detail, ...text.opinions.flatMap((opinion) => [opinion.detail, opinion.reasons, ...opinion.replies])];
      mine.samples[file.first + offset].replies = parts.join("\n").toLowerCase();
    });
  }
  progress(mine.texts.length, mine.texts.length);
};
