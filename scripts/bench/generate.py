"""What imgeval itself costs per generated image: against a local provider that answers at once.

    cargo build --release --bin imgeval && cargo build --release -p imgeval-clients --example instant_server
    python scripts/bench/generate.py [--items 5000] [--concurrency 64]

Each reply is another PNG of about 1 MB (1.4 MB of base64 in JSON); imgeval receives, decodes, hashes, checks and
stores it with fsync. The provider runs on the same cores, so wall time holds its work too; the processor time of
imgeval alone is told beside it. A plain loop that writes and syncs files of that size with the same number of threads
stands beside it, as a floor for what the disk allows. Needs Python 3.9 or newer on Linux and nothing else.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def disk_floor(folder, items, threads):
    """Seconds to write, sync and rename as many files of 1 MB."""
    noise = os.urandom(1_046_000)
    numbers = iter(range(items))
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            temporary = folder / f"{number}.writing"
            with open(temporary, "wb") as file:
                file.write(noise)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(folder / f"{number}.png")

    began = time.monotonic()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="imgeval-bench-"))
    server = subprocess.Popen(
        [ROOT / "target/release/examples/instant_server"], stdout=subprocess.PIPE, text=True
    )
    try:
        base_url = server.stdout.readline().strip()
        cases = folder / "cases.jsonl"
        with open(cases, "w") as file:
            for number in range(options.items):
                file.write(json.dumps({"id": f"{number:05}", "prompt": f"picture {number}"}) + "\n")
        command = [ROOT / "target/release/imgeval", "--quiet", "generate", "--cases", cases, "--samples", "1"]
        command += ["--model", "openai:bench", "--base-url", base_url, "--run", folder / "run", "--json"]
        command += ["--concurrency", str(options.concurrency)]
        environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "OPENAI_API_KEY": "no-key-needed-here"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if result.returncode:
            raise SystemExit(f"imgeval ended with {result.returncode}: {result.stdout}")
        made = {row["outcome"]: row["count"] for row in json.loads(result.stdout)["outcomes"]}["made"]
        if made != options.items:
            raise SystemExit(f"{made} images made, not {options.items}")
        processor = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
        shutil.rmtree(folder / "run")
        floor_folder = folder / "floor"
        floor_folder.mkdir()
        floor = disk_floor(floor_folder, options.items, 8)
        print(f"{options.items} images of 1 MB, {options.concurrency} at a time, {os.cpu_count()} cores")
        print(f"wall time      {1000 * wall / options.items:6.2f} ms an image (the provider's work included)")
        print(f"processor time {1000 * processor / options.items:6.2f} ms an image, imgeval alone, all cores")
        print(f"disk floor     {1000 * floor / options.items:6.2f} ms an image to write, sync and rename it")
        print(f"peak memory    {after.ru_maxrss / 1024:6.0f} MiB")
    finally:
        server.kill()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
