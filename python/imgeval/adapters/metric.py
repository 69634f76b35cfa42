"""A metric with `update` and `compute`, as torchmetrics has them."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterable, Optional

from imgeval import GenEval, Result


class GenEvalMetric:
    """GenEval's scores over all batches so far: the share of correct images of each tag, and `overall`, the mean of the tags.

    Images that cannot be used are counted as `unusable` and are not part of any score.

    >>> metric = GenEvalMetric(evaluator=lambda images, metadata: [
    ...     Result("", "counting", "", image, "", "", "") for image in images])
    >>> metric.update([True, True, False, None], [{}] * 4)
    >>> {name: round(float(value), 2) for name, value in metric.compute().items()}
    {'counting': 0.67, 'overall': 0.67, 'unusable': 1.0}
    """

    higher_is_better = True

    def __init__(self, evaluator: Optional[Any] = None, **options: Any) -> None:
        self.evaluator = GenEval(**options) if evaluator is None else evaluator
        self.reset()

    def reset(self) -> None:
        """Forgets all images."""
        self.correct: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.unusable = 0

    def update(self, images: Iterable[Any], metadata: Iterable[Any]) -> None:
        """Evaluates a batch."""
        for result in self.evaluator(images, metadata):
            if result.correct is None:
                self.unusable += 1
                continue
            self.correct[result.tag] += result.correct
            self.total[result.tag] += 1

    def compute(self) -> dict[str, float]:
        """The scores; without `overall` before the first image."""
        scores = {tag: self.correct[tag] / n for tag, n in sorted(self.total.items())}
        if scores:
            scores["overall"] = sum(scores.values()) / len(scores)
        return {**scores, "unusable": self.unusable}

    def merge(self, other: GenEvalMetric) -> None:
        """Adds what another process has counted."""
        self.correct.update(other.correct)
        self.total.update(other.total)
        self.unusable += other.unusable
