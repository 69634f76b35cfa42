"""Small runs as imgeval wrote them before the redesign, and what it said of them.

    python scripts/reference/old_runs.py IMGEVAL WISE_DATA MODELS [FIXTURES]

IMGEVAL is a build of commit 9ea2641 (version 0.1.0). WISE_DATA holds WISE's files in the folders `legacy` and `verified`;
MODELS holds the preview detector's weights (`imgeval models pull preview`). FIXTURES is
crates/imgeval/tests/fixtures/old_runs unless it is given. Needs Python 3.11 and nothing else.

Pictures are a few pixels large, judges are a server of this script, and all words are its own: the listing of WISE is cut
to some cases whose prompts are replaced. Detections are replaced too, so that there is something to score: the detector's
rows and the formats are those that imgeval wrote. The machine's paths are taken out of the database, which is then packed
into small pages. `geneval-format-2` is such a run in the database's format 2, as it was before generation.

`expected/commands.json` lists calls of IMGEVAL with their exit codes; beside it lies what they printed and wrote.
"""

import collections
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import zlib

COMMIT = "9ea2641"
PORT = 18731
JUDGE = f"http://127.0.0.1:{PORT}"
HERE = pathlib.Path(__file__).resolve().parents[2]

BINARY, WISE_DATA, MODELS = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
FIXTURES = pathlib.Path(sys.argv[4]).resolve() if len(sys.argv) > 4 else HERE / "crates/imgeval/tests/fixtures/old_runs"
WORK = pathlib.Path(tempfile.mkdtemp(prefix="old-runs-"))
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": str(WORK), "IMGEVAL_SUITES_DIR": str(WORK / "suites"), "IMGEVAL_OFFLINE": "1"}


