// Elements and numbers. Texts become text nodes and never markup.

const byId = (id) => document.getElementById(id);

/** An element. Attributes that are null, undefined or false are left out; `onclick` and the like are listeners. */
const h = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
};

const svg = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

/** Text of others: its writing direction does not reach what stands around it. */
const foreign = (tag, text, attributes) => h(tag, { dir: "auto", ...attributes }, text);

/** A sentence of others in which names stand between backticks. */
const foreignSentence = (tag, text, attributes) => {
  const parts = text.split("`");
  return h(tag, { dir: "auto", ...attributes }, parts.length % 2 ? parts.map((part, place) => (place % 2 ? h("code", null, part) : part)) : text);
};

const counted = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many ?? `${one}s`}`;

const fixed = (value, decimals = 2) => value.toFixed(decimals);

/** Three digits that count. */
const threeDigits = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));

const signed = (value, decimals) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(decimals)}`;

const percent = (part, whole) => {
  if (whole === 0) return "0 %";
  const value = (100 * part) / whole;
  return `${value > 0 && value < 1 ? "under 1" : value > 99 && value < 100 ? "over 99" : Math.round(value)} %`;
};

const details = (summary, ...content) => h("details", null, h("summary", null, summary), ...content);

const factList = (facts) =>
  h("dl", { class: "facts" }, facts.map(([name, value]) => [foreign("dt", name), foreign("dd", value === "" ? "none" : value)]));

/** Marks the sides to which a table goes on. */
const markOverflow = (box) => {
  const inner = box.firstChild;
  const hidden = inner.scrollWidth - inner.clientWidth;
  box.classList.toggle("overflows", hidden > 1);
  box.classList.toggle("more-left", hidden > 1 && inner.scrollLeft > 1);
  box.classList.toggle("more-right", hidden > 1 && inner.scrollLeft < hidden - 1);
};

const overflows = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.closest(".sideways")) markOverflow(target.closest(".sideways"));
});

/** Wide tables scroll by themselves, also with the keyboard; shadows and words show that there is more. */
const scroller = (label, table) => {
  const inner = h("div", { class: "scroller", role: "region", tabindex: "0", "aria-labelledby": label }, table);
  const box = h("div", { class: "sideways" }, inner, h("p", { class: "hint", "aria-hidden": "true" }, "Scroll sideways for more →"));
  inner.addEventListener("scroll", () => markOverflow(box), { passive: true });
  overflows.observe(inner);
  overflows.observe(table);
  return box;
};

/** A head that orders its column: `direction` is "ascending", "descending" or empty. */
const sortHead = ({ id, text, isNumber, direction, act }) =>
  h("th", { scope: "col", class: isNumber ? "number" : null, "aria-sort": direction || "none" },
    h("button", { type: "button", class: "sort", id, onclick: act }, foreign("bdi", text), h("span", { class: "arrow", "aria-hidden": "true" }, { ascending: "▲", descending: "▼" }[direction] ?? "↕")));

/** A choice among named values, with its label. */
const chooserOf = (id, label, options, value, choose) => {
  const box = h("select", { id, onchange: (event) => choose(event.target.value) }, options.map(([name, text]) => h("option", { value: name }, text)));
  box.value = value;
  return h("div", { class: "field" }, h("label", { for: id }, label), box);
};

/** Builds a section anew; the control that had the focus has it again. */
const rebuild = (section, ...children) => {
  const focused = section.contains(document.activeElement) ? document.activeElement.id : "";
  const places = [...section.querySelectorAll(".scroller")].map((inner) => inner.scrollLeft);
  section.replaceChildren(...children.flat(4).filter(Boolean));
  [...section.querySelectorAll(".scroller")].forEach((inner, number) => { if (places[number]) inner.scrollLeft = places[number]; });
  if (focused) byId(focused)?.focus({ preventScroll: true });
};

const isTyping = (target) => /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && target.type !== "checkbox";

/** Says something to those who listen to the page. */
const say = (text) => {
  byId("said").textContent = text;
};
