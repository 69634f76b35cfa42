#!/usr/bin/env python3
"""Makes the source images and masks of the suite `weaknesses`.

    pip install scikit-image==0.26.0 pillow==13.0.0
    scripts/reference/weakness_sources.py crates/imgeval-suites/src/weaknesses/sources

Photographs are cut out of those in scikit-image's package that are in the public domain or CC0: astronaut and
hubble_deep_field (NASA, public domain), rocket (SpaceX, CC0), chelsea (Stefan van der Walt, CC0), coffee (Rachel Michetti,
CC0), camera (Lav Varshney, CC0), brick (CC0 Textures). Everything else is drawn here. The committed files
are the suite: their checksums are part of its fingerprint, so run this again only to make another version of it.
"""

import os
import sys

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFilter

DATA = os.path.join(os.path.dirname(skimage.__file__), "data")
OUT = sys.argv[1]

# Name: file of scikit-image, and left, top, right, bottom in pixels.
CUTS = {
    "astronaut": ("astronaut.png", None),
    "astronaut-tall": ("astronaut.png", (90, 0, 390, 450)),
    "cat": ("chelsea.png", None),
    "cat-square": ("chelsea.png", (75, 0, 375, 300)),
    "coffee": ("coffee.png", None),
    "coffee-tall": ("coffee.png", (170, 0, 437, 400)),
    "coffee-wide": ("coffee.png", (0, 90, 600, 347)),
    "rocket": ("rocket.jpg", None),
    "rocket-tall": ("rocket.jpg", (200, 0, 440, 427)),
    "rocket-wide": ("rocket.jpg", (0, 120, 640, 394)),
    "galaxies": ("hubble_deep_field.jpg", (100, 100, 740, 740)),
    "galaxies-wide": ("hubble_deep_field.jpg", (100, 200, 740, 560)),
    "galaxies-tall": ("hubble_deep_field.jpg", (300, 0, 700, 711)),
    "camera": ("camera.png", None),
    "camera-wide": ("camera.png", (0, 60, 512, 348)),
    "brick": ("brick.png", (0, 0, 384, 512)),
}


def photograph(name):
    file, box = CUTS[name]
    image = Image.open(os.path.join(DATA, file)).convert("RGB")
    return image.crop(box) if box else image


# Scenes: background bands, then shapes as (kind, box in shares of the image, color).
SCENES = {
    "street": ((768, 512), ["#9cc9e8", "#7fae6a"], {
        "sun": ("ellipse", (0.80, 0.06, 0.92, 0.24), "#f6d04d"),
        "house": ("rectangle", (0.12, 0.34, 0.42, 0.78), "#c46a4a"),
        "door": ("rectangle", (0.23, 0.56, 0.31, 0.78), "#5a3a2a"),
        "trunk": ("rectangle", (0.62, 0.52, 0.65, 0.78), "#6a4a30"),
        "tree": ("ellipse", (0.54, 0.26, 0.73, 0.58), "#3f7d46"),
        "car": ("rectangle", (0.40, 0.80, 0.62, 0.92), "#b23a48"),
    }),
    "table": ((640, 640), ["#e9dfcf", "#a9805a"], {
        "plate": ("ellipse", (0.30, 0.52, 0.72, 0.86), "#f7f7f2"),
        "apple": ("ellipse", (0.42, 0.58, 0.58, 0.74), "#c23b34"),
        "cup": ("rectangle", (0.08, 0.40, 0.24, 0.66), "#3c6e9f"),
        "lamp": ("ellipse", (0.72, 0.08, 0.94, 0.30), "#f0b94a"),
    }),
    "harbor": ((512, 768), ["#cfe3ee", "#3d6f8e"], {
        "lighthouse": ("rectangle", (0.12, 0.14, 0.26, 0.52), "#e5e0d8"),
        "roof": ("rectangle", (0.10, 0.09, 0.28, 0.14), "#a63d40"),
        "boat": ("rectangle", (0.48, 0.60, 0.84, 0.68), "#5b3b2e"),
        "sail": ("rectangle", (0.62, 0.36, 0.80, 0.59), "#f4f1e6"),
        "buoy": ("ellipse", (0.16, 0.80, 0.28, 0.88), "#e07a2f"),
    }),
    "shelf": ((704, 480), ["#d8d2e6", "#8d7f9f"], {
        "red-book": ("rectangle", (0.10, 0.20, 0.18, 0.66), "#a8324a"),
        "blue-book": ("rectangle", (0.20, 0.26, 0.27, 0.66), "#2f5d8c"),
        "green-book": ("rectangle", (0.29, 0.16, 0.37, 0.66), "#4c7a4a"),
        "vase": ("ellipse", (0.58, 0.30, 0.74, 0.66), "#d1a13b"),
        "ball": ("ellipse", (0.82, 0.48, 0.93, 0.66), "#c4572f"),
    }),
}


