"""GenEval over batches of columns, for Ray and Daft."""

from __future__ import annotations

from typing import Any, Mapping, Optional, TypedDict

from imgeval._geneval import GenEval


class Scored(TypedDict):
    """What of a result is added to a row: the fields of `Result` of the same names."""

    correct: Optional[bool]
    reason: str
    score: Optional[float]
    reward: Optional[float]
    strict_reward: Optional[float]
    error: Optional[str]


COLUMNS = tuple(Scored.__annotations__)
"""The columns that are added to a batch."""


class Scorer:
    """Adds GenEval's verdicts and rewards to batches: dictionaries of columns, each with a value for each row.

    `image` and `metadata` name the columns with images (paths, bytes of files, or arrays) and with what is asked of each (GenEval's
    metadata, as dictionaries or JSON). All other options are those of `GenEval`. The detector is loaded by the first batch, so that a
    scorer is small when it is pickled and sent to another machine.

        actors = ray.data.ActorPoolStrategy(size=4)
        dataset.map_batches(imgeval.Scorer, fn_constructor_args=("geneval",), compute=actors)

        frame.select(daft.cls(imgeval.Scorer)("geneval").score(frame["image"], frame["metadata"]))

    >>> Scorer("preview", image="picture")
    Scorer('preview', image='picture', metadata='metadata')
    """

    def __init__(self, detector: Any = "preview", *, image: str = "image", metadata: str = "metadata", **options: Any) -> None:
        self.image = image
        self.metadata = metadata
        self._arguments = (detector, options)
        self._evaluator: Optional[GenEval] = None

    @property
    def evaluator(self) -> GenEval:
        """The loaded evaluator."""
        if self._evaluator is None:
            detector, options = self._arguments
            self._evaluator = GenEval(detector, **options)
        return self._evaluator

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """The batch with the columns `COLUMNS` added."""
        results = self.evaluator(batch[self.image], batch[self.metadata])
        return {**batch, **{name: [getattr(result, name) for result in results] for name in COLUMNS}}

    def score(self, image: Any, metadata: Any) -> Scored:
        """What is added to one row."""
        [result] = self.evaluator([image], [metadata])
        return Scored(
            correct=result.correct,
            reason=result.reason,
            score=result.score,
            reward=result.reward,
            strict_reward=result.strict_reward,
            error=result.error,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_evaluator": None}

    def __repr__(self) -> str:
        return f"Scorer({self._arguments[0]!r}, image={self.image!r}, metadata={self.metadata!r})"
