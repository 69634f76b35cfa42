// One sample in full: the picture with what was seen in it, and everything that was said.

// Okabe and Ito's palette, told apart with every kind of colour vision.
const PALETTE = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2", "#999999"];

const LAYERS = { boxes: ["b", "boxes"], masks: ["m", "masks"], colors: ["c", "color scores"], rest: ["u", "ignored detections"] };

const layersOn = () => new Set(state.layers.split(",").filter(Boolean));

/** The layers for which the open samples hold something; null until their files are read. */
let layersThere = null;

const toggleLayer = (name) => {
  if (layersThere && !layersThere.includes(name)) return say(`This sample has no ${LAYERS[name][1]}.`);
  const layers = layersOn();
  if (!layers.delete(name)) layers.add(name);
  go({ layers: Object.keys(LAYERS).filter((layer) => layers.has(layer)).join(",") || "none" });
};

/** What an open sample belongs to: the gallery, or the answers of its run in prompt by model. */
const walkOf = (sample) => (state.from === "prompts" ? sheetWalk(sample) : shown);

const openSample = (sample, from = state.from) => {
  if (from === "") current = Math.max(0, shown.indexOf(sample));
  go({ open: keyOf(sample), with: state.open === "" ? "" : state.with, from }, { isStep: state.open === "" });
};

/** Back to where the sample was opened. */
const focusOpener = (before) => {
  const sample = findSample(before.open);
  if (before.from === "prompts" && sample) focusInSheet(sample);
  else focusCard(current);
};

const closeSample = () => {
  const before = state;
  go({ open: "", with: "", from: "" });
  focusOpener(before);
};

/** Side by side, or one over the other. */
const toggleWipe = () => {
  if (byId("look")) go({ look: state.look === "" ? "wipe" : "" });
};

const stepSample = (by) => {
  const sample = findSample(state.open);
  const walk = walkOf(sample);
  const place = walk.indexOf(sample);
  const next = place < 0 ? walk[0] : walk[place + by];
  if (!next) return say(by > 0 ? "This is the last sample." : "This is the first sample.");
  openSample(next);
};

/** The next run that has this case, then none. */
const stepRival = () => {
  const sample = findSample(state.open);
  if (!sample) return;
  const rivals = rivalsOf(sample).map((rival) => String(rival.run));
  go({ with: rivals[rivals.indexOf(state.with) + 1] ?? "" });
};

const layerBar = () => {
  const on = layersOn();
  const box = (name) => {
    const [key, text] = LAYERS[name];
    const input = h("input", { type: "checkbox", id: `layer-${name}`, onchange: () => toggleLayer(name) });
    input.checked = on.has(name);
    return h("label", { class: "check" }, input, text, " ", h("kbd", null, key));
  };
  return h("fieldset", { class: "layers" }, h("legend", { class: "unseen" }, "Drawn over the image"), (layersThere ?? []).map(box));
};

/** The picture of a sample with its layers; `objects` are drawn when they are known. */
const buildPane = (sample, caption) => {
  const frame = h("div", { class: "frame" });
  const pane = h("figure", { class: "pane" }, h("figcaption", null, caption), frame);
  if (!sample.image) {
    frame.append(placeholder("!", `no image: ${sample.outcome}`));
    return { pane, draw: () => {} };
  }
  const problem = store.problems[sample.image.hash];
  if (problem) {
    frame.append(placeholder("?", problem));
    return { pane, draw: () => {} };
  }
  const { stage, picture } = buildStage(sample.run, sample.image, sample.prompt.slice(0, 300) || "image without a prompt");
  frame.append(stage);
  if (mode !== "single") pane.firstChild.append(" ", h("a", { href: imageSource(sample.run, sample.image), target: "_blank", rel: "noopener" }, "original"));
  return { pane, draw: (objects) => drawLayers(stage, picture, sample.image, objects) };
};

/** A picture in a frame of its shape, as large as there is room. */
const buildStage = (run, image, alt) => {
  const picture = h("img", { src: imageSource(run, image), alt });
  const stage = h("div", { class: "stage" }, picture);
  const shape = (width, height) => {
    stage.style.aspectRatio = `${width} / ${height}`;
    stage.style.setProperty("--shape", String(width / height));
  };
  if (image.width > 0 && image.height > 0) shape(image.width, image.height);
  else picture.addEventListener("load", () => shape(picture.naturalWidth, picture.naturalHeight));
  picture.addEventListener("error", () => stage.replaceWith(placeholder("?", "The picture cannot be shown.")));
  return { stage, picture };
};

