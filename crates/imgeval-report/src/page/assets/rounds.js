// Sessions of edits: tables by round, comparisons, and a viewer of each session.

const ROUND_VERDICTS = { ok: ["✓", "holds", "right"], failed: ["✗", "fails", "wrong"], refused: ["!", "refused", "failed"], missing: ["!", "missing", "failed"] };

const roundBadge = (round) => {
  const [shape, word, kind] = ROUND_VERDICTS[round.status] ?? ["–", round.status, "none"];
  return h("span", { class: `badge ${kind}` }, h("span", { "aria-hidden": "true" }, `${shape} `), word);
};

const meanCell = (mean) =>
  h("td", { class: "number" }, mean?.value === null || mean === undefined ? h("span", { class: "soft" }, "–", h("span", { class: "unseen" }, " not measured")) : threeDigits(mean.value),
    mean?.interval && h("span", { class: "interval" }, `${threeDigits(mean.interval[0])} to ${threeDigits(mean.interval[1])}`));

const roundsModelTable = (model, number) => {
  const measures = model.rounds[0]?.means ?? [];
  const heads = ["Round", "Holds", "Registered", ...measures.map((mean) => `${mean.name}, ${mean.unit}`)];
  const line = (round) => {
    const n = round.ok + round.failed + round.refused + round.missing;
    const absent = [round.refused > 0 && `${round.refused} refused`, round.missing > 0 && `${round.missing} missing`].filter(Boolean).join(", ");
    return h("tr", null, h("th", { scope: "row" }, round.round), h("td", { class: "number" }, `${round.ok} of ${n}`, absent && h("span", { class: "interval" }, absent)), h("td", { class: "number" }, round.registered), round.means.map(meanCell));
  };
  const rate = (of) => `${Math.round(100 * of.rate)} % through round ${of.round} (${Math.round(100 * of.interval[0])} to ${Math.round(100 * of.interval[1])} %)`;
  return h("div", { class: "board" },
    h("h3", { id: `rounds-${number}` }, foreign("bdi", model.name), h("span", { class: "soft small" }, ` ${counted(model.n_sessions, "session")}`)),
    scroller(`rounds-${number}`, h("table", null, h("thead", null, h("tr", null, heads.map((text, place) => h("th", { scope: "col", class: place > 0 ? "number" : null }, text)))), h("tbody", null, model.rounds.map(line)))),
    model.success.length > 0 && h("p", null, `Sessions that hold: ${model.success.map(rate).join(", ")}.`),
    model.judged.length > 0 && h("p", null, `Sessions that succeed by the judge: ${model.judged.map(rate).join(", ")}.`),
    model.noise.length > 0 && h("p", { class: "soft" }, `Two first rounds of one session differ by: ${model.noise.map((of) => `${of.name} ${threeDigits(of.value)} ${of.unit}`).join(", ")}.`),
    h("p", null, model.median === null ? "More than half of the sessions hold through all rounds seen." : `Half of the sessions have failed by round ${model.median}.`));
};

const roundsComparison = (comparison, number) => {
  const line = (name, sessions, difference, interval, p, adjusted) =>
    h("tr", null, h("th", { scope: "row" }, name), h("td", { class: "number" }, sessions), h("td", { class: "number" }, difference), h("td", { class: "number" }, interval ? `${threeDigits(interval[0])} to ${threeDigits(interval[1])}` : "–"), h("td", { class: "number" }, probability(p)), h("td", { class: "number" }, probability(adjusted)));
  const percentOf = (interval) => interval && interval.map((end) => 100 * end);
  const heads = ["Measure", "Sessions", "Difference", "95 % interval", "p", "p (Holm)"];
  return h("div", { class: "board" },
    h("h3", { id: `rounds-comparison-${number}` }, foreign("bdi", `${comparison.a} and ${comparison.b}`)),
    foreign("p", comparison.conclusion, { class: "finding" }),
    h("p", { class: "soft small" }, "A positive difference means that ", foreign("bdi", comparison.b), " is higher, a negative one that ", foreign("bdi", comparison.a), " is, over the sessions and rounds that both have."),
    scroller(`rounds-comparison-${number}`, h("table", null, h("thead", null, h("tr", null, heads.map((text, place) => h("th", { scope: "col", class: place > 0 ? "number" : null }, text)))), h("tbody", null,
      comparison.success.map((of) => line(`holds through round ${of.round}, %`, of.sessions, signed(100 * of.difference, 0), percentOf(of.interval), of.p, of.p_adjusted)),
      comparison.judged.map((of) => line(`succeeds by the judge through round ${of.round}, %`, of.sessions, signed(100 * of.difference, 0), percentOf(of.interval), of.p, of.p_adjusted)),
      comparison.slopes.map((of) => line(`${of.name}, ${of.unit} a round`, of.sessions, signed(of.difference, 2), of.interval, of.p, of.p_adjusted))))));
};

