// What is shown, as the address says it: everything is in the fragment, so that every state can be linked and the back button works.

const DEFAULTS = {
  at: "",
  // The gallery.
  q: "", replies: "", run: "", part: "", verdict: "", outcome: "", registration: "", apart: "", eye: "", sort: "case",
  // The open sample, and from where it was opened.
  open: "", with: "", from: "", layers: "boxes", look: "",
  // Tables and comparisons.
  order: "", published: "", intervals: "", differ: "", pair: "",
  // Prompt by model.
  msuite: "", meye: "", mq: "", mpart: "", mapart: "", msort: "case",
};

const readState = () => {
  const given = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, given.get(name) ?? value]));
};

let state = readState();

const linkTo = (changes) => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...state, ...changes })) if (value !== DEFAULTS[name]) parameters.set(name, value);
  // A slash and a comma may stand in a fragment as they are.
  return `#${parameters.toString().replaceAll("%2F", "/").replaceAll("%2C", ",")}`;
};

/** Goes to another state: as a step of its own for the back button, or in place. */
const go = (changes, { isStep = false } = {}) => {
  const link = linkTo(changes);
  const before = state;
  state = { ...state, ...changes };
  if (isStep) history.pushState(null, "", link);
  else history.replaceState(null, "", link);
  render(before);
};
