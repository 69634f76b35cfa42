"""Makes crates/imgeval-vision/tests/fixtures/resample_real.json: what Pillow makes of real pictures.

    python scripts/reference/resample_real.py IMAGES crates/imgeval-vision/tests/fixtures/resample_real.json [--all]

IMAGES is the folder `data/images` of the shared data; its PNG files are used, because JPEG decoders differ. Needs Pillow before 13. By
default four pictures in a few sizes; `--all` takes every picture in twelve sizes, for a comparison that is not kept. Results
are SHA-256 over the rows, shortened to 16 digits; names that end in `_l` are of the picture after `convert("L")`.
"""

import argparse
import hashlib
import json
import random
import sys
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

FILTERS = ["nearest", "bilinear", "bicubic", "lanczos"]
PICTURES = ["portrait.png", "geneval_gpt4o/00394/samples/0000.png", "reason_edit/benchmark/6-Reasoning/0001.png",
            "reason_edit/edited/ip2p/LeftRight_metrics_1/0001.png"]
SIZES = [(256, 256), (224, 331), (1000, 61)]


def short_hash(image):
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()[:16]


def results(image, size):
    for suffix, mode in [("", image), ("_l", image.convert("L"))]:
        for name in FILTERS:
            yield name + suffix, short_hash(np.asarray(mode.resize(size, Image.Resampling[name.upper()])))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("output")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    chance = random.Random(1)
    names = PICTURES
    if arguments.all:
        names = sorted(str(path.relative_to(arguments.images)) for path in arguments.images.rglob("*.png"))
    rows = []
    for name in names:
        image = Image.open(arguments.images / name).convert("RGB")
        sizes = list(SIZES)
        if arguments.all:
            sizes += [(image.width, 300), (300, image.height), (2 * image.width, 2 * image.height), (image.width // 2, image.height // 2)]
            sizes += [(chance.randint(1, 1500), chance.randint(1, 1500)) for _ in range(5)]
        rows.append({"picture": name, "sizes": [{"to": size, **dict(results(image, size))} for size in sizes]})
    lines = [f'{{"made_with": "Pillow {PIL.__version__}", "pictures": [', ",\n".join(json.dumps(row) for row in rows), "]}"]
    Path(arguments.output).write_text("\n".join(lines) + "\n")
    print(sum(len(row["sizes"]) for row in rows) * 2 * len(FILTERS), "results", file=sys.stderr)


main()
