"""WISE's scores of made-up judgments, in plain Python from the definitions (docs/methods.md 3.1 and 3.2).

    python scripts/reference/wise_scores.py > crates/imgeval-suites/tests/fixtures/wise_scores.json
    python scripts/reference/wise_scores.py --rows FOLDER     # the same as official row files, to run the official calculators on

The benchmark's calculators (wise_culture.py, wise_science.py, wise_space-time.py) print the same means, in hundredths.
"""

import json
import pathlib
import random
import sys

LEGACY = {"culture": (1, 400, 0.4), "time": (401, 567, 0.167), "space": (568, 700, 0.133), "biology": (701, 800, 0.1),
          "physics": (801, 900, 0.1), "chemistry": (901, 1000, 0.1)}
VERIFIED = {"culture": (1, 400, 0.4), "time": (401, 520, 0.12), "space": (521, 640, 0.12), "biology": (641, 760, 0.12),
            "physics": (761, 880, 0.12), "chemistry": (881, 1000, 0.12)}
generator = random.Random(11)
legacy = {i: [generator.choice([0, 1, 1, 2]) for _ in range(3)] for i in range(1, 1001)}
verified = {i: generator.choice([0, 1, 1]) for i in range(1, 1001)}


def wi_score(consistency, realism, aesthetic):
    return (0.7 * consistency + 0.2 * realism + 0.1 * aesthetic) / 2


def means(values, table):
    parts = {name: sum(values[i] for i in range(a, b + 1)) / (b + 1 - a) for name, (a, b, _) in table.items()}
    return {**parts, "overall": sum(table[name][2] * mean for name, mean in parts.items())}


def row(i):
    kind = "Horizontal time" if i % 2 and 401 <= i <= 567 else "Longitudinal time" if 401 <= i <= 567 else "other"
    names = ("consistency", "realism", "aesthetic_quality")
    return {"prompt_id": i, "Subcategory": kind, **{n: float(v) for n, v in zip(names, legacy[i])}}


if sys.argv[1:2] == ["--rows"]:
    files = {"cultural_common_sense": (1, 400), "spatio-temporal_reasoning": (401, 700), "natural_science": (701, 1000)}
    for name, (first, last) in files.items():
        lines = [json.dumps(row(i), ensure_ascii=False) + "\n" for i in range(first, last + 1)]
        pathlib.Path(sys.argv[2], f"{name}_scores_results.jsonl").write_text("".join(lines))
else:
    print(json.dumps({
        "legacy": "".join(str(v) for i in sorted(legacy) for v in legacy[i]),
        "verified": "".join(str(verified[i]) for i in sorted(verified)),
        "legacy_means": means({i: wi_score(*v) for i, v in legacy.items()}, LEGACY),
        "verified_means": means(verified, VERIFIED),
    }, indent=1))
