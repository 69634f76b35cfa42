#!/usr/bin/env python3
"""Makes folders of pictures to try architecture inference on: real photographs, decoders of known kind, two GANs, confounded sets.

    python scripts/bench/generators.py --out DIR [--per-class 300] [--side 256] [--seed 0] [--only NAME ...]

Needs numpy, Pillow, scipy, scikit-image and scikit-learn (both ship photographs); Debian's darknet (photographs under /usr/share/darknet/data), and
mate-backgrounds for twelve more (/usr/share/backgrounds/mate/nature, or where --backgrounds says). The GANs need torch (any build) and the packages
omniart-eye-generator 0.1 and gan-face-generate 1.1.1, installed without their dependencies: only their weights are read. What is not there is said and left out.

Each folder holds PNG files named PHOTO__NUMBER.png and groups.jsonl, one {"file", "group"} a line: the group is the photograph that a picture was cut
from, or the picture itself where nothing is shared. The same seed gives the same bytes on the same machine. About two minutes on two cores.

  photographs      crops of many places and sizes, brought to one side
  decoder-latent   the same crops, encoded to 1/8 and decoded by three stages of enlarging and convolving with random smooth weights
  decoder-latent-b the same kind with other random weights
  decoder-var      the same crops as a pyramid of residuals, coarse to fine, each quantised with a codebook
  identical-a, -b  decoder-latent on two halves of the photographs: nothing to find
  format-png, -jpeg   the same photographs as PNG and as JPEG of quality 80: only the format differs
  size-512, -1024     native crops of the same large photographs: only the size differs
  gan-eye, gan-face   128 and 64 pixels
"""

import argparse
import importlib.util
import json
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.fft import dctn

DARKNET = Path("/usr/share/darknet/data")
BACKGROUNDS = Path("/usr/share/backgrounds/mate/nature")
SKIMAGE = ["astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "brick.png", "grass.png", "gravel.png", "moon.png",
           "motorcycle_left.png", "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg", "ihc.png", "clock_motion.png"]
LATENT = 8


# ---- photographs

def photographs(backgrounds):
    """Names and RGB pictures; those kept as JPEG are halved where they stay large enough, which takes most of its traces away."""
    skimage_data = Path(importlib.util.find_spec("skimage").origin).parent / "data"
    sklearn_data = Path(importlib.util.find_spec("sklearn").origin).parent / "datasets" / "images"
    paths = [path for path in sorted(DARKNET.glob("*.jpg")) if path.stem != "scream"]
    paths += [skimage_data / name for name in SKIMAGE]
    paths += sorted(sklearn_data.glob("*.jpg"))
    paths += sorted(backgrounds.glob("*.jpg"))
    return {path.stem.lower(): path for path in paths if path.exists()}


def shrunk(path, side):
    picture = Image.open(path).convert("RGB")
    if path.suffix == ".jpg" and min(picture.size) >= 2 * side:
        picture = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    return picture


def generator_of(*words):
    return np.random.default_rng([zlib.crc32(str(word).encode()) for word in words])


def crops(photos, side, count, seed):
    """(photograph, picture) pairs, the photographs in turn; a crop is 1.05 to 2.5 times as large as what is made of it."""
    pictures = {name: shrunk(path, side) for name, path in photos.items()}
    usable = [name for name, picture in pictures.items() if min(picture.size) >= 1.05 * side]
    for index in range(count):
        name = usable[index % len(usable)]
        picture = pictures[name]
        generator = generator_of(seed, name, index)
        largest = min(2.5, min(picture.size) / side)
        width = int(side * generator.uniform(1.05, largest))
        left = int(generator.integers(0, picture.width - width + 1))
        top = int(generator.integers(0, picture.height - width + 1))
        yield name, picture.resize((side, side), Image.Resampling.LANCZOS, (left, top, left + width, top + width))


# ---- decoders; pictures are arrays of height, width, channels in [0, 1]

