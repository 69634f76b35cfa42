"""Tiny convolutional detectors with random weights in the published layouts, and what they say of a small image.

Writes crates/imgeval-forensics/tests/fixtures/convolutional/. Everything is computed in float64 from weights stored as float32.
Made with torch 2.15.0 (CPU), Pillow 13.0.0, numpy 2.4 and safetensors.
"""

import json
import math
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from PIL import Image

FOLDER = Path(__file__).parents[2] / "crates/imgeval-forensics/tests/fixtures/convolutional"
DEPTHS = [3, 4, 6, 3]
IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
CLIP = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


class Weights(dict):
    """Tensors by name; made at the first use."""

    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def make(self, name, shape, low, high):
        if name not in self:
            numbers = torch.rand(shape, generator=self.generator) * (high - low) + low
            self[name] = numbers.float()
        return self[name].double()

    def kernel(self, name, *shape):
        bound = math.sqrt(6 / math.prod(shape[1:]))
        return self.make(f"{name}.weight", shape, -bound, bound)

    def affine(self, name, size):
        return self.make(f"{name}.weight", (size,), 0.5, 1.5), self.make(f"{name}.bias", (size,), -0.3, 0.3)

    def linear(self, name, x, outputs):
        weight = self.kernel(name, outputs, x.shape[-1])
        return F.linear(x, weight, self.make(f"{name}.bias", (outputs,), -0.3, 0.3))

    def norm(self, name, x):
        size = x.shape[1]
        weight, bias = self.affine(name, size)
        mean = self.make(f"{name}.running_mean", (size,), -0.3, 0.3)
        variance = self.make(f"{name}.running_var", (size,), 0.5, 1.5)
        self[f"{name}.num_batches_tracked"] = torch.tensor(7)
        return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, 1e-5)


