"""A scorer of Inspect (inspect_ai): is the image in a model's answer what the sample asks for?"""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Optional, Union

from inspect_ai.model import ContentImage
from inspect_ai.scorer import Score, Scorer, Target, accuracy, mean, scorer, stderr
from inspect_ai.solver import TaskState

from imgeval import Error, GenEval


@scorer(metrics={"correct": [accuracy(), stderr()], "score": [mean(), stderr()]})
def geneval(evaluator: Optional[Any] = None, metadata: str = "geneval", **options: Any) -> Scorer:
    """Scores the last image of the answer by the sample's metadata of GenEval, which are in `sample.metadata["geneval"]`.

    `correct` is GenEval's verdict and `score` its partial credit. An answer without an image is incorrect; one whose image cannot be used
    is an error of the sample. Options are those of `imgeval.GenEval`.
    """
    evaluate = GenEval(**options) if evaluator is None else evaluator

    async def score(state: TaskState, target: Target) -> Score:
        image = _last_image(state)
        if image is None:
            return Score(value={"correct": 0, "score": 0.0}, explanation="the answer has no image")
        # The evaluator blocks, and lets other threads run.
        [result] = await asyncio.to_thread(evaluate, [image], [state.metadata[metadata]])
        if result.error is not None:
            raise Error(f"the image of the answer cannot be evaluated: {result.error}")
        value = {"correct": int(result.correct), "score": result.score}
        return Score(value=value, explanation=result.reason or "correct")

    return score


def _last_image(state: TaskState) -> Optional[Union[str, bytes]]:
    content = state.output.message.content if state.output.choices else ""
    images = [part.image for part in content if isinstance(part, ContentImage)] if isinstance(content, list) else []
    if not images:
        return None
    header, comma, data = images[-1].partition(",")
    if header.startswith("data:") and comma:
        return base64.b64decode(data)
    return images[-1]
