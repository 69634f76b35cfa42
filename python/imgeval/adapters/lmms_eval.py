"""A task of lmms-eval: GenEval on models that answer with images.

    python -c "from imgeval.adapters.lmms_eval import write_task; write_task('tasks')"
    python -m lmms_eval --include_path tasks --tasks imgeval_geneval --model ...

The answers of such models are JSON, `{"text": ..., "images": [paths]}`; the first image counts.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional, Sequence, Union

from imgeval import Error, GenEval, geneval_metadata

_TASK = """\
task: imgeval_geneval
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: generate_until
doc_to_visual: !function imgeval.adapters.lmms_eval.doc_to_visual
doc_to_text: !function imgeval.adapters.lmms_eval.doc_to_text
doc_to_target: metadata
process_results: !function imgeval.adapters.lmms_eval.process_results
generation_kwargs:
  until: []
metric_list:
  - metric: geneval_overall
    aggregation: !function imgeval.adapters.lmms_eval.overall
    higher_is_better: true
metadata:
  - version: 1
"""


def write_task(folder: Union[str, os.PathLike[str]], detector: str = "preview", limit: Optional[int] = None) -> Path:
    """Writes the task and its prompts, the first `limit` or all 553, for `--include_path`; returns the task's file."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "imgeval_geneval.jsonl"
    rows = [{"prompt": asked["prompt"], "metadata": json.dumps(asked), "detector": detector} for asked in geneval_metadata()]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows[:limit]), encoding="utf-8")
    task = folder / "imgeval_geneval.yaml"
    task.write_text(_TASK.format(data=json.dumps(str(data))), encoding="utf-8")
    return task


def doc_to_visual(doc: dict[str, Any]) -> list[Any]:
    """No image is shown to the model."""
    return []


def doc_to_text(doc: dict[str, Any], lmms_eval_specific_kwargs: Optional[dict[str, Any]] = None) -> str:
    """The prompt."""
    return str(doc["prompt"])


def process_results(doc: dict[str, Any], results: Sequence[str], **kwargs: Any) -> dict[str, Any]:
    """The verdict on the first image of an answer. An answer without an image is incorrect; an image that cannot be used is an error."""
    tag = json.loads(doc["metadata"])["tag"]
    images = _images(results[0]) if results else []
    if not images:
        return {"geneval_overall": {"tag": tag, "correct": False, "reason": "the answer has no image"}}
    [result] = _evaluator(doc["detector"])([images[0]], [doc["metadata"]])
    if result.error is not None:
        raise Error(f"`{images[0]}` cannot be evaluated: {result.error}")
    return {"geneval_overall": {"tag": tag, "correct": result.correct, "reason": result.reason}}


def overall(results: Sequence[dict[str, Any]]) -> float:
    """GenEval's overall score: the mean of the tags' shares of correct images.

    >>> overall([{"tag": "colors", "correct": True}, {"tag": "counting", "correct": True}, {"tag": "counting", "correct": False}])
    0.75
    """
    by_tag: dict[str, list[bool]] = {}
    for result in results:
        by_tag.setdefault(result["tag"], []).append(result["correct"])
    shares = [sum(correct) / len(correct) for correct in by_tag.values()]
    return sum(shares) / len(shares) if shares else 0.0


def _images(answer: str) -> list[str]:
    try:
        parsed = json.loads(answer)
    except ValueError:
        return []
    return parsed.get("images", []) if isinstance(parsed, dict) else []


@lru_cache(maxsize=1)
def _evaluator(detector: str) -> GenEval:
    return GenEval(detector)