def convolve(features, weights):
    """weights: 3, 3, channels in, channels out; edges repeated."""
    height, width = features.shape[:2]
    padded = np.pad(features, ((1, 1), (1, 1), (0, 0)), mode="edge")
    return sum(padded[y:y + height, x:x + width] @ weights[y, x] for y in range(3) for x in range(3))


def encode(picture):
    """1/8 of the size: the mean of each colour, and the 15 lowest waves of the grey picture in each block."""
    height, width = picture.shape[0] // LATENT, picture.shape[1] // LATENT
    blocks = picture.reshape(height, LATENT, width, LATENT, 3)
    colours = blocks.mean((1, 3)) - 0.5
    grey = blocks.mean(4).transpose(0, 2, 1, 3)
    waves = dctn(grey, axes=(2, 3), norm="ortho")[:, :, :4, :4].reshape(height, width, 16)[:, :, 1:]
    return np.concatenate([4 * colours, 2 * waves], axis=2).astype(np.float32)


class LatentDecoder:
    """Three times: twice the size (nearest), then a 3x3 convolution of smooth and random weights. The last layer is fitted on photographs."""

    def __init__(self, seed, calibration):
        generator = generator_of("latent", seed)
        smooth = np.outer([1, 2, 1], [1, 2, 1])[..., None, None] / 16
        channels = [18, 32, 32, 24]
        self.layers = []
        for before, after in zip(channels, channels[1:]):
            mixing = generator.normal(0, 1, (1, 1, before, after))
            rough = generator.normal(0, 0.15, (3, 3, before, after))
            self.layers.append(((smooth * mixing + rough) / np.sqrt(before)).astype(np.float32))
        self.output = None
        rows, targets = [], []
        for picture in calibration:
            features = self.neighbourhoods(self.features(encode(picture)))
            chosen = generator.choice(len(features), 3000, replace=False)
            rows.append(features[chosen])
            targets.append(picture.reshape(-1, 3)[chosen])
        rows, targets = np.concatenate(rows).astype(np.float64), np.concatenate(targets)
        penalty = 1e-3 * len(rows) * np.eye(rows.shape[1]) * (rows**2).mean()
        self.output = np.linalg.solve(rows.T @ rows + penalty, rows.T @ (targets - 0.5)).astype(np.float32)

    def features(self, latent):
        features = latent
        for weights in self.layers:
            features = convolve(features.repeat(2, 0).repeat(2, 1), weights)
            features = np.maximum(features, 0.5 * features)
        return features

    @staticmethod
    def neighbourhoods(features):
        height, width, channels = features.shape
        padded = np.pad(features, ((1, 1), (1, 1), (0, 0)), mode="edge")
        shifted = [padded[y:y + height, x:x + width] for y in range(3) for x in range(3)]
        return np.concatenate(shifted, axis=2).reshape(height * width, 9 * channels)

    def decode(self, picture):
        decoded = self.neighbourhoods(self.features(encode(picture))) @ self.output + 0.5
        return decoded.reshape(picture.shape)


def resized(picture, side):
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., channel], np.float32)) for channel in range(3)]
    return np.stack([np.asarray(plane.resize((side, side), Image.Resampling.BICUBIC)) for plane in planes], axis=2)


