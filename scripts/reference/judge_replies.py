"""What judges' replies say, by Python's own `re` and a small JSON reader of its own, for 20,000 made-up replies a form.

    python scripts/reference/judge_replies.py > crates/imgeval-suites/tests/fixtures/judge_replies.json

The fixture holds fragments and answers; the replies are put together from the fragments by a generator that the test
repeats (`reply` below). The patterns are those of the benchmark's parser (METHODS 3.1 and 3.2). Python 3.11.
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
     "{\"score\": [1, 2], \"score\": ", "{\"x\": {\"score\": [4, 4]}, \"score\": ", "{score: ", "{\"\\u0073core\": "],
    ["[8, 9]", "[8, 9]", "[10, 0]", "[7.5, 10]", "[0.0, 3e0]", "[8]", "[8, 9, 10]", "[11, 2]", "[-1, 2]", "[\"8\", 9]", "[8, NaN]", "[8, null]", "[8, [9]]", "8", "[]", "[8,, 9]", "[08, 9]",
     "[1e1, 1E-1]", "{\"a\": 1}", "[8, 9", "[true, 1]", "[5, 5 ]", "[1., 2]", "[-0, 1]"],
    ["}", "}", ", \"reasoning\": \"fits\"}", ", \"reasoning\": \"a\\nb } \\\\\"}", ", \"reasoning\": \"line\nbreak\"}", ", \"r\": {\"s\": [1, {\"t\": null}]}}", "", ",}", ", \"reasoning\": \"it bro",
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


def bare(text, n, allowed):
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return lines if len(lines) == n and all(line in allowed for line in lines) else None


def legacy(text):
    pattern = r"\*{0,2}(Consistency|Realism|Aesthetic Quality)\*{0,2}\s*[:：]?\s*(\d)"
    found = {}
    for label, digit in re.findall(pattern, text, re.IGNORECASE):
        found[label.lower()] = float(digit)
    values = [found.get(label) for label in ("consistency", "realism", "aesthetic quality")]
    if values == [None] * 3:
        lines = bare(text, 3, {"0", "1", "2"})
        return "".join(lines) if lines else "-"
    if None in values or max(values) > 2:
        return "-"
    return "".join(str(int(value)) for value in values)


def verified(text):
    text = re.sub(r"<think>.*?</think>", "", text, flags=re.IGNORECASE | re.DOTALL | re.ASCII)
    ends = [match.end() for match in re.finditer(r"</think>", text, re.IGNORECASE | re.ASCII)]
    text = text[ends[-1]:] if ends else text
    begin = re.search(r"<think>", text, re.IGNORECASE | re.ASCII)
    text = text[: begin.start()] if begin else text
    match = re.search(r"\*{0,2}[Ss][Cc][Oo][Rr][Ee]\*{0,2}\s*[:：]?\s*([01])\b", text)
    if match:
        return match.group(1)
    lines = bare(text, 1, {"0", "1"})
    return lines[0] if lines else "-"


class Broken(Exception):
    """The text ends before the value does."""


class Reader:
    """JSON, told apart from text that is none and from text that breaks off."""

    def __init__(self, text, position):
        self.text, self.position = text, position

    def peek(self):
        if self.position >= len(self.text):
            raise Broken
        return self.text[self.position]

    def blank(self):
        while self.position < len(self.text) and self.text[self.position] in " \t\r\n":
            self.position += 1

    def take(self, wanted):
        for character in wanted:
            if self.peek() != character:
                raise ValueError
            self.position += 1

    def value(self):
        self.blank()
        first = self.peek()
        if first == "{":
            return self.items("}", self.member)
        if first == "[":
            return self.items("]", self.value)
        if first == '"':
            return self.string()
        for word, constant in (("true", True), ("false", False), ("null", None)):
            if first == word[0]:
                self.take(word)
                return constant
        return self.number()

    def items(self, close, item):
        self.position += 1
        found = []
        self.blank()
        if self.peek() == close:
            self.position += 1
            return ("object", found) if close == "}" else found
        while True:
            found.append(item())
            self.blank()
            if self.peek() == close:
                self.position += 1
                return ("object", found) if close == "}" else found
            self.take(",")

    def member(self):
        self.blank()
        if self.peek() != '"':
            raise ValueError
        key = self.string()
        self.blank()
        self.take(":")
        return key, self.value()

    def string(self):
        start = self.position
        self.position += 1
        while self.peek() != '"':
            if self.peek() < " ":
                raise ValueError
            self.position += 1
            if self.text[self.position - 1] == "\\":
                self.peek()
                self.position += 1
        self.position += 1
        return json.loads(self.text[start: self.position])

    def number(self):
        match = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?").match(self.text, self.position)
        rest = self.text[self.position:]
        if re.fullmatch(r"-|-?(0|[1-9][0-9]*)(\.|(\.[0-9]+)?[eE][+-]?)", rest):
            raise Broken
        if not match or self.text[match.end(): match.end() + 1] in tuple(".eE0123456789"):
            raise ValueError
        self.position = match.end()
        return float(match.group())


def edit(text):
    position, found = 0, None
    start = re.compile(r'\{[ \t\r\n]*"')
    while match := start.search(text, position):
        reader = Reader(text, match.start())
        try:
            _, members = reader.value()
        except Broken:
            return "-"
        except ValueError:
            position = match.start() + 1
            continue
        position = reader.position
        scores = [value for key, value in members if key == "score"]
        if not scores:
            continue
        keys = [key for key, _ in members]
        score = scores[-1]
        if len(set(keys)) < len(keys) or not isinstance(score, list) or len(score) != 2:
            return "-"
        if not all(type(value) is float and 0 <= value <= 10 for value in score):
            return "-"
        if found not in (None, score):
            return "-"
        found = score
    return "-" if found is None else ",".join(f"{value + 0:g}" for value in found)


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
