// Masks in COCO's text form: run lengths down the columns, alternately outside and inside, from the fourth on as the difference
// from the run two before; groups of five bits, the lowest first, a sixth bit says that another group follows. Source: maskApi.c of
// COCO's tools (github.com/cocodataset/cocoapi).

/** Run lengths of a mask; null if the text is none. */
const decodeRuns = (text) => {
  const runs = [];
  let place = 0;
  while (place < text.length) {
    let [value, shift, more] = [0, 0, true];
    while (more) {
      const group = text.charCodeAt(place++) - 48;
      if (!(group >= 0 && group < 64) || shift > 30) return null;
      // Seven groups are more than 32 bits: no bit operators.
      value += (group & 31) * 2 ** shift;
      more = (group & 32) !== 0;
      shift += 5;
      if (!more && group & 16) value -= 2 ** shift;
    }
    if (runs.length > 2) value += runs[runs.length - 2];
    if (value < 0) return null;
    runs.push(value);
  }
  return runs;
};

/** Sets the pixels inside to a colour in `pixels` (four bytes each, row by row); false if the mask is not of this size. */
const paintMask = (text, width, height, pixels, color) => {
  const runs = decodeRuns(text);
  if (!runs || runs.reduce((sum, run) => sum + run, 0) !== width * height) return false;
  let [place, isInside] = [0, false];
  for (const run of runs) {
    if (isInside) {
      let [column, row] = [Math.floor(place / height), place % height];
      for (let left = run; left > 0; left--) {
        pixels.set(color, 4 * (row * width + column));
        if (++row === height) {
          row = 0;
          column++;
        }
      }
    }
    place += run;
    isInside = !isInside;
  }
  return true;
};
