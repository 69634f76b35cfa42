"""Reference for imgeval_metrics::image: NumPy, SciPy, scikit-image, PyWavelets and OpenCV.

    python scripts/reference/image_measures.py fixture crates/imgeval-metrics/tests/fixtures/image_measures
    python scripts/reference/image_measures.py time IMAGE [--repeats 5]

Needs NumPy 2.4.6, SciPy 1.17.1, scikit-image 0.26.0, PyWavelets 1.9.0, opencv-python-headless 5.0.0.93 and Pillow 13.0.0; the versions
used are written into the fixture. `fixture` draws three small images and writes them with the expected values of each, and of pairs and
sets of numbers. `time` measures all numbers of one image, decoding excluded; set OMP_NUM_THREADS=1 for one core.
"""

import argparse
import json
import pathlib
import time

import cv2
import numpy as np
import PIL
import pywt
import scipy
import skimage
from PIL import Image
from scipy import ndimage, stats
from skimage.color import rgb2lab

NORMAL_MEDIAN = stats.norm.ppf(0.75)


def gray_of(rgb):
    rgb = rgb.astype(float)
    return 0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]


def color(rgb, gray):
    lab = rgb2lab(rgb)
    lightness, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    mean_a, mean_b = a.mean(), b.mean()
    deviation_a, deviation_b = np.abs(a - mean_a).mean(), np.abs(b - mean_b).mean()
    distance, spread, sigma = np.hypot(mean_a, mean_b), np.hypot(deviation_a, deviation_b), np.hypot(a.std(), b.std())
    low, high = np.percentile(lightness, [5, 95])
    largest, smallest = rgb.max(-1).astype(float), rgb.min(-1).astype(float)
    means, echo = [], []
    for channel in range(3):
        counts = np.bincount(rgb[..., channel].ravel(), minlength=256)
        means.append((counts * np.arange(256)).sum() / counts.sum())
        counts[:5] = counts[251:] = 0
        echo.append((counts * np.arange(256)).sum() / counts.sum())
    return {"mean_L": lightness.mean(), "mean_a": mean_a, "mean_b": mean_b, "D": distance, "Ma": deviation_a, "Mb": deviation_b, "M": spread,
            "K": distance / spread, "hue_deg": np.degrees(np.arctan2(mean_b, mean_a)), "sigma": sigma,
            "gasparini": (distance - sigma) / distance, "chroma": np.hypot(a, b).mean(),
            "saturation": np.where(largest > 0, (largest - smallest) / np.maximum(largest, 1), 0).mean(),
            "rms_contrast": gray.std() / 255, "l_range": high - low, "mean_rgb": means, "echo_mean_rgb": echo}


def sharpness_and_noise(gray):
    height, width = gray.shape
    laplacian = cv2.Laplacian(gray, cv2.CV_64F, ksize=1)
    along, down = cv2.Sobel(gray, cv2.CV_64F, 1, 0, ksize=3), cv2.Sobel(gray, cv2.CV_64F, 0, 1, ksize=3)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], float)
    mixed = np.abs(cv2.filter2D(gray, cv2.CV_64F, kernel)[1:-1, 1:-1]).sum()
    even = gray[: height // 2 * 2, : width // 2 * 2]
    haar = (even[::2, ::2] - even[::2, 1::2] - even[1::2, ::2] + even[1::2, 1::2]) / 2
    db2 = pywt.dwt2(gray, "db2", mode="symmetric")[1][2]
    return {"lap_var": laplacian.var(), "tenengrad": (along**2 + down**2).mean(),
            "immerkaer": np.sqrt(np.pi / 2) / (6 * (width - 2) * (height - 2)) * mixed,
            "haar_mad": np.median(np.abs(haar)) / NORMAL_MEDIAN, "db2_mad": np.median(np.abs(db2[db2 != 0])) / NORMAL_MEDIAN}


def hann(n):
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)


def square_power(gray, left, top, n):
    square = gray[top : top + n, left : left + n]
    spectrum = np.fft.fft2((square - square.mean()) * hann(n)[:, None] * hann(n))
    return spectrum.real**2 + spectrum.imag**2


