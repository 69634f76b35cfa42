"""Evaluates and diagnoses image generators: the command `imgeval`, and its library for Python.

>>> import imgeval
>>> imgeval.__all__
['Error', 'GenEval', 'Result', 'Run', 'Scorer', 'find_program', 'geneval_metadata', 'metrics', 'read_text', 'register', 'score_detections']
"""

from imgeval._program import find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from imgeval import metrics
    from imgeval._detections import score_detections
    from imgeval._geneval import GenEval, geneval_metadata
    from imgeval._native import Error
    from imgeval._reading import read_text
    from imgeval._results import Result
    from imgeval._run import Run
    from imgeval._scorer import Scorer
    from imgeval.metrics import register

# The command imports this package too, and should start at once: the rest is imported when it is asked for.
_HOMES = {
    "Error": "_native",
    "GenEval": "_geneval",
    "Result": "_results",
    "Run": "_run",
    "Scorer": "_scorer",
    "geneval_metadata": "_geneval",
    "read_text": "_reading",
    "register": "metrics",
    "score_detections": "_detections",
}

__all__ = [
    "Error",
    "GenEval",
    "Result",
    "Run",
    "Scorer",
    "find_program",
    "geneval_metadata",
    "metrics",
    "read_text",
    "register",
    "score_detections",
]


def __getattr__(name: str) -> object:
    import importlib

    if name == "metrics":
        return importlib.import_module("imgeval.metrics")
    if name not in _HOMES:
        raise AttributeError(f"module 'imgeval' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"imgeval.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__})
