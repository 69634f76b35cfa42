"""Registration, alignment and tone in plain NumPy, SciPy and Pillow, and the small fixture that the tests of imgeval-metrics read.

    python scripts/reference/registration.py > crates/imgeval-metrics/tests/fixtures/registration.txt

NumPy 2.4.6, SciPy 1.17.1, Pillow 13.0.0, scikit-image 0.26.0. The estimator follows docs/methods.md; scripts/bench/registration.py times it.
"""

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2lab

TUKEY = 4.685 * 1.4826


def gray(rgb):
    return rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def resized(plane, width, height):
    image = Image.fromarray(plane.astype(np.float32), mode="F")
    return np.asarray(image.resize((int(width), int(height)), Image.BICUBIC), dtype=np.float64)


def within(plane, side):
    height, width = plane.shape
    scale = min(1.0, side / max(width, height))
    return resized(plane, max(1, round(width * scale)), max(1, round(height * scale)))


def orientation(plane):
    smooth = ndimage.gaussian_filter(plane, 0.8)
    g = (ndimage.sobel(smooth, 1) + 1j * ndimage.sobel(smooth, 0)) / 8
    g[[0, -1]] = 0
    g[:, [0, -1]] = 0
    size = np.abs(g)
    return g / (size + max(0.5, np.median(size)))