const drawLayers = (stage, picture, image, objects) => {
  const on = layersOn();
  for (const old of stage.querySelectorAll(":scope > :not(img)")) old.remove();
  const visible = objects.map((object, place) => ({ ...object, place, color: PALETTE[place % PALETTE.length], named: object.color })).filter((object) => object.is_counted || on.has("rest"));
  const { width, height } = image;
  if (on.has("masks") && width > 0 && height > 0) {
    const canvas = h("canvas", { width, height, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(width, height);
    for (const object of visible) {
      if (!object.mask) continue;
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(object.color.slice(at, at + 2), 16));
      if (!paintMask(object.mask, width, height, pixels.data, [red, green, blue, 150])) say(`The mask of ${object.name} does not fit the image.`);
    }
    context.putImageData(pixels, 0, 0);
    stage.append(canvas);
  }
  if (!on.has("boxes") && !on.has("colors")) return;
  if (on.has("boxes")) {
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const object of visible) {
      const [left, top, right, bottom] = object.bounding_box;
      for (const kind of ["halo", object.is_counted ? "box" : "box thin"]) {
        drawing.append(svg("rect", { x: left, y: top, width: Math.max(right - left, 0), height: Math.max(bottom - top, 0), class: kind, stroke: kind === "halo" ? "#000" : object.color }));
      }
    }
    stage.append(drawing);
  }
  for (const object of visible) {
    const colors = on.has("colors") ? object.colors.slice(0, 3).map(([name, score]) => `${name} ${fixed(score)}`).join(" · ") : "";
    const label = h("span", { class: "label", "aria-hidden": "true" }, `${object.named ? `${object.named} ` : ""}${object.name} ${fixed(object.score)}`, colors && h("br"), colors);
    label.style.left = `${Math.max(0, Math.min(90, (100 * object.bounding_box[0]) / width))}%`;
    label.style.top = `${Math.max(0, Math.min(94, (100 * object.bounding_box[1]) / height))}%`;
    label.style.borderColor = object.color;
    stage.append(label);
  }
};

