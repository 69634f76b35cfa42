"""What came of an image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Result:
    """GenEval's verdict on one image, in the words of the official evaluator, with the rewards of training if they were asked for.

    >>> Result("0.png", "counting", "three cows", False, "expected cow>=3, found 2", "{}", "{}").correct
    False
    """

    filename: str
    """Name of the image, if one was given."""
    tag: str
    """Kind of prompt: one of GenEval's six."""
    prompt: str
    correct: Optional[bool]
    """Whether the image shows what its prompt asks for; `None` if the image could not be used."""
    reason: str
    """What is wrong, one reason a line; empty if nothing is."""
    metadata: str
    """What was asked, as JSON."""
    details: str
    """The boxes that count, by class, as JSON: `{"cow": [[x1, y1, x2, y2, score]]}`."""
    score: Optional[float] = None
    """Partial credit, with `semantics`."""
    reward: Optional[float] = None
    """1 if correct, else 0, with `semantics`."""
    strict_reward: Optional[float] = None
    """1 if all counts are exact and everything else holds, else 0, with `semantics`."""
    error: Optional[str] = None
    """Why there is no verdict, in one sentence; `None` if there is one."""

    def to_dict(self) -> dict[str, Any]:
        """The same as a row of `imgeval score-detections`; `error` only if there is one, rewards only if they were asked for.

        >>> sorted(Result("", "counting", "three cows", True, "", "{}", "{}").to_dict())
        ['correct', 'details', 'filename', 'metadata', 'prompt', 'reason', 'tag']
        """
        optional = ("score", "reward", "strict_reward", "error")
        return {name: value for name, value in asdict(self).items() if name not in optional or value is not None}