def imgeval(*arguments, cwd=WORK):
    """Calls the old binary; gives what it printed, and the exit code: 0, or 4 where some images could not be used."""
    done = subprocess.run([BINARY, *map(str, arguments)], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode not in (0, 4):
        sys.exit(f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout, done.returncode


def png(seed, width=12, height=8):
    """A picture of few colors whose pixels depend on the seed."""
    def pixel(x, y):
        value = (x // 3 * 37) ^ (y // 2 * 101) ^ (seed * 2654435761 & 0xFFFFFFFF)
        return struct.pack("<I", value & 0xFFFFFFFF)[:3]

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


class Judge(http.server.BaseHTTPRequestHandler):
    """Answers by what it is asked and how often it was asked that; of some questions it never makes anything."""

    answers = []
    asked = collections.Counter()

    def do_POST(self):
        question = self.rfile.read(int(self.headers["content-length"]))
        number = int(hashlib.sha256(question).hexdigest()[:8], 16)
        place = number + Judge.asked[question]
        Judge.asked[question] += 1
        words = "Lovely." if number % 7 == 0 else Judge.answers[place % len(Judge.answers)]
        message = {"role": "assistant", "content": words}
        usage = {"prompt_tokens": 1000, "completion_tokens": 100}
        reply = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def observe(run, model, answers, *more):
    Judge.answers = answers
    imgeval("observe", run, "--judge", f"{JUDGE}#{model}", "--judge-concurrency", 1, *more)


# --- GenEval -----------------------------------------------------------------------------------------------------------

SUITE = ["--seed", "7", "--per-task", "2"]
# One prompt of single objects and all others; of the rest there is no image.
PROMPTS = [0, *range(80, 90)]


def detection(clause, place, found):
    box = [1.0 + 3 * place, 1.0, 3.5 + 3 * place, 6.0]
    if clause.get("position"):
        box = {"left of": [0.0, 1.0, 1.0, 6.0], "right of": [9.0, 1.0, 12.0, 6.0], "above": [1.0, 0.0, 3.5, 0.5],
               "below": [1.0, 7.5, 3.5, 8.0]}[clause["position"][0]]
    return {"class": clause["class"], "score": 0.99 - 0.03125 * place if found else 0.25, "box": box}


COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"]


def geneval(name, seed, is_found):
    """Imports two images a prompt, observes them and puts detections into their places."""
    images = WORK / f"{name}-images"
    metadata = imgeval("prompts", "geneval", *SUITE, "--format", "metadata")[0].splitlines()
    prompts = {}
    for index in PROMPTS:
        folder = images / f"{index:05}"
        write(folder / "metadata.jsonl", metadata[index])
        for sample in range(2):
            data = png(seed + 10 * index + sample)
            prompts[hashlib.sha256(data).hexdigest()] = (index, sample)
            # One file that holds no image.
            write(folder / f"samples/{sample:04}.png", b"no image" if (index, sample) == (81, 1) else data)
    write(images / "notes.txt", "beside the images")
    imgeval("import", "geneval", images, "--run", name, *SUITE)
    imgeval("observe", name, "--detector", "preview", "--models-dir", MODELS)
    with sqlite3.connect(WORK / name / "run.db") as database:
        for image, detector, namer in database.execute("SELECT image_sha256, detector_id, namer_id FROM colors").fetchall():
            index, sample = prompts[image]
            detections, colors = [], []
            for clause in json.loads(metadata[index])["include"]:
                for place in range(clause["count"]):
                    if "color" in clause:
                        scores = [0.0] * 10
                        scores[COLORS.index(clause["color"] if is_found(index, sample) else "red")] = 0.5
                        colors.append({"detection": len(detections), "positive": scores})
                    found = is_found(index, sample) or index % 3 == 0
                    detections.append(detection(clause, place, found))
            payload = {"version": 2, "width": 12, "height": 8, "detections": detections}
            database.execute("UPDATE evidence SET payload = ? WHERE image_sha256 = ? AND detector_id = ?",
                             (json.dumps(payload), image, detector))
            database.execute("UPDATE colors SET payload = ? WHERE image_sha256 = ? AND detector_id = ? AND namer_id = ?",
                             (json.dumps({"version": 1, "colors": colors}), image, detector, namer))
    database.close()


def to_format_2(name):
    """The tables as they were before rounds, generation and judging."""
    with sqlite3.connect(WORK / name / "run.db") as database:
        columns = ("source, file_size, modified_ns, case_id, ordinal, outcome, detail, image_sha256, format, width, height, "
                   "notes")
        for table in ["attempts", "calls_in_flight", "rewrites", "judgments", "judges", "measurements"]:
            database.execute(f"DROP TABLE {table}")
        for index in ["samples_done", "samples_by_id", "samples_by_image"]:
            database.execute(f"DROP INDEX {index}")
        database.executescript(f"""
            ALTER TABLE samples RENAME TO newer;
            CREATE TABLE samples (source TEXT PRIMARY KEY, file_size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
                case_id TEXT NOT NULL, ordinal INTEGER NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL,
                image_sha256 TEXT, format TEXT, width INTEGER, height INTEGER, notes TEXT NOT NULL) STRICT;
            INSERT INTO samples SELECT {columns} FROM newer;
            DROP TABLE newer;
            CREATE UNIQUE INDEX samples_done ON samples (case_id, ordinal) WHERE outcome = 'done';
            CREATE INDEX samples_by_id ON samples (case_id, ordinal);
            CREATE INDEX samples_by_image ON samples (image_sha256);
            PRAGMA user_version = 2;""")
    database.close()


# --- WISE --------------------------------------------------------------------------------------------------------------

SCRIPT = '''
def messages(record, encoded):
    return [
        {"role": "system", "content": "You look at pictures."},
        {"role": "user", "content": [
            {"type": "text", "text": f"Asked was <{record['Prompt']}>, meant is <{record['Explanation']}>."},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
        ]},
    ]
'''
# Of every category at least one.
VERIFIED = [1, 2, 3, 401, 521, 522, 641, 761, 881]
LEGACY = [1, 2, 401, 568, 701]


def fetch_wise():
    clone = WORK / "WISE-main"
    for source, target in [("legacy", "WISE_legacy/data"), ("verified", "data_verified")]:
        shutil.copytree(WISE_DATA / source, clone / target)
    write(clone / "WISE_legacy/gpt_eval.py", SCRIPT)
    write(clone / "vllm_eval.py", SCRIPT)
    imgeval("suites", "fetch", "wise", "--other-scripts", "--from", clone)


def import_wise(name, suite, ids, missing):
    images = WORK / f"{name}-images"
    for case in ids:
        if case not in missing:
            for ordinal in range(2 if case < 500 else 1):
                write(images / (f"{case}_{ordinal}.png" if ordinal else f"{case}.png"), png(5000 + 2 * case + ordinal))
    imgeval("import", suite, images, "--run", name)


def cut_wise(name, ids):
    """Leaves these cases in the listing, in other words."""
    listing = WORK / name / "cases.jsonl"
    lines = []
    for line in listing.read_text().splitlines():
        case = json.loads(line)
        if int(case["id"]) in ids:
            case["rounds"][0]["prompt"] = f"What stands for number {case['id']}"
            case["facts"]["explanation"] = f"The thing of {case['id']}"
            lines.append(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")
    listing.write_text("".join(lines))


def legacy(consistency, realism, aesthetic):
    return f"Consistency: {consistency}\nRealism: {realism}\nAesthetic Quality: {aesthetic}"


def wise_verified():
    import_wise("wise-verified", "wise-verified", VERIFIED, missing=[2])
    answers = ["Score: 1", "<think>0 or 1?</think>\n**Score**: 0", "Score: 1", "?"]
    observe("wise-verified", "first", answers, "--judge-repeats", 2)
    observe("wise-verified", "second", ["Score: 0", "Score: 1", "Score: 1"])
    cut_wise("wise-verified", VERIFIED)


def wise_legacy():
    import_wise("wise-legacy", "wise-legacy", LEGACY, missing=[])
    answers = [legacy(2, 1, 0), legacy(2, 2, 2), legacy(0, 1, 1), legacy(1, 1, 2), legacy(1, 0, 0)]
    observe("wise-legacy", "gpt-4o-2024-05-13", answers)
    cut_wise("wise-legacy", LEGACY)


# --- Reason-Edit -------------------------------------------------------------------------------------------------------

INSTRUCTIONS = {
    ("1-Left-Right", "LeftRight_metrics_1", "Left_Right_text.txt"): ["Turn the left lamp off.", "Remove the right stone."],
    ("4-Color", "Color_metrics_4", "Color_text.txt"): ["Paint the red boat blue."],
    ("6-Reasoning", "Reasoning_metrics_1", "Reason_test.txt"): ["Show what floats as new.", "Remove what burns."],
}


def fetch_reason_edit():
    benchmark = WORK / "benchmark"
    for place, ((folder, _, file), instructions) in enumerate(INSTRUCTIONS.items()):
        for number in range(1, len(instructions) + 1):
            write(benchmark / folder / f"{number:04}.png", png(100 * place + number))
            mask = benchmark / folder / f"{number:04}_mask.png"
            write(mask, png(0, 1, 1) if number > 1 else png(9000 + place))
        write(benchmark / folder / file, "".join(f"{words} CLIP: a thing\n" for words in instructions))
    imgeval("suites", "fetch", "reason-edit", "--from", benchmark)


def gives(first, second):
    return json.dumps({"score": [first, second], "reasoning": "as it looks"})


def reason_edit(name, seed, shift):
    edits = WORK / f"{name}-images"
    for place, ((_, folder, _), instructions) in enumerate(INSTRUCTIONS.items()):
        for number in range(1, len(instructions) + 1):
            if (place, number) != (2, 2):
                write(edits / folder / f"{number:04}.png", png(seed + 100 * place + number))
    imgeval("import", "reason-edit", edits, "--run", name)
    answers = [gives(8 - shift, 6), gives(10, 10 - shift), gives(0, 10), gives(7, 7)]
    observe(name, "m", answers, "--no-metrics", "--judge-repeats", 2)
    observe(name, "n", answers[::-1], "--no-metrics", "--swap-order")
    # Without weights: PSNR, SSIM and MSE.
    imgeval("observe", name, "--models-dir", WORK / "no-models")


# --- One's own cases ---------------------------------------------------------------------------------------------------


MODEL = '''
import base64, json, sys

for number, line in enumerate(sys.stdin):
    request = json.loads(line)
    if request["prompt"] == "more of it":
        answer = {"refused": "there is enough of it"}
    else:
        picture = open(f"made-{number % 2}.png", "rb").read()
        answer = {"image_base64": base64.b64encode(picture).decode(), "revised_prompt": request["prompt"].upper()}
    print(json.dumps({"id": request["id"], **answer}), flush=True)
'''


def own_cases():
    write(WORK / "in.png", png(1))
    write(WORK / "mask.png", png(2))
    write(WORK / "made-0.png", png(3))
    write(WORK / "made-1.png", png(4))
    cases = [
        {"id": "a1", "tag": "plain", "prompt": "a lamp \"in\" the rain"},
        {"id": "a2", "prompt": "more of it"},
        {"id": "edit", "tag": "edit", "prompt": "remove the lamp", "images": ["in.png"], "mask": "mask.png"},
        {"id": "talk", "tag": "talk", "rounds": ["a boat", {"prompt": "now in blue", "images": ["in.png"]}]},
    ]
    write(WORK / "own.jsonl", "".join(json.dumps(case) + "\n" for case in cases))
    write(WORK / "make.py", MODEL)
    model = "cmd-lines:python3 make.py"
    imgeval("generate", "--cases", "own.jsonl", "--model", model, "--run", "own-cases", "--samples", 2)


# --- Packing and asking ------------------------------------------------------------------------------------------------


def settle(name):
    """Copies a run to the fixtures: no paths of this machine, small pages, nothing left of the log."""
    source, target = WORK / name, FIXTURES / name
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    database = sqlite3.connect(source / "run.db", isolation_level=None)
    for table in ["samples", "extra_files"]:
        database.execute(f"UPDATE {table} SET source = replace(source, ?, '/made')", (str(WORK),))
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute("PRAGMA page_size = 512")
    database.execute("VACUUM")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    for file in ["run.toml", "run.db", "cases.jsonl"]:
        if (source / file).exists():
            shutil.copyfile(source / file, target / file)
    shutil.copytree(source / "images", target / "images")
    for file in target.rglob("*"):
        if file.is_file() and str(WORK.parent).encode() + b"/" in file.read_bytes():
            sys.exit(f"{file} names a path of this machine")
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{name}: {size} bytes")


RUNS = ["geneval", "geneval-format-2", "wise-verified", "wise-legacy", "reason-edit", "reason-edit-b", "own-cases"]

# Name, arguments, and files that are written: OUT is a folder of the call's own.
CALLS = [
    ("geneval-score", ["score", "geneval", "--json", "--verdicts"], []),
    ("geneval-score-thresholds", ["score", "geneval", "--json", "--threshold", "0.2", "--counting-threshold", "0.5"], []),
    ("geneval-report", ["report", "geneval", "--out", "OUT"], ["tables/scores.json"]),
    ("geneval-export", ["export", "geneval", "--geneval-results", "OUT/results.jsonl"], ["results.jsonl"]),
    ("geneval-plan", ["compare", "geneval", "--json"], []),
    ("geneval-format-2-score", ["score", "geneval-format-2", "--json", "--verdicts"], []),
    ("geneval-compare", ["compare", "geneval", "geneval-format-2", "--json"], []),
    ("geneval-report-two", ["report", "geneval", "geneval-format-2", "--out", "OUT"],
     ["tables/scores.json", "tables/comparisons.json"]),
    ("wise-verified-score", ["score", "wise-verified", "--json", "--verdicts"], []),
    ("wise-verified-score-first", ["score", "wise-verified", "--json", "--observer", "first", "--by-subcategory"], []),
    ("wise-verified-report", ["report", "wise-verified", "--out", "OUT"], ["tables/scores.json"]),
    ("wise-verified-plan", ["compare", "wise-verified", "--observer", "second", "--json"], []),
    ("wise-verified-export", ["export", "wise-verified", "--observer", "first", "--wise-results", "OUT"],
     ["*.json", "*.jsonl"]),
    ("wise-verified-calls", ["export", "wise-verified", "--calls", "OUT/calls.jsonl"], ["calls.jsonl"]),
    ("wise-legacy-score", ["score", "wise-legacy", "--json", "--verdicts", "--by-subcategory"], []),
    ("wise-legacy-export", ["export", "wise-legacy", "--wise-results", "OUT"], ["*.json", "*.jsonl"]),
    ("reason-edit-score", ["score", "reason-edit", "--json", "--verdicts"], []),
    ("reason-edit-report", ["report", "reason-edit", "reason-edit-b", "--out", "OUT"],
     ["tables/scores.json", "tables/comparisons.json"]),
    ("reason-edit-compare", ["compare", "reason-edit", "reason-edit-b", "--observer", "m", "--json"], []),
    ("reason-edit-plan", ["compare", "reason-edit", "--observer", "m", "--json"], []),
    ("own-cases-report", ["report", "own-cases", "--out", "OUT"], ["tables/scores.json"]),
    ("own-cases-calls", ["export", "own-cases", "--calls", "OUT/calls.jsonl"], ["calls.jsonl"]),
]


def ask():
    """What the old binary says of the runs, on a copy."""
    copy, expected = WORK / "copy", FIXTURES / "expected"
    for name in RUNS:
        shutil.copytree(FIXTURES / name, copy / name)
    if expected.exists():
        shutil.rmtree(expected)
    expected.mkdir()
    listed = []
    for name, arguments, files in CALLS:
        out = copy / "out" / name
        out.mkdir(parents=True)
        printed, exit_code = imgeval(*[argument.replace("OUT", f"out/{name}") for argument in arguments], cwd=copy)
        if not files:
            write(expected / f"{name}.json", printed)
        kept = sorted({path for pattern in files for path in out.glob(pattern)})
        for path in kept:
            shutil.copyfile(path, expected / f"{name}.{path.name}")
        wrote = [str(path.relative_to(out)) for path in kept]
        listed.append({"name": name, "exit": exit_code, "arguments": arguments, "files": wrote})
    write(expected / "commands.json", json.dumps({"commit": COMMIT, "commands": listed}, indent=1) + "\n")


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Judge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    geneval("geneval", 0, lambda index, sample: (index + sample) % 2 == 0)
    geneval("geneval-format-2", 700, lambda index, sample: index % 4 != 1)
    to_format_2("geneval-format-2")
    fetch_wise()
    wise_verified()
    wise_legacy()
    fetch_reason_edit()
    reason_edit("reason-edit", 200, 0)
    reason_edit("reason-edit-b", 400, 1)
    own_cases()
    server.shutdown()
    for name in RUNS:
        settle(name)
    ask()
    shutil.rmtree(WORK)


main()
