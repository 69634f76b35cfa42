"""Runs of the command, read from Python."""

from __future__ import annotations

import os
from typing import Any, Union

from imgeval import _native


class Run:
    """A run directory, as `imgeval run` makes it. Reading takes no lock and changes nothing.

    >>> import polars  # doctest: +SKIP
    >>> polars.DataFrame(Run.open("runs/demo").scores())  # doctest: +SKIP
    """

    def __init__(self, path: str, facts: dict[str, Any]) -> None:
        self.path = path
        self.suite: str = facts["suite"]
        """The suite's id, such as `geneval`."""
        self.label: str = facts["label"]
        """What the run is called; empty if it was given no label."""
        self.n_images: int = facts["n_images"]
        self.evaluators: list[str] = facts["evaluators"]
        """Ids of the detectors, judges and raters that have looked at the images."""

    @classmethod
    def open(cls, path: Union[str, os.PathLike[str]]) -> Run:
        """Opens a run.

        Raises `Error` if the folder is no run or cannot be read.
        """
        name = os.fspath(path)
        return cls(name, _native.run_facts(name))

    def scores(self) -> _native.Scores:
        """A row for each sample and evaluator, as a table of Arrow.

        The table is handed over without copying to whatever takes Arrow's C stream: `polars.DataFrame(scores)`,
        `pyarrow.table(scores)`, `pandas.DataFrame.from_arrow(scores)`. Its columns are those of the table `scores` of an exported data
        set: `case_id`, `sample`, `round`, `evaluator_id`, `evaluator`, `evaluator_kind`, `outcome`, `detail`, `score`, `is_correct` and
        `reasons`.
        """
        return _native.read_scores(self.path)

    def __repr__(self) -> str:
        return f"Run({self.path!r})"
