#!/usr/bin/env python3
"""Measures inference against PyTorch and ONNX Runtime: seconds, peak memory and how far the results differ.

    scripts/bench/make_full_size.py --out DIR
    cargo build --release -p imgeval-vision --example inference
    scripts/bench/inference.py --weights DIR [--binary target/release/examples/inference] [--rounds 5] [--threads 2]
        [--only clip-1,clip-8,mask2former] [--without ours,pytorch,onnxruntime] [--json FILE]

Needs numpy, Pillow, torch, transformers, scipy and onnxruntime. Every contender is a process of its own that stays alive; rounds
go to them in turn, so that a machine that slows down slows all of them, with a pause before each so that idle threads of the
others have stopped spinning. The first round is not counted. Decoding and loading are outside the measured time; normalised
values are the same for all.

A contender is started as

    COMMAND clip|mask2former MODEL_FOLDER PICTURE BATCH OUTPUT_STEM

MODEL_FOLDER is DIR/clip or DIR/mask2former, PICTURE a PNG of the model's input size, which it repeats BATCH times. It prints one
JSON object a line: {"ready": true, "load_seconds": ...} when loaded; {"seconds": ...} after each line `go` that it reads;
and at the end of its input {"peak_rss_bytes": ...}, after which it exits. After its first round it writes OUTPUT_STEM.embeddings.npy
([BATCH, 768]), or OUTPUT_STEM.classes.npy ([BATCH, 100, 81]) and OUTPUT_STEM.masks.npy ([BATCH, 100, 200, 200]), f32. Peak
memory is the process's highest resident set (VmHWM), libraries and loading included. Ours gets RAYON_NUM_THREADS.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

# model, batch, exported file, names of the outputs
CASES = {
    "clip-1": ("clip", 1, "clip_image_1.onnx", ["embeddings"]),
    "clip-8": ("clip", 8, "clip_image_8.onnx", ["embeddings"]),
    "mask2former": ("mask2former", 1, "mask2former_800.onnx", ["classes", "masks"]),
}
NORMALISATION = {  # on values of 0 to 255
    "clip": (np.array([0.48145466, 0.4578275, 0.40821073]) * 255, np.array([0.26862954, 0.26130258, 0.27577711]) * 255),
    "mask2former": (np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])),
}
PAUSE_SECONDS = 0.5


def read_input(model, picture, batch):
    from PIL import Image

    mean, deviation = NORMALISATION[model]
    values = (np.asarray(Image.open(picture).convert("RGB"), np.float64) - mean) / deviation
    return np.repeat(values.transpose(2, 0, 1)[None].astype(np.float32), batch, axis=0)


def load_pytorch(model, folder, threads):
    import torch
    from transformers import CLIPModel, Mask2FormerForUniversalSegmentation

    torch.set_num_threads(threads)
    if model == "clip":
        network = CLIPModel.from_pretrained(folder).eval()

        def run(values):
            return [network.visual_projection(network.vision_model(pixel_values=torch.from_numpy(values)).pooler_output)]
    else:
        network = Mask2FormerForUniversalSegmentation.from_pretrained(folder).eval()

        def run(values):
            outputs = network(pixel_values=torch.from_numpy(values))
            return [outputs.class_queries_logits, outputs.masks_queries_logits]

    def inferred(values):
        with torch.inference_mode():
            return [output.numpy() for output in run(values)]
    return inferred


def load_onnxruntime(exported, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(exported), options, providers=["CPUExecutionProvider"])
    return lambda values: session.run(None, {"pixel_values": values})


def peak_memory():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def contend(library, threads, model, folder, picture, batch, stem):
    """One of the two Python contenders."""
    def say(**fields):
        print(json.dumps(fields), flush=True)

    case = next(case for case in CASES.values() if case[:2] == (model, int(batch)))
    started = time.perf_counter()
    if library == "pytorch":
        run = load_pytorch(model, folder, threads)
    else:
        run = load_onnxruntime(Path(folder).parent / case[2], threads)
    values = read_input(model, picture, int(batch))
    say(ready=True, load_seconds=time.perf_counter() - started)
    is_written = False
    for _ in sys.stdin:
        started = time.perf_counter()
        outputs = run(values)
        seconds = time.perf_counter() - started
        if not is_written:
            for name, output in zip(case[3], outputs):
                np.save(f"{stem}.{name}.npy", output)
            is_written = True
        say(seconds=seconds)
    say(peak_rss_bytes=peak_memory())


class Contender:
    def __init__(self, name, command, environment, log):
        self.name, self.log = name, log
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.open("w"),
                                        text=True, env=os.environ | environment)
        self.load_seconds = self.answer()["load_seconds"]
        self.seconds, self.peak = [], None

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            lines = self.log.read_text().strip().splitlines()
            raise RuntimeError(f"{self.name} stopped: {lines[-1] if lines else 'no message'}")
        return json.loads(line)

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.answer()["seconds"]

    def finish(self):
        self.process.stdin.close()
        self.peak = self.answer()["peak_rss_bytes"]
        self.process.wait()


def difference(stem, other, names):
    """Largest difference relative to the largest value, over all outputs."""
    worst = 0.0
    for name in names:
        found, wanted = np.load(f"{stem}.{name}.npy"), np.load(f"{other}.{name}.npy")
        if found.shape != wanted.shape:
            return f"{name} has the shape {list(found.shape)} instead of {list(wanted.shape)}"
        worst = max(worst, float(np.abs(found - wanted).max() / np.abs(wanted).max()))
    return worst


def measure(case, arguments, folder):
    model, batch, exported, names = CASES[case]
    commands = {library: [sys.executable, __file__, "--contend", library, "--threads", str(arguments.threads)]
                for library in ("pytorch", "onnxruntime")} | {"ours": [str(arguments.binary)]}
    environment = {"RAYON_NUM_THREADS": str(arguments.threads), "OMP_NUM_THREADS": str(arguments.threads)}
    contenders = []
    for name in ("pytorch", "onnxruntime", "ours"):
        is_missing = name == "onnxruntime" and not (arguments.weights / exported).exists()
        is_missing |= name == "ours" and not arguments.binary.exists()
        if name in arguments.without or is_missing:
            continue
        command = [*commands[name], model, str(arguments.weights / model), str(arguments.weights / f"{model}.png"), str(batch),
                   str(folder / f"{case}-{name}")]
        try:
            contenders.append(Contender(name, command, environment, folder / f"{case}-{name}.log"))
        except RuntimeError as error:
            print(f"{case}: {error}", flush=True)
    for round_number in range(arguments.rounds + 1):
        for contender in contenders:
            time.sleep(PAUSE_SECONDS)
            seconds = contender.go()
            if round_number:
                contender.seconds.append(seconds)
    rows = {}
    for contender in contenders:
        contender.finish()
        rows[contender.name] = {"load_seconds": contender.load_seconds, "seconds": contender.seconds,
                                "median_seconds": statistics.median(contender.seconds), "peak_rss_bytes": contender.peak}
        if contender.name != "pytorch" and "pytorch" in rows:
            rows[contender.name]["relative_difference"] = difference(
                folder / f"{case}-{contender.name}", folder / f"{case}-pytorch", names)
    return rows


def show(case, rows, threads):
    print(f"\n{case}, {threads} threads")
    print(f"{'':<12} {'median':>9} {'fastest':>9} {'load':>8} {'peak':>10} {'difference':>11}")
    for name, row in rows.items():
        worst = row.get("relative_difference", "-")
        worst = f"{worst:.1e}" if isinstance(worst, float) else worst
        print(f"{name:<12} {row['median_seconds']:7.3f} s {min(row['seconds']):7.3f} s {row['load_seconds']:6.1f} s "
              f"{row['peak_rss_bytes'] / 2**20:6.0f} MiB {worst:>11}")
    for other in ("pytorch", "onnxruntime"):
        if "ours" in rows and other in rows:
            time_ratio = rows["ours"]["median_seconds"] / rows[other]["median_seconds"]
            peak_ratio = rows["ours"]["peak_rss_bytes"] / rows[other]["peak_rss_bytes"]
            print(f"ours / {other}: time {time_ratio:.2f}, peak memory {peak_ratio:.2f}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--binary", type=Path, default=Path("target/release/examples/inference"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES))
    parser.add_argument("--without", type=lambda text: text.split(","), default=[])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--contend", help=argparse.SUPPRESS)
    arguments, rest = parser.parse_known_args()
    if arguments.contend:
        return contend(arguments.contend, arguments.threads, *rest)
    if rest or not arguments.weights or arguments.rounds < 1 or set(arguments.only) - set(CASES):
        parser.error("--weights DIR is needed; see the beginning of this file")
    if "ours" not in arguments.without and not arguments.binary.exists():
        print(f"{arguments.binary} does not exist: only the others are measured")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in arguments.only:
            results[case] = measure(case, arguments, Path(folder))
            show(case, results[case], arguments.threads)
    if arguments.json:
        arguments.json.write_text(json.dumps({"threads": arguments.threads, "cases": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
