// Before and after in one frame: a slider uncovers the one over the other.

/** `before` and `after` have a source, a name and an alternative text. Both are shown in the shape of the second. */
const wipe = ({ id, before, after, shape }) => {
  const [under, over] = [h("img", { src: before.source, alt: before.alt }), h("img", { src: after.source, alt: after.alt, class: "over" })];
  const edge = h("span", { class: "edge", "aria-hidden": "true" });
  const tags = h("span", { class: "ends-of-wipe", "aria-hidden": "true" }, h("span", null, before.name), h("span", null, after.name));
  const stage = h("div", { class: "stage wipe" }, under, over, edge, tags);
  const fit = (width, height) => {
    stage.style.aspectRatio = `${width} / ${height}`;
    stage.style.setProperty("--shape", String(width / height));
  };
  const note = h("p", { class: "soft small", hidden: true }, "The two images have different shapes; each is fitted into the frame.");
  const compare = () => {
    if (!under.naturalWidth || !over.naturalWidth) return;
    note.hidden = Math.abs(under.naturalWidth / under.naturalHeight / (over.naturalWidth / over.naturalHeight) - 1) < 0.01;
  };
  if (shape?.width > 0 && shape?.height > 0) fit(shape.width, shape.height);
  else over.addEventListener("load", () => fit(over.naturalWidth, over.naturalHeight));
  for (const picture of [under, over]) {
    picture.addEventListener("load", compare);
    picture.addEventListener("error", () => stage.replaceWith(placeholder("?", "The images cannot be shown.")));
  }
  const slider = h("input", { type: "range", id, min: 0, max: 100, value: 50, "aria-label": `how much of ${after.name} is uncovered, against ${before.name}` });
  const move = (share) => {
    over.style.clipPath = `inset(0 0 0 ${100 - share}%)`;
    edge.style.left = `${100 - share}%`;
    slider.setAttribute("aria-valuetext", `${share} % ${after.name}, ${100 - share} % ${before.name}`);
  };
  slider.addEventListener("input", () => move(100 - Number(slider.value)));
  const drag = (event) => {
    const { left, width } = stage.getBoundingClientRect();
    const at = Math.round(Math.max(0, Math.min(100, (100 * (event.clientX - left)) / width)));
    slider.value = String(at);
    move(100 - at);
  };
  stage.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    drag(event);
    slider.focus({ preventScroll: true });
  });
  stage.addEventListener("pointermove", (event) => { if (stage.hasPointerCapture(event.pointerId)) drag(event); });
  move(50);
  return { stage, controls: h("div", { class: "wipe-bar" }, h("span", { "aria-hidden": "true" }, before.name), slider, h("span", { "aria-hidden": "true" }, after.name)), note };
};
