"""Examples in docstrings give what they show."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import imgeval
from support import has

PAGE = Path(__file__).resolve().parent.parent.parent / "docs/python.md"
# Modules that need another package.
NEEDS = {"imgeval.adapters.inspect_ai": "inspect_ai"}


def load_tests(loader, tests, pattern):
    for module in pkgutil.walk_packages(imgeval.__path__, "imgeval."):
        needed = NEEDS.get(module.name)
        if module.name != "imgeval.__main__" and (needed is None or has(needed)):
            tests.addTests(doctest.DocTestSuite(importlib.import_module(module.name)))
    tests.addTests(doctest.DocTestSuite(imgeval))
    tests.addTests(doctest.DocFileSuite(str(PAGE), module_relative=False))
    return tests
