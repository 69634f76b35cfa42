"""Verdicts on detections that were made elsewhere."""

from __future__ import annotations

import json
import os
from typing import Any, Iterable, Iterator, Literal, Mapping, Optional, Union

from imgeval import _native
from imgeval._results import Result

Semantics = Literal["exact", "flow-grpo", "uni-rl"]


def score_detections(
    detections: Union[str, os.PathLike[str], Iterable[Union[str, bytes, Mapping[str, Any]]]],
    *,
    semantics: Optional[Semantics] = None,
    threshold: float = 0.3,
    counting_threshold: float = 0.9,
    max_objects: int = 16,
    max_overlap: float = 1.0,
    position_threshold: float = 0.1,
) -> list[Result]:
    """Applies GenEval's rules to another detector's detections, as `imgeval score-detections` does.

    `detections` is the path of a file (JSON Lines), or an iterable of its lines: texts or dictionaries with `metadata`, `width`, `height`
    and `objects`. With `semantics`, the rewards of training are computed too. The other options are those of GenEval's evaluator.

    >>> cow = {"class": "cow", "score": 0.97, "box": [10, 20, 200, 180]}
    >>> asked = {"tag": "counting", "include": [{"class": "cow", "count": 2}], "prompt": "a photo of two cows"}
    >>> line = {"metadata": asked, "width": 256, "height": 256, "objects": [cow]}
    >>> [result] = score_detections([line], semantics="exact")
    >>> result.correct, result.reason, result.score
    (False, 'expected cow>=2, found 1', 0.5)

    Raises `Error` if a line is not one of detections, and `OSError` if the file cannot be read.
    """
    rules = rules_of(threshold, counting_threshold, max_objects, max_overlap, position_threshold)
    if isinstance(detections, (str, os.PathLike)):
        rows = _native.score_detections_file(os.fspath(detections), rules, semantics)
    else:
        rows = _native.score_detections_lines(_texts(detections), rules, semantics)
    return [Result(**row) for row in rows]


def rules_of(
    threshold: float, counting_threshold: float, max_objects: int, max_overlap: float, position_threshold: float
) -> dict[str, Any]:
    """The options of GenEval's evaluator as the extension module takes them."""
    return {
        "threshold": threshold,
        "counting_threshold": counting_threshold,
        "max_objects": max_objects,
        "max_overlap": max_overlap,
        "position_threshold": position_threshold,
    }


def _texts(lines: Iterable[Union[str, bytes, Mapping[str, Any]]]) -> Iterator[str]:
    for line in lines:
        if isinstance(line, str):
            yield line
        elif isinstance(line, (bytes, bytearray)):
            yield line.decode("utf-8")
        else:
            yield json.dumps(line)
