"""The extension module: what the modules beside it build on. It is no interface of its own."""

import os
from typing import Any, Callable, Iterator, Optional, Sequence, Tuple, Union, final

_Image = Union[str, bytes, Tuple[int, int, bytes]]
_Path = Union[str, os.PathLike[str]]

class Error(Exception):
    hint: Optional[str]

@final
class Evaluator:
    def __new__(
        cls,
        detector: str,
        weights: Optional[_Path],
        clip: Optional[_Path],
        compute: Tuple[str, str],
        models_dir: Optional[_Path],
        rules: dict[str, Any],
        semantics: str,
        max_pixels: int,
    ) -> Evaluator: ...
    def facts(self) -> dict[str, str]: ...
    def evaluate(
        self,
        samples: Iterator[Tuple[str, _Image, str]],
        total: Optional[int],
        progress: Optional[Callable[[int, int], object]],
    ) -> list[dict[str, Any]]: ...

@final
class Reader:
    def __new__(cls, models_dir: Optional[_Path]) -> Reader: ...
    def read_json(self, image: _Image, max_pixels: int) -> str: ...

@final
class Scores:
    def __len__(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...

def run(arguments: Sequence[str], again: Sequence[str]) -> int: ...
def geneval_metadata() -> list[str]: ...
def measure_edit_json(
    before: _Image,
    after: _Image,
    mask: Optional[_Image],
    mask_threshold: Union[int, str, None],
    text: Optional[str],
    register: bool,
    weights: Sequence[Optional[_Path]],
    compute: Tuple[str, str],
    models_dir: Optional[_Path],
    max_pixels: int,
) -> str: ...
def measure_image_json(image: _Image, max_pixels: int) -> str: ...
def read_scores(path: _Path) -> Scores: ...
def run_facts(path: _Path) -> dict[str, Any]: ...
def register_json(before: _Image, after: _Image, max_pixels: int) -> str: ...
def score_detections_file(path: str, rules: dict[str, Any], semantics: Optional[str]) -> list[dict[str, Any]]: ...
def score_detections_lines(lines: Iterator[str], rules: dict[str, Any], semantics: Optional[str]) -> list[dict[str, Any]]: ...
