#!/usr/bin/env python3
"""Render the example pictures of the `examples/geneval` folder.

The pictures are simple scenes drawn by this script: polygons, ellipses and
shaded surfaces; the clocks' numerals are set in Pillow's built-in font. They
were not made by any image model, and no photograph went into them. They are
examples, dedicated to the public domain under CC0 1.0.

Each scene answers one prompt of the GenEval benchmark and is written in
GenEval's folder layout:

    <out>/<index>/metadata.jsonl        the prompt's line of GenEval's metadata
    <out>/<index>/samples/0000.png      the first picture for the prompt
    <out>/<index>/samples/0001.png      a second picture, for some prompts

`<index>` is the prompt's 0-based line number in GenEval's metadata file, in
five digits.

Usage: python render_scenes.py [OUT]    (default: the folder `geneval` beside
this script). Needs Pillow and NumPy; the committed pictures were rendered with
Pillow 13.0.0 and NumPy 2.4.6. The same versions give the same pictures.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 512  # side of a finished picture
SCALE = 3  # supersampling: scenes are drawn SCALE times larger, then reduced
FULL = SIZE * SCALE

LIGHT = np.array([-0.45, -0.60, 0.66])  # towards the light: upper left, front
LIGHT = LIGHT / np.linalg.norm(LIGHT)


# --------------------------------------------------------------------------
# Canvas
# --------------------------------------------------------------------------


def rgb(colour):
    """`'#rrggbb'` as an array of three floats in [0, 1]."""
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def mix(a, b, t):
    """Blend from `a` (t = 0) to `b` (t = 1)."""
    return a + (b - a) * t


def smoothstep(low, high, value):
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


class Canvas:
    """A float RGB picture; every coordinate is in finished-picture pixels."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.pixels = np.zeros((FULL, FULL, 3), np.float32)
        axis = (np.arange(FULL, dtype=np.float32) + 0.5) / SCALE
        self.x, self.y = np.meshgrid(axis, axis)

    # ---- masks: arrays of coverage in [0, 1] ----

    def mask(self, draw, blur=0):
        """The mask left by `draw(ImageDraw)`, softened by `blur` pixels."""
        image = Image.new("L", (FULL, FULL), 0)
        draw(ImageDraw.Draw(image))
        if blur:
            image = image.filter(ImageFilter.GaussianBlur(blur * SCALE))
        return np.asarray(image, np.float32) / 255

    def polygon(self, points, blur=0):
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        return self.mask(lambda d: d.polygon(scaled, fill=255), blur)

    def ellipse(self, cx, cy, rx, ry=None, blur=0):
        ry = rx if ry is None else ry
        box = [v * SCALE for v in (cx - rx, cy - ry, cx + rx, cy + ry)]
        return self.mask(lambda d: d.ellipse(box, fill=255), blur)

    def box(self, x0, y0, x1, y1, radius=0, blur=0):
        box = [v * SCALE for v in (x0, y0, x1, y1)]
        return self.mask(
            lambda d: d.rounded_rectangle(box, radius * SCALE, fill=255), blur
        )

    def stroke(self, points, width, blur=0):
        """A polyline with round joints and ends."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        half = width * SCALE / 2

        def draw(d):
            d.line(scaled, fill=255, width=max(1, round(2 * half)))
            for x, y in scaled:
                d.ellipse([x - half, y - half, x + half, y + half], fill=255)

        return self.mask(draw, blur)

    def text(self, cx, cy, words, height):
        font = ImageFont.load_default(height * SCALE)
        return self.mask(
            lambda d: d.text((cx * SCALE, cy * SCALE), words, 255, font, anchor="mm")
        )

    # ---- painting ----

    def paint(self, mask, colour, opacity=1.0):
        """Lay a colour, or a whole picture of colours, over the mask."""
        rows = np.flatnonzero(mask.any(axis=1))
        cols = np.flatnonzero(mask.any(axis=0))
        if rows.size == 0:
            return
        area = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        colour = rgb(colour) if isinstance(colour, str) else colour
        colour = colour[area] if colour.ndim == 3 else colour
        cover = (mask[area] * opacity)[..., None]
        self.pixels[area] += (colour - self.pixels[area]) * cover

    def darken(self, mask, amount):
        """A shadow: scale the picture towards black where the mask is."""
        self.pixels *= (1 - mask * amount)[..., None]

    def noise(self, cell_x, cell_y=None, octaves=4):
        """Smooth random texture around 0, about one unit strong."""
        cell_y = cell_x if cell_y is None else cell_y
        total = np.zeros((FULL, FULL), np.float32)
        for octave in range(octaves):
            cols = max(2, round(SIZE / cell_x * 2**octave))
            rows = max(2, round(SIZE / cell_y * 2**octave))
            grid = self.rng.standard_normal((rows, cols)).astype(np.float32)
            layer = Image.fromarray(grid).resize((FULL, FULL), Image.BICUBIC)
            total += np.asarray(layer) * 0.5**octave
        return total * 0.6

    def finish(self):
        """Vignette, reduce to the finished size, keep even levels (small files)."""
        far = np.hypot(self.x - SIZE / 2, self.y - SIZE / 2) / SIZE
        self.pixels *= (1 - 0.35 * far**2)[..., None]
        full = Image.fromarray((np.clip(self.pixels, 0, 1) * 255).astype(np.uint8))
        reduced = full.resize((SIZE, SIZE), Image.LANCZOS)
        return Image.fromarray(np.asarray(reduced) & 0xFE)


# --------------------------------------------------------------------------
# Backgrounds
# --------------------------------------------------------------------------


def sky(c, horizon, top="#3d7cc4", bottom="#cfe3f2", clouds=0.7):
    t = np.clip(c.y / horizon, 0, 1)[..., None]
    c.paint(np.ones_like(c.x), mix(rgb(top), rgb(bottom), t))
    cover = smoothstep(0.25, 1.3, c.noise(200, 80, 5)) * (c.y < horizon)
    c.paint(cover, "#ffffff", clouds)


def trees(c, base, height, colour="#2f4a26"):
    """A soft band of foliage standing on the line `base`."""
    edge = base - height * (0.75 + 0.25 * c.noise(50, 4000, 5))
    leaves = c.noise(16, 16, 4)[..., None]
    cover = smoothstep(-3, 3, c.y - edge) * (c.y < base)
    c.paint(cover, rgb(colour) * (1 + 0.35 * leaves))


def ground(c, horizon, near, far, grain=0.18):
    """A plane running from `near` at the lower edge to `far` at the horizon."""
    depth = np.clip((c.y - horizon) / (SIZE - horizon), 0, 1)[..., None]
    texture = c.noise(36, 9, 4)[..., None] * grain * (0.35 + 0.65 * depth)
    colour = mix(rgb(far), rgb(near), depth) * (1 + texture)
    c.paint((c.y >= horizon).astype(np.float32), colour)


def wall(c, colour, grain=0.02):
    light = 1.12 - 0.30 * np.hypot(c.x - 150, c.y - 90)[..., None] / SIZE
    texture = 1 + grain * c.noise(40, 40, 3)[..., None]
    c.paint(np.ones_like(c.x), rgb(colour) * light * texture)


def bricks(c, colour, mortar="#b9b1a6", width=58, height=24):
    wall(c, mortar)
    for row in range(SIZE // height + 1):
        for col in range(-1, SIZE // width + 2):
            x0 = col * width + (row % 2) * width / 2
            y0 = row * height
            tone = 1 + 0.16 * c.rng.standard_normal()
            brick = c.box(x0 + 2, y0 + 2, x0 + width - 1, y0 + height - 1, 2)
            c.paint(brick, np.clip(rgb(colour) * tone, 0, 1), 0.9)
    c.pixels *= (1 + 0.05 * c.noise(20, 20, 3))[..., None]


def table(c, horizon, colour, planks=6):
    """A wooden table top seen at an angle, planks meeting far behind it."""
    vanish_y = horizon - 190
    spread = (c.x - SIZE / 2) / np.maximum(c.y - vanish_y, 1)  # runs along planks
    plank = np.floor(spread * planks + 100)
    tone = np.sin(plank * 12.9898) * 0.07
    ring = np.sin(spread * 90 + 3 * np.sin(plank * 7) + 1.6 * c.noise(40, 300, 2))
    gap = np.abs(spread * planks + 100 - plank - 0.5) > 0.487
    shade = 1 + tone + 0.045 * ring - 0.38 * gap
    depth = 0.82 + 0.22 * np.clip((c.y - horizon) / (SIZE - horizon), 0, 1)
    c.paint(
        (c.y >= horizon).astype(np.float32),
        rgb(colour) * (shade * depth)[..., None],
    )
    c.darken(c.box(-10, horizon - 2, SIZE + 10, horizon + 2, blur=1), 0.45)


def contact_shadow(c, cx, cy, rx, ry, strength=0.6):
    """The soft shadow of something standing at (cx, cy), cast to the right."""
    c.darken(c.ellipse(cx + rx * 0.35, cy, rx * 1.25, ry, blur=7), strength * 0.7)
    c.darken(c.ellipse(cx, cy, rx * 0.95, ry * 0.6, blur=3), strength)


# --------------------------------------------------------------------------
# Shaded solids
# --------------------------------------------------------------------------


def lit(colour, nx, ny, nz, gloss=0.5, ambient=0.34):
    """The colour of a surface with normal (nx, ny, nz) under the scene's light."""
    diffuse = np.maximum(nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2], 0)
    half = LIGHT + np.array([0, 0, 1])
    half = half / np.linalg.norm(half)
    shine = np.maximum(nx * half[0] + ny * half[1] + nz * half[2], 0) ** 48
    base = rgb(colour) if isinstance(colour, str) else colour
    return base * (ambient + 0.82 * diffuse)[..., None] + gloss * shine[..., None]


