"""Reference values for imgeval-metrics' text measures: RapidFuzz (Levenshtein) and Python's unicodedata.

    pip install rapidfuzz==3.14.6
    python scripts/reference/text_metrics.py > crates/imgeval-metrics/tests/fixtures/text_metrics.json

Cases of our own: what docs/methods.md says about rows, runs, ties and words, with expected values.
"""

import json
import platform
import re
import unicodedata
from importlib.metadata import version

from rapidfuzz.distance import Levenshtein


def box(left, top, width, height, slope=0):
    right, bottom = left + width, top + height
    return [[left, top], [right, top + slope], [right, bottom + slope], [left, bottom]]


CASES = [
    (["Open daily", "from 9 to 5"], "en", [(box(10, 10, 90, 30), "OPEN"), (box(110, 14, 90, 30), "DAILY"), (box(12, 60, 200, 30), "from 9 t0 5")]),
    (["same", "same"], "en", [(box(10, 60, 50, 20), "same"), (box(10, 10, 50, 20), "sane")]),
    (["well-known, isn't it?"], "en", [(box(0, 0, 200, 20), "well known isn-t it")]),
    (["今日 特价"], "zh", [(box(100, 0, 80, 40), "特价"), (box(0, 4, 80, 40), "今曰"), (box(0, 90, 80, 40), "元")]),
    (["Ⅷ ﬃ Ω"], "en", [(box(0, 0, 80, 20), "viii ffi Ω")]),
    (["up hill"], "en", [(box(0, 40, 60, 20, -12), "up"), (box(70, 22, 60, 20, -12), "hill")]),
    (["nothing here"], "en", []),
    (["aab"], "en", [(box(0, 0, 60, 20), "ab")]),
]


def normalize(text, language):
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s+", "" if language in ("zh", "ja", "ko") else " ", folded).strip()


def is_sign(character):
    return unicodedata.category(character)[0] in "PS"


def rows_of(lines):
    center = lambda line: sum(corner[1] for corner in line[0]) / 4
    left = lambda line: min(corner[0] for corner in line[0])
    height = lambda line: max(corner[1] for corner in line[0]) - min(corner[1] for corner in line[0])
    rows = []
    for line in sorted(lines, key=lambda line: (center(line), left(line))):
        if rows:
            mean = sum(map(center, rows[-1])) / len(rows[-1])
            if abs(center(line) - mean) < min(map(height, [*rows[-1], line])) / 2:
                rows[-1].append(line)
                continue
        rows.append([line])
    return [sorted(row, key=left) for row in rows]


def places_of(target, read):
    """Where the characters of target are in read; diagonal before deletion before insertion, from the ends."""
    cost = lambda i, j: Levenshtein.distance(target[:i], read[:j])
    places, i, j = [None] * len(target), len(target), len(read)
    while i and j:
        equal = target[i - 1] == read[j - 1]
        if cost(i, j) == cost(i - 1, j - 1) + (not equal):
            i, j = i - 1, j - 1
            places[i] = j if equal else None
        elif cost(i, j) == cost(i - 1, j) + 1:
            i -= 1
        else:
            j -= 1
    return places


def measure(targets, language, lines):
    rows = rows_of(lines)
    row_of = [index for index, row in enumerate(rows) for _ in row]
    read = [normalize(text, language).replace(" ", "") for row in rows for _, text in row]
    normalized = [normalize(target, language) for target in targets]
    joined = [target.replace(" ", "") for target in normalized]
    candidates = []
    for number, target in enumerate(joined):
        for first in range(len(read)):
            for last in range(first, min(first + 8, len(read))):
                segment = "".join(read[first : last + 1])
                ned = Levenshtein.distance(target, segment) / max(len(target), len(segment))
                if row_of[first] == row_of[last] and ned < 0.8:
                    candidates.append((ned, number, first, last))
    match, taken = [None] * len(targets), set()
    for _, number, first, last in sorted(candidates):
        run = set(range(first, last + 1))
        if match[number] is None and not run & taken:
            match[number], taken = [first, last], taken | run
    neds, edits, words, right = [], 0, 0, 0
    for text, target, pair in zip(normalized, joined, match):
        answer = "".join(read[pair[0] : pair[1] + 1]) if pair else ""
        distance = Levenshtein.distance(target, answer)
        edits += distance
        neds.append(distance / max(len(target), len(answer)))
        places, start = places_of(target, answer), 0
        for word in text.split():
            kept = [places[start + at] for at, character in enumerate(word) if not is_sign(character)]
            start += len(word)
            if kept:
                words += 1
                between = None not in kept and "".join(answer[a + 1 : b] for a, b in zip(kept, kept[1:]))
                right += between is not False and all(map(is_sign, between))
    exact, extra = neds.count(0), sum(len(text) for at, text in enumerate(read) if at not in taken)
    cer = edits / sum(map(len, joined))
    return {
        "rows": [[text for _, text in row] for row in rows],
        "match": match,
        "line_ned": neds,
        "ned_mean": sum(neds) / len(neds),
        "exact_lines": exact / len(neds),
        "missing_lines": match.count(None),
        "cer": cer,
        "char_accuracy": max(0.0, 1 - cer),
        "word_accuracy": right / words,
        "words": words,
        "extra_chars": extra,
        "exact_image": exact == len(neds) and extra == 0,
    }


cases = []
for targets, language, lines in CASES:
    shown = [{"box": corners, "text": text} for corners, text in lines]
    cases.append({"targets": targets, "language": language, "lines": shown, "expected": measure(targets, language, lines)})
made_with = f"Python {platform.python_version()}, Unicode {unicodedata.unidata_version}, RapidFuzz {version('rapidfuzz')}"
head = json.dumps({"made_with": made_with, "cases": []}, ensure_ascii=False)[:-2]
print(head + "\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]}")
