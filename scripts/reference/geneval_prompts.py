"""Reference values for `numpy_random`, `python_json` and `geneval::prompts` of imgeval-suites.

Every random number below is drawn by NumPy itself and every JSON text is written by Python itself. Run with Python
3.11.7 and NumPy 2.4.6:

    python -m venv venv && venv/bin/pip install numpy==2.4.6
    venv/bin/python scripts/reference/geneval_prompts.py object_names.txt \
        > crates/imgeval-suites/tests/fixtures/numpy_prompts.json

`object_names.txt` holds GenEval's 80 class names, one a line. The rules for the prompts are those of docs/methods.md 1.1. The
script stops if the default suite does not have the SHA-256 sums of GenEval's published files.
"""

import hashlib
import json
import platform
import struct
import sys

import numpy

SEEDS = [0, 1, 43, 2**32 - 1, 2**32, 2**63]
SIZES = [1, 7, 100, 250]

OFFICIAL_METADATA = "5c48e0813e812e3c373fa5c8ed07a8f0a483be30272b4427b0559c8048e67c13"
OFFICIAL_PROMPTS = "55b6e3650e980c13daf30569eb666e000faf19bfc2b7b4cbe999fcdb7aa9d680"

# One generator makes all of a seed's draws in this order, so that a word too many or too few shows in all that follow.
# The odd numbers of 32-bit draws check that the kept half of a word survives a 64-bit draw.
DRAWS = [
    ("integers", 2, 4),
    ("integers", 5, 5),
    ("choice", 80),
    ("choice", 1),
    ("integers", 0, 2**32 - 1),
    ("integers", 0, 2**32),
    ("choice", 10),
    ("integers", -(2**63), 2**63 - 1),
    ("integers", -3, 2**62 + 2**61),
    ("integers", -7, 3 * 2**30),
    ("choice", 3 * 2**30),
    ("choice", 3 * 2**61),
    ("distinct", 80, 80),
    ("distinct", 80, 2),
    ("distinct", 79, 2),
    ("distinct", 10, 2),
    ("distinct", 1, 1),
    ("distinct", 5, 0),
    ("distinct", 0, 0),
    ("distinct", 10_000, 201),
    ("distinct", 10_000, 10_000),
    ("distinct", 10_001, 200),
    ("distinct", 10_001, 201),
    ("distinct", 10_001, 10_001),
    ("distinct", 12_345, 12_344),
    ("distinct", 5_000_000_000, 3),
    ("choice", 4),
]

JSON_VALUES = [
    None, True, False, 0, -1, 2**53 + 1, 2**64 - 1, -(2**63), [], {}, [[], {}, [None]],
    "", "plain", "quote \" slash / backslash \\", "\b\f\n\r\t\x00\x1f\x7f", "é ÿ Ā \u2028 \uffff", "😀 𝔘 \U0010ffff",
    {"b": 1, "a": [1.0, "x"], "é": {"": None}},
    0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 2 / 3, 100.0, 123456789.125, 0.001, 0.0001, 0.00012345, 0.00001, -0.000012345,
    1e15, 123456789012345.6, 1234567890123456.0, 9999999999999998.0, 1e16, 1.2345e16, 12345678901234567.0, 1e17, 1e21,
    1e22, 1e23, 1e100, -1.5e300, 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324, 1e-10, 1.5e-7, 2.0**53,
    2.0**63, 2.0**-25, 2.0**-44, -1884407074745442.25, 33704998771343.5625,
    struct.unpack("<f", struct.pack("<f", 0.1))[0],
]  # fmt: skip


def sha256(text):
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def draw(generator, kind, *arguments):
    if kind == "integers":
        low, high = arguments
        return int(generator.integers(low, high, endpoint=True))
    if kind == "choice":
        return int(generator.choice(*arguments))
    population, size = arguments
    return [int(index) for index in generator.choice(population, size=size, replace=False)]


def raw_stream(seed):
    words = [int(word) for word in numpy.random.default_rng(seed).bit_generator.random_raw(4)]
    generator = numpy.random.default_rng(seed)
    draws = []
    for call in DRAWS:
        drawn = draw(generator, *call)
        if isinstance(drawn, list) and len(drawn) > 10:
            # Long answers would swell the fixture; their decimal digits, joined by commas, are hashed.
            drawn = sha256(",".join(map(str, drawn)))
        draws.append({"call": call, "drawn": drawn})
    return {"seed": seed, "words": words, "draws": draws}


