"""What the tests share."""

import importlib.util
import json
import random
import subprocess
import unittest
from pathlib import Path

import imgeval

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "geneval"


def command(*arguments, **options):
    """Runs the installed command and returns what it prints."""
    done = subprocess.run([imgeval.find_program(), *map(str, arguments)], stdout=subprocess.PIPE, check=True, **options)
    return done.stdout.decode("utf-8")


def has(*packages):
    return all(importlib.util.find_spec(package) for package in packages)


def needs(*packages):
    return unittest.skipUnless(has(*packages), f"needs {', '.join(packages)}")


def examples():
    """The paths of the example images with their metadata."""
    samples = []
    for folder in sorted(path for path in EXAMPLES.iterdir() if path.is_dir()):
        metadata = json.loads((folder / "metadata.jsonl").read_text(encoding="utf-8"))
        samples += [(path, metadata) for path in sorted((folder / "samples").iterdir())]
    return samples


def detections(n, seed=1):
    """Lines of made-up detections for the official prompts, which agree with them now and then."""
    draw = random.Random(seed)
    prompts = imgeval.geneval_metadata()
    colors = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"]
    lines = []
    for place in range(n):
        metadata = prompts[place * 7919 % len(prompts)]
        objects = []
        for clause in metadata["include"]:
            for _ in range(max(0, clause["count"] + draw.choice([-1, 0, 0, 0, 1]))):
                x, y = draw.uniform(0, 400), draw.uniform(0, 400)
                box = [x, y, x + draw.uniform(1, 112), y + draw.uniform(1, 112)]
                color = clause.get("color", "red") if draw.random() < 0.7 else draw.choice(colors)
                objects.append({"class": clause["class"], "score": draw.random(), "box": box, "color": color})
        lines.append({"filename": f"{place:05}.png", "metadata": metadata, "width": 512, "height": 512, "objects": objects})
    return lines
