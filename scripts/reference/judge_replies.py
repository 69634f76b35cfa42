"""What judges' replies say, by Python's own `re` and a small JSON reader of its own, for 20,000 made-up replies a form.

    python scripts/reference/judge_replies.py > crates/imgeval-suites/tests/fixtures/judge_replies.json

The fixture holds fragments and answers; the replies are put together from the fragments by a generator that the test
repeats (`reply` below). The patterns are those of the benchmark's scripts at eb51174. Python 3.11.
"""

import json
import re
import sys

N = 20_000
MASK = (1 << 64) - 1

# One fragment of each list in order; every other reply takes fragments of all lists at random.
WISE = [
    ["", "", "", "Here is my rating.\n", "<think>Consistency: 0, Score: 1?</think>", "<think>hm", "</think>\n", "# 3 scores\n",
     "I'm sorry, but I can't rate this image.", "这张图片的评分如下：\n", "Оценка:\n", "**", "\x00", "```\n", "Scale 0-2.\n",
     "Consistency (0-2): how well\n", "2\n", "1\n", "\ufeff", "Score", "Example:\nConsistency: 2\nRealism: 1\nAesthetic Quality: 0\n\n"],
    ["Consistency: 2\n", "Consistency: 1\n", "Consistency: 0\n", "**Consistency**: 1\n", "**Consistency:** 2\n", "consistency：２\n",
     "Consistency 2\n", "Consistency: 2/2, ", "Consistency: 1.5\n", "Consistency: 10\n", "Consistency: 3\n", "Inconsistency: 1\n",
     "Consistency\u2003:\u00a01\n", "Consıstency: 2\n", "Conſistency: 2\n", "Consistency:\x1c\x1f2 ", "Consistency: ٢\n", "Consistency: ²\n",
     "*Consistency*: 2\n", "***Consistency***: 2\n", "Consistency = 2\n", "Consistency::2\n", "Consistency -1\n", "\"Consistency\": 2\n",
     "2\n", "Score: 1\n", "**Score**: 0\n", "score：1\n", "Score: 1²\n", "Score: 1_\n", "Score: 10\n", "Score: 0.5\n", "Score 1 ", "ſcore: 1\n", "WiScore: 1\n", "Score: 1\u0301 "],
    ["Realism: 1\n", "Realism: 0\n", "Realism: 2 ", "**Realism**：2\n", "REALISM:1", "Realİsm: 1\n", "Realism:\n1\n", "Realism: 𝟚\n", "Surrealism: 0\n",
     "Realism", "Realism:", " 1 \n", "1\r\n", "Score: 0 or 1\n", "Score:\x0b1\n", "\u20281\n", "Realism: two\n", "Realism: +1\n"],
    ["Aesthetic Quality: 1", "Aesthetic Quality: 0", "Aesthetic Quality: 2\n", "aesthetic quality 2", "**Aesthetic Quality**: 1\n", "Aesthetic  Quality: 1",
     "Aesthetic\u00a0Quality: 1", "Aesthetic Quality：　１", "Aesthetic: 2", "Aesthetic Quality: 9", "0", "0\x1d\n", "3\n"],
    ["", "", "", "\n", "\nThat is all.", " Total: 4/6", "\n```", "\nConsistency: 2", "\nConsistency: 0", "\nRealism: 1", "</think>1", "\x00", "\nScore: 1",
     "<think>", "Aesthetic Quality: 1", " ", "\n\n", "1"],
]
EDIT = [
    ["", "", "", "```json\n", "Sure: ", "{", "<think>{\"score\": [1, 1]}</think>", "The format {\"score\": [a, b]} is clear. ", "{\"note\": 1} ", "8, 9 ", "\x00", "[", "\"",
     "Je ne peux pas. ", "{\"draft\": {\"score\": [2, 3]}} ", "{\"a\": tru} ", "{'score': [1, 2]} "],
    ["{\"score\": ", "{\"score\": ", "{ \n\"score\":", "{\"score\" : ", "{\"Score\": ", "{\"scores\": ", "{\"reasoning\": \"a {\\\"score\\\": [0, 0]} b\", \"score\": ",
     "{'score': ", "{“score”：", "{\"score\": // of ten\n", "{{\"score\": ", "{\"score\": [1, 2], \"score\": ", "{\"x\": {\"score\": [4, 4]}, \"score\": ", "{score: ", "{\"\\u0073core\": "],
    ["[8, 9]", "[8, 9]", "[10, 0]", "[7.5, 10]", "[0.0, 3e0]", "[8]", "[8, 9, 10]", "[11, 2]", "[-1, 2]", "[\"8\", 9]", "[8, NaN]", "[8, null]", "[8, [9]]", "8", "[]", "[8,, 9]", "[08, 9]",
     "[1e1, 1E-1]", "[8, 9,]", "[\"8\", \"9\"]", "[\"8/10\", 9/10]", "[+8, 9.50]", "[8，9]", "[\"8/5\", 9]", "[8, two]", "{\"a\": 1}", "[8, 9", "[true, 1]", "[5, 5 ]", "[1., 2]", "[-0, 1]"],
    ["}", "}", ", \"reasoning\": \"fits\"}", ", \"reasoning\": \"a\\nb } \\\\\"}", ", \"reasoning\": \"line\nbreak\"}", ", \"reasoning\": \"the word \"STOP\" is, well, gone\"}", ", 'reasoning': 'it isn't there',}", ", \"reasoning\": \"\\$5 \\ud83d\"}", ", \"reasoning\": \"no {\"score\": [1, 1]} but\"}", ", \"r\": {\"s\": [1, {\"t\": null}]}}", "", ",}", ", \"reasoning\": \"it bro",
     ", \"reasoning\": 1, \"reasoning\": 2}", " }"],
    ["", "", "", "\n```", " Done.", " {\"score\": [8, 9]}", " {\"score\": [8, 8]}", "}", " {\"", "{\"b\": 1}", "{", "\x00", " or {\"score\": [8, 9"],
]