const LOOKS = { image: "image", wipe: "source and round under a slider", aligned: "in the frame of the round before", change: "what changed against the source" };

/** Whether the page holds the images of a session: of many only those of the first, in one file none. */
const isShown = (session) => session.source !== "" || session.models.some((model) => model.rounds.some((round) => round.image !== ""));

/** What a figure of a round shows; images that are not there say why. */
const roundPicture = (session, round, look, id) => {
  if (round.registration !== "" && !isShown(session)) return placeholder("–", "The page does not hold the images of this session.");
  if (look === "wipe") return roundWipe(session, round, id);
  const source = round[look];
  if (source !== "") {
    const picture = h("img", { src: source, alt: `round ${round.round}, ${LOOKS[look]}`, decoding: "async" });
    return round.region && look === "image" ? h("div", { class: "shot" }, picture, regionOf(round)) : h("div", { class: "shot" }, picture);
  }
  if (look === "image") return placeholder("!", round.reasons[0] || "there is no image");
  const why = look === "aligned" ? "It does not register with the round before." : "It does not register with the source.";
  return placeholder("–", round.image === "" ? "There is no image." : why);
};

/** The source image against the image of a round. */
const roundWipe = (session, round, id) => {
  if (session.source === "" || round.image === "") return placeholder("–", round.image === "" ? "There is no image." : "The source image cannot be read.");
  const { stage, controls, note } = wipe({ id, before: { source: session.source, name: "source image", alt: "the source image" }, after: { source: round.image, name: `round ${round.round}`, alt: `round ${round.round}` } });
  return h("div", { class: "wiped" }, stage, controls, note);
};

