"""Stops imgeval at random moments and shows that nothing finished is lost or bought twice.

    cargo build --release --bin imgeval
    python scripts/bench/kills.py [generate judge report train label] [--stops 30] [--seed 0] [--binary FILE]

SIGKILL, SIGTERM and SIGHUP in turn, each followed by a new start, until as many stops were made; then once to the end.

  generate, judge  A local server answers each request after a random time and writes down every request. In the end every
                   item has exactly one accepted answer, and an image's bytes are those that were sent for it; what was
                   finished at a stop was never asked for again; what was asked for again was under way at a SIGKILL.
                   SIGTERM and SIGHUP leave nothing under way.
  report, train    The folder or probe in the end is, byte for byte, what an undisturbed start writes.
  label            Every label that the server had confirmed is on record at the next start.

Fails otherwise. Needs Python 3.9 or newer on Linux or macOS and nothing else.
"""

import argparse
import base64
import collections
import hashlib
import http.client
import itertools
import json
import os
import random
import re
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
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP]
INTERRUPTED = 130


def png(rows, width):
    """A PNG of rows of RGB bytes."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    data = b"".join(b"\0" + row for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def picture(number):
    """One of its own for each number."""
    return png([struct.pack(">Q", number * 64 + row) * 3 for row in range(8)], 8)


def texture(number, is_smooth):
    """64 pixels square: noise, or noise averaged over its neighbours."""
    side = 64
    noise = random.Random(number).randbytes((side + 2) * (side + 2) * 3)
    pixel = lambda row, column, channel: noise[(row * (side + 2) + column) * 3 + channel]
    rows = []
    for row in range(side):
        values = bytearray()
        for column, channel in itertools.product(range(side), range(3)):
            if is_smooth:
                around = [pixel(row + a, column + b, channel) for a in range(3) for b in range(3)]
                values.append(sum(around) // 9)
            else:
                values.append(pixel(row, column, channel))
        rows.append(bytes(values))
    return png(rows, side)


class Provider(ThreadingHTTPServer):
    """Answers requests for images and questions to a judge; `calls` holds the item of each request."""

    daemon_threads = True

    def __init__(self, seed):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.calls = []
        self.sent = collections.defaultdict(set)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """A client that was killed is no error."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        text = self.rfile.read(int(self.headers["content-length"])).decode()
        item = re.search(r"item-\d{5}", text).group()
        with self.server.lock:
            number = len(self.server.calls)
            self.server.calls.append(item)
            delay = self.server.random.uniform(0.02, 0.25)
        if "images" in self.path:
            image = picture(number)
            with self.server.lock:
                self.server.sent[item].add(hashlib.sha256(image).hexdigest())
            reply = {"created": 1, "data": [{"b64_json": base64.b64encode(image).decode()}]}
        else:
            said = json.dumps({"score": [number % 11, 5], "reasoning": ""})
            reply = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}]}
        time.sleep(delay)
        reply = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


class Bench:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.random = random.Random(options.seed)
        self.environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "OPENAI_API_KEY": "no-key-needed-here"}

    def start(self, arguments, **more):
        command = [self.options.binary, "--quiet", *map(str, arguments)]
        more = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(command, env=self.environment, text=True, **more)

    def finish(self, arguments, accepted=(0,)):
        process = self.start(arguments)
        errors = process.communicate()[1]
        assert process.returncode in accepted, f"{arguments[0]} ended with {process.returncode}: {errors}"

    def stop(self, process, how, longest):
        """Whether it was still running; what it then ended with is checked."""
        time.sleep(self.random.uniform(0.01, longest))
        if process.poll() is not None:
            errors = process.communicate()[1]
            assert process.returncode == 0, f"ended with {process.returncode}: {errors}"
            return False
        process.send_signal(how)
        errors = process.communicate(timeout=60)[1]
        # It may end by itself just then.
        usual = [-how, 0] if how == signal.SIGKILL else [-how, INTERRUPTED, 0]
        assert process.returncode in usual, f"after {how.name} ended with {process.returncode}: {errors}"
        return True

    def rows(self, run, query):
        path = run / "run.db"
        if not path.exists():
            return []
        with sqlite3.connect(path) as database:
            try:
                return database.execute(query).fetchall()
            except sqlite3.OperationalError:
                # Stopped before there were tables.
                return []