class Generator:
    def __init__(self, seed):
        self.state = seed

    def pick(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & MASK
        return (self.state >> 33) % n


def reply(generator, slots, index):
    if index % 2 == 0:
        text = "".join(slot[generator.pick(len(slot))] for slot in slots)
    else:
        every = [fragment for slot in slots for fragment in slot]
        text = "".join(every[generator.pick(len(every))] for _ in range(generator.pick(9)))
    if index % 5 == 4:
        text = text[: generator.pick(len(text) + 1)]
    return text


def legacy(text):
    pattern = r"\*{0,2}(Consistency|Realism|Aesthetic Quality)\*{0,2}\s*[::]?\s*(\d)"
    found = {label.lower(): int(digit) for label, digit in re.findall(pattern, text, re.IGNORECASE)}
    if found:
        values = [found.get(label) for label in ("consistency", "realism", "aesthetic quality")]
    else:
        values = [int(digit) for digit in re.findall(r"(?m)^\s*([0-2])\s*$", text)[:3]]
    # The script asks again where one is missing.
    return "-" if None in values or len(values) < 3 else "".join(map(str, values))


def verified(text):
    text = re.sub(r"<think>.*?</think>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"</think>\s*", "", text).strip()
    match = re.search(r"\*{0,2}Score\*{0,2}\s*[::]?\s*([01])\b", text, re.IGNORECASE)
    if match:
        return match.group(1)
    lines = re.findall(r"(?m)^\s*([01])\s*$", text)
    return lines[0] if len(lines) == 1 else "-"


class Broken(Exception):
    """The text ends before the value does."""


CLOSERS = {'"': '"', "'": "'", "\u00ab": "\u00bb"}
CLOSERS |= {opener: "\u201c\u201d\u201f\uff02\"" for opener in "\u201c\u201d\u201e\u201f\uff02"}
CLOSERS |= {opener: "\u2018\u2019\u201b'" for opener in "\u2018\u2019\u201a\u201b"}
BLANK = re.compile(r"(?:[^\S\x1c-\x1f]|\ufeff|//[^\n]*|#[^\n]*|/\*.*?\*/)*", re.DOTALL)
NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
WORD = re.compile(r"(?:[^\W]|[.+-])*")
KEY = re.compile(r"(?:\w|-)*")


class Reader:
    """JSON as models write it. A quote ends a string if `exact`, or if what follows it is what follows a string."""

    def __init__(self, text, position, exact):
        self.text, self.position, self.exact = text, position, exact
        self.saw_score = self.nested = self.hides = False

    def peek(self):
        if self.position >= len(self.text):
            raise Broken
        return self.text[self.position]

    def blank(self):
        self.position = BLANK.match(self.text, self.position).end()
        if self.text.startswith("/*", self.position):
            raise Broken

    def take(self, wanted):
        found = self.peek() in wanted
        self.position += found
        return found

    def run(self, pattern):
        match = pattern.match(self.text, self.position)
        if match.end() == len(self.text):
            raise Broken
        self.position = match.end()
        return match.group()

    def value(self, place, depth):
        if depth > 63:
            raise ValueError
        first = self.peek()
        if first in CLOSERS:
            return self.string(place)
        if first == "{":
            self.nested |= depth > 0
            self.position += 1
            members = []
            while self.more("}"):
                key = self.key()
                self.blank()
                if not self.take(":\uff1a"):
                    raise ValueError
                self.blank()
                self.saw_score |= depth == 0 and key == "score"
                members.append((key, self.value("member", depth + 1)))
                self.separator("}")
            return ("object", members)
        if first == "[":
            self.position += 1
            items = []
            while self.more("]"):
                items.append(self.value("element", depth + 1))
                self.separator("]")
            return items
        return self.scalar()

    def more(self, close):
        self.blank()
        return not self.take(close)

    def separator(self, close):
        self.blank()
        if not self.take(",\uff0c") and self.peek() != close:
            raise ValueError

    def key(self):
        if self.peek() in CLOSERS:
            key = self.string("key")
        else:
            key = self.run(KEY)
            if not key:
                raise ValueError
        return re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match.group(1), 16)), key).strip().lower()

    def scalar(self):
        word = self.run(WORD)
        bare = word.lstrip("+-")
        if bare in ("true", "false", "null", "True", "False", "None"):
            found = None
        elif bare in ("NaN", "nan", "Infinity", "inf"):
            found = float("nan")
        elif NUMBER.fullmatch(word):
            found = float(word)
        else:
            raise ValueError
        self.blank()
        if not self.take("/"):
            return found
        self.blank()
        whole = self.run(WORD)
        if not NUMBER.fullmatch(whole):
            raise ValueError
        return found if float(whole) == 10 else None

    def string(self, place):
        closers = CLOSERS[self.peek()]
        self.position += 1
        begin, inner = self.position, False
        while True:
            if self.take("\\"):
                self.peek()
                self.position += 1
            elif self.take(closers):
                if self.exact or place == "key" or self.ends_string(place):
                    inside = self.text[begin: self.position - 1]
                    self.hides |= inner and bool(re.search(r"\{\s*[^\w\s]*score", inside, re.IGNORECASE))
                    return inside
                inner = True
            else:
                self.position += 1

    def ends_string(self, place):
        ahead = Reader(self.text, self.position, True)
        try:
            ahead.blank()
            if place == "element":
                return ahead.peek() in ",\uff0c]"
            if ahead.peek() == "}":
                return True
            if not ahead.take(",\uff0c"):
                return False
            ahead.blank()
            if ahead.peek() == "}":
                return True
            if ahead.peek() not in CLOSERS:
                return False
            ahead.string("key")
            ahead.blank()
            return ahead.take(":\uff1a")
        except Broken:
            return False


