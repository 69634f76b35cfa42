"""GenEval over images."""

from __future__ import annotations

import json
import os
from collections.abc import Sized
from typing import Any, Callable, Iterable, Iterator, Literal, Mapping, Optional, Tuple, Union

from imgeval import _native
from imgeval._detections import Semantics, rules_of
from imgeval._images import Prepared, name_of, prepare
from imgeval._results import Result

Device = Literal["cpu", "cuda", "metal"]
Dtype = Literal["f32", "f16", "bf16"]
Metadata = Union[str, bytes, Mapping[str, Any]]
Progress = Callable[[int, int], object]

_DETECTORS = ("preview", "geneval", "mask2former", "hf-mask2former")


class GenEval:
    """GenEval's verdicts on images: does each show the objects, counts, colors and positions that its prompt names?

    `detector` is `"preview"` (small, for trying things out; its scores are not comparable with published ones), `"geneval"` (the official
    evaluator's), `"hf-mask2former"`, or the path of Mask2Former's weights. Pull weights with `imgeval models pull`. `clip` is the CLIP
    that names colors, instead of the pulled one. `device` and `dtype` say where the detector computes; only `"cpu"` with `"f32"` is
    official. `semantics` says whose rewards results hold: `"exact"` for imgeval's own, `"flow-grpo"` and `"uni-rl"` for those of training
    frameworks. The thresholds are the options of GenEval's evaluator.

    The detector is loaded once, here. An instance can be pickled: the copy loads it again.

    >>> evaluate = GenEval()  # doctest: +SKIP
    >>> asked = {"tag": "single_object", "include": [{"class": "cow", "count": 1}], "prompt": "a photo of a cow"}
    >>> [result] = evaluate(["cow.png"], [asked])  # doctest: +SKIP
    >>> result.correct, result.reason  # doctest: +SKIP
    (True, '')

    Raises `Error` if weights are missing or cannot be used, or the detector fails its self-test.
    """

    def __init__(
        self,
        detector: Union[str, os.PathLike[str]] = "preview",
        device: Device = "cpu",
        *,
        dtype: Dtype = "f32",
        weights: Optional[Union[str, os.PathLike[str]]] = None,
        clip: Optional[Union[str, os.PathLike[str]]] = None,
        models_dir: Optional[Union[str, os.PathLike[str]]] = None,
        semantics: Semantics = "exact",
        threshold: float = 0.3,
        counting_threshold: float = 0.9,
        max_objects: int = 16,
        max_overlap: float = 1.0,
        position_threshold: float = 0.1,
        max_pixels: int = 1 << 25,
    ) -> None:
        name = os.fspath(detector)
        if name not in _DETECTORS:
            if weights is not None:
                raise ValueError(f"unknown detector {name!r}; with `weights`, use one of {', '.join(_DETECTORS)}")
            name, weights = "mask2former", name
        rules = rules_of(threshold, counting_threshold, max_objects, max_overlap, position_threshold)
        # As they were given, for pickling.
        self._arguments = (name, weights, clip, (device, dtype), models_dir, rules, semantics, max_pixels)
        self._native = _native.Evaluator(*self._arguments)

    def __call__(
        self, images: Iterable[Any], metadata: Iterable[Metadata], progress: Optional[Progress] = None
    ) -> list[Result]:
        """Evaluates images, each against the metadata in the same place, and returns the results in that order.

        An image is a path, the bytes of a file, a Pillow image, or a NumPy array of uint8 with the shape (height, width, 3). Metadata are
        GenEval's, as a dictionary or JSON. Both may be generators: images are taken one by one as threads become free. An image that
        cannot be used fails alone: `error` of its result says why. `progress` is called with the number of results and of all images.

        Other Python threads run meanwhile. Ctrl-C ends the call at once.
        """
        total = len(metadata) if isinstance(metadata, Sized) else None
        rows = self._native.evaluate(_samples(images, metadata), total, progress)
        return [Result(**row) for row in rows]

    @property
    def detector(self) -> dict[str, str]:
        """What tells this detector from others: `id`, `title`, `weights_sha256`, `parameters`, and whether scores are `comparable`."""
        return self._native.facts()

    def __reduce__(self) -> Tuple[Any, ...]:
        return _load, (self._arguments,)

    def __repr__(self) -> str:
        return f"GenEval({self._arguments[0]!r})"


def _load(arguments: Tuple[Any, ...]) -> GenEval:
    loaded = GenEval.__new__(GenEval)
    loaded._arguments = arguments
    loaded._native = _native.Evaluator(*arguments)
    return loaded


def _samples(images: Iterable[Any], metadata: Iterable[Metadata]) -> Iterator[Tuple[str, Prepared, str]]:
    images, metadata = iter(images), iter(metadata)
    nothing = object()
    while True:
        image, asked = next(images, nothing), next(metadata, nothing)
        if image is nothing and asked is nothing:
            return
        if image is nothing or asked is nothing:
            more, fewer = ("metadata", "images") if image is nothing else ("images", "metadata")
            raise ValueError(f"there are more {more} than {fewer}")
        yield name_of(image), prepare(image), metadata_text(asked)


def metadata_text(metadata: Any) -> str:
    """GenEval's metadata as JSON. Keys without a value, which columns of structures have, are left out.

    >>> metadata_text({"tag": "colors", "exclude": None})
    '{"tag": "colors"}'
    """
    if isinstance(metadata, str):
        return metadata
    if isinstance(metadata, (bytes, bytearray)):
        return metadata.decode("utf-8")
    return json.dumps(_plain(metadata))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (str, int, float)) or value is None:
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return [_plain(inner) for inner in value]


def geneval_metadata() -> list[dict[str, Any]]:
    """The metadata of GenEval's 553 official prompts, in their order.

    >>> len(geneval_metadata()), geneval_metadata()[0]["prompt"]
    (553, 'a photo of a bench')
    """
    return [json.loads(line) for line in _native.geneval_metadata()]