def stop_paid_work(bench, name, arguments, run, provider, items, query):
    """`query` gives the finished items' places in `items`."""
    under_way, stops, finished = set(), collections.Counter(), {}
    for how in itertools.islice(itertools.cycle(SIGNALS), bench.options.stops):
        process = bench.start(arguments)
        if not bench.stop(process, how, bench.options.longest):
            break
        stops[how.name] += 1
        # What a killed client had asked for is not its successor's doing.
        time.sleep(0.3)
        # Those of an earlier stop stay on record until a start gets as far as counting them.
        calls = set(bench.rows(run, "SELECT work_key, began_ms FROM calls_in_flight")) - under_way
        assert how == signal.SIGKILL or not calls, f"{how.name} left {len(calls)} calls under way"
        under_way |= calls
        asked = collections.Counter(provider.calls)
        for item, before in finished.items():
            assert asked[item] == before, f"{item} was finished and asked for again"
        finished = {items[key]: asked[items[key]] for (key,) in bench.rows(run, query)}
    at_last_stop = len(finished)
    bench.finish(arguments)
    asked = collections.Counter(provider.calls)
    for item, before in finished.items():
        assert asked[item] == before, f"{item} was finished and asked for again"
    done = [items[key] for (key,) in bench.rows(run, query)]
    assert sorted(done) == sorted(items.values()), "an item has no accepted answer, or more than one"
    assert bench.rows(run, "SELECT count(*) FROM calls_in_flight") == [(0,)], "a call is still noted as under way"
    repeated = len(provider.calls) - len(items)
    assert repeated <= len(under_way), f"{repeated} repeated calls, but only {len(under_way)} were under way"
    shown = ", ".join(f"{count} {how}" for how, count in stops.items())
    print(f"{name}: {shown} over {len(items)} items, {at_last_stop} finished at the last stop; {len(provider.calls)} calls, "
          f"{repeated} repeated, {len(under_way)} under way at SIGKILL")


def prepare_generation(bench, count):
    cases = bench.folder / "cases.jsonl"
    items = {f"{number:05}": f"item-{number:05}" for number in range(count)}
    cases.write_text("".join(json.dumps({"id": id, "prompt": item}) + "\n" for id, item in items.items()))
    return cases, items


def stop_generate(bench):
    provider = Provider(bench.options.seed)
    cases, items = prepare_generation(bench, 400)
    run = bench.folder / "generated"
    arguments = ["generate", "--cases", cases, "--samples", 1, "--model", "openai:stopped", "--base-url", provider.url]
    arguments += ["--run", run, "--concurrency", 8]
    done = "SELECT case_id FROM samples WHERE outcome = 'done'"
    stop_paid_work(bench, "generate", arguments, run, provider, items, done)
    for case, image in bench.rows(run, "SELECT case_id, image_sha256 FROM samples"):
        assert image in provider.sent[items[case]], f"{case} holds an image that was never sent for it"
        file = run / "images" / image[:2] / f"{image}.png"
        assert hashlib.sha256(file.read_bytes()).hexdigest() == image, f"the image of {case} is damaged"
    provider.shutdown()


def edited_run(bench, count):
    """A run of made-up edits; its items by case."""
    benchmark, edited = bench.folder / "benchmark/1-Left-Right", bench.folder / "edited/LeftRight_metrics_1"
    for folder in (benchmark, edited):
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        (benchmark / f"{number:04}.png").write_bytes(picture(number))
        (benchmark / f"{number:04}_mask.png").write_bytes(picture(number))
        (edited / f"{number:04}.png").write_bytes(picture(10_000 + number))
    lines = [f"Paint item-{number:05}. CLIP: a painted cup\n" for number in range(1, count + 1)]
    (benchmark / "Left_Right_text.txt").write_text("".join(lines))
    run = bench.folder / "edits"
    suites = ["--suites-dir", bench.folder / "suites"]
    bench.finish(["suites", "fetch", "reason-edit", "--from", bench.folder / "benchmark", *suites])
    bench.finish(["import", "reason-edit", bench.folder / "edited", "--run", run, *suites], accepted=(0, 4))
    cases = [case for (case,) in bench.rows(run, "SELECT case_id FROM samples WHERE outcome = 'done' ORDER BY case_id")]
    assert len(cases) == count, f"{len(cases)} of {count} edits were imported"
    return run, {case: f"item-{number:05}" for number, case in enumerate(cases, 1)}


def stop_judge(bench):
    provider = Provider(bench.options.seed)
    run, items = edited_run(bench, 300)
    arguments = ["observe", run, "--judge", f"{provider.url}#m", "--judge-concurrency", 8, "--no-metrics"]
    done = "SELECT case_id FROM judgments WHERE outcome = 'done'"
    stop_paid_work(bench, "judge", arguments, run, provider, items, done)
    provider.shutdown()