def object_at(text, begin):
    """The members of an object with where it ends; None and where to go on; or nothing if it breaks off."""
    exact = Reader(text, begin, True)
    try:
        return exact.value("member", 0)[1], exact.position, False
    except (Broken, ValueError) as failure:
        is_broken = isinstance(failure, Broken)
    lenient = Reader(text, begin, False)
    try:
        return lenient.value("member", 0)[1], lenient.position, lenient.hides
    except Broken:
        is_broken |= lenient.saw_score
    except ValueError:
        pass
    return None if is_broken else (None, exact.position if exact.nested else begin + 1, False)


def number(item):
    if not isinstance(item, str):
        return item if type(item) is float else None
    match = re.fullmatch(rf"\s*({NUMBER.pattern})(?:\s*(?:/|out of)\s*({NUMBER.pattern}))?\s*", item)
    return float(match.group(1)) if match and match.group(2) in (None, "10") else None


def answer(text):
    """The text without thoughts between think tags, the only ones among the fragments."""
    kept, depth = [], 0
    for piece in re.split(r"(</?think>)", text):
        if piece == "<think>":
            depth += 1
        elif piece == "</think>":
            kept, depth = ([], 0) if depth == 0 else (kept, depth - 1)
        elif depth == 0:
            kept.append(piece)
    return "" if depth else " ".join(kept)


def edit(text):
    text = answer(text)
    position, taken = 0, None
    while (position := text.find("{", position)) >= 0:
        found = object_at(text, position)
        if found is None:
            return "-"
        members, position, hides = found
        keys = [key for key, _ in members or []]
        if "score" not in keys:
            continue
        score = [value for key, value in members if key == "score"][-1]
        if len(set(keys)) < len(keys) or hides or not isinstance(score, list) or len(score) != 2:
            return "-"
        pair = [number(item) for item in score]
        if None in pair or not all(0 <= value <= 10 for value in pair) or taken not in (None, pair):
            return "-"
        taken = pair
    return "-" if taken is None else ",".join(f"{value + 0:g}" for value in taken)


def answers(slots, seed, parse):
    generator = Generator(seed)
    return " ".join(parse(reply(generator, slots, index)) for index in range(N))


print(json.dumps({
    "python": ".".join(map(str, sys.version_info[:3])),
    "n": N,
    "wise": WISE,
    "edit": EDIT,
    "legacy_answers": answers(WISE, 1, legacy),
    "verified_answers": answers(WISE, 2, verified),
    "edit_answers": answers(EDIT, 3, edit),
}, indent=0, ensure_ascii=True))