const regionOf = (round) => {
  const [left, top, right, bottom] = round.region;
  const box = h("span", { class: "region", title: "the largest region that this round changed" });
  Object.assign(box.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%` });
  return box;
};

const roundNumbers = (round) => {
  const facts = [["registration with the source", round.registration], ["registration with the round before", round.registration_previous]].filter(([, status]) => status !== "");
  facts.push(...round.numbers.map(([name, value]) => [name, threeDigits(value)]));
  const added = round.numbers_previous.map(([name, value]) => [`added: ${name}`, threeDigits(value)]);
  const kept = round.earlier_edits.map(([edit, value]) => [`edit of round ${edit} still there (correlation)`, threeDigits(value)]);
  const unknown = (number) => (number === null ? "not measured" : threeDigits(number));
  const objects = round.objects.map((object) => [`${object.name} kept (cosine; 1 - L1)`, `${unknown(object.dino)}; ${unknown(object.l1)}${object.problem && ` (${object.problem})`}`]);
  const reasons = [...new Set(round.unmeasured_objects.map(([, reason]) => reason))].map((reason) => ["objects or background not measured", reason]);
  return details("Numbers", factList([...facts, ...objects, ...reasons, ...added, ...kept]));
};

/** One session: rows of images, and a slider that goes through the rounds one by one. */
const sessionView = (session, number) => {
  const { models } = store.report.rounds;
  const nRounds = Math.max(session.instructions.length, ...session.models.map((model) => model.rounds.length));
  let [current, look] = [0, "image"];
  const slide = h("div", { class: "slide" });
  const label = h("output", { for: `slider-${number}` });
  const draw = () => {
    label.textContent = current === 0 ? "source" : `round ${current} of ${nRounds}: ${session.instructions[current - 1] ?? ""}`;
    const panes = session.models.map((model, place) => {
      const round = model.rounds[current - 1];
      const name = foreign("bdi", models[model.model].name);
      const picture = current === 0 ? (session.source === "" ? placeholder("?", isShown(session) ? "The source cannot be read." : "The page does not hold the images of this session.") : h("img", { src: session.source, alt: "the source" })) : round ? roundPicture(session, round, look, `wipe-${number}-${place}`) : placeholder("–", "no such round");
      return h("figure", { class: "pane" }, h("figcaption", null, name, current > 0 && round && [" ", roundBadge(round)]), h("div", { class: "shots" }, picture));
    });
    slide.replaceChildren(h("div", { class: `panes n${Math.min(panes.length, 3)}` }, panes));
  };
  const slider = h("input", { type: "range", id: `slider-${number}`, min: 0, max: nRounds, value: 0, oninput: (event) => { current = Number(event.target.value); draw(); } });
  const hasLook = (name) => session.models.some((model) => model.rounds.some((round) => (name === "wipe" ? session.source !== "" && round.image !== "" : round[name] !== "")));
  const looks = Object.keys(LOOKS).filter((name) => name === "image" || hasLook(name));
  const choice = (name) => {
    const radio = h("input", { type: "radio", name: `look-${number}`, value: name, onchange: () => { look = name; draw(); } });
    radio.checked = name === look;
    return h("label", { class: "check" }, radio, LOOKS[name]);
  };
  const cell = (round) => h("td", null, roundPicture(session, round, "image"), h("p", null, roundBadge(round)), round.reasons.length > 0 && h("p", { class: "soft small" }, foreign("bdi", round.reasons.join(", "))), roundNumbers(round));
  const row = (model) => h("tr", null, h("th", { scope: "row" }, foreign("bdi", models[model.model].name), model.notes.map((note) => foreign("p", note, { class: "soft small" }))), model.rounds.map(cell));
  const strip = h("table", { class: "strip" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, session.source !== "" && h("img", { src: session.source, alt: "the source", loading: "lazy" }), h("span", { class: "soft small" }, "source")), session.instructions.map((text, place) => h("th", { scope: "col" }, `Round ${place + 1}`, foreign("p", text, { class: "soft small" }))))),
    h("tbody", null, session.models.map(row)));
  draw();
  return h("div", { class: "board session" },
    h("h3", { id: `session-${number}` }, "Session ", foreign("bdi", session.id)),
    scroller(`session-${number}`, strip),
    details("See the rounds one by one", h("div", { class: "viewer" },
      h("label", { for: `slider-${number}` }, "Round"), slider, label,
      h("fieldset", { class: "layers" }, h("legend", { class: "unseen" }, "What is shown"), looks.map(choice)), slide)));
};

/** So many sessions are drawn at once. */
const SESSIONS_AT_ONCE = 10;

const renderRounds = () => {
  const { rounds } = store.report;
  byId("rounds").hidden = !rounds;
  if (!rounds) return;
  const list = h("div", null);
  let drawn = 0;
  const more = h("button", { type: "button", onclick: () => add() });
  const add = () => {
    const next = rounds.sessions.slice(drawn, drawn + SESSIONS_AT_ONCE);
    list.append(...next.map((session, place) => sessionView(session, drawn + place)));
    drawn += next.length;
    more.hidden = drawn >= rounds.sessions.length;
    more.textContent = `Show ${Math.min(SESSIONS_AT_ONCE, rounds.sessions.length - drawn)} more of ${counted(rounds.sessions.length, "session")}`;
  };
  add();
  rebuild(byId("rounds"),
    h("h2", { id: "rounds-heading" }, "Rounds"),
    ...rounds.limits.map((text) => foreign("p", text, { class: "soft" })),
    ...rounds.notes.map((note) => foreign("p", note, { class: "notice" })),
    ...(rounds.models.length < MANY_RUNS ? rounds.comparisons.map((comparison) => foreign("p", comparison.conclusion, { class: "finding" })) : []),
    ...rounds.models.map(roundsModelTable),
    list, more,
    rounds.models.length < MANY_RUNS
      ? h("div", null, rounds.comparisons.map(roundsComparison))
      : rounds.comparisons.length > 0 && details(`Comparisons of ${counted(rounds.comparisons.length, "pair")} of models`, rounds.comparisons.map(roundsComparison)),
  );
};