def contents(place):
    if place.is_file():
        return {"": place.read_bytes()}
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def stop_free_work(bench, name, arguments, undisturbed, stopped):
    """`arguments` take the place of the result."""
    began = time.monotonic()
    bench.finish(arguments(undisturbed))
    longest = time.monotonic() - began
    stops, finished = collections.Counter(), 0
    for how in itertools.islice(itertools.cycle(SIGNALS), bench.options.stops):
        process = bench.start(arguments(stopped))
        if bench.stop(process, how, longest):
            stops[how.name] += 1
        else:
            finished += 1
            shutil.rmtree(stopped) if stopped.is_dir() else stopped.unlink()
    bench.finish(arguments(stopped))
    expected, found = contents(undisturbed), contents(stopped)
    assert expected.keys() == found.keys(), f"other files: {expected.keys() ^ found.keys()}"
    differing = [path for path in expected if expected[path] != found[path]]
    assert not differing, f"other bytes: {differing}"
    litter = [path for path in stopped.parent.rglob(".*") if path.is_file() and path.name.startswith(".writing-")]
    shown = ", ".join(f"{count} {how}" for how, count in stops.items())
    print(f"{name}: {shown} within {longest:.1f} s of work, {finished} too late; {len(found)} files as of an undisturbed start, "
          f"{len(litter)} temporary files left")
    assert not litter, f"left over: {litter}"


def stop_report(bench):
    run, _ = edited_run(bench, 300)
    stop_free_work(bench, "report", lambda out: ["report", run, "--out", out], bench.folder / "page-a/page", bench.folder / "page-b/page")


def stop_train(bench):
    for is_smooth, name in [(True, "smooth"), (False, "rough")]:
        folder = bench.folder / name
        folder.mkdir()
        for number in range(30):
            (folder / f"{number:03}.png").write_bytes(texture(number + 1000 * is_smooth, is_smooth))
    classes = [f"--class={name}={bench.folder / name}" for name in ("smooth", "rough")]

    def arguments(out):
        return ["diagnose", "architecture", "train", *classes, "--probe", "residual", "--epochs", 4, "--out", out]

    for folder in ("probe-a", "probe-b"):
        (bench.folder / folder).mkdir()
    stop_free_work(bench, "train", arguments, bench.folder / "probe-a/probe", bench.folder / "probe-b/probe")


class LabelPage:
    """`imgeval label`, asked as its page asks it."""

    def __init__(self, bench, run):
        self.process = bench.start(["label", run, "--port", 0])
        greeting = self.process.stderr.readline()
        self.host = greeting.split("http://")[1].split("/")[0]

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            headers = {"content-type": "application/json", "origin": f"http://{self.host}"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, f"{path}: {answer.status} {text}"
            return json.loads(text)
        finally:
            connection.close()


def stop_label(bench):
    run, items = edited_run(bench, 300)
    confirmed, at_once = {}, {}
    stops = collections.Counter()
    for how in itertools.islice(itertools.cycle([*SIGNALS, None]), bench.options.stops + 1):
        page = LabelPage(bench, run)
        state = page.ask("GET", "/api/state?rater=ada")
        assert confirmed.keys() <= set(state["labelled"]), "a confirmed label is gone"
        for place, values in confirmed.items():
            shown = page.ask("GET", f"/api/item/{place}?rater=ada")["values"]
            assert shown in (values, at_once.get(place)), f"another label of {place}: {shown} for {values}"
            confirmed[place] = shown
        ends = threading.Timer(bench.random.uniform(0.05, 0.5), lambda: page.process.send_signal(how or signal.SIGTERM))
        ends.start()
        try:
            while True:
                place = bench.random.randrange(len(items))
                values = [float(bench.random.randrange(11)) for _ in range(2)]
                key = page.ask("GET", f"/api/item/{place}?rater=ada")["key"]
                at_once = {place: values}
                page.ask("POST", "/api/label", {"run": state["run"], "rater": "ada", "key": key, "values": values})
                confirmed[place], at_once = values, {}
        except (OSError, http.client.HTTPException):
            page.process.wait()
        ends.join()
        stops[(how or signal.SIGTERM).name] += 1
    shown = ", ".join(f"{count} {how}" for how, count in stops.items())
    print(f"label: {shown}; {len(confirmed)} images labelled, every confirmed label was there at the next start")


WORK = {"generate": stop_generate, "judge": stop_judge, "report": stop_report, "train": stop_train, "label": stop_label}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", nargs="*", metavar="WORK", help=f"any of {', '.join(WORK)} [default: all]")
    parser.add_argument("--stops", type=int, default=30)
    parser.add_argument("--longest", type=float, default=0.5, help="seconds until a stop of paid work, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/imgeval")
    options = parser.parse_args()
    for name in options.work or WORK:
        folder = Path(tempfile.mkdtemp(prefix="imgeval-kills-"))
        try:
            WORK[name](Bench(folder, options))
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
