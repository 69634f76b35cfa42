"""Examples in docstrings give what they show."""

import doctest
import importlib
import pkgutil

import imgeval
from support import has

# Modules that need another package.
NEEDS = {"imgeval.adapters.inspect_ai": "inspect_ai"}


def load_tests(loader, tests, pattern):
    for module in pkgutil.walk_packages(imgeval.__path__, "imgeval."):
        needed = NEEDS.get(module.name)
        if module.name != "imgeval.__main__" and (needed is None or has(needed)):
            tests.addTests(doctest.DocTestSuite(importlib.import_module(module.name)))
    tests.addTests(doctest.DocTestSuite(imgeval))
    return tests
