"""Images as the extension module takes them."""

from __future__ import annotations

import os
from typing import Any, Mapping, Tuple, Union

Prepared = Union[str, bytes, Tuple[int, int, bytes]]


def prepare(image: Any) -> Prepared:
    """A path, the bytes of an image file, or width, height and the bytes of the pixels.

    Bytes are handed over as they are. The pixels of an array and of a Pillow image are copied once, into an object that nobody can change
    while threads work on it.

    >>> prepare(b"GIF89a")
    b'GIF89a'
    """
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image)
    if isinstance(image, bytes):
        return image
    if isinstance(image, (bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, Mapping):
        # As Hugging Face data sets keep images that are not decoded.
        return prepare(image.get("bytes") or image["path"])
    if hasattr(image, "mode") and hasattr(image, "tobytes") and hasattr(image, "size"):
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        width, height = rgb.size
        return width, height, _bytes_of_pillow(rgb)
    interface = getattr(image, "__array_interface__", None)
    if interface is None or not hasattr(image, "tobytes"):
        raise TypeError(f"an image must be a path, bytes, a Pillow image or a NumPy array, not {type(image).__name__}")
    shape = interface["shape"]
    if interface["typestr"] != "|u1" or len(shape) != 3 or shape[2] != 3:
        raise ValueError(f"an array must have the type uint8 and the shape (height, width, 3), not {interface['typestr']} and {shape}")
    return shape[1], shape[0], image.tobytes()


def _bytes_of_pillow(image: Any) -> bytes:
    """The pixels of an RGB image of Pillow, in one piece: its `tobytes` makes them in parts and joins these, which is a second copy."""
    image.load()
    length = 3 * image.width * image.height
    try:
        from PIL.Image import _getencoder

        encoder = _getencoder(image.mode, "raw", (image.mode, 0, 1))
        encoder.setimage(image.im, (0, 0, image.width, image.height))
        _, status, pixels = encoder.encode(length)
    except (AttributeError, ImportError, TypeError):
        # What is private may be gone.
        return bytes(image.tobytes())
    whole = status == 1 and len(pixels) == length
    return bytes(pixels if whole else image.tobytes())


def name_of(image: Any) -> str:
    """The path that an image was given as, or nothing."""
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else ""