def resnet(weights, prefix, x, stem_side, n_layers, stem=3, planes=(2, 2, 3, 3)):
    def normed(name, norm, x, outputs, side, stride):
        kernel = weights.kernel(prefix + name, outputs, x.shape[1], side, side)
        return weights.norm(prefix + norm, F.conv2d(x, kernel, stride=stride, padding=side // 2))

    x = F.max_pool2d(F.relu(normed("conv1", "bn1", x, stem, stem_side, 2)), 3, 2, 1)
    for layer in range(n_layers):
        for place in range(DEPTHS[layer]):
            name = f"layer{layer + 1}.{place}."
            stride = 2 if place == 0 and layer > 0 else 1
            outputs = 4 * planes[layer]
            inner = F.relu(normed(name + "conv1", name + "bn1", x, planes[layer], 1, 1))
            inner = F.relu(normed(name + "conv2", name + "bn2", inner, planes[layer], 3, stride))
            inner = normed(name + "conv3", name + "bn3", inner, outputs, 1, 1)
            if place == 0:
                x = normed(name + "downsample.0", name + "downsample.1", x, outputs, 1, stride)
            x = F.relu(inner + x)
    return x.mean((2, 3))


def convnext(weights, prefix, x, depths, widths, epsilon):
    def convolve(name, x, outputs, side):
        kernel = weights.kernel(prefix + name, outputs, x.shape[1], side, side)
        return F.conv2d(x, kernel, weights.make(f"{prefix}{name}.bias", (outputs,), -0.3, 0.3), stride=side)

    def norm(name, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), *weights.affine(prefix + name, x.shape[1]), epsilon)
        return x.permute(0, 3, 1, 2)

    x = norm("stem.1", convolve("stem.0", x, widths[0], 4))
    for stage, (depth, width) in enumerate(zip(depths, widths)):
        name = f"stages.{stage}."
        if stage > 0:
            x = convolve(name + "downsample.1", norm(name + "downsample.0", x), width, 2)
        for place in range(depth):
            block = f"{name}blocks.{place}."
            kernel = weights.kernel(f"{prefix}{block}conv_dw", width, 1, 7, 7)
            bias = weights.make(f"{prefix}{block}conv_dw.bias", (width,), -0.3, 0.3)
            inner = norm(block + "norm", F.conv2d(x, kernel, bias, padding=3, groups=width)).permute(0, 2, 3, 1)
            inner = F.gelu(weights.linear(f"{prefix}{block}mlp.fc1", inner, 4 * width))
            inner = weights.linear(f"{prefix}{block}mlp.fc2", inner, width)
            gamma = weights.make(f"{prefix}{block}gamma", (width,), 0.2, 1.0)
            x = x + (inner * gamma).permute(0, 3, 1, 2)
    return x


def normalized(x, mean_and_deviation):
    mean, deviation = (torch.tensor(numbers).view(1, 3, 1, 1).double() for numbers in mean_and_deviation)
    return (x - mean) / deviation


def tensor(pixels):
    return torch.from_numpy(pixels.astype(np.float64) / 255).permute(2, 0, 1)[None]


def middle(pixels, side):
    """An image shorter than `side` in both directions, in the middle of black."""
    height, width = pixels.shape[:2]
    result = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    result[top : top + height, left : left + width] = pixels
    return result


def cnnspot(weights, pixels):
    return weights.linear("fc", resnet(weights, "", normalized(tensor(pixels), IMAGENET), 7, 4), 1)


def npr(weights, pixels):
    x = normalized(tensor(pixels), IMAGENET)
    x = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
    corners = x[:, :, ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3)
    return weights.linear("fc1", resnet(weights, "", (x - corners) * 2 / 3, 3, 2), 1)


def safe(weights, pixels):
    x = tensor(middle(pixels, 256))
    side = x.shape[2]
    order = [1, 0, *range(side), side - 1, side - 2]
    x = x[:, :, order][:, :, :, order]
    a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
    details = F.interpolate((a - b - c + d) / 2, size=(256, 256), mode="bilinear", align_corners=False)
    return weights.linear("fc1", resnet(weights, "", details, 3, 2), 2)


def drct(weights, pixels):
    x = convnext(weights, "model.", normalized(tensor(middle(pixels, 224)), IMAGENET), [1, 1, 2, 1], [3, 4, 6, 8], 1e-6)
    x = F.layer_norm(x.mean((2, 3)), (8,), *weights.affine("model.head.norm", 8), 1e-6)
    return weights.linear("fc", weights.linear("model.head.fc", x, 5), 2)


def grade(window):
    places = torch.arange(32).double()
    cosines = torch.cos(math.pi * places[:, None] * (places[None] + 0.5) / 32) * math.sqrt(2 / 32)
    cosines[0] /= math.sqrt(2)
    spectrum = torch.log(1 + (cosines @ window[0] @ cosines.T).abs())
    sums = places[:, None] + places[None]
    total = 0.0
    for band in range(6):
        mask = (sums >= 64 / 6 * band) & (sums <= 64 / 6 * (band + 1))
        total += 2**band * float(spectrum[:, mask].sum() / mask.sum())
    return total


def aide(weights, pixels):
    x = tensor(pixels)

    def scaled(x):
        return F.interpolate(x, size=(256, 256), mode="bilinear", align_corners=False, antialias=False)

    tops, lefts = range(0, x.shape[2] - 31, 16), range(0, x.shape[3] - 31, 16)
    windows = [x[:, :, top : top + 32, left : left + 32] for top in tops for left in lefts]
    order = np.argsort([grade(window) for window in windows], kind="stable")
    pooled = []
    for name, place in [("model_min.", 0), ("model_max.", -1), ("model_min.", 1), ("model_max.", -2)]:
        patch = normalized(scaled(windows[order[place]]), IMAGENET)
        filtered = F.conv2d(patch, weights.kernel("hpf.hpf", 6, 3, 5, 5), padding=2)
        pooled.append(resnet(weights, name, filtered, 7, 4))
    prefix = "openclip_convnext_xxl."
    x = convnext(weights, prefix, normalized(scaled(x), CLIP), [1, 1, 1, 1], [3, 4, 5, 6], 1e-5)
    x = F.layer_norm(x.permute(0, 2, 3, 1), (6,), *weights.affine(f"{prefix}head.norm", 6), 1e-5)
    semantic = weights.linear("convnext_proj.0", x.mean((1, 2)), 4)
    joined = torch.cat([semantic, sum(pooled) / 4], 1)
    return weights.linear("fc.fc2", F.gelu(weights.linear("fc.fc1", joined, 5)), 2)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(20261130)
    # Odd sides, a smooth part and a busy part.
    y, x = np.mgrid[:75, :53]
    waves = np.stack([127 + 120 * np.sin(x / 9 + y / 7 * k) for k in (1, 2, 3)], -1)
    noise = random.integers(-90, 90, waves.shape) * (y[..., None] > 40)
    pixels = np.clip(waves + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(FOLDER / "image.png")
    squashed = np.asarray(Image.fromarray(pixels).resize((256, 256), Image.Resampling.BILINEAR))
    tiles = np.tile(pixels, (3, 5, 1))
    # CenterCrop rounds half a pixel to even: the differences are 1 and 41.
    tiled = tiles[0:224, 20:244]
    assert tiles.shape[:2] == (225, 265)
    cases = [
        ("cnnspot", "native", cnnspot, pixels),
        ("cnnspot", "crop224", cnnspot, middle(pixels, 224)),
        ("npr", "native", npr, pixels),
        ("npr", "resize256", npr, squashed),
        ("npr", "tile224", npr, tiled),
        ("safe", "crop256", safe, pixels),
        ("drct", "crop224", drct, pixels),
        ("aide", "patches", aide, pixels),
    ]
    weights, expected = {}, []
    for seed, (detector, pipeline, forward, image) in enumerate(cases):
        own = weights.setdefault(detector, Weights(seed))
        expected.append({"detector": detector, "pipeline": pipeline, "logits": forward(own, image)[0].tolist()})
    for detector, tensors in weights.items():
        safetensors.torch.save_file(dict(tensors), FOLDER / f"{detector}.safetensors")
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


torch.manual_seed(0)
with torch.no_grad():
    main()
