"""Makes the fixtures of the features that rounds of editing are compared by.

    python scripts/reference/round_features.py

- crates/imgeval-vision/tests/fixtures/dino/: a tiny DINO with random weights in the published names, as safetensors, as PyTorch's zip
  file and in its plain format, and what timm's VisionTransformer makes of pictures of noise.py (f32, CPU). Preparation is
  torchvision's on Pillow images.
- crates/imgeval-metrics/tests/fixtures/consistency.json: formulas on random tokens, in PyTorch.

Needs torch, torchvision, timm, safetensors, NumPy and Pillow (before 13, which sometimes filters columns
first); the versions used are written into the files.
"""

import json
from pathlib import Path

import numpy as np
import PIL
import timm
import torch
import torch.nn.functional as F
import torchvision
from noise import picture
from PIL import Image
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

CRATES = Path(__file__).parents[2] / "crates"
SIDE, PATCH, WIDTH, HEADS, DEPTH = 56, 8, 6, 2, 2
PICTURES = [(31, (64, 48)), (32, (50, 77)), (33, (40, 61))]  # landscape; portrait; enlarged, with a margin that rounds to even
VERSIONS = {one.__name__: one.__version__ for one in (torch, torchvision, timm, np, PIL)}
NORM = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
MIDDLE = Compose([Resize(SIDE * 8 // 7, interpolation=InterpolationMode.BICUBIC), CenterCrop(SIDE), ToTensor(), NORM])
WHOLE = Compose([Resize((SIDE, SIDE), interpolation=InterpolationMode.BILINEAR), ToTensor(), NORM])


def numbers(tensor):
    return [round(float(x), 8) for x in tensor.flatten()]


def look(model, image):
    """Class token of the middle; tokens and last keys of the whole; the similarity of keys."""
    keys = {}
    def keep(_module, _inputs, output):
        keys["last"] = output[0, :, WIDTH:2 * WIDTH]
    hook = model.blocks[-1].attn.qkv.register_forward_hook(keep)
    middle, whole = MIDDLE(image)[None], WHOLE(image)[None]
    class_token = model.forward_features(middle)[0, 0]
    tokens = model.forward_features(whole)[0]
    hook.remove()
    unit = F.normalize(keys["last"], dim=-1)
    return middle, whole, class_token, tokens, keys["last"], unit @ unit.T


def dino():
    torch.manual_seed(7)
    model = VisionTransformer(img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, num_classes=0).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape) * (0.5 if parameter.dim() < 3 else 0.2))
    folder = CRATES / "imgeval-vision/tests/fixtures/dino"
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "tiny.safetensors")
    torch.save(weights, folder / "tiny.pth")
    torch.save(weights, folder / "tiny_plain.pth", _use_new_zipfile_serialization=False)
    images = [Image.fromarray(picture(seed, *size)) for seed, size in PICTURES]
    built_in = Image.open(CRATES / "imgeval-vision/tests/fixtures/clip/picture.png").convert("RGB")
    with torch.no_grad():
        found = [look(model, image) for image in images]
        own = look(model, built_in)
    answers = [{
        "seed": seed, "size": size, "middle_sum": float(middle.double().sum()), "whole_sum": float(whole.double().sum()),
        "class_token": numbers(class_token), "last_token": numbers(tokens[-1]), "last_key": numbers(keys[-1]),
        "mean_similarity": float(similarity.double().mean()),
        "cosine": float(F.cosine_similarity(class_token, found[0][2], dim=0)),
        "structure": float(((similarity - found[0][5]).double() ** 2).mean()),
    } for (seed, size), (middle, whole, class_token, tokens, keys, similarity) in zip(PICTURES, found)]
    result = {"versions": VERSIONS, "heads": HEADS, "picture": {"class_token": numbers(own[2]), "first_keys": numbers(own[4][0])},
              "pictures": answers}
    (folder / "expected.json").write_text(json.dumps(result, indent=1) + "\n")


def consistency():
    """Tokens of a 4x6 grid over an image of 50x34 pixels, so that cells share pixels."""
    generator = torch.Generator().manual_seed(11)
    (rows, columns), (height, width) = (4, 6), (34, 50)
    first, second = (torch.randn(1 + rows * columns, 5, generator=generator).round(decimals=3) for _ in range(2))
    boxes = [[0.1, 0.2, 0.55, 0.6], [0.7, -0.1, 1.2, 0.3]]
    mask = torch.ones(1, 1, height, width, dtype=torch.float64)
    for left, top, right, bottom in boxes:
        x0, x1 = (min(max(int(edge * width), 0), width - 1) for edge in (left, right))
        y0, y1 = (min(max(int(edge * height), 0), height - 1) for edge in (top, bottom))
        mask[..., y0:y1 + 1, x0:x1 + 1] = 0
    sampled = F.interpolate(mask, size=(28, 28), mode="nearest-exact")
    shares = F.adaptive_avg_pool2d(sampled, (rows, columns)).flatten()
    weights = torch.where(shares < 0.5, 0, shares)
    mean = lambda tokens: (weights[:, None] * F.normalize(tokens[1:].double(), dim=-1)).sum(0) / (weights.sum() + 1e-6)
    half = lambda a, b: float(0.5 * F.cosine_similarity(a, b, dim=0))
    objects = half(first[0].double(), second[0].double()) + half(first[1:].double().mean(0), second[1:].double().mean(0))
    background = float(F.cosine_similarity(mean(first), mean(second), dim=0))
    place = np.arange(3 * width * height)
    a, b = (((place + seed) * (place + 7 * seed) % 251).reshape(height, width, 3) / 255 for seed in (41, 42))
    similar = [F.normalize(tokens.double(), dim=-1) for tokens in (first, second)]
    similar = [unit @ unit.T for unit in similar]
    outside = mask[0, 0].numpy().astype(bool)
    crop = np.s_[int(0.2 * height):int(0.6 * height), int(0.1 * width):int(0.55 * width)]
    result = {
        "versions": VERSIONS, "size": [width, height], "boxes": boxes, "width": 5,
        "first": numbers(first), "second": numbers(second), "grid": [rows, columns], "shares": numbers(shares),
        "object": objects, "background": background,
        "structure": float(((similar[0] - similar[1]) ** 2).mean()),
        "background_l1": 1 - float(np.abs(a - b)[outside].mean()), "object_l1": 1 - float(np.abs(a - b)[crop].mean()),
    }
    (CRATES / "imgeval-metrics/tests/fixtures/consistency.json").write_text(json.dumps(result) + "\n")


dino()
consistency()
