"""Evaluates and diagnoses image generators; the work is done by the command `imgeval`, which comes with this package."""

from imgeval._program import find_program

__all__ = ["find_program"]
