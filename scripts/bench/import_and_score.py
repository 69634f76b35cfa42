#!/usr/bin/env python3
"""Measures import, observation and rescoring of many tiny images: seconds and peak memory of each command.

    scripts/bench/import_and_score.py [--images 10000] [--observe]

Needs a release build (`cargo build --release`) and nothing but Python's standard library. Observing takes minutes (about
0.05 s an image) and the preview weights; without it, rescoring has no evidence to read and is left out.
"""

import argparse
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import time
import zlib

IMGEVAL = pathlib.Path(__file__).resolve().parents[2] / "target/release/imgeval"


def png(seed: int, side: int = 16) -> bytes:
    """A picture of random pixels, different for every seed."""
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(3 * side) for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make_images(root: pathlib.Path, count: int) -> None:
    """Images in GenEval's layout, spread evenly over the official prompts."""
    command = [IMGEVAL, "prompts", "geneval", "--format", "metadata"]
    metadata = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    for number in range(count):
        sample, index = divmod(number, len(metadata))
        folder = root / f"{index:05}"
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        if sample == 0:
            (folder / "metadata.jsonl").write_text(metadata[index] + "\n")
        (folder / "samples" / f"{sample:04}.png").write_bytes(png(number))


def measure(name: str, *arguments: str) -> None:
    started = time.perf_counter()
    process = subprocess.Popen([IMGEVAL, "--quiet", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = status
    print(f"{name:<28} {seconds:8.2f} s  {usage.ru_maxrss / 1024:7.1f} MiB  exit {status >> 8}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--observe", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images, run = pathlib.Path(folder, "images"), pathlib.Path(folder, "run")
        make_images(images, arguments.images)
        print(f"{arguments.images} images of 16x16 pixels")
        measure("import", "import", "geneval", str(images), "--run", str(run))
        measure("import again, unchanged", "import", "geneval", str(images), "--run", str(run))
        if arguments.observe:
            measure("observe", "observe", str(run))
            measure("score", "score", str(run))
            measure("score, other threshold", "score", str(run), "--threshold", "0.5")
            measure("export", "export", str(run), "--geneval-results", str(pathlib.Path(folder, "rows.jsonl")))


if __name__ == "__main__":
    main()
