"""Reference values for imgeval-metrics' spectra: NumPy (FFT), SciPy (median filter, binned statistics) and Pillow (resampling).

    python scripts/reference/spectra.py > crates/imgeval-metrics/tests/fixtures/spectra.txt

Each picture: a line `case SIZE`, then lines `NAME NUMBERS` with its grey values and what is computed from them. The last case is the
fingerprint of all pictures together, at PLACES (row and column) of its 222x222.
"""

import numpy as np
import PIL
import scipy
from PIL import Image
from scipy.ndimage import median_filter
from scipy.stats import binned_statistic

SIDE = 222
BINS = 64
# Frequencies on the edge of two bins belong to the upper one, whatever rounding says.
HAIR = 1e-9
PLACES = [(111, 111), (111, 112), (0, 0), (0, 111), (111, 0), (111, 55), (55, 111), (83, 139), (139, 83), (97, 125), (13, 200), (221, 221),
          (109, 110), (119, 111), (111, 119), (103, 103)]
generator = np.random.default_rng(11)


def picture(width, height, period):
    y, x = np.mgrid[:height, :width]
    smooth = 90 + 60 * np.sin(x / 17 + y / 29) + 30 * (x > width / 3) * (y < height / 2)
    lattice = 30 * ((x % period == 0) & (y % period == 0))
    noise = generator.normal(0, 6, (height, width)) * (1 + (y > height / 3))
    return np.clip(np.round(smooth + lattice + noise), 0, 255).astype(np.uint8)


def power_of(plane):
    return np.abs(np.fft.fft2(plane.astype(np.float64), norm="ortho")) ** 2


def residual_of(plane):
    return plane - median_filter(plane, size=3)


def waves(shape):
    return np.meshgrid(*(np.rint(np.fft.fftfreq(n) * n) for n in shape), indexing="ij")


def radius_of(shape):
    down, along = waves(shape)
    side = min(shape)
    return np.sqrt((along * (side / shape[1])) ** 2 + (down * (side / shape[0])) ** 2)


def azimuthal(power):
    radius = radius_of(power.shape) + HAIR
    edges = np.arange(int(radius.max()) + 2)
    return binned_statistic(radius.ravel(), power.ravel(), "mean", edges).statistic


def corvi(plane):
    height, width = plane.shape
    scale = 256 / min(width, height)
    size = (int(width * scale + 0.5), int(height * scale + 0.5))
    resized = np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
    left, top = (size[0] - 256) // 2, (size[1] - 256) // 2
    square = resized[top:top + 256, left:left + 256].astype(np.float64)
    power = np.abs(np.fft.fft2((square - square.mean()) / square.std())) ** 2 / 256**4
    radius = radius_of(power.shape) + HAIR
    radial = binned_statistic(radius.ravel(), power.ravel(), "sum", np.arange(183)).statistic
    down, along = waves(power.shape)
    sector = np.round(np.mod(np.arctan2(down, along), np.pi) / np.pi * 16).astype(int) % 16
    outer = radius / 256 > 0.1
    return radial, np.bincount(sector[outer], power[outer], 16)


def whole(plane):
    return plane[: plane.shape[0] // 16 * 16, : plane.shape[1] // 16 * 16]


def lattice(power):
    height, width = power.shape
    scores = []
    for along, down in [(1, 0), (0, 1), (1, 1), (1, -1)]:
        for multiple in range(1, 9):
            centred = np.roll(power, (3 - down * multiple * height // 16, 3 - along * multiple * width // 16), (0, 1))[:7, :7]
            around = np.ones((7, 7), bool)
            around[2:5, 2:5] = False
            scores.append(np.log((centred[3, 3] + 1e-12) / (np.median(centred[around]) + 1e-12)))
    return scores


def bands(power):
    cycles = (radius_of(power.shape) / min(power.shape)).ravel()[1:]
    means = binned_statistic(cycles, power.ravel()[1:], "mean", np.linspace(0, np.sqrt(0.5), BINS + 1) - HAIR).statistic
    for index in range(BINS - 2, -1, -1):
        means[index] = means[index + 1] if np.isnan(means[index]) else means[index]
    return np.log(means + 1e-9)


def rescale(power):
    """Linear interpolation between frequencies that wrap around; where the picture has more of them, triangles as wide as a step of the fingerprint."""
    weights = []
    for n in power.shape:
        wanted, known = (np.arange(SIDE) - SIDE // 2) / SIDE, np.arange(n) / n
        if n <= SIDE:
            weights.append(np.stack([np.interp(wanted, known, unit, period=1) for unit in np.eye(n)], axis=1))
        else:
            distance = np.abs((wanted[:, None] - known[None] + 0.5) % 1 - 0.5)
            triangle = np.maximum(1 - distance * SIDE, 0)
            weights.append(triangle / triangle.sum(1, keepdims=True))
    return weights[0] @ power @ weights[1].T


def line(name, values):
    print(name, *(f"{value:.9g}" for value in np.ravel(values)))


print(f"# numpy {np.__version__}, scipy {scipy.__version__}, Pillow {PIL.__version__}")
total = np.zeros((SIDE, SIDE))
for width, height, period in [(64, 64, 8), (75, 70, 4), (240, 64, 2)]:
    pixels = picture(width, height, period)
    print(f"case {width}x{height}")
    line("size", [width, height])
    line("grey", pixels)
    plane = pixels.astype(np.float32) / np.float32(255)
    residual = residual_of(plane)
    line("power", power_of(plane)[[0, 0, 1, 5, 60], [0, 1, 0, 7, 60]])
    line("azimuthal", azimuthal(power_of(plane)))
    line("high-pass", azimuthal(power_of(residual)))
    radial, angular = corvi(plane)
    line("radial", radial)
    line("angular", angular)
    inner = whole(plane)
    line("lattice", lattice(power_of(residual_of(inner))))
    line("features", np.concatenate([bands(power_of(inner)), bands(power_of(residual_of(inner))), lattice(power_of(residual_of(inner)))]))
    total += rescale(power_of(residual))
print("case together")
line("places", PLACES)
fingerprint = total / (4 * total.mean())
line("fingerprint", [fingerprint[place] for place in PLACES])
autocorrelation = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(fingerprint)).real)
line("autocorrelation", [autocorrelation[place] for place in PLACES])
line("similarity", [np.corrcoef(total.ravel(), rescale(power_of(residual)).ravel())[0, 1]])