def articled(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def clause(name, count=1, **more):
    return {"class": name, "count": count, **more}


class Suite:
    """Draws names rather than indices: NumPy takes the same random words for both."""

    COLORS = "red orange yellow green blue purple pink brown black white".split()
    RELATIONS = ["left of", "right of", "above", "below"]
    COUNT_WORDS = {2: "two", 3: "three", 4: "four"}

    def __init__(self, seed, names):
        self.generator = numpy.random.default_rng(seed)
        self.names = names
        person = names.index("person")
        # What follows "person", and then what comes before it.
        self.paintable = names[person + 1 :] + names[:person]

    def one(self, items):
        return str(self.generator.choice(items))

    def several(self, items, number):
        return [str(item) for item in self.generator.choice(items, size=number, replace=False)]

    def single_object(self):
        for name in self.several(self.names, len(self.names)):
            yield {"include": [clause(name)]}, articled(name)

    def two_object(self):
        first, second = self.several(self.names, 2)
        return {"include": [clause(first), clause(second)]}, f"{articled(first)} and {articled(second)}"

    def counting(self):
        name = self.one(self.names)
        count = int(self.generator.integers(2, 4, endpoint=True))
        plural = name + ("es" if name.endswith("s") else "s")
        wanted = {"include": [clause(name, count)], "exclude": [clause(name, count + 1)]}
        return wanted, f"{self.COUNT_WORDS[count]} {plural}"

    def colors(self):
        name = self.one(self.paintable)
        color = self.one(self.COLORS)
        return {"include": [clause(name, color=color)]}, f"{articled(color)} {name}"

    def position(self):
        subject, reference = self.several(self.names, 2)
        relation = self.one(self.RELATIONS)
        include = [clause(reference), clause(subject, position=[relation, 0])]
        return {"include": include}, f"{articled(subject)} {relation} {articled(reference)}"

    def color_attr(self):
        names = self.several(self.paintable, 2)
        colors = self.several(self.COLORS, 2)
        include = [clause(name, color=color) for name, color in zip(names, colors)]
        return {"include": include}, " and ".join(f"{articled(color)} {name}" for name, color in zip(names, colors))

    def lines(self, per_task):
        """Pairs of metadata line and prompt, each once, in the order of the draws."""
        drawn = [("single_object", wanted, rest) for wanted, rest in self.single_object()]
        for tag in ["two_object", "counting", "colors", "position", "color_attr"]:
            drawn += [(tag, *getattr(self, tag)()) for _ in range(per_task)]
        unique = {}
        for tag, wanted, rest in drawn:
            prompt = f"a photo of {rest}"
            unique.setdefault(json.dumps({"tag": tag, **wanted, "prompt": prompt}), prompt)
        return list(unique.items())


def suite(seed, per_task, names):
    lines = Suite(seed, names).lines(per_task)
    return {
        "seed": seed,
        "per_task": per_task,
        "cases": len(lines),
        "metadata_sha256": sha256("".join(line + "\n" for line, _ in lines)),
        "prompts_sha256": sha256("".join(prompt + "\n" for _, prompt in lines)),
    }


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        names = [line.strip() for line in file if line.strip()]
    official = suite(43, 100, names)
    if (official["metadata_sha256"], official["prompts_sha256"]) != (OFFICIAL_METADATA, OFFICIAL_PROMPTS):
        sys.exit("the default suite is not GenEval's; is the list of names the official one?")
    fixture = {
        "made_by": f"scripts/reference/geneval_prompts.py, Python {platform.python_version()}, NumPy {numpy.__version__}",
        "streams": [raw_stream(seed) for seed in SEEDS],
        "suites": [suite(seed, per_task, names) for seed in SEEDS for per_task in SIZES],
        "json": [{"value": value, "text": json.dumps(value)} for value in JSON_VALUES],
    }
    # One entry a line keeps changes readable.
    parts = [f'"made_by": {json.dumps(fixture["made_by"])}']
    for key in ["streams", "suites", "json"]:
        rows = ",\n".join(json.dumps(row) for row in fixture[key])
        parts.append(f'"{key}": [\n{rows}\n]')
    print("{\n" + ",\n".join(parts) + "\n}")


if __name__ == "__main__":
    main()
