"""The text in images."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import Any, Optional, Union

from imgeval import _native
from imgeval._images import prepare


def read_text(
    image: Any, *, models_dir: Optional[Union[str, os.PathLike[str]]] = None, max_pixels: int = 100_000_000
) -> dict[str, Any]:
    """Reads the text in an image, as `imgeval read` does: `lines`, each with `box`, `text` and `score`.

    The reader is loaded by the first call and kept. Its weights come with `imgeval models pull ocr`.

    >>> [line["text"] for line in read_text("sign.png")["lines"]]  # doctest: +SKIP
    ['EXIT']

    Raises `Error` if weights are missing, or the image cannot be used.
    """
    reader = _reader(None if models_dir is None else os.fspath(models_dir))
    document: dict[str, Any] = json.loads(reader.read_json(prepare(image), max_pixels))
    return document


@lru_cache(maxsize=1)
def _reader(models_dir: Optional[str]) -> _native.Reader:
    return _native.Reader(models_dir)
