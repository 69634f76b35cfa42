#!/usr/bin/env python3
"""Measures the detectors against PyTorch on the same weights: images a second, and how far the logits differ.

    cargo build --release -p imgeval-forensics --example forensics_speed
    scripts/bench/forensics.py --weights DIR [--image FILE] [--binary target/release/examples/forensics_speed]
        [--rounds 5] [--threads 2] [--only cnnspot/crop224,rine/crop224,...] [--json FILE]

Needs numpy, Pillow, torch, torchvision, timm, transformers and OpenCV. Weights have the published widths and are random; they are made in
DIR where they are not there (about 4 GB; AIDE's, which take 3.6 GB more, only if --only names `aide/patches`). Without --image, a random
image of 1024 x 1024 pixels is judged. CLIP is transformers' class with PyTorch's own attention, ViT-S and ViT-B are timm's.

Both contenders stay loaded and take turns, so that a machine that slows down slows both. The first round is not counted; the table
gives medians. Measured is everything from decoded pixels to logits: crop, normalization and network.

Ours is started as

    BINARY DETECTOR PIPELINE WEIGHTS...

prints {"ready": true} when loaded, and {"seconds": ..., "logits": [...]} after each line that it reads, which names an image. Each round has
an image of its own (the first one, shifted by a few pixels), because imgeval remembers what CLIP's trunk made of an image.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import timm
import torch
import torch.nn.functional as F
import transformers as hugging_face
from PIL import Image
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision import models, transforms

sys.path.append(str(Path(__file__).resolve().parents[1] / "reference"))
import forensics_transformers as reference

IMAGENET = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CLIP = transforms.Normalize(*reference.CLIP)
CONVOLUTIONAL = ["cnnspot/crop224", "cnnspot/native", "npr/resize256", "npr/tile224", "npr/native", "safe/crop256", "drct/crop224"]
TRANSFORMERS = ["univfd/crop224", "rine/crop224", "community-forensics/resize440-crop384", "b-free/five-windows"]
CASES = [*CONVOLUTIONAL, *TRANSFORMERS]
ALL = [*CASES, "aide/patches"]
# The reference's heads take their shapes from there: those of CLIP ViT-L/14.
reference.WIDTH, reference.EMBEDDING, reference.DEPTH = 1024, 768, 24


class Short(nn.Module):
    """The first two layers of ResNet-50 behind a 3 x 3 stem: NPR and SAFE."""

    def __init__(self, outputs):
        super().__init__()
        whole = models.resnet50()
        self.conv1 = nn.Conv2d(3, 64, 3, 2, 1, bias=False)
        self.bn1, self.layer1, self.layer2 = whole.bn1, whole.layer1, whole.layer2
        self.fc1 = nn.Linear(512, outputs)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc1(self.layer2(self.layer1(x)).mean((2, 3)))


class Npr(Short):
    def __init__(self):
        super().__init__(1)

    def forward(self, x):
        x = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
        small = F.interpolate(x, scale_factor=0.5, mode="nearest")
        return super().forward((x - F.interpolate(small, scale_factor=2, mode="nearest")) * 2 / 3)


class Safe(Short):
    def __init__(self):
        super().__init__(2)

    def forward(self, x):
        order = [1, 0, *range(x.shape[2]), x.shape[2] - 1, x.shape[2] - 2]
        y = x[:, :, order][:, :, :, order]
        y = (y[..., ::2, ::2] - y[..., ::2, 1::2] - y[..., 1::2, ::2] + y[..., 1::2, 1::2]) / 2
        return super().forward(F.interpolate(y, size=x.shape[2:], mode="bilinear", align_corners=False))


class Drct(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = timm.create_model("convnext_base", num_classes=1024)
        self.fc = nn.Linear(1024, 2)

    def forward(self, x):
        return self.fc(self.model(x))


class Aide(nn.Module):
    def __init__(self):
        super().__init__()
        self.hpf = nn.ModuleDict({"hpf": nn.Conv2d(3, 30, 5, padding=2, bias=False)})
        self.model_min, self.model_max = models.resnet50(), models.resnet50()
        for network in (self.model_min, self.model_max):
            network.conv1 = nn.Conv2d(30, 64, 7, 2, 3, bias=False)
        self.openclip_convnext_xxl = timm.create_model("convnext_xxlarge", num_classes=0, norm_eps=1e-5)
        self.convnext_proj = nn.Sequential(nn.Linear(3072, 256))
        self.fc = nn.ModuleDict({"fc1": nn.Linear(2304, 1024), "fc2": nn.Linear(1024, 2)})

    def forward(self, inputs):
        patches, whole = inputs
        pooled = 0
        for place, network in enumerate([self.model_min, self.model_max] * 2):
            x = self.hpf["hpf"](patches[place : place + 1])
            x = network.maxpool(F.relu(network.bn1(network.conv1(x))))
            x = network.layer4(network.layer3(network.layer2(network.layer1(x))))
            pooled = pooled + x.mean((2, 3)) / 4
        trunk = self.openclip_convnext_xxl
        x = trunk.head.norm(trunk.stages(trunk.stem(whole))).mean((2, 3))
        x = torch.cat([self.convnext_proj(x), pooled], 1)
        return self.fc["fc2"](F.gelu(self.fc["fc1"](x)))


class Clip(nn.Module):
    """CLIP ViT-L/14 and the head of one detector."""

    def __init__(self, head, activation="quick_gelu"):
        super().__init__()
        config = hugging_face.CLIPVisionConfig(
            hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=224, patch_size=14,
            projection_dim=768, hidden_act=activation,
        )
        self.trunk = hugging_face.CLIPVisionModelWithProjection(config)
        self.head = head

    def save(self, path):
        trunk, head = path.with_suffix(".trunk.safetensors"), path.with_suffix(".head.pth")
        save_file({name: tensor.contiguous() for name, tensor in reference.encoder_state(self.trunk).items()}, trunk)
        torch.save(self.head.state_dict(), head)


class UnivFd(Clip):
    def __init__(self):
        super().__init__(nn.Linear(768, 1))

    def forward(self, x):
        return self.head(self.trunk(pixel_values=x).image_embeds)


class RineOfClip(Clip):
    def __init__(self):
        super().__init__(reference.Rine(2, 1024))
        self.inner = []
        for layer in self.trunk.vision_model.encoder.layers:
            layer.layer_norm2.register_forward_hook(lambda module, given, result: self.inner.append(result[:, 0]))

    def forward(self, x):
        self.inner.clear()
        self.trunk(pixel_values=x)
        return self.head(torch.stack(self.inner, 1))


def community():
    return VisionTransformer(img_size=384, patch_size=16, embed_dim=384, depth=12, num_heads=6, num_classes=1)


class BFree(VisionTransformer):
    def __init__(self):
        shape = dict(img_size=504, patch_size=14, embed_dim=768, depth=12, num_heads=12, num_classes=1)
        super().__init__(**shape, reg_tokens=4, no_embed_class=True, init_values=1.0)

    def forward(self, x):
        return reference.windows(self, x, 36)[None]


def cnnspot():
    return models.resnet50(num_classes=1)


def aide_input(image):
    """Of windows that are chosen without grading, since the grading is not what is compared."""
    x = transforms.functional.to_tensor(image)[None]
    scaled = lambda x: F.interpolate(x, size=(256, 256), mode="bilinear", align_corners=False)
    windows = [x[:, :, 32 * place : 32 * place + 32, :32] for place in range(4)]
    return IMAGENET(torch.cat([scaled(window) for window in windows])), IMAGENET(scaled(x))


def square(side, *before):
    return transforms.Compose([*before, transforms.CenterCrop(side), transforms.ToTensor()])


def imagenet(prepare):
    return lambda image: IMAGENET(prepare(image))[None]


NETWORKS = {
    "cnnspot": cnnspot, "npr": Npr, "safe": Safe, "drct": Drct, "aide": Aide, "univfd": UnivFd, "rine": RineOfClip,
    "community-forensics": community, "b-free": BFree,
}
PREPARATIONS = {
    "cnnspot/crop224": imagenet(square(224)),
    "cnnspot/native": imagenet(transforms.ToTensor()),
    "npr/resize256": imagenet(transforms.Compose([transforms.Resize((256, 256)), transforms.ToTensor()])),
    "npr/tile224": imagenet(square(224)),
    "npr/native": imagenet(transforms.ToTensor()),
    "safe/crop256": lambda image: square(256)(image)[None],
    "drct/crop224": imagenet(square(224)),
    "aide/patches": aide_input,
    "univfd/crop224": lambda image: CLIP(square(224)(image))[None],
    "rine/crop224": lambda image: CLIP(square(224)(image))[None],
    "community-forensics/resize440-crop384": imagenet(square(384, transforms.Resize(440))),
    "b-free/five-windows": imagenet(transforms.ToTensor()),
}


def make_weights(detector, path):
    torch.manual_seed(1)
    network = NETWORKS[detector]().eval()
    for name, tensor in network.state_dict().items():
        # Statistics that are not those of a network that was never trained.
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            tensor.uniform_(-0.3, 0.3)
    torch.save(network.state_dict(), path)


def files_for_ours(detector, network, path):
    """The weights in the files and names that the detector's authors publish."""
    if isinstance(network, Clip):
        files = [path.with_suffix(end) for end in (".trunk.safetensors", ".head.pth")]
        if not all(file.exists() for file in files):
            network.save(path)
        return files
    if detector in ("community-forensics", "b-free"):
        file = path.with_suffix(".safetensors")
        prefix = "vit." if detector == "community-forensics" else ""
        save_file({prefix + name: tensor for name, tensor in network.state_dict().items()}, file)
        return [file]
    return [path]