const objectTable = (objects) => {
  const row = (object, place) => {
    const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = PALETTE[place % PALETTE.length];
    return h("tr", { class: object.is_counted ? null : "soft" },
      h("th", { scope: "row" }, swatch, foreign("bdi", object.name)), h("td", { class: "number" }, fixed(object.score)), h("td", null, object.is_counted ? "yes" : "no"),
      h("td", null, object.colors.length === 0 ? object.color ?? "" : object.colors.slice(0, 4).map(([name, score]) => `${name} ${fixed(score)}`).join(", ")));
  };
  const table = h("table", null, h("thead", null, h("tr", null, ["Object", "Score", "Counted", "Colors"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", null, objects.map(row)));
  const n_counted = objects.filter((object) => object.is_counted).length;
  return details(`${counted(objects.length, "object")} seen, ${n_counted} counted`, h("div", { class: "scroller" }, table));
};

const opinionView = (sample, opinion, text, objects) => {
  const observer = store.report.runs[sample.run].observers[opinion.observer];
  const verdict = opinion.isCorrect !== null ? (opinion.isCorrect ? "right" : "wrong") : opinion.score !== null ? "scored" : "none";
  const [shape, word] = VERDICTS[verdict];
  const replies = text?.replies ?? [];
  return h("section", { class: "opinion" },
    h("h4", null, foreign("bdi", observer.title)),
    observer.note && h("p", { class: "warn" }, observer.note),
    h("p", null, h("span", { class: `badge ${verdict}` }, `${shape} ${opinion.outcome !== "ok" ? opinion.outcome : word}`),
      opinion.score !== null && opinion.isCorrect === null && ` score ${fixed(opinion.score)}`,
      opinion.uncertainty !== null && h("span", { class: "soft" }, ` uncertainty ${fixed(opinion.uncertainty)}`)),
    text?.detail && foreign("p", text.detail, { class: "words" }),
    (text?.reasons || opinion.reasons) && foreign("p", text?.reasons || opinion.reasons, { class: "words" }),
    objects?.length > 0 && objectTable(objects),
    replies.map((reply, place) => [h("h5", null, replies.length > 1 ? `Reply ${place + 1} of ${replies.length}` : "Reply, verbatim"), h("pre", { dir: "auto", tabindex: "0", "aria-label": "reply" }, reply === "" ? "(empty)" : reply)]));
};

const sideOf = (sample) => store.report.runs[sample.run].name;

const LOOKS_OF_EDIT = { "": "side by side", wipe: "under a slider" };

const lookBar = () =>
  h("fieldset", { class: "layers", id: "look" }, h("legend", { class: "unseen" }, "Source image and edited image"), Object.entries(LOOKS_OF_EDIT).map(([value, text]) => {
    const radio = h("input", { type: "radio", name: "look", id: `look-${value || "beside"}`, onchange: () => go({ look: value }) });
    radio.checked = state.look === value;
    return h("label", { class: "check" }, radio, text, value === "wipe" && [" ", h("kbd", null, "w")]);
  }));

/** The layers of which some sample has something to draw. */
const layersOf = (objects) => {
  const there = { boxes: objects.length > 0, masks: objects.some((object) => object.mask), colors: objects.some((object) => object.colors.length > 0), rest: objects.some((object) => !object.is_counted) };
  return Object.keys(LAYERS).filter((name) => there[name]);
};

/** Told apart from a sample that was opened later, while files were loading. */
let opening = 0;

const renderDetail = (before) => {
  const dialog = byId("detail");
  const sample = state.open === "" ? null : findSample(state.open);
  if (!sample) {
    if (state.open !== "") say("This sample is not in the report.");
    if (dialog.open) dialog.close();
    delete document.body.dataset.detail;
    return;
  }
  const isSame = before && before.open === state.open && before.with === state.with && dialog.open;
  const focused = dialog.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = dialog.querySelector(".said")?.scrollTop ?? 0;
  const rivals = rivalsOf(sample);
  const rival = state.with === "" ? null : rivals.find((other) => String(other.run) === state.with) ?? null;
  const sides = rival ? [sample, rival] : [sample];
  const walk = walkOf(sample);
  const place = walk.indexOf(sample);
  const panes = sides.map((side) => buildPane(side, h("span", null, sides.length > 1 || store.report.runs.length > 1 ? foreign("bdi", sideOf(side)) : "Answer", " ", badgeLine(side))));
  const stages = h("div", { class: `panes n${panes.length}` }, panes.map((pane) => pane.pane));
  if (!isSame) layersThere = null;
  const bars = h("div", { class: "bars" }, layerBar());
  const said = h("div", { class: `said n${sides.length}`, tabindex: "0", role: "region", "aria-label": "Prompt and judgments" });
  const compare = rivals.length > 0 && h("select", { id: "rival", onchange: (event) => go({ with: event.target.value }) }, h("option", { value: "" }, "no other run"), rivals.map((other) => h("option", { value: other.run }, sideOf(other))));
  if (compare) compare.value = rival ? String(rival.run) : "";
  dialog.replaceChildren(
    h("header", { class: "head" },
      h("h2", { id: "detail-heading" }, foreign("bdi", sample.name), ` #${sample.number}`),
      h("span", { class: "soft" }, place < 0 ? "not among the filtered samples" : `${(place + 1).toLocaleString("en")} of ${walk.length.toLocaleString("en")}`),
      h("span", { class: "gap" }),
      compare && h("label", { class: "beside" }, "Compare with ", compare),
      h("button", { type: "button", id: "previous", onclick: () => stepSample(-1), disabled: place === 0 }, "← ", h("span", { class: "wordy" }, "Previous")),
      h("button", { type: "button", id: "next", onclick: () => stepSample(1), disabled: place === walk.length - 1 }, h("span", { class: "wordy" }, "Next"), " →"),
      h("button", { type: "button", id: "close", onclick: closeSample }, "Close ", h("kbd", { class: "wordy" }, "Esc"))),
    h("div", { class: "body" }, h("div", { class: "view" }, bars, stages), said),
  );
  said.append(h("p", { class: "soft" }, "Loading …"));
  if (!dialog.open) dialog.showModal();
  const wanted = focused && byId(focused);
  if (wanted && !wanted.disabled) wanted.focus();
  else (byId("next").disabled ? byId("close") : byId("next")).focus();
  const mine = ++opening;
  delete document.body.dataset.detail;
  const load = (side) => Promise.all([loadDetail(store.texts, side.place), loadDetail(store.objects, side.place)]);
  Promise.all(sides.map(load)).then((loaded) => {
    if (mine !== opening) return;
    const drawn = loaded.map(([, seen], number) => seen.filter((entry) => isDrawn(sides[number], entry)).flatMap((entry) => entry.objects));
    layersThere = layersOf(drawn.flat());
    drawn.forEach((objects, number) => panes[number].draw(objects));
    const [text] = loaded[0];
    const canWipe = text.input && sample.image && !store.problems[text.input.hash] && !store.problems[sample.image.hash];
    bars.replaceChildren(...[layersThere.length > 0 && layerBar(), canWipe && lookBar()].filter(Boolean));
    if (/^(layer|look)-/.test(focused)) byId(focused)?.focus();
    if (canWipe && state.look === "wipe") {
      const [before, after] = [{ source: imageSource(sample.run, text.input), name: "source image", alt: "the source image" }, { source: imageSource(sample.run, sample.image), name: "edited image", alt: sample.prompt.slice(0, 300) || "the edited image" }];
      const { stage, controls, note } = wipe({ id: "wipe", before, after, shape: sample.image });
      panes[0].pane.replaceChildren(panes[0].pane.firstChild, h("div", { class: "frame" }, stage), controls, note);
    } else if (text.input) {
      const { stage } = buildStage(sample.run, text.input, "the source image");
      const problem = store.problems[text.input.hash];
      stages.prepend(h("figure", { class: "pane" }, h("figcaption", null, "Source image"), h("div", { class: "frame" }, problem ? placeholder("?", problem) : stage)));
      stages.className = `panes n${panes.length + 1}`;
    }
    stages.after(...loaded.map(([words]) => overlaysOf(words)).filter(Boolean));
    said.replaceChildren(...[
      h("div", { class: "asked" },
        h("h3", null, "Prompt"), foreign("p", text.prompt || "none", { class: "words asked-for" }),
        text.expectation && [h("h3", null, "Expected"), foreign("p", text.expectation, { class: "words" })],
        h("p", { class: "soft small" }, [sample.part && `part ${sample.part}`, sample.image?.width > 0 && `${sample.image.width} × ${sample.image.height} pixels`].filter(Boolean).join(" · "))),
      ...sides.map((side, number) => measuredOf(side, loaded[number][0], sides.length > 1)),
      ...loaded.map(([words, seen], number) => saidOf(sides[number], words, seen, sides.length > 1)),
    ].filter(Boolean));
    if (isSame) said.scrollTop = scrolled;
    document.body.dataset.detail = state.open;
  }).catch((error) => {
    if (mine !== opening) return;
    said.replaceChildren(h("p", { class: "notice", role: "alert" }, `The details cannot be shown: ${error.message}`));
  });
};

const badgeLine = (sample) => {
  const { verdict, shape, text } = badgeOf(sample);
  return h("span", { class: `badge ${verdict}` }, `${shape} ${text}`);
};

/** Objects are drawn of the evaluator that counts, or of the first detector. */
const isDrawn = (sample, entry) => {
  const chosen = opinionOf(sample);
  const first = sample.opinions.find((opinion) => store.report.runs[sample.run].observers[opinion.observer].kind === "detector");
  return entry.observer === (state.eye !== "" && chosen ? chosen : first ?? chosen)?.observer;
};

const OVERLAYS = { change: "What changed", frame: "What was cut off", region: "What was edited, and leaks", blur: "Blur", cast: "Cast", text: "Characters" };

/** Images that show where something was measured. */
const overlaysOf = (text) => {
  const overlay = (of) => {
    const name = OVERLAYS[of.kind] ?? of.kind;
    return h("figure", null, h("figcaption", null, name), h("a", { href: overlaySource(of), target: "_blank", rel: "noopener" }, h("img", { src: overlaySource(of), alt: `${name}, drawn over the image`, loading: "lazy" })));
  };
  return text.overlays.length > 0 && mode === "folder" ? h("div", { class: "overlays" }, text.overlays.map(overlay)) : null;
};

/** What programs measured on a sample. */
const measuredOf = (sample, text, isNamed) => {
  if (sample.measures.size === 0 && sample.registration === "") return null;
  const facts = [...sample.measures].map(([measure, value]) => [store.measures[measure], threeDigits(value)]);
  if (sample.registration !== "") facts.unshift(["registration with the source", sample.registration]);
  return h("div", { class: "side" },
    h("h3", null, "Measures", isNamed && [" on ", foreign("bdi", sideOf(sample))]),
    sample.registration !== "" && sample.registration !== "ok" && h("p", { class: "soft" }, "The answer does not register with its source, so pixels outside of the edit are not compared."),
    factList(facts));
};

const saidOf = (sample, text, seen, isNamed) =>
  h("div", { class: "side" },
    isNamed && h("h3", null, foreign("bdi", sideOf(sample))),
    sample.outcome !== "ok" && h("p", null, h("span", { class: "badge failed" }, `! ${sample.outcome}`), " ", text.detail && foreign("bdi", text.detail)),
    !isNamed && sample.opinions.length > 0 && h("h3", null, "Judgments"),
    sample.opinions.length === 0 && sample.outcome === "ok" && h("p", { class: "soft" }, "Not evaluated yet."),
    sample.opinions.map((opinion) => opinionView(sample, opinion, text.opinions.find((entry) => entry.observer === opinion.observer), seen.find((entry) => entry.observer === opinion.observer)?.objects)));