def center_power(gray):
    n = min(gray.shape) // 2 * 2
    return square_power(gray, (gray.shape[1] - n) // 2, (gray.shape[0] - n) // 2, n)


def radial(power):
    n = len(power)
    cycles = np.fft.fftfreq(n) * n
    radius = np.hypot(cycles[:, None], cycles)
    place = np.rint(radius).astype(int).ravel()
    means = (np.bincount(place, power.ravel()) / np.bincount(place))[: n // 2 + 1]
    total = power.sum() - power[0, 0]
    return means, power[radius > n / 4].sum() / total, power[radius > n / 8].sum() / total


def rounding_floor(n):
    return (hann(n) ** 2).sum() ** 2 / 12


def gradient(gray):
    padded = np.pad(gray, 1, mode="edge")
    return np.hypot((padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2)


def edge_sigma(gray):
    once, twice = gradient(gray), gradient(ndimage.gaussian_filter(gray, 2, mode="nearest", truncate=6))
    is_edge = (twice == ndimage.maximum_filter(twice, 3)) & (twice > 2)
    is_edge[:4] = is_edge[-4:] = is_edge[:, :4] = is_edge[:, -4:] = False
    strength = twice[is_edge]
    if len(strength) < 20:
        return None
    chosen = np.argsort(-strength, kind="stable")[: max(20, int(np.sqrt(gray.size)))]
    ratio = once[is_edge][chosen] / strength[chosen]
    sigma = np.median(np.where(ratio <= 1.0005, 31.6, 2 / np.sqrt(np.maximum(ratio, 1.0005) ** 2 - 1)))
    return np.sqrt(max(0, sigma**2 - 1 / 3))


def peak(gray, axis):
    magnitude = np.abs(np.diff(gray, 2, axis=axis))
    profile = np.minimum(magnitude, np.percentile(magnitude, 95)).mean(1 - axis)
    n = len(profile)
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
    height = np.abs(np.fft.rfft((profile - ndimage.median_filter(profile, 9, mode="nearest")) * window))
    score = height / (ndimage.median_filter(height, 31, mode="nearest") + 1e-9)
    frequency = np.arange(len(height)) / n
    score[frequency <= 0.08] = 0
    return [frequency[score.argmax()], score.max()]


def bandwidth(radial_power, n):
    floor = rounding_floor(n)
    smooth = ndimage.uniform_filter1d(10 * np.log10(radial_power + floor), max(3, n // 64), mode="nearest")
    frequency = np.arange(len(smooth)) / n
    fitted = (frequency >= 0.02) & (frequency <= 0.12)
    line = np.full(len(smooth), np.inf)
    line[1:] = np.polyval(np.polyfit(np.log(frequency[fitted]), smooth[fitted], 1), np.log(frequency[1:]))
    fallen = np.flatnonzero((frequency >= 0.1) & (smooth <= np.maximum(line, 10 * np.log10(floor) + 6) - 12))
    return frequency[fallen[0]] if len(fallen) else 0.5


def upscaling(gray, radial_power, n):
    equal = gray[:, 1:] == gray[:, :-1]
    numbers = {"peak_x": peak(gray, 1), "peak_y": peak(gray, 0), "bandwidth": bandwidth(radial_power, n),
               "repeat": [equal[:, ::2].mean(), equal[:, 1::2].mean()]}
    (x, x_score), (y, y_score) = numbers["peak_x"], numbers["peak_y"]
    has_peak = min(x_score, y_score) >= 6 and abs(x - y) <= 0.012
    return numbers | {"upscaled": bool(has_peak or numbers["bandwidth"] < 0.47 or max(numbers["repeat"]) > 0.9)}


def checkerboard(gray, center):
    n = min(gray.shape) // 16 * 16
    # The same square: no second transform.
    power = center if gray.shape == (n, n) else square_power(gray, 0, 0, n)
    numbers = {}
    for period in (2, 4, 8):
        decibels = []
        for place in range(1, period * period):
            v, u = place // period * n // period, place % period * n // period
            near = power[np.ix_(np.arange(v - 4, v + 5) % n, np.arange(u - 4, u + 5) % n)]
            decibels.append(10 * np.log10(power[v, u] / np.median(near)))
        numbers[f"p{period}"] = [np.mean(decibels), np.max(decibels)]
    return numbers


def grid_axis(gray):
    step = np.abs(np.diff(gray, axis=1))
    excess = (step[:, 1:-1] - (step[:, :-2] + step[:, 2:]) / 2).mean(0)
    column = np.arange(len(excess)) + 2
    profile = np.array([np.median(excess[column % 8 == phase]) for phase in range(8)])
    median = np.median(profile)
    return {"phase": profile.argmax(), "score": (profile.max() - median) / (np.median(np.abs(profile - median)) + 0.02), "profile": profile}


def measure(rgb):
    gray = gray_of(rgb)
    power = center_power(gray)
    radial_power, quarter, eighth = radial(power)
    return {**color(rgb, gray), **sharpness_and_noise(gray), "hf_share_quarter": quarter, "hf_share_eighth": eighth,
            "spectrum_n": len(power), "edge_sigma": edge_sigma(gray), **upscaling(gray, radial_power, len(power)),
            **checkerboard(gray, power), "jpeg_grid": {"x": grid_axis(gray), "y": grid_axis(gray.T)}}


def relative_blur(source, edited):
    n = len(source)
    (source, _, _), (edited, _, _) = radial(source), radial(edited)
    frequency = np.arange(n // 2 + 1) / n
    usable = (frequency <= 0.45) & (source > 16 * rounding_floor(n)) & (edited > 16 * rounding_floor(n))
    end = 4
    while end < len(usable) and usable[end]:
        end += 1
    frequency, logarithm = frequency[4:end], np.log(edited[4:end] / source[4:end])
    design = np.stack([np.ones(end - 4), -4 * np.pi**2 * frequency**2], 1)
    trust = np.ones(end - 4)
    for _ in range(10):
        root = np.sqrt(np.arange(4, end) * trust)
        fit = np.linalg.lstsq(design * root[:, None], logarithm * root, rcond=None)[0]
        residual = logarithm - design @ fit
        share = residual / (4.685 * 1.4826 * np.median(np.abs(residual)) + 1e-12)
        trust = np.where(np.abs(share) < 1, (1 - share**2) ** 2, 0)
    return {"rel_sigma2": fit[1], "rel_fmax": frequency[-1]}


def drift(source, edited):
    n = len(source)
    decibels = 10 * np.log10((radial(edited)[0] + 1e-6) / (radial(source)[0] + 1e-6))[1:]
    frequency = np.arange(1, n // 2 + 1) / n
    return {"rms_db": np.sqrt((decibels**2).mean()), "low_db": decibels[frequency <= 1 / 8].mean(),
            "mid_db": decibels[(frequency > 1 / 8) & (frequency <= 1 / 4)].mean(), "high_db": decibels[frequency > 1 / 4].mean()}


def trimmed_shares(rgb):
    counts = np.stack([np.bincount(rgb[..., channel].ravel(), minlength=256) for channel in range(3)]).astype(float)
    counts[:, :5] = counts[:, 251:] = 0
    return counts / counts.sum(1, keepdims=True)


def color_shift(source, edited):
    a, b = color(source, gray_of(source)), color(edited, gray_of(edited))
    lab = [b[name] - a[name] for name in ("mean_L", "mean_a", "mean_b")]
    echo = np.subtract(b["echo_mean_rgb"], a["echo_mean_rgb"])
    return {"dL": lab[0], "da": lab[1], "db": lab[2], "dE_mean": np.linalg.norm(lab), "dab": np.hypot(*lab[1:]),
            "dchroma": b["chroma"] - a["chroma"], "dsaturation": b["saturation"] - a["saturation"],
            "contrast_ratio": b["rms_contrast"] / a["rms_contrast"], "l_range_diff": b["l_range"] - a["l_range"],
            "echo_shift_rgb": echo, "echo_shift_magnitude": np.abs(echo).mean(),
            "hist_l1": np.abs(trimmed_shares(edited) - trimmed_shares(source)).sum(1).mean()}


def sets_of_numbers(generator):
    a, b = np.round(generator.normal(0, 3, 9), 1), np.round(generator.normal(2, 4, 8), 1)
    differences = np.append(np.round(generator.normal(1, 3, 10), 1), 0.0)
    kept = differences[differences != 0]
    return {"differences": differences, "t": stats.ttest_1samp(differences, 0)[0], "t_p": stats.ttest_1samp(differences, 0)[1],
            "wilcoxon_p": stats.wilcoxon(kept, method=stats.PermutationMethod(n_resamples=2**20)).pvalue,
            "a": a, "b": b, "welch_t": stats.ttest_ind(b, a, equal_var=False)[0], "welch_p": stats.ttest_ind(b, a, equal_var=False)[1],
            "mannwhitney_u": stats.mannwhitneyu(b, a).statistic,
            "mannwhitney_p": stats.mannwhitneyu(b, a, use_continuity=False, method=stats.PermutationMethod(n_resamples=10**6)).pvalue,
            "hodges_lehmann": np.median(b[:, None] - a)}


def scene(generator, width, height):
    y, x = np.mgrid[:height, :width]
    picture = np.stack([120 + 60 * np.sin(x / 19 + y / 31 + k) + 25 * np.cos(y / 7 - x / 23 + 2 * k) for k in range(3)], -1)
    for _ in range(14):
        left, top, size = generator.integers(0, width), generator.integers(0, height), generator.integers(8, 40)
        picture[(np.abs(x - left) < size) & (np.abs(y - top) < size * 0.7)] = generator.uniform(0, 255, 3)
    picture = ndimage.gaussian_filter(picture, (0.7, 0.7, 0))
    return picture + generator.normal(0, 4, picture.shape)


def to_bytes(picture):
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return json.loads(json.dumps(value, default=lambda entry: entry.tolist()))


def write_fixture(folder):
    generator = np.random.default_rng(17)
    sharp = scene(generator, 144, 112)
    blurred = ndimage.gaussian_filter(sharp, (1.2, 1.2, 0)) * [1.02, 1.0, 0.9]
    y, x = np.mgrid[:112, :144]
    images = {"sharp": to_bytes(sharp), "blurred": to_bytes(blurred),
              "enlarged": np.asarray(Image.fromarray(to_bytes(sharp[:72, :72])).resize((108, 108), Image.Resampling.BICUBIC)),
              "checkered": to_bytes(sharp[:96, :96] + 3.0 * ((x + y) % 2 * 2 - 1)[:96, :96, None])}
    expected = {"versions": {module.__name__: module.__version__ for module in (np, scipy, skimage, pywt, cv2, PIL)}, "images": {}}
    for name, rgb in images.items():
        Image.fromarray(rgb).save(folder / f"{name}.png", optimize=True)
        expected["images"][name] = measure(rgb)
    source, edited = images["sharp"], images["blurred"]
    powers = center_power(gray_of(source)), center_power(gray_of(edited))
    expected["pair"] = {**relative_blur(*powers), **drift(*powers), **color_shift(source, edited)}
    expected["sets"] = sets_of_numbers(generator)
    (folder / "expected.json").write_text(json.dumps(plain(expected), indent=1) + "\n")


def time_measures(path, repeats):
    rgb = np.asarray(Image.open(path).convert("RGB"))
    measure(rgb)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        measure(rgb)
        times.append(time.perf_counter() - start)
    print(f"{1000 * np.median(times):.1f} ms (median of {repeats}, fastest {1000 * min(times):.1f} ms) for {rgb.shape[1]}x{rgb.shape[0]} pixels")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fixture").add_argument("folder", type=pathlib.Path)
    timing = commands.add_parser("time")
    timing.add_argument("image")
    timing.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.command == "fixture":
        write_fixture(args.folder)
    else:
        time_measures(args.image, args.repeats)


if __name__ == "__main__":
    main()
