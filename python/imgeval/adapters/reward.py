"""A reward function for training."""

from __future__ import annotations

import math
from typing import Any, Callable, Literal, Sequence

from imgeval import Error, GenEval, Result

Rewards = Callable[[Any, Sequence[str], Sequence[Any]], "list[float]"]


def geneval_reward(
    evaluator: Any = None,
    *,
    reward: Literal["score", "reward", "strict_reward"] = "score",
    unusable: Literal["raise", "nan"] = "raise",
    **options: Any,
) -> Rewards:
    """A function `(images, prompts, metadata) -> rewards`, one reward for each image.

    Images are what `GenEval` takes, or a tensor of PyTorch with the shape (n, 3, height, width) and values from 0 to 1. The prompts are
    those of the metadata and are not looked at. `reward` says which number of a result it is. An image that cannot be used gets no
    invented number: it raises `imgeval.Error`, or is NaN.

    >>> half = lambda images, metadata: [Result("", "counting", "", False, "", "", "", score=0.5) for image in images]
    >>> geneval_reward(half)(["a.png", "b.png"], ["two cows"] * 2, [{}, {}])
    [0.5, 0.5]
    """
    evaluate = GenEval(**options) if evaluator is None else evaluator

    def rewards(images: Any, prompts: Sequence[str], metadata: Sequence[Any]) -> "list[float]":
        results = evaluate(_arrays(images), metadata)
        return [_reward_of(place, result) for place, result in enumerate(results)]

    def _reward_of(place: int, result: Result) -> float:
        if result.error is None:
            value: float = getattr(result, reward)
            return value
        if unusable == "raise":
            raise Error(f"image {place}: {result.error}")
        return math.nan

    return rewards


def _arrays(images: Any) -> Any:
    """Tensors as arrays of bytes; anything else as it is."""
    if not hasattr(images, "detach"):
        return images
    levels = (images.detach() * 255).round().clamp(0, 255).byte().cpu().numpy()
    return list(levels.transpose(0, 2, 3, 1))
