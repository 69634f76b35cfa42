#!/usr/bin/env python3
"""Writes crates/imgeval-rewards/fixtures/pickles.json: pickles by Python's own `pickle`, and what they hold.

    scripts/reference/reward_pickles.py

Needs numpy and Pillow. The committed file was made by CPython 3.11.7, numpy 2.4.6 and Pillow 13.0.0. Bytes are written as their SHA-256,
Pillow's images as mode, width, height and the SHA-256 of their bytes. `refused` are bodies that must not be read: Python's own reader would
execute them, or they grow without bounds. `answers` are what flow_grpo's server would send for these rewards.
"""

import base64
import collections
import hashlib
import io
import json
import pickle
from pathlib import Path

import numpy
from PIL import Image

OUT = Path(__file__).resolve().parent.parent.parent / "crates/imgeval-rewards/fixtures/pickles.json"
TAGS = ["single_object", "two_object", "counting", "colors", "position", "color_attr"]
CASE = {"tag": "counting", "include": [{"class": "cow", "count": 2}], "exclude": [{"class": "cow", "count": 3}], "prompt": "a photo of two cows"}


def shown(value):
    if isinstance(value, (bytes, bytearray)):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, Image.Image):
        return {"mode": value.mode, "width": value.width, "height": value.height, "sha256": hashlib.sha256(value.tobytes()).hexdigest()}
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, numpy.ndarray)):
        return [shown(item) for item in value]
    return value.item() if isinstance(value, numpy.generic) else value


def opened(kind):
    file = io.BytesIO()
    Image.effect_mandelbrot((7, 5), (-2, -1, 1, 1), 20).convert("RGB").save(file, kind)
    image = Image.open(file)
    image.load()
    return image


def values():
    image = bytes(range(256)) * 3
    request = {"images": [image, image, b"other"], "meta_datas": [CASE, CASE, CASE], "only_strict": False}
    for protocol in range(6):
        yield f"request, protocol {protocol}", request, protocol
        numbers = [0, -1, 255, 256, 65535, 65536, -(2**31), 2**31, 2**62, -(2**63), 0.5, -0.0, 1e300, True, None, "é\u4f60\U0001f388", ""]
        yield f"values, protocol {protocol}", {"numbers": numbers, "nested": [[[{"a": (1, (2, 3))}]]]}, protocol
    yield "byte array, protocol 5", {"images": [bytearray(image)]}, 5
    yield "byte array, protocol 2", {"images": [bytearray(image)]}, 2
    yield "ordered", collections.OrderedDict(images=[b"a"], only_strict=True), 4
    for protocol in (2, 4):
        yield f"array of texts, protocol {protocol}", {"prompts": numpy.array(["a photo of a dog", "x"])}, protocol
        yield f"array of objects, protocol {protocol}", {"images": numpy.array([b"ab", b"c"], dtype=object)}, protocol
    yield "scalars", {"count": numpy.int64(3), "small": numpy.float32(0.25), "is": numpy.bool_(True)}, 4
    yield "array of big-endian numbers", {"numbers": numpy.array([1, 2, -3], dtype=">i4")}, 4
    for mode in ("RGB", "RGBA", "L"):
        yield f"image of Pillow, {mode}", {"output_image": [Image.effect_mandelbrot((4, 3), (-2, -1, 1, 1), 9).convert(mode)]}, 4
    for kind in ("PNG", "JPEG"):
        yield f"image of Pillow from a file, {kind}", {"output_image": [opened(kind)]}, 4


class Call:
    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def refused():
    import os

    for protocol in (0, 4):
        yield f"a call of the system, protocol {protocol}", pickle.dumps({"images": [Call(os.system, "true")]}, protocol)
    yield "eval", pickle.dumps(Call(eval, "1"))
    yield "a class of its own", pickle.dumps(Path("x"))
    yield "another codec", b"c_codecs\nencode\n(Vx\nVrot13\ntR."
    yield "a recursive list", pickle.dumps((lambda items: items.append(items) or items)([]))
    yield "deep nesting", b"(" * 100_000 + b"t" * 100_000 + b"."
    bomb = b"]\x94"
    for depth in range(20):
        bomb += b"]\x94(" + bytes([ord("h"), depth]) * 10 + b"e"
    yield "a memo bomb", bomb + b"."
    yield "a length that is not there", b"B\xff\xff\xff\x7fab."
    yield "a number of a million digits", b"I" + b"9" * 1_000_000 + b"\n."
    yield "an image whose size is a lie", pickle.dumps(opened("PNG")).replace(b"K\x07K\x05", b"K\x09K\x09")
    yield "nothing", b""


def answers():
    rewards = [(1.0, 1.0, 1.0), (-14.0, 0.0, 0.0), (0.5, 1.0, 0.0)]
    for name, tags, only_strict in [("all", ["counting", "colors", "unknown"], False), ("strict", ["position"], True), ("many", ["counting"] * 1100, False)]:
        of = [rewards[place % len(rewards)] for place in range(len(tags))]
        lenient = [0.0 if only_strict else reward for _, reward, _ in of]
        strict = [strict for _, _, strict in of]
        group = lambda values: {tag: [value if own == tag else -10.0 for value, own in zip(values, tags)] for tag in TAGS}
        answer = {
            "scores": [score for score, _, _ in of], "rewards": lenient, "strict_rewards": strict,
            "group_rewards": group(lenient), "group_strict_rewards": group(strict),
        }
        yield {"name": name, "tags": tags, "only_strict": only_strict, "rewards": of, "sha256": hashlib.sha256(pickle.dumps(answer, 4)).hexdigest()}


def main():
    encode = lambda body: base64.b64encode(body).decode()
    read = [{"name": name, "pickle": encode(pickle.dumps(value, protocol)), "value": shown(value)} for name, value, protocol in values()]
    # Of the long ones, the test makes its own.
    refuse = [{"name": name, "pickle": encode(body)} for name, body in refused() if len(body) < 10_000]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"read": read, "refused": refuse, "answers": list(answers())}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
