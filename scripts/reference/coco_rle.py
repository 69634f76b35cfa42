"""Writes crates/imgeval-core/tests/fixtures/coco_rle.json: masks with run lengths in COCO's text form, area and box.

Reference: pycocotools 2.0.11 (its C code is COCO's own) with numpy 2.4.6.
"""

import json
import pathlib

import numpy as np
import pycocotools
from pycocotools import mask as coco

rng = np.random.default_rng(7)
TARGET = pathlib.Path(__file__).parents[2] / "crates/imgeval-core/tests/fixtures/coco_rle.json"


def disc(width, height, x, y, radius):
    rows, columns = np.mgrid[:height, :width]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def masks():
    for width, height in [(1, 1), (1, 7), (7, 1), (13, 9), (64, 65), (130, 33)]:
        yield "nothing", np.zeros((height, width), bool)
        yield "everything", np.ones((height, width), bool)
        yield "noise", rng.random((height, width)) < 0.5
        yield "specks", rng.random((height, width)) < 0.02
    yield "first pixel", disc(9, 8, 0, 0, 1)
    yield "last pixel", disc(9, 8, 8, 7, 1)
    yield "two columns", np.array([[1, 1, 0], [1, 1, 0]], bool)
    yield "over a column's end", np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0]], bool)
    yield "discs", disc(300, 200, 90, 80, 50) | disc(300, 200, 220, 150, 30)
    yield "ring", disc(129, 127, 64, 63, 50) & ~disc(129, 127, 64, 63, 20)
    yield "wide", disc(1200, 700, 600, 350, 300)


cases = []
for name, mask in masks():
    height, width = mask.shape
    encoded = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    left, top, box_width, box_height = coco.toBbox(encoded)
    # Rows as alternate run lengths of pixels outside and inside, row by row, so that the file stays small.
    flat = mask.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
    cases.append({
        "name": f"{name} {width}x{height}",
        "width": width,
        "height": height,
        "row_runs": [0, *runs] if flat[0] else runs,
        "counts": encoded["counts"].decode(),
        "area": int(coco.area(encoded)),
        "box": [left, top, left + box_width, top + box_height],
    })

origin = f"pycocotools 2.0.11, numpy {np.__version__}, scripts/reference/coco_rle.py"
assert pycocotools is not None
lines = ",\n".join(json.dumps(case) for case in cases)
TARGET.write_text(f'{{"origin": "{origin}", "cases": [\n{lines}\n]}}\n')
