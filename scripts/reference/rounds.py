"""Numbers of two images of a session by NumPy and scikit-image, for crates/imgeval-metrics/src/drift.

    python -m venv VENV && VENV/bin/pip install numpy==2.* scikit-image==0.26.*
    VENV/bin/python scripts/reference/rounds.py > crates/imgeval-metrics/tests/fixtures/rounds.txt

The images are made from whole numbers, as the tests make them.
"""

import numpy as np
import skimage
from skimage.metrics import structural_similarity

CELL = 12


def texture(width, height, seed):
    """Smooth random patches with fine grain."""

    def mix(x, y, channel):
        x = np.asarray(x, np.uint32)
        y = np.asarray(y, np.uint32)
        with np.errstate(over="ignore"):
            mixed = x * np.uint32(374761393) + y * np.uint32(668265263)
            mixed = mixed + np.uint32((channel + seed) * 974634777 & 0xFFFFFFFF)
            mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(1274126177)
        return ((mixed >> np.uint32(16)) & np.uint32(255)).astype(np.int64)

    y, x = np.mgrid[:height, :width]
    cx, fx, cy, fy = x // CELL, x % CELL, y // CELL, y % CELL
    channels = []
    for channel in range(3):
        corner = lambda x, y: 60 + mix(x, y, channel) // 2
        row = lambda cy: corner(cx, cy) * (CELL - fx) + corner(cx + 1, cy) * fx
        smooth = (row(cy) * (CELL - fy) + row(cy + 1) * fy) // (CELL * CELL)
        channels.append(smooth + mix(x + 5000, y, 7) // 16)
    return np.stack(channels, -1)


def warmed(image):
    red, green, blue = np.moveaxis(image, -1, 0)
    return np.stack([red * 9 // 10 + 20, green, blue * 8 // 10], -1)


def gray(image):
    return image @ np.array([0.299, 0.587, 0.114])


def lap_var(plane):
    padded = np.pad(plane, 1, mode="reflect")
    near = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return (near - 4 * plane).var()


def main():
    source = texture(96, 80, 0)
    candidate = warmed(source)
    difference = (candidate - source) / 255
    l2 = (difference**2).mean()
    one, other = gray(source), gray(candidate)
    ssim_map = structural_similarity(
        one, other, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )[1]
    rounds, values = [1, 2, 4, 5], [0.5, 0.75, 3.0, 2.5]
    print(f"# scripts/reference/rounds.py: NumPy {np.__version__}, scikit-image {skimage.__version__}")
    print("case pair")
    for name, number in [
        ("l1", np.abs(difference).mean()),
        ("l2", l2),
        ("psnr", -10 * np.log10(l2)),
        ("ssim", ssim_map[5:-5, 5:-5].mean()),
        ("lap_var_ratio", lap_var(other) / lap_var(one)),
        ("slope", np.polyfit(rounds, values, 1)[0]),
    ]:
        print(name, repr(float(number)))


if __name__ == "__main__":
    main()