def measure(case, image_path, weights, options):
    detector, pipeline = case.split("/")
    network = NETWORKS[detector]().eval()
    network.load_state_dict(torch.load(weights, weights_only=True))
    pixels = np.asarray(Image.open(image_path).convert("RGB"))
    prepare = PREPARATIONS[case]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(options.threads)}
    command = [options.binary, detector, pipeline, *files_for_ours(detector, network, weights)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert json.loads(process.stdout.readline())["ready"]
    ours, theirs, difference = [], [], 0.0
    shifted = options.weights / "shifted.png"
    for turn in range(options.rounds + 1):
        image = Image.fromarray(np.roll(pixels, 3 * turn, axis=1))
        image.save(shifted)
        process.stdin.write(f"{shifted}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        ours.append(answer["seconds"])
        start = time.perf_counter()
        with torch.inference_mode():
            logits = network(prepare(image))[0].tolist()
        theirs.append(time.perf_counter() - start)
        if detector != "aide":
            difference = max(difference, *(abs(a - b) / max(1, abs(b)) for a, b in zip(answer["logits"], logits)))
    process.stdin.close()
    process.wait()
    ours, theirs = (statistics.median(seconds[1:]) for seconds in (ours, theirs))
    row = {"ours_per_s": 1 / ours, "pytorch_per_s": 1 / theirs, "ratio_of_times": ours / theirs, "difference": difference}
    print(f"{case:38} {row['ours_per_s']:9.2f} {row['pytorch_per_s']:9.2f} {row['ratio_of_times']:7.2f} {difference:9.1e}", flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--binary", default="target/release/examples/forensics_speed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.weights.mkdir(parents=True, exist_ok=True)
    image = options.image
    if image is None:
        image = options.weights / "image.png"
        small = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
        Image.fromarray(small).resize((1024, 1024), Image.Resampling.BICUBIC).save(image)
    print(f"{'':38} {'ours/s':>9} {'torch/s':>9} {'ratio':>7} {'logits':>9}")
    rows = {}
    for case in options.only.split(","):
        if case not in ALL:
            parser.error(f"unknown case {case}: {', '.join(ALL)}")
        detector = case.split("/")[0]
        weights = options.weights / f"{detector}.pth"
        if not weights.exists():
            make_weights(detector, weights)
        rows[case] = measure(case, image, weights, options)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
