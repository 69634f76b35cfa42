#!/usr/bin/env python3
"""Measures what the reward server costs beside the detector: time for each image, waiting of requests, and memory.

    cargo build --release -p imgeval-rewards --example table_server
    scripts/bench/rewards.py [--server target/release/examples/table_server] [--requests 2000] [--images 8] [--connections 16] [--bytes 50000]

The server answers from an empty table of detections, so that what is measured is the wire: HTTP, the pickle, hashing, turns and the
answer. Every image is new, so that nothing comes from the cache. It is measured twice: alone, and beside 300 idle connections, 50 bodies
that are sent half, and a client that breaks off a request every 20 ms. The clients are processes of their own, in Python, and share the
machine with the server. Needs only Python, on Linux.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CASE = {"tag": "single_object", "include": [{"class": "dog", "count": 1}], "prompt": "a photo of a dog"}
N_IDLE, N_HALF = 300, 50


def client(address, n_requests, n_images, n_bytes, ready, results):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=600)
    base, seconds = os.urandom(n_bytes), []
    ready.wait()
    for _ in range(n_requests):
        images = [os.urandom(16) + base for _ in range(n_images)]
        body = pickle.dumps({"images": images, "meta_datas": [CASE] * n_images, "only_strict": False})
        began = time.perf_counter()
        connection.request("POST", "/", body)
        answer = connection.getresponse()
        content = answer.read()
        seconds.append(time.perf_counter() - began)
        if answer.status != 200 or len(pickle.loads(content)["scores"]) != n_images:
            results.put(f"status {answer.status}: {content[:200]}")
            return
    results.put(seconds)


def run(address, options):
    # A fork would copy the locks of the thread that disturbs.
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    each = options.requests // options.connections
    ready = context.Barrier(options.connections + 1)
    arguments = (address, each, options.images, options.bytes, ready, results)
    clients = [context.Process(target=client, args=arguments) for _ in range(options.connections)]
    for one in clients:
        one.start()
    ready.wait()
    began = time.perf_counter()
    found = [results.get() for _ in clients]
    wall = time.perf_counter() - began
    for one in clients:
        one.join()
    for problem in found:
        if isinstance(problem, str):
            sys.exit(f"rewards: a client was refused: {problem}")
    seconds = sorted(second for part in found for second in part)
    return wall, seconds


def disturb(address, until):
    host, port = address.rsplit(":", 1)
    place = (host, int(port))
    held = [socket.create_connection(place) for _ in range(N_IDLE + N_HALF)]
    for half in held[N_IDLE:]:
        half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50000)
    body = pickle.dumps({"images": [b"x" * 1000], "meta_datas": [CASE], "only_strict": False})
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    while not until.wait(0.02):
        with socket.create_connection(place) as gone:
            gone.sendall(head + body)


def resident(process):
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, default=ROOT / "target/release/examples/table_server")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--bytes", type=int, default=50_000)
    parser.add_argument("--minutes", type=float, default=0, help="go on alone for so long, and watch the memory")
    options = parser.parse_args()
    with subprocess.Popen([options.server, "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        address = server.stdout.readline().strip()
        try:
            for name in ("alone", "disturbed"):
                until = threading.Event()
                nuisance = threading.Thread(target=disturb, args=(address, until), daemon=True)
                if name == "disturbed":
                    nuisance.start()
                wall, seconds = run(address, options)
                until.set()
                if name == "disturbed":
                    nuisance.join()
                n_images = len(seconds) * options.images
                print(json.dumps({
                    "run": name, "images": n_images, "wall_s": round(wall, 2), "ms_per_image": round(1000 * wall / n_images, 3),
                    "p50_ms": round(1000 * seconds[len(seconds) // 2], 1), "p99_ms": round(1000 * seconds[len(seconds) * 99 // 100], 1),
                    "resident_mib": round(resident(server), 1),
                }))
            end = time.monotonic() + 60 * options.minutes
            while time.monotonic() < end:
                run(address, options)
                print(json.dumps({"run": "memory", "resident_mib": round(resident(server), 1)}))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