class ResidualQuantiser:
    """Coarse to fine: what is still missing is shrunk, each colour replaced by the nearest of a codebook, enlarged and added."""

    SCALES = [64, 32, 16, 8, 4, 2]
    CODES = 96

    def __init__(self, seed, calibration):
        generator = generator_of("var", seed)
        self.codebooks = []
        self.kernel = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16 + generator.normal(0, 0.04, (4, 4))
        self.kernel *= 4 / self.kernel.sum()
        known = [np.zeros_like(picture) for picture in calibration]
        for scale in self.SCALES:
            missing = [resized(picture - part, picture.shape[0] // scale) for picture, part in zip(calibration, known)]
            colours = np.concatenate([residual.reshape(-1, 3) for residual in missing])
            codebook = self.cluster(generator.permutation(colours)[:6000], generator)
            self.codebooks.append(codebook)
            known = [part + self.enlarged(self.quantised(residual, codebook), scale) for part, residual in zip(known, missing)]

    def cluster(self, colours, generator):
        codebook = colours[generator.choice(len(colours), min(self.CODES, len(colours)), replace=False)]
        for _ in range(8):
            nearest = self.nearest(colours, codebook)
            codebook = np.stack([colours[nearest == code].mean(0) if (nearest == code).any() else codebook[code]
                                 for code in range(len(codebook))])
        return codebook

    @staticmethod
    def nearest(colours, codebook):
        return ((codebook**2).sum(1) - 2 * colours @ codebook.T).argmin(1)

    def quantised(self, residual, codebook):
        return codebook[self.nearest(residual.reshape(-1, 3), codebook)].reshape(residual.shape)

    def enlarged(self, residual, scale):
        if scale > 2:
            return resized(residual, residual.shape[0] * scale)
        # The last step is a transposed convolution of stride 2, as in learnt decoders.
        side = residual.shape[0]
        sparse = np.zeros((2 * side + 3, 2 * side + 3, 3), np.float32)
        sparse[1:2 * side + 1:2, 1:2 * side + 1:2] = residual
        return sum(self.kernel[y, x] * sparse[y:y + 2 * side, x:x + 2 * side] for y in range(4) for x in range(4)).astype(np.float32)

    def decode(self, picture):
        known = np.zeros_like(picture)
        for scale, codebook in zip(self.SCALES, self.codebooks):
            missing = resized(picture - known, picture.shape[0] // scale)
            known = known + self.enlarged(self.quantised(missing, codebook), scale)
        return known


# ---- GANs

def gan_pictures(package, weights, entry, count, seed):
    """Both are stacks of transposed convolutions with batch normalisation and ReLU, the last with tanh; weights decide the sizes."""
    import torch
    from torch.nn import functional

    path = Path(importlib.util.find_spec(package).origin).parent / weights
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = state[entry] if entry else state
    numbers = sorted({int(key.split(".")[1]) for key in state if key.startswith("main.")})
    kernels = [number for number in numbers if state[f"main.{number}.weight"].dim() == 4]
    inputs = state[f"main.{kernels[0]}.weight"].shape[0]
    # 100 numbers of noise; omniart's has eight more for the colour of the eye.
    n_labels = inputs - 100
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for first in range(0, count, 32):
            n = min(32, count - first)
            noise = torch.randn(n, 100, generator=generator)
            label = functional.one_hot(torch.arange(first, first + n) % n_labels, n_labels).float() if n_labels else noise[:, :0]
            features = torch.cat([noise, label], 1)[:, :, None, None]
            for place, number in enumerate(kernels):
                stride, padding = (1, 0) if place == 0 else (2, 1)
                features = functional.conv_transpose2d(features, state[f"main.{number}.weight"], stride=stride, padding=padding)
                normal = f"main.{number + 1}."
                if normal + "weight" in state:
                    features = functional.batch_norm(features, state[normal + "running_mean"], state[normal + "running_var"],
                                                     state[normal + "weight"], state[normal + "bias"]).relu()
            for picture in features.tanh().permute(0, 2, 3, 1).numpy():
                yield Image.fromarray(np.uint8(np.clip(np.round((picture + 1) * 127.5), 0, 255)))


# ---- folders

class Folder:
    def __init__(self, out, name):
        self.path = out / name
        self.path.mkdir(parents=True, exist_ok=True)
        self.groups = []

    def add(self, group, picture, jpeg_quality=None):
        number = sum(known["group"] == group for known in self.groups)
        name = f"{group}__{number:03}.{'jpg' if jpeg_quality else 'png'}"
        if jpeg_quality:
            picture.save(self.path / name, quality=jpeg_quality, subsampling="4:2:0")
        else:
            picture.save(self.path / name, compress_level=1)
        self.groups.append({"file": name, "group": group})

    def close(self):
        lines = "".join(json.dumps(group) + "\n" for group in self.groups)
        (self.path / "groups.jsonl").write_text(lines)
        groups = len({group["group"] for group in self.groups})
        print(f"{self.path}: {len(self.groups)} pictures of {groups} groups", flush=True)


def as_numbers(picture):
    return np.asarray(picture, np.float32) / 255


def as_picture(numbers):
    return Image.fromarray(np.uint8(np.clip(np.round(numbers * 255), 0, 255)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--per-class", type=int, default=300)
    parser.add_argument("--side", type=int, default=256, help="pixels, a multiple of 64")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backgrounds", type=Path, default=BACKGROUNDS)
    parser.add_argument("--only", nargs="+", help="names of folders, or how they begin")
    arguments = parser.parse_args()
    if arguments.side % 64:
        parser.error("--side must be a multiple of 64")
    side, count, seed = arguments.side, arguments.per_class, arguments.seed
    photos = photographs(arguments.backgrounds)
    print(f"{len(photos)} photographs: {', '.join(photos)}")

    def wanted(name):
        return not arguments.only or any(name.startswith(beginning) for beginning in arguments.only)

    def fill(name, pairs, **options):
        if wanted(name):
            folder = Folder(arguments.out, name)
            for group, picture in pairs():
                folder.add(group, picture, **options)
            folder.close()

    def decoded(decoder, photos):
        return ((name, as_picture(decoder.decode(as_numbers(picture)))) for name, picture in crops(photos, side, count, seed))

    fill("photographs", lambda: crops(photos, side, count, seed))
    if any(map(wanted, ["decoder-latent", "decoder-latent-b", "decoder-var", "identical-a", "identical-b"])):
        calibration = [as_numbers(picture) for _, picture in crops(photos, side, 24, seed + 1)]
        latent = LatentDecoder(seed, calibration)
        fill("decoder-latent", lambda: decoded(latent, photos))
        fill("decoder-latent-b", lambda: decoded(LatentDecoder(seed + 1, calibration), photos))
        fill("decoder-var", lambda: decoded(ResidualQuantiser(seed, calibration), photos))
        shuffled = generator_of(seed, "halves").permutation(list(photos)).tolist()
        for half, name in enumerate(["identical-a", "identical-b"]):
            fill(name, lambda: decoded(latent, {photo: photos[photo] for photo in shuffled[half::2]}))
    fill("format-png", lambda: crops(photos, side, count // 2, seed + 2))
    fill("format-jpeg", lambda: crops(photos, side, count // 2, seed + 3), jpeg_quality=80)
    large = [name for name, path in photos.items() if min(Image.open(path).size) >= 1024]
    for size in (512, 1024):
        if not large:
            print(f"size-{size}: left out, no photograph has 1024 pixels on each side (mate-backgrounds has some)")
            continue

        def native(size=size):
            for index in range(max(60, count // 5)):
                name = large[index % len(large)]
                picture = Image.open(photos[name]).convert("RGB")
                generator = generator_of(seed, name, index, size)
                left, top = (int(generator.integers(0, extent - size + 1)) for extent in picture.size)
                yield name, picture.crop((left, top, left + size, top + size))

        fill(f"size-{size}", native)
    for name, package, weights, entry in [("gan-eye", "omniart_eye_generator", "generator_model_state.pth", None),
                                          ("gan-face", "gan_face_generate", "weights.tar", "netG_state_dict")]:
        if not wanted(name):
            continue
        missing = [needed for needed in ("torch", package) if importlib.util.find_spec(needed) is None]
        if missing:
            print(f"{name}: left out, needs {' and '.join(missing)}")
        else:
            pictures = gan_pictures(package, weights, entry, count, seed)
            fill(name, lambda: ((f"{name}-{index:04}", picture) for index, picture in enumerate(pictures)))


if __name__ == "__main__":
    main()