def scene(name):
    size, bands, shapes = SCENES[name]
    scale = 4
    image = Image.new("RGB", (size[0] * scale, size[1] * scale), bands[0])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, image.height * 0.66, image.width, image.height), fill=bands[1])
    for kind, box, color in shapes.values():
        points = [side * (image.width, image.height)[place % 2] for place, side in enumerate(box)]
        getattr(draw, kind)(points, fill=color)
    image = image.resize(size, Image.Resampling.LANCZOS)
    # A little paper grain, so that there is something to register by.
    grain = np.random.default_rng(17).normal(0, 3, (size[1], size[0], 1))
    grain += np.asarray(Image.fromarray(np.uint8(np.random.default_rng(18).integers(0, 255, (size[1] // 32, size[0] // 32)))).resize(
        size, Image.Resampling.BICUBIC))[..., None] / 16.0 - 8.0
    return Image.fromarray(np.uint8(np.clip(np.asarray(image) + grain, 0, 255)))


def blurred(name, sigma):
    return photograph(name).filter(ImageFilter.GaussianBlur(sigma))


def grainy(name, sigma):
    image = np.asarray(photograph(name), np.float64)
    noise = np.random.default_rng(5).normal(0, sigma, image.shape[:2] + (1,))
    return Image.fromarray(np.uint8(np.clip(image + noise, 0, 255)))


def save(name, image):
    image.save(os.path.join(OUT, name + ".jpg"), quality=92, subsampling=0)


def mask(name, size, box, grow=0.02):
    # White where the image may change, a little larger than the thing.
    left, top, right, bottom = [side + (-grow if place < 2 else grow) for place, side in enumerate(box)]
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).rectangle(
        (left * size[0], top * size[1], right * size[0] - 1, bottom * size[1] - 1), fill=255)
    image.convert("1").save(os.path.join(OUT, name + ".png"), optimize=True)


# Things of the scenes that cases edit.
EDITED = {
    "street": ["house", "car", "tree", "sun"],
    "table": ["apple", "cup", "lamp"],
    "harbor": ["boat", "sail", "buoy"],
    "shelf": ["blue-book", "vase"],
}

# Regions of photographs, in shares of the image.
REGIONS = {
    "coffee-spoon": ("coffee", (0.51, 0.48, 0.74, 0.86)),
    "astronaut-flag": ("astronaut", (0.00, 0.02, 0.26, 0.56)),
    "rocket-rocket": ("rocket", (0.45, 0.36, 0.59, 0.98)),
    "camera-tower": ("camera", (0.72, 0.14, 0.92, 0.40)),
}

for name in CUTS:
    save(name, photograph(name))
for name in SCENES:
    save(name, scene(name))
for name, sigma in [("coffee", 2.0), ("cat", 3.0), ("rocket-wide", 2.5), ("astronaut-tall", 4.0)]:
    save("soft-" + name, blurred(name, sigma))
for name, sigma in [("coffee-tall", 10), ("cat-square", 14), ("camera-wide", 12), ("rocket-tall", 18)]:
    save("grainy-" + name, grainy(name, sigma))
for name, (size, _, shapes) in SCENES.items():
    for thing in EDITED[name]:
        _, box, _ = shapes[thing]
        mask(name + "-" + thing, size, box)
for name, (photo, box) in REGIONS.items():
    mask(name, photograph(photo).size, box, grow=0.0)