def sphere(c, cx, cy, r, colour, gloss=0.35, bumps=0.0):
    nx, ny = (c.x - cx) / r, (c.y - cy) / r
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0, 1))
    if bumps:
        nx = nx + bumps * c.noise(5, 5, 2)
        ny = ny + bumps * c.noise(5, 5, 2)
    c.paint(c.ellipse(cx, cy, r), lit(colour, nx, ny, nz, gloss))


def lathe(c, cx, y0, y1, profile, colour, gloss=0.5, smooth=29):
    """A turned solid. `profile` lists (height fraction from the top, half width).

    `smooth` (odd, of 401 steps) rounds the profile's corners. Returns the
    solid's mask. The foot is a circle seen slightly from above.
    """
    heights, widths = np.array(profile).T
    fine = np.linspace(0, 1, 401)
    curve = np.interp(fine, heights, widths)
    kernel = np.hanning(smooth) / np.hanning(smooth).sum()
    curve = np.convolve(np.pad(curve, smooth // 2, mode="edge"), kernel, mode="valid")
    foot = 0.22 * curve[-1]
    bend = np.sqrt(np.clip(1 - ((c.x - cx) / curve[-1]) ** 2, 0, 1)) * foot
    t = (c.y - bend * np.clip((c.y - y0) / (y1 - y0), 0, 1) - y0) / (y1 - y0)
    half = np.interp(t, fine, curve)
    slope = np.interp(t, fine, np.gradient(curve, fine * (y1 - y0)))
    u = (c.x - cx) / half
    mask = ((np.abs(u) < 1) & (t >= 0) & (t <= 1)).astype(np.float32)
    nz = np.sqrt(np.clip(1 - u**2, 0, 1))
    length = np.sqrt(1 + slope**2)
    shaded = lit(colour, u / length, -slope / length, nz / length, gloss, 0.38)
    c.paint(mask, shaded)
    return mask


def ring(c, cx, cy, outer, inner, colour, gloss=0.4):
    """A raised circular rim, round in section."""
    distance = np.hypot(c.x - cx, c.y - cy)
    middle, half = (outer + inner) / 2, (outer - inner) / 2
    across = np.clip((distance - middle) / half, -1, 1)
    nz = np.sqrt(1 - across**2)
    nx = across * (c.x - cx) / np.maximum(distance, 1)
    ny = across * (c.y - cy) / np.maximum(distance, 1)
    mask = c.ellipse(cx, cy, outer) * (1 - c.ellipse(cx, cy, inner))
    c.paint(mask, lit(colour, nx, ny, nz, gloss))


# --------------------------------------------------------------------------
# Objects
# --------------------------------------------------------------------------


def octagon(cx, cy, r):
    angles = [math.pi / 8 + k * math.pi / 4 for k in range(8)]
    return [(cx + r * math.cos(a), cy + r * math.sin(a)) for a in angles]


def arc(cx, cy, rx, ry, start, stop, steps=14):
    """Points on an ellipse; angles in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, stop, steps))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def stop_letters(cx, cy, height, width):
    """The strokes of the word STOP, centred on (cx, cy)."""
    step, half, h = width / 4, width / 4 * 0.29, height / 2
    xs = [cx + (k - 1.5) * step for k in range(4)]
    s = arc(xs[0], cy - h / 2, half, h / 2, -35, -270) + arc(
        xs[0], cy + h / 2, half, h / 2, -90, 145
    )
    t_bar = [(xs[1] - half, cy - h), (xs[1] + half, cy - h)]
    t_stem = [(xs[1], cy - h), (xs[1], cy + h)]
    o = arc(xs[2], cy, half, h, 0, 360, 30)
    p_stem = [(xs[3] - half, cy + h), (xs[3] - half, cy - h)]
    p_bowl = (
        [(xs[3] - half, cy - h)]
        + arc(xs[3], cy - h * 0.45, half, h * 0.55, -90, 90)
        + [(xs[3] - half, cy + h * 0.1)]
    )
    return [s, t_bar, t_stem, o, p_stem, p_bowl]


def stop_sign(c, cx, cy, r, foot, colour="#c4161c"):
    """A stop sign on a steel post that stands on the line `foot`."""
    contact_shadow(c, cx, foot, r * 0.16, 5)
    post = np.clip(1 - np.abs(c.x - cx) / (r * 0.09), 0, 1)
    steel = rgb("#8d9196") * (0.55 + 0.6 * post)[..., None]
    c.paint(c.box(cx - r * 0.07, cy, cx + r * 0.07, foot, 1), steel)
    c.darken(c.polygon(octagon(cx + 3, cy + 4, r), blur=3), 0.25)
    c.paint(c.polygon(octagon(cx, cy, r)), "#f1f0ec")
    glow = 1.12 - 0.28 * (c.y - cy + r)[..., None] / (2 * r)
    texture = 1 + 0.035 * c.noise(20, 20, 3)[..., None]
    c.paint(c.polygon(octagon(cx, cy, r * 0.93)), rgb(colour) * glow * texture)
    for points in stop_letters(cx, cy, r * 0.60, r * 1.58):
        c.paint(c.stroke(points, r * 0.115), "#f4f3ef")
    for dy in (-0.76, 0.76):
        c.paint(c.ellipse(cx, cy + dy * r, r * 0.03), "#77797c")


def clock(c, cx, cy, r, time, rim="#2b2b2e", face="#f5f2e8", ink="#1c1c1e"):
    """A round wall clock showing `time`, an (hour, minute) pair."""
    c.darken(c.ellipse(cx + r * 0.10, cy + r * 0.14, r * 1.02, blur=r * 0.07), 0.5)
    glow = 1.03 - 0.16 * np.hypot(c.x - cx + r * 0.4, c.y - cy + r * 0.5) / (2 * r)
    c.paint(c.ellipse(cx, cy, r * 0.95), rgb(face) * glow[..., None])
    for tick in range(60):
        a = math.radians(6 * tick)
        inner = 0.77 if tick % 5 == 0 else 0.80
        ends = [
            (cx + k * r * math.sin(a), cy - k * r * math.cos(a)) for k in (inner, 0.82)
        ]
        c.paint(c.stroke(ends, r * (0.022 if tick % 5 == 0 else 0.010)), ink)
    for hour in range(1, 13):
        a = math.radians(30 * hour)
        x, y = cx + 0.64 * r * math.sin(a), cy - 0.64 * r * math.cos(a)
        c.paint(c.text(x, y, str(hour), r * 0.20), ink)
    hour, minute = time
    hands = (
        (30 * (hour % 12) + minute / 2, 0.44, 0.060),
        (6 * minute, 0.68, 0.042),
    )
    for degrees, length, width in hands:
        a = math.radians(degrees)
        dx, dy = math.sin(a), -math.cos(a)
        ends = [(cx - 0.12 * r * dx, cy - 0.12 * r * dy)]
        ends.append((cx + length * r * dx, cy + length * r * dy))
        shadow = [(x + r * 0.02, y + r * 0.035) for x, y in ends]
        c.darken(c.stroke(shadow, r * width, blur=1), 0.3)
        c.paint(c.stroke(ends, r * width), ink)
    c.paint(c.ellipse(cx, cy, r * 0.055), ink)
    ring(c, cx, cy, r, r * 0.87, rim)


def traffic_light(c, cx, y0, height, lit_lamp, foot):
    """A three-lamp signal on a pole; `lit_lamp` is 0 (red), 1 or 2 (green)."""
    w = height * 0.20
    c.paint(c.box(cx - w * 0.22, y0 + height, cx + w * 0.22, foot), "#4b4e50")
    c.paint(c.box(cx - w * 0.22, y0 + height, cx - w * 0.02, foot), "#6a6e70")
    c.paint(c.box(cx - w, y0, cx + w, y0 + height, w * 0.25), "#17191a")
    c.paint(c.box(cx - w * 0.93, y0 + 2, cx - w * 0.6, y0 + height - 2, 3), "#2e3133")
    off = ("#4a1210", "#4a3a0e", "#0f3a22")
    on = ("#ff3b2a", "#ffc22e", "#37f08a")
    for lamp in range(3):
        y = y0 + height * (0.19 + 0.31 * lamp)
        r = w * 0.66
        bright = lamp == lit_lamp
        c.paint(c.ellipse(cx, y, r * 1.12), "#0b0c0c")
        sphere(c, cx, y, r, off[lamp], 0.2)
        if bright:
            c.paint(c.ellipse(cx, y, r * 1.25, blur=r * 0.5), on[lamp], 0.6)
            c.paint(c.ellipse(cx, y, r * 0.95, blur=2), on[lamp])
            c.paint(c.ellipse(cx, y, r * 0.5, blur=r * 0.3), "#ffffff", 0.5)
        visor = arc(cx, y, r * 1.25, r * 1.25, 180, 360, 30)
        visor += arc(cx, y + r * 0.22, r * 1.05, r * 1.0, 360, 180, 30)
        c.paint(c.polygon(visor), "#060707")


def apple(c, cx, cy, r, colour):
    """An apple, tapering downwards, that rests about `r` below its centre."""
    contact_shadow(c, cx, cy + r * 0.92, r * 0.85, r * 0.2)
    a = np.arctan2(c.y - cy, c.x - cx)
    up = np.cos(a + math.pi / 2)  # 1 at the top, -1 at the bottom
    dip = 0.17 * np.clip(up, 0, 1) ** 14 + 0.06 * np.clip(-up, 0, 1) ** 20
    taper = 0.09 * smoothstep(0.1, 0.8, -up) * (1 - np.clip(-up, 0, 1) ** 6)
    outline = r * (1 - dip - taper)
    distance = np.hypot(c.x - cx, c.y - cy) / outline
    nx, ny = (c.x - cx) / outline, (c.y - cy) / outline
    nz = np.sqrt(np.clip(1 - distance**2, 0, 1))
    streak = 1 + 0.05 * np.sin(a * 23 + c.noise(60, 60, 3) * 3) * distance
    speck = 1 + 0.06 * c.noise(30, 30, 3)
    skin = rgb(colour) * (streak * speck)[..., None]
    c.paint((distance < 1).astype(np.float32), lit(skin, nx, ny, nz, 0.55))
    c.darken(c.ellipse(cx, cy - r * 0.76, r * 0.30, r * 0.10, blur=r * 0.05), 0.55)
    stem = [
        (cx, cy - r * 0.74),
        (cx + r * 0.03, cy - r * 0.98),
        (cx + r * 0.12, cy - r * 1.18),
    ]
    c.paint(c.stroke(stem, r * 0.07), "#4a3218")
    leaf = arc(cx + r * 0.36, cy - r * 1.02, r * 0.28, r * 0.10, 0, 360, 30)
    c.paint(c.polygon(leaf), "#4f8a2e")


def orange(c, cx, cy, r):
    contact_shadow(c, cx, cy + r * 0.95, r * 0.85, r * 0.2)
    sphere(c, cx, cy, r, "#f58a12", 0.25, bumps=0.10)
    c.paint(c.ellipse(cx + r * 0.1, cy - r * 0.72, r * 0.08, r * 0.05), "#5c6b22")


def vase(c, cx, y0, y1, half, colour):
    """A bellied vase standing on y1; `half` is the belly's half width."""
    contact_shadow(c, cx, y1 + half * 0.05, half * 0.7, half * 0.2)
    profile = [
        (0.00, 0.52 * half),
        (0.06, 0.42 * half),
        (0.18, 0.33 * half),
        (0.32, 0.62 * half),
        (0.48, 0.98 * half),
        (0.60, 1.00 * half),
        (0.78, 0.78 * half),
        (0.94, 0.50 * half),
        (1.00, 0.54 * half),
    ]
    lathe(c, cx, y0, y1, profile, colour, gloss=0.7, smooth=61)
    c.paint(c.ellipse(cx, y0 + 1, half * 0.52, half * 0.13), rgb(colour) * 0.9)
    c.paint(c.ellipse(cx, y0 + 2, half * 0.45, half * 0.09), rgb(colour) * 0.22)


def bottle(c, cx, y0, y1, half, glass="#1f5a30", label="#efe6cf"):
    contact_shadow(c, cx, y1 + half * 0.1, half, half * 0.3)
    profile = [
        (0.00, 0.30 * half),
        (0.05, 0.36 * half),
        (0.07, 0.30 * half),
        (0.26, 0.34 * half),
        (0.40, 0.95 * half),
        (0.46, 1.00 * half),
        (1.00, 1.00 * half),
    ]
    body = lathe(c, cx, y0, y1, profile, glass, gloss=0.9)
    height = y1 - y0
    bend = np.sqrt(np.clip(1 - ((c.x - cx) / half) ** 2, 0, 1)) * half * 0.2
    level = (c.y - bend - y0) / height
    on_label = body * (level > 0.55) * (level < 0.85)
    u = np.clip((c.x - cx) / half, -1, 1)
    paper = rgb(label) * (1.02 - 0.5 * np.clip(u + 0.25, -0.2, 1))[..., None]
    c.paint(on_label, paper)
    c.paint(on_label * (level > 0.62) * (level < 0.70), rgb("#8c2a20") * 0.9)
    c.paint(body * (level < 0.09), "#b08a3c", 0.9)
    shine = c.stroke(
        [(cx - half * 0.55, y0 + height * 0.46), (cx - half * 0.55, y1 - 8)],
        half * 0.1,
        blur=1.5,
    )
    c.paint(shine * body, "#ffffff", 0.35)


def cup(c, cx, y0, y1, half, colour="#f6f5f2"):
    """A mug with its handle to the right."""
    contact_shadow(c, cx, y1 + half * 0.12, half * 0.95, half * 0.28)
    height = y1 - y0
    handle = arc(
        cx + half * 0.9, y0 + height * 0.5, half * 0.55, height * 0.28, -90, 90, 24
    )
    c.paint(c.stroke(handle, half * 0.19), rgb(colour) * 0.72)
    c.paint(
        c.stroke([(x - 1, y - 1.5) for x, y in handle], half * 0.10), rgb(colour) * 0.93
    )
    profile = [(0, half), (0.8, 0.93 * half), (1, 0.84 * half)]
    lathe(c, cx, y0, y1, profile, colour, gloss=0.25)
    c.paint(c.ellipse(cx, y0, half, half * 0.26), np.clip(rgb(colour) * 1.0, 0, 1))
    c.paint(c.ellipse(cx, y0 + 1, half * 0.91, half * 0.21), rgb(colour) * 0.62)
    c.paint(c.ellipse(cx, y0 + 4, half * 0.86, half * 0.165), "#3a2113")


def television(c, x0, y0, x1, y1, foot):
    """A flat television on a stand, showing hills under a sky."""
    cx = (x0 + x1) / 2
    w = x1 - x0
    contact_shadow(c, cx, foot, w * 0.22, 7)
    c.paint(c.box(cx - w * 0.05, y1 - 4, cx + w * 0.05, foot), "#1b1c1e")
    c.paint(c.ellipse(cx, foot, w * 0.2, w * 0.025), "#222427")
    c.darken(c.box(x0 + 5, y0 + 6, x1 + 6, y1 + 8, 5, blur=7), 0.4)
    c.paint(c.box(x0, y0, x1, y1, 5), "#141517")
    edge = w * 0.025
    screen = c.box(x0 + edge, y0 + edge, x1 - edge, y1 - edge * 1.6, 1)
    t = np.clip((c.y - y0) / (y1 - y0), 0, 1)[..., None]
    c.paint(screen, mix(rgb("#1f62b4"), rgb("#b9dcf2"), t))
    hill = y0 + (y1 - y0) * (0.62 + 0.10 * np.sin((c.x - x0) / w * 7))
    c.paint(screen * smoothstep(-1, 1, c.y - hill), "#3f7a35")
    near = y0 + (y1 - y0) * (0.80 + 0.06 * np.sin((c.x - x0) / w * 5 + 2))
    c.paint(screen * smoothstep(-1, 1, c.y - near), "#2b5a28")
    c.paint(
        c.ellipse(x0 + w * 0.7, y0 + (y1 - y0) * 0.28, w * 0.05, blur=2) * screen,
        "#fff4c8",
    )
    glare = c.polygon(
        [
            (x0 + edge, y0 + edge),
            (x0 + w * 0.42, y0 + edge),
            (x0 + w * 0.14, y1),
            (x0 + edge, y1),
        ]
    )
    c.paint(glare * screen, "#ffffff", 0.10)


def book(c, x0, y0, x1, y1, colour, depth=22):
    """A closed upright book, its pages seen at the right."""
    contact_shadow(c, (x0 + x1) / 2, y1, (x1 - x0) / 2, 8)
    c.paint(
        c.polygon(
            [
                (x1, y0),
                (x1 + depth, y0 - depth * 0.4),
                (x1 + depth, y1 - depth * 0.4),
                (x1, y1),
            ]
        ),
        "#e9e2cf",
    )
    for k in range(1, 8):
        x = x1 + depth * k / 8
        c.darken(
            c.stroke(
                [(x, y0 - depth * 0.4 * k / 8), (x, y1 - depth * 0.4 * k / 8)], 0.7
            ),
            0.22,
        )
    top = [
        (x0, y0),
        (x0 + depth, y0 - depth * 0.4),
        (x1 + depth, y0 - depth * 0.4),
        (x1, y0),
    ]
    c.paint(c.polygon(top), rgb(colour) * 1.25)
    light = 1.1 - 0.3 * (c.y - y0)[..., None] / (y1 - y0)
    c.paint(c.box(x0, y0, x1, y1, 2), rgb(colour) * light)
    c.darken(c.box(x0 + 10, y0, x0 + 14, y1, blur=1), 0.35)
    w = x1 - x0
    for k, part in enumerate((0.55, 0.42)):
        y = y0 + (y1 - y0) * (0.26 + 0.10 * k)
        mid = (x0 + x1) / 2 + 6
        c.paint(c.box(mid - w * part / 2, y, mid + w * part / 2, y + 7, 2), "#f0dfa0")


# --------------------------------------------------------------------------
# Scenes
# --------------------------------------------------------------------------


def field(c, horizon):
    sky(c, horizon)
    trees(c, horizon, 90)
    ground(c, horizon, "#6f8a45", "#8ea36b")


def kitchen(c, horizon=330, paint="#c9c3b4", wood="#a9713f"):
    wall(c, paint)
    table(c, horizon, wood)


def clock_on_plaster(c):
    wall(c, "#c3b49a")
    clock(c, 256, 250, 165, (10, 9))


def clock_on_bricks(c):
    bricks(c, "#93503a")
    clock(c, 268, 240, 130, (4, 35), rim="#b8893c", face="#fbfaf3")


def traffic_light_at_red(c):
    field(c, 420)
    traffic_light(c, 256, 60, 250, 0, 512)


def stop_sign_and_bottle(c):
    """A sign in a field, and a bottle on a table in front of it."""
    field(c, 300)
    stop_sign(c, 180, 160, 100, 385)
    table(c, 410, "#8f6a48")
    bottle(c, 385, 190, 470, 45)


def two_clocks(c):
    wall(c, "#b9c4c8")
    clock(c, 140, 250, 108, (8, 20))
    clock(c, 372, 250, 108, (2, 50), rim="#7a4a22", face="#faf6ea")


def three_clocks(c):
    """Deliberately wrong: the prompt asks for two clocks."""
    wall(c, "#c8bfae")
    clock(c, 130, 150, 95, (8, 20))
    clock(c, 380, 150, 95, (2, 50), rim="#7a4a22")
    clock(c, 256, 365, 95, (6, 5), rim="#7c2020")


def three_oranges(c):
    kitchen(c, 220)
    orange(c, 160, 290, 78)
    orange(c, 350, 280, 76)
    orange(c, 262, 400, 82)


def red_apple(c):
    kitchen(c, 280)
    apple(c, 256, 315, 100, "#c81f22")


def red_vase(c):
    kitchen(c)
    vase(c, 256, 120, 430, 100, "#c4201c")


def green_vase(c):
    """Deliberately wrong: the prompt asks for a red vase."""
    kitchen(c, paint="#b5bcc2")
    vase(c, 256, 120, 430, 100, "#2b8a3a")


def clock_below_tv(c):
    """A television on a shelf, a clock on the wall under the shelf."""
    wall(c, "#c9c3b4")
    c.darken(c.box(76, 268, 444, 290, blur=8), 0.5)
    c.paint(c.box(70, 256, 442, 276, 2), "#8a5a33")
    c.paint(c.box(70, 256, 442, 261, 2), "#b27c4c")
    television(c, 130, 60, 382, 222, 256)
    clock(c, 256, 392, 92, (10, 9))


def blue_clock_and_white_cup(c):
    kitchen(c, 330)
    clock(c, 160, 165, 115, (10, 9), rim="#1b4fb8", face="#2f6fdc", ink="#f4f6fb")
    cup(c, 350, 300, 440, 72)


def red_stop_sign_and_blue_book(c):
    """A sign in a field, and a book on a table in front of it."""
    field(c, 300)
    stop_sign(c, 170, 160, 105, 385)
    table(c, 410, "#8f6a48")
    book(c, 320, 265, 445, 450, "#1f4fb0")


# For every prompt: its index, its metadata line as GenEval has it, and the
# scenes drawn for it (one per picture).
SCENES = [
    (
        3,
        '{"tag": "single_object", "include": [{"class": "clock", "count": 1}],'
        ' "prompt": "a photo of a clock"}',
        [clock_on_plaster, clock_on_bricks],
    ),
    (
        19,
        '{"tag": "single_object", "include": [{"class": "traffic light", "count": 1}],'
        ' "prompt": "a photo of a traffic light"}',
        [traffic_light_at_red],
    ),
    (
        116,
        '{"tag": "two_object", "include": [{"class": "stop sign", "count": 1},'
        ' {"class": "bottle", "count": 1}],'
        ' "prompt": "a photo of a stop sign and a bottle"}',
        [stop_sign_and_bottle],
    ),
    (
        179,
        '{"tag": "counting", "include": [{"class": "clock", "count": 2}],'
        ' "exclude": [{"class": "clock", "count": 3}],'
        ' "prompt": "a photo of two clocks"}',
        [two_clocks, three_clocks],
    ),
    (
        199,
        '{"tag": "counting", "include": [{"class": "orange", "count": 3}],'
        ' "exclude": [{"class": "orange", "count": 4}],'
        ' "prompt": "a photo of three oranges"}',
        [three_oranges],
    ),
    (
        274,
        '{"tag": "colors", "include": [{"class": "apple", "count": 1, "color": "red"}],'
        ' "prompt": "a photo of a red apple"}',
        [red_apple],
    ),
    (
        279,
        '{"tag": "colors", "include": [{"class": "vase", "count": 1, "color": "red"}],'
        ' "prompt": "a photo of a red vase"}',
        [red_vase, green_vase],
    ),
    (
        449,
        '{"tag": "position", "include": [{"class": "tv", "count": 1},'
        ' {"class": "clock", "count": 1, "position": ["below", 0]}],'
        ' "prompt": "a photo of a clock below a tv"}',
        [clock_below_tv],
    ),
    (
        482,
        '{"tag": "color_attr", "include": [{"class": "clock", "count": 1,'
        ' "color": "blue"}, {"class": "cup", "count": 1, "color": "white"}],'
        ' "prompt": "a photo of a blue clock and a white cup"}',
        [blue_clock_and_white_cup],
    ),
    (
        522,
        '{"tag": "color_attr", "include": [{"class": "stop sign", "count": 1,'
        ' "color": "red"}, {"class": "book", "count": 1, "color": "blue"}],'
        ' "prompt": "a photo of a red stop sign and a blue book"}',
        [red_stop_sign_and_blue_book],
    ),
]


def main():
    """Draw every scene into the folder given, or into `geneval` beside here."""
    here = Path(__file__).resolve().parent
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "geneval"
    for index, metadata, pictures in SCENES:
        folder = out / f"{index:05d}"
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        (folder / "metadata.jsonl").write_text(metadata + "\n", encoding="utf-8")
        for number, draw in enumerate(pictures):
            canvas = Canvas(seed=1000 * index + number)
            draw(canvas)
            path = folder / "samples" / f"{number:04d}.png"
            canvas.finish().save(path, optimize=True)
            print(f"{path.relative_to(out)}  {json.loads(metadata)['prompt']}")


if __name__ == "__main__":
    main()
