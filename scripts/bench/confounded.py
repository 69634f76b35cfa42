#!/usr/bin/env python3
"""Shows that `imgeval diagnose forensics` is not fooled by a detector that has learned the codec and not the generator.

    python scripts/bench/generators.py --out DIR --per-class 300 --only photographs gan-eye
    python scripts/bench/confounded.py --data DIR [--binary target/release/imgeval] [--epochs 4]

Trains NPR's network (arXiv 2312.10461) to know nothing but the codec, on a quarter of the photographs and of a GAN's images: each of them as
JPEG is called real, and as PNG fake. Then imgeval judges the other photographs, as JPEG, against the GAN's other images, as PNG, with
these weights. As delivered, the detector must be nearly perfect; with one codec for both classes it must fall to chance, and
the verdict must say that only the files tell the classes apart.

Fails otherwise. Prints imgeval's findings and the two areas under the ROC curve. Needs torch, torchvision, timm, transformers, OpenCV, numpy
and Pillow, as scripts/bench/forensics.py does. About five minutes on two cores.
"""

import argparse
import json
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from forensics import IMAGENET, Npr
from PIL import Image
from torch.nn.functional import binary_cross_entropy_with_logits

SIDE = 128


def parts(folder):
    """The images of every fourth group of a folder, and the rest."""
    paths = sorted(folder.glob("*.png"))
    first = set(sorted({group(path) for path in paths})[::4])
    return [path for path in paths if group(path) in first], [path for path in paths if group(path) not in first]


def group(path):
    return path.stem.split("__")[0]


def write(paths, folder, is_jpeg):
    folder.mkdir()
    rows = []
    for path in paths:
        target = folder / f"{path.stem}.{'jpg' if is_jpeg else 'png'}"
        picture = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.save(target, **({"quality": 75} if is_jpeg else {}))
        rows.append(json.dumps({"file": target.name, "group": group(path)}))
    (folder / "groups.jsonl").write_text("\n".join(rows) + "\n")


def tensor(path):
    pixels = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
    return IMAGENET(torch.from_numpy(pixels).permute(2, 0, 1))


def train(reals, fakes, epochs, weights):
    torch.manual_seed(1)
    network = Npr()
    samples = [(tensor(path), label) for label, paths in ((0.0, reals), (1.0, fakes)) for path in sorted(paths)]
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    shuffle = random.Random(1)
    for epoch in range(epochs):
        shuffle.shuffle(samples)
        losses = []
        for start in range(0, len(samples) - 15, 16):
            batch = samples[start : start + 16]
            logits = network(torch.stack([image for image, _ in batch]))[:, 0]
            loss = binary_cross_entropy_with_logits(logits, torch.tensor([label for _, label in batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)
    torch.save(network.eval().state_dict(), weights)


def auc(report, condition):
    detector = next(one for one in report["detectors"] if one["id"].startswith("npr"))
    return next(one for one in detector["conditions"] if one["code"] == condition)["metrics"]["auc"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--binary", default="target/release/imgeval")
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        photographs, other_photographs = parts(options.data / "photographs")
        drawn, other_drawn = parts(options.data / "gan-eye")
        write(photographs + drawn, folder / "as-jpeg", True)
        write(photographs + drawn, folder / "as-png", False)
        write(other_photographs, folder / "photographs", True)
        write(other_drawn, folder / "gan", False)
        weights = folder / "npr.pth"
        train((folder / "as-jpeg").glob("*.jpg"), (folder / "as-png").glob("*.png"), options.epochs, weights)
        command = [options.binary, "diagnose", "forensics", "--detector", "npr:native", "--weights", f"npr={weights}", "--no-own", "--sweep", "none"]
        command += ["--real", f"photographs={folder / 'photographs'}", "--fake", f"gan={folder / 'gan'}"]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n\n")[0])
        report = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout)
    delivered, matched = auc(report, "as-delivered"), auc(report, "matched")
    verdict = report["verdict"]["verdict"]
    print(f"AUC as delivered {delivered['value']:.3f}, matched {matched['value']:.3f}: {verdict}")
    assert delivered["value"] > 0.95 and matched["low"] <= 0.5, "the detector was not fooled, or the control did not show it"
    assert verdict == "detectable-only-by-files", verdict


if __name__ == "__main__":
    main()
