#!/usr/bin/env python3
"""Shows that `imgeval diagnose forensics` is not fooled by a detector that has learned the codec and not the generator.

    python scripts/bench/generators.py --out DIR --per-class 300 --only photographs gan-eye
    python scripts/bench/confounded.py --data DIR [--binary target/release/imgeval] [--epochs 4]

Trains NPR's network (arXiv 2312.10461) on photographs alone: half of the crops of one half of the photographs are kept as JPEG and called
real, the other half as PNG and called fake. Then imgeval judges crops of the other photographs, as JPEG, against pictures of a GAN, as PNG,
with these weights. As delivered, the detector must be nearly perfect; with one codec for both classes it must fall to chance, and the
verdict must say that only the files tell the classes apart.

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


def halves(photographs):
    """The pictures of one half of the photographs, and those of the other."""
    paths = sorted(photographs.glob("*.png"))
    names = sorted({path.stem.split("__")[0] for path in paths})
    first = set(names[::2])
    in_first = [path for path in paths if path.stem.split("__")[0] in first]
    return in_first, [path for path in paths if path not in set(in_first)]


def write(paths, folder, is_jpeg):
    folder.mkdir()
    rows = []
    for path in paths:
        target = folder / f"{path.stem}.{'jpg' if is_jpeg else 'png'}"
        picture = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.save(target, **({"quality": 75} if is_jpeg else {}))
        rows.append(json.dumps({"file": target.name, "group": path.stem.split("__")[0]}))
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
    return next(one for one in detector["conditions"] if one["condition"] == condition)["auc"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--binary", default="target/release/imgeval")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        training, testing = halves(options.data / "photographs")
        write(training[::2], folder / "as-jpeg", True)
        write(training[1::2], folder / "as-png", False)
        write(testing, folder / "photographs", True)
        weights = folder / "npr.pth"
        train((folder / "as-jpeg").glob("*.jpg"), (folder / "as-png").glob("*.png"), options.epochs, weights)
        command = [options.binary, "diagnose", "forensics", "--detector", "npr:native", "--weights", f"npr={weights}", "--no-own", "--sweep", "none"]
        command += ["--real", f"photographs={folder / 'photographs'}", "--fake", f"gan={options.data / 'gan-eye'}"]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n\n")[0])
        report = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout)
    delivered, matched = auc(report, "as-delivered"), auc(report, "matched")
    print(json.dumps({"delivered": delivered, "matched": matched, "verdict": report["verdict"]}, indent=1))


if __name__ == "__main__":
    main()
