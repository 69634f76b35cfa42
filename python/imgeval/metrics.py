"""Measures of images and pairs: the numbers of `imgeval metrics`, as dictionaries with the same keys as its JSON.

Images are paths, the bytes of a file, Pillow images, or NumPy arrays of uint8 with the shape (height, width, 3).
"""

from __future__ import annotations

import json
import os
from typing import Any, Literal, Optional, Union

from imgeval import _native
from imgeval._images import prepare

__all__ = ["edit", "image", "register"]

_Path = Union[str, os.PathLike[str]]


def edit(
    before: Any,
    after: Any,
    *,
    mask: Any = None,
    mask_threshold: Union[int, Literal["none"], None] = None,
    text: Optional[str] = None,
    register: Optional[bool] = None,
    lpips_trunk: Optional[_Path] = None,
    lpips_heads: Optional[_Path] = None,
    clip: Optional[_Path] = None,
    device: str = "cpu",
    dtype: str = "f32",
    models_dir: Optional[_Path] = None,
    max_pixels: int = 100_000_000,
) -> dict[str, Any]:
    """Measures an edit, as `imgeval metrics edit` does.

    With `mask`, white where the image should be edited, it gives PSNR, SSIM, MSE and LPIPS outside of it, and with `text` the CLIPScore of
    what is inside. `register` aligns the images first and measures tone and content outside the edit; it is on unless there is a mask.
    Numbers that are missing are `None`, and `missing` says why, for instance because weights are not here.

    >>> picture = b"P6 64 64 255 " + bytes((37 * place * place + 11 * place) % 251 for place in range(64 * 64 * 3))
    >>> measured = edit(picture, picture)
    >>> measured["registration"]["status"], round(measured["content_de"], 3)
    ('ok', 0.0)

    Raises `imgeval.Error` if an image cannot be used or registered.
    """
    document = _native.measure_edit_json(
        prepare(before),
        prepare(after),
        None if mask is None else prepare(mask),
        mask_threshold,
        text,
        mask is None if register is None else register,
        [lpips_trunk, lpips_heads, clip],
        (device, dtype),
        models_dir,
        max_pixels,
    )
    return _document(document)


def register(before: Any, after: Any, *, max_pixels: int = 100_000_000) -> dict[str, Any]:
    """Registers an edited image with its source, as `imgeval metrics register` does: how it was zoomed, stretched, moved and cut, and how
    alike the images are before and after.

    Raises `imgeval.Error` if an image cannot be used, or is too small or of one color.
    """
    return _document(_native.register_json(prepare(before), prepare(after), max_pixels))


def image(image: Any, *, max_pixels: int = 100_000_000) -> dict[str, Any]:
    """Measures one image, as `imgeval metrics image` does: color, sharpness, noise, spectrum, traces of JPEG and of upscaling.

    >>> image(b"P6 16 16 255 " + bytes(768))["size"]
    [16, 16]

    Raises `imgeval.Error` if the image cannot be used.
    """
    return _document(_native.measure_image_json(prepare(image), max_pixels))


def _document(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document
