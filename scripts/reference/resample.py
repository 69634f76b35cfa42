"""Makes crates/imgeval-vision/tests/fixtures/resample.json: what OpenCV and Pillow make of noise in many sizes.

    python scripts/reference/resample.py crates/imgeval-vision/tests/fixtures/resample.json [--cases 60] [--seed 1]

Needs Pillow 10.4 and opencv-python-headless 4.10, of the official evaluators' generations; the versions used are written
into the file. OpenCV 5.0 and Pillow 11.3 and 12.0 give the same results. Pillow 13.0 does not: it sometimes filters columns
before rows. Source pictures are noise.py's. Results are SHA-256 over the RGB rows, shortened to 16 digits; three small ones
are written out; names that end in `_l` are of the picture after `convert("L")`. Sizes come from Python's `random`, and a fixed list holds the edges.
"""

import argparse
import hashlib
import json
import random
import sys

import cv2
import numpy as np
import PIL
from noise import noise
from PIL import Image

EDGES = [(1, 1, 5, 7), (5, 7, 1, 1), (2, 2, 1, 1), (64, 48, 32, 24), (64, 48, 32, 25), (65, 48, 32, 24), (3, 3, 6, 6),
         (20, 10, 20, 25), (20, 10, 33, 10), (20, 10, 20, 10), (64, 64, 50, 50), (300, 2, 7, 3), (2, 300, 3, 7),
         (1, 40, 9, 9), (97, 61, 224, 141), (128, 96, 1, 96), (17, 13, 16, 12), (400, 300, 100, 75), (31, 31, 93, 93)]
FILTERS = ["nearest", "bilinear", "bicubic", "lanczos"]
WRITTEN_OUT = [(7, 5, 4, 3), (4, 3, 9, 6), (16, 12, 6, 5)]


def results(source, width, height):
    yield "opencv_bilinear", cv2.resize(source, (width, height), interpolation=cv2.INTER_LINEAR)
    picture = Image.fromarray(source)
    for name in FILTERS:
        for suffix, mode in [("", picture), ("_l", picture.convert("L"))]:
            yield f"pillow_{name}{suffix}", np.asarray(mode.resize((width, height), Image.Resampling[name.upper()]))


def case(seed, size, describe):
    width, height, target_width, target_height = size
    fields = {"seed": seed, "from": [width, height], "to": [target_width, target_height]}
    for name, pixels in results(noise(seed, width, height), target_width, target_height):
        fields[name] = describe(pixels)
    return fields


def crop_case(seed, chance):
    """A float box around a 23x17 picture, edges often at one half, as `Image.crop` rounds and fills it."""
    left, top = (chance.choice([1, 2, 7]) * chance.randint(-20, 40) / 2 for _ in range(2))
    box = [left, top, left + chance.uniform(1, 40), top + chance.randint(2, 60) / 2]
    if chance.random() < 0.5:
        box[2] = round(box[2]) + 0.5
    cut = np.asarray(Image.fromarray(noise(seed, 23, 17)).crop(box))
    return {"seed": seed, "box": box, "to": [cut.shape[1], cut.shape[0]], "crop": short_hash(cut)}


def short_hash(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)

    def side():
        return chance.choice([chance.randint(1, 40), chance.randint(1, 420)])

    sizes = EDGES + [(side(), side(), side(), side()) for _ in range(arguments.cases)]
    rows = [case(100 + number, size, short_hash) for number, size in enumerate(sizes)]
    rows += [case(50 + number, size, lambda pixels: pixels.reshape(-1).tolist())
             for number, size in enumerate(WRITTEN_OUT)]
    crops = [crop_case(500 + number, chance) for number in range(20)]
    lines = [f'{{"made_with": "OpenCV {cv2.__version__}, Pillow {PIL.__version__}",', '"resize": [']
    lines += [",\n".join(json.dumps(row) for row in rows), '], "crops": [']
    lines += [",\n".join(json.dumps(row) for row in crops), "]}"]
    with open(arguments.output, "w") as file:
        file.write("\n".join(lines) + "\n")
    print(f"{len(rows)} sizes, {len(crops)} crops", file=sys.stderr)


main()
