"""Measures sessions of edits at full size, stops imgeval while it does, and shows that nothing measured is lost or measured twice.

    cargo build --release --bin imgeval
    python scripts/bench/rounds.py [--sessions 100] [--rounds 10] [--side 256] [--stops 6] [--models-dir DIR] [--binary FILE]

Makes sessions of two models from noise of several sizes: each round one model crops, warms and sharpens, the other blurs; both draw a
square. Some rounds are refused, some are drawn anew. Then `imgeval diagnose rounds --controls --json --out` runs once undisturbed, and once
more with SIGKILLs at random moments, each followed by a new start.

Prints wall-clock time and peak memory of the undisturbed run. Fails unless the JSON and every file of the page are the same bytes in the end,
and every record of a measured round that was there at a stop is still the same file. Networks are left out without --models-dir.
Needs NumPy and Pillow, on Linux or macOS.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parents[2]
MODELS = ["cropper", "blurrer"]
REFUSED, REDRAWN = 0.02, 0.02


def texture(generator, side):
    """Noise of several sizes, enough to be registered by."""
    image = np.zeros((side, side, 3))
    for cells, weight in [(4, 60), (16, 40), (64, 25), (side, 6)]:
        noise = generator.uniform(0, 255, (cells, cells, 3)).astype(np.uint8)
        scaled = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
        image += weight * (np.asarray(scaled, float) / 127.5 - 1)
    return Image.fromarray(np.clip(128 + image, 0, 255).astype(np.uint8))


def edited(image, model, generator):
    """The next round of an image."""
    side = image.width
    if model == "cropper":
        cut = side * 0.01
        image = image.resize((side, side), Image.Resampling.BICUBIC, (cut / 2, cut, side - cut / 2, side))
        image = image.filter(ImageFilter.UnsharpMask(1, 20, 0))
        shifted = np.asarray(image, float) + [1.5, 0.5, -1.5]
        image = Image.fromarray(np.clip(shifted, 0, 255).round().astype(np.uint8))
    else:
        image = image.filter(ImageFilter.GaussianBlur(0.4))
    size = side // 6
    left, top = (int(place) for place in generator.integers(0, side - size, 2))
    image.paste(tuple(int(value) for value in generator.integers(0, 256, 3)), (left, top, left + size, top + size))
    return image


def make_sessions(folder, options):
    generator = np.random.default_rng(options.seed)
    for number in range(options.sessions):
        session = folder / f"session-{number:03}"
        session.mkdir(parents=True)
        source = texture(generator, options.side)
        source.save(session / "source.png")
        models = {}
        for model in MODELS:
            image, models[model] = source, []
            for place in range(1, options.rounds + 1):
                chance = generator.uniform()
                image = texture(generator, options.side) if chance < REDRAWN else edited(image.copy(), model, generator)
                if chance > 1 - REFUSED:
                    models[model].append(None)
                    continue
                name = f"{model}-{place}.png"
                image.save(session / name)
                models[model].append(name)
        listing = {"source": "source.png", "rounds": [f"edit {place + 1}" for place in range(options.rounds)], "models": models}
        (session / "session.json").write_text(json.dumps(listing))


class Bench:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}

    def start(self, out, document):
        networks = ["--models-dir", self.options.models_dir] if self.options.models_dir else ["--no-networks"]
        command = [self.options.binary, "--quiet", "diagnose", "rounds", self.folder / "sessions"]
        command += ["--controls", "--json", "--out", out, *networks]
        with open(document, "wb") as stdout:
            return subprocess.Popen(list(map(str, command)), env=self.environment, stdout=stdout)

    def finish(self, out, document):
        """Seconds and peak bytes."""
        start = time.monotonic()
        process = self.start(out, document)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"ended with {process.returncode}"
        unit = 1 if sys.platform == "darwin" else 1024
        return time.monotonic() - start, usage.ru_maxrss * unit


def records(out):
    """The finished files of measured rounds, by name, as far as they tell one file from another."""
    found = {}
    for path in (out / "measures").glob("*.json") if out.exists() else []:
        facts = path.stat()
        found[path.name] = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
    return found


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--stops", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models-dir", help="where weights were pulled to")
    parser.add_argument("--binary", default=ROOT / "target/release/imgeval")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="imgeval-rounds-"))
    try:
        make_sessions(folder / "sessions", options)
        bench = Bench(folder, options)
        seconds, peak = bench.finish(folder / "undisturbed", folder / "undisturbed.json")
        n_images = sum(1 for _ in (folder / "sessions").rglob("*.png"))
        print(f"{options.sessions} sessions of {options.rounds} rounds by {len(MODELS)} models with controls, {n_images} images of {options.side} pixels:")
        print(f"  undisturbed: {seconds:.1f} s, peak memory {peak / 2**20:.0f} MiB")

        out, document = folder / "stopped", folder / "stopped.json"
        n_stops, at_stops, before = 0, [], {}
        for _ in range(options.stops):
            process = bench.start(out, document)
            time.sleep(chance.uniform(0.2, 1.2) * seconds / options.stops)
            if process.poll() is not None:
                break
            process.kill()
            process.wait()
            n_stops += 1
            now = records(out)
            changed = [name for name in before if now.get(name) != before[name]]
            assert not changed, f"measured before and again: {changed}"
            before = now
            at_stops.append(len(now))
        again, _ = bench.finish(out, document)
        now = records(out)
        assert all(now.get(name) == facts for name, facts in before.items()), "a kept round was measured again"
        same = (folder / "undisturbed.json").read_bytes() == document.read_bytes()
        assert same, "the JSON differs"
        one, other = contents(folder / "undisturbed"), contents(out)
        different = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
        assert not different, f"the page differs in {different[:10]}"
        print(f"  {n_stops} SIGKILLs with {at_stops} of {len(now)} rounds kept, then {again:.1f} s to the end: JSON and {len(one)} files are equal byte for byte")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