def search(source, edited):
    source = within(source, 192)
    height, width = source.shape
    field = orientation(source)
    aspects = [edited.shape[1] / edited.shape[0]]
    if abs(aspects[0] / (width / height) - 1) > 0.012:
        aspects.append(width / height)
    found = []
    for aspect in aspects:
        for k in range(39):
            z = 0.62 * 1.025**k
            w, h = (max(1, round(z * np.sqrt(width * height * r))) for r in (aspect, 1 / aspect))
            other = orientation(resized(edited, w, h))
            shape = (height + h - 1, width + w - 1)
            padded = [1 << (n - 1).bit_length() for n in shape]
            F = np.fft.fft2(field, padded)
            E = np.fft.fft2(other, padded)
            masks = [np.fft.fft2(np.ones(f.shape), padded) for f in (field, other)]
            energies = [np.fft.fft2(np.abs(f) ** 2, padded) for f in (field, other)]
            inverse = lambda spectrum: np.real(np.fft.ifft2(spectrum))
            overlap = inverse(masks[0] * np.conj(masks[1]))
            energy = inverse(energies[0] * np.conj(masks[1])) * inverse(masks[0] * np.conj(energies[1]))
            smaller = min(width * height, w * h)
            share = overlap / smaller
            score = inverse(F * np.conj(E)) / np.sqrt(np.maximum(energy, 1e-9)) * np.maximum(share, 0) ** 0.25
            score[share < 0.45] = -1
            y, x = np.unravel_index(np.argmax(score), score.shape)
            y, x = (n - p if n > p // 2 + p // 4 or n >= limit else n for n, p, limit in ((y, padded[0], height), (x, padded[1], width)))
            found.append((score.max(), np.array([w / width, h / height]), np.array([x / width, y / height])))
    return sorted(found, key=lambda one: -one[0])


def difference(one, other):
    return np.abs(np.log(one[0] / other[0])).sum() + np.abs(one[1] - other[1]).sum()


def normalized(plane, window):
    smooth = ndimage.gaussian_filter(plane, 0.7)
    d = smooth - ndimage.gaussian_filter(smooth, window, mode="nearest")
    return d / (np.sqrt(ndimage.gaussian_filter(d * d, window, mode="nearest")) + 2)


def refine(source, edited, a, b, side):
    source = within(source, side)
    height, width = source.shape
    long = max(width, height)
    window = max(2.0, long / 48)
    source = normalized(source, window)
    w, h = max(3, round(a[0] * width)), max(3, round(a[1] * height))
    target = normalized(resized(edited, w, h), window)
    vx, vy = (np.arange(w) + 0.5) / w - 0.5, (np.arange(h) + 0.5) / h - 0.5
    gy, gx = np.gradient(target)
    gy[[0, -1]] = 0
    gx[:, [0, -1]] = 0
    design = np.stack([gx, gx * vx, gy, gy * vy[:, None]], -1)
    center = b + a / 2
    for _ in range(26):
        x = (center[0] + a[0] * vx) * width - 0.5
        y = (center[1] + a[1] * vy) * height - 0.5
        inside = ((y >= 0) & (y <= height - 1))[:, None] & ((x >= 0) & (x <= width - 1))
        sampled = ndimage.map_coordinates(source, np.meshgrid(y, x, indexing="ij"), order=1, mode="nearest")
        r = sampled - target
        limit = TUKEY * np.median(np.abs(r[inside]))
        weight = np.where(inside & (np.abs(r) < limit), (1 - (r / max(limit, 1e-12)) ** 2) ** 2, 0)
        matrix = np.einsum("yxi,yxj,yx->ij", design, design, weight)
        step = np.linalg.solve(matrix, np.einsum("yxi,yx->i", design, weight * r)) / [w, w, h, h]
        step = np.clip(step, -0.05, 0.05)
        if np.abs(step).max() * long < 0.002:
            break
        center = center - a * step[[0, 2]]
        a = a / (1 + step[[1, 3]])
    return a, center - a / 2, np.corrcoef(sampled[inside], target[inside])[0, 1], inside.mean()


def register(source_rgb, edited_rgb):
    """a, b, correlation, overlap and search score."""
    source, edited = gray(source_rgb), gray(edited_rgb)
    candidates = []
    for score, a, b in search(source, edited):
        if len(candidates) < 4 and all(difference((a, b), other[1:]) > 0.03 for other in candidates):
            candidates.append((score, a, b))
    best = None
    for score, a, b in candidates:
        a, b, _, _ = refine(source, edited, a, b, 128)
        a, b, correlation, overlap = refine(source, edited, a, b, 256)
        merit = correlation * min(1, overlap + 0.3)
        if best is None or merit > best[0]:
            best = (merit, score, a, b)
    _, score, a, b = best
    return *refine(source, edited, a, b, 512), score


def aligned(source, edited, a, b):
    """The edited image on the source's grid, and where it lies."""
    height, width = source.shape[:2]
    w, h = round(a[0] * width), round(a[1] * height)
    scaled = np.asarray(Image.fromarray(edited).resize((w, h), Image.BICUBIC), dtype=np.float64)
    x = ((np.arange(width) + 0.5) / width - b[0]) / a[0] * w - 0.5
    y = ((np.arange(height) + 0.5) / height - b[1]) / a[1] * h - 0.5
    inside = ((y >= -1e-9) & (y <= h - 1 + 1e-9))[:, None] & ((x >= -1e-9) & (x <= w - 1 + 1e-9))
    x, y = (np.where(np.abs(p - np.round(p)) < 1e-3, np.round(p), p) for p in (x, y))
    grid = np.meshgrid(np.clip(y, 0, h - 1), np.clip(x, 0, w - 1), indexing="ij")
    sampled = [ndimage.map_coordinates(scaled[..., c], grid, order=3, mode="nearest") for c in range(3)]
    return np.clip(np.stack(sampled, -1), 0, 255), inside


def tone_fit(source, edited):
    """Colors in 0..1, one a row; the mapped source."""
    terms = lambda s: np.concatenate([s, s * s, np.ones((len(s), 1))], 1)
    start = np.zeros((7, 3))
    start[:3] = np.eye(3)
    start[6] = np.median(edited, 0) - np.median(source, 0)
    step = len(source) // 40000 + 1 if len(source) > 40000 else 1
    A, e = terms(source[::step]), edited[::step]
    params = start.copy()
    for _ in range(20):
        length = np.linalg.norm(e - A @ params, axis=1)
        limit = max(TUKEY * np.median(length), 1e-6)
        weight = np.where(length < limit, (1 - (length / limit) ** 2) ** 2, 0)
        matrix = (A * weight[:, None]).T @ A + 1e-9 * len(A) * np.eye(7)
        new = start + np.linalg.solve(matrix, (A * weight[:, None]).T @ (e - A @ start))
        moved = np.abs(new - params).max()
        params = new
        if moved < 1e-7:
            break
    return np.clip(terms(source) @ params, 0, 1)


def texture(width, height):
    """Smooth random patches from whole numbers alone, so that other languages make the same bytes."""
    cell = 8
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")

    def corner(cx, cy):
        mixed = (cx * 374761393 + cy * 668265263 + c * 974634777) & 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
        return (mixed >> 16) & 0xFF

    cx, cy, fx, fy = x // cell, y // cell, x % cell, y % cell
    upper = corner(cx, cy) * (cell - fx) + corner(cx + 1, cy) * fx
    lower = corner(cx, cy + 1) * (cell - fx) + corner(cx + 1, cy + 1) * fx
    return ((upper * (cell - fy) + lower * fy) // (cell * cell)).astype(np.uint8)


def show(name, values):
    print(name, *(f"{value:.9g}" for value in np.ravel(values)))


def main():
    source = texture(160, 120)
    left, top, right, bottom = 12, 6, 148, 110
    crop = Image.fromarray(source[top:bottom, left:right]).resize((150, 118), Image.BICUBIC)
    edited = np.asarray(crop)
    a = np.array([(right - left) / 160, (bottom - top) / 120])
    b = np.array([left / 160, top / 120])
    # A warmer tone, in whole numbers.
    warm = edited.astype(int)
    warm = np.stack([warm[..., 0] * 9 // 10 + 20, warm[..., 1], warm[..., 2] * 8 // 10], -1).astype(np.uint8)
    print("# scripts/reference/registration.py: NumPy, SciPy, Pillow, scikit-image")
    print("case crop")
    show("a", a)
    show("b", b)
    found = register(source, warm)
    show("ncc_all", [found[2]])
    show("search_score", [found[4]])
    placed, inside = aligned(source, warm, a, b)
    places = [(20, 10), (77, 60), (140, 100), (14, 108), (100, 33)]
    show("places", places)
    show("aligned", [placed[y, x] for x, y in places])
    between, _ = aligned(source, warm, a, b + 0.003)
    show("between", [between[y, x] for x, y in places])
    show("inside", [inside.mean()])
    mapped = tone_fit(source[inside] / 255, placed[inside] / 255)
    lab_source, lab_mapped, lab_edited = (rgb2lab(p[None])[0] for p in (source[inside] / 255, mapped, placed[inside] / 255))
    show("tone_de", [np.linalg.norm(lab_mapped - lab_source, axis=1).mean()])
    show("content_de", [np.linalg.norm(lab_edited - lab_mapped, axis=1).mean()])
    show("mean_shift_lab", (lab_mapped - lab_source).mean(0))


if __name__ == "__main__":
    main()
