"""Kills `imgeval generate` with SIGKILL at random moments and shows that nothing paid for is lost or bought twice.

    cargo build --release --bin imgeval
    python scripts/bench/kill_generate.py [--items 400] [--kills 50] [--seed 0]

A local provider answers each request after a random time with a picture of its own and writes down every request. After
each kill the run's database says which items are finished and which calls were under way. In the end: every item has
exactly one accepted sample, with bytes that the provider sent for it; no item was asked for again once it was
finished; and items were asked for again at most as often as calls were under way at the kills. Fails otherwise.
Needs Python 3.9 or newer and nothing else.
"""

import argparse
import base64
import collections
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def picture(number):
    """A PNG of its own for each number."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + struct.pack(">Q", number * 64 + row) * 3 for row in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Provider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, seed):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.calls = []
        self.sent = collections.defaultdict(set)

    def handle_error(self, request, client_address):
        """A client that was killed is no error."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            number = len(self.server.calls)
            self.server.calls.append(body["prompt"])
            delay = self.server.random.uniform(0.02, 0.25)
        png = picture(number)
        with self.server.lock:
            self.server.sent[body["prompt"]].add(hashlib.sha256(png).hexdigest())
        time.sleep(delay)
        reply = json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(png).decode()}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


def read_run(run):
    """Finished items with their images, and the number of calls that were under way."""
    path = run / "run.db"
    if not path.exists():
        return {}, 0
    with sqlite3.connect(path) as database:
        try:
            done = dict(database.execute("SELECT case_id, image_sha256 FROM samples WHERE outcome = 'done'"))
            return done, database.execute("SELECT count(*) FROM calls_in_flight").fetchone()[0]
        except sqlite3.OperationalError:
            return {}, 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--longest", type=float, default=0.38, help="seconds until a kill, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/imgeval")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="imgeval-kill-"))
    provider = Provider(options.seed)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    try:
        cases = folder / "cases.jsonl"
        ids = [f"{number:05}" for number in range(options.items)]
        cases.write_text("".join(json.dumps({"id": id, "prompt": f"item {id}"}) + "\n" for id in ids))
        run = folder / "run"
        command = [options.binary, "--quiet", "generate", "--cases", cases, "--samples", "1", "--model", "openai:killed"]
        command += ["--base-url", f"http://127.0.0.1:{provider.server_port}/v1", "--run", run]
        command += ["--concurrency", str(options.concurrency)]
        environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "OPENAI_API_KEY": "no-key-needed-here"}
        kills, under_way, finished_early = 0, 0, 0
        while kills < options.kills:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            time.sleep(moments.uniform(0.02, options.longest))
            if process.poll() is not None:
                finished_early += 1
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            # What a killed client had asked for is not its successor's doing.
            time.sleep(0.3)
            done, calls = read_run(run)
            under_way += calls
            asked_then = collections.Counter(provider.calls)
            for id, before in finished.items() if kills > 1 else []:
                assert asked_then[f"item {id}"] == before, f"{id} was finished and asked for again"
            finished = {id: asked_then[f"item {id}"] for id in done}
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert result.returncode == 0, f"the last call ended with {result.returncode}: {result.stdout}"
        done, calls = read_run(run)
        assert sorted(done) == ids, "an item has no accepted sample"
        assert calls == 0, "a call is still noted as under way"
        with sqlite3.connect(run / "run.db") as database:
            rows = database.execute("SELECT count(*) FROM samples WHERE outcome = 'done'").fetchone()[0]
        assert rows == options.items, "an item has more than one accepted sample"
        for id, image in done.items():
            assert image in provider.sent[f"item {id}"], f"{id} holds an image that was never sent for it"
            file = run / "images" / image[:2] / f"{image}.png"
            assert hashlib.sha256(file.read_bytes()).hexdigest() == image, f"the image of {id} is damaged"
        repeated = len(provider.calls) - options.items
        assert repeated <= under_way, f"{repeated} repeated calls, but only {under_way} were under way"
        print(f"{kills} kills over {options.items} items, {options.concurrency} at a time; "
              f"{len(finished)} items were finished at the last kill")
        print(f"{len(provider.calls)} calls in all: {repeated} repeated, {under_way} were under way at the kills")
        print("every item has exactly one accepted sample, with bytes that were sent for it; no finished item was asked again")
        if finished_early:
            print("the work was finished before the last kill")
    finally:
        provider.shutdown()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
