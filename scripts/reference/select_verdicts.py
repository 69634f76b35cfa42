"""Picks a small share of the golden verdicts for the repository, so that its tests need nothing else.

The golden file (1,500 cases) was made with GenEval's own evaluator (djghosh13/geneval, evaluation/evaluate_images.py),
its model calls replaced by the listed detections; numpy 1.26. Usage:

    python scripts/reference/select_verdicts.py GOLDEN.jsonl > crates/imgeval-suites/tests/fixtures/geneval_verdicts.jsonl

For every combination of tag, overlap option and kind of reason, the first two cases are kept.
"""

import json
import re
import sys


def kind_of(reason: str) -> str:
    """The reason without its names and numbers."""
    words = ("expected", "found", "no target", "target", ">=", "<", "and", "\n")
    return " ".join(re.findall("|".join(map(re.escape, words)), reason))


seen: dict[tuple, int] = {}
for line in open(sys.argv[1], encoding="utf-8"):
    case = json.loads(line)
    key = (case["metadata"]["tag"], case["options"]["max_overlap"] < 1, kind_of(case["reason"]))
    seen[key] = seen.get(key, 0) + 1
    if seen[key] <= 2:
        print(json.dumps(case))
