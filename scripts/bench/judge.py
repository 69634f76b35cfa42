"""What imgeval itself costs per judged image: WISE's 1,000 prompts against a local judge that answers at once.

    cargo build --release --bin imgeval && cargo build --release -p imgeval-clients --example instant_judge
    python scripts/bench/judge.py --wise FOLDER [--samples 4] [--concurrency 96] [--kilobytes 300]

FOLDER is a clone of WISE's repository or holds its files: its prompts are what is judged, its script's wording what is
asked. The images are PNG files of noise. A plain Python client with as many threads (read the file, base64, send,
read the answer, write nothing down), as the official scripts work, stands beside it in the same run. The judge runs on
the same cores, so wall time holds its work too; processor time of the clients alone is told beside it. Needs Python 3.9
or newer on Linux and nothing else.
"""

import argparse
import base64
import http.client
import json
import os
import random
import resource
import shutil
import struct
import subprocess
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]


def png(seed, kilobytes):
    """An uncompressed PNG of noise of about this size."""
    side = max(8, int((kilobytes * 1024 / 3) ** 0.5))
    noise = random.Random(seed).randbytes(side * side * 3)
    rows = b"".join(b"\0" + noise[row * side * 3 : (row + 1) * side * 3] for row in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def imgeval(arguments, home, accepted=(0,)):
    command = [ROOT / "target/release/imgeval", "--quiet", *arguments]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    before, began = children(), time.monotonic()
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if result.returncode not in accepted:
        raise SystemExit(f"imgeval ended with {result.returncode}: {result.stdout}")
    return time.monotonic() - began, children() - before, result.stdout


def plain_client(url, images, threads):
    """Seconds of wall and processor time for the same requests without keeping anything."""
    address = urlsplit(url)

    def ask(path):
        data = base64.b64encode(path.read_bytes()).decode()
        text = "x" * 4500
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        body = {"model": "bench", "messages": [{"role": "user", "content": [{"type": "text", "text": text}, image]}]}
        connection = http.client.HTTPConnection(address.hostname, address.port)
        connection.request("POST", f"{address.path}/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["choices"][0]["message"]["content"]

    before, began = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(ask, images))
    assert all(answers)
    return time.monotonic() - began, time.process_time() - before


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wise", required=True)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--concurrency", type=int, default=96)
    parser.add_argument("--kilobytes", type=int, default=300)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="imgeval-bench-"))
    judge = subprocess.Popen(
        [ROOT / "target/release/examples/instant_judge", "--format", "wise-legacy"], stdout=subprocess.PIPE, text=True
    )
    try:
        url = judge.stdout.readline().strip()
        images = folder / "images"
        images.mkdir()
        for prompt in range(1, 1001):
            for sample in range(options.samples):
                (images / f"{prompt}_{sample}.png").write_bytes(png(prompt * 100 + sample, options.kilobytes))
        suites = ["--suites-dir", folder / "suites"]
        imgeval(["suites", "fetch", "wise", "--from", options.wise, *suites], folder, accepted=(0, 4))
        run = folder / "run"
        imgeval(["import", "wise-legacy", images, "--run", run, *suites], folder)
        command = ["observe", run, "--judge", f"{url}#bench", "--judge-concurrency", str(options.concurrency), *suites]
        wall, processor, _ = imgeval(command, folder)
        n = 1000 * options.samples
        again, _, _ = imgeval(command, folder)
        scoring, _, scored = imgeval(["score", run, "--json"], folder)
        judged = sum(row["images_scored"] for row in json.loads(scored)["judges"][0]["scores"] if row["name"] != "overall")
        assert judged == n, judged
        plain_wall, plain_processor = plain_client(url, sorted(images.iterdir()), options.concurrency)
        print(f"{n} images of {options.kilobytes} kB, {options.concurrency} at a time")
        print(f"imgeval: {1000 * wall / n:.2f} ms wall, {1000 * processor / n:.2f} ms processor time an image")
        print(f"plain Python client: {1000 * plain_wall / n:.2f} ms wall, {1000 * plain_processor / n:.2f} ms processor time")
        print(f"ratio: {wall / plain_wall:.2f} of its wall time, {processor / plain_processor:.2f} of its processor time")
        print(f"nothing left to judge: {again:.2f} s; scoring: {scoring:.2f} s")
    finally:
        judge.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
