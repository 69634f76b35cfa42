"""Makes the image fixtures of imgeval-vision and the values that its reader must find in them.

    python scripts/reference/image_files.py crates/imgeval-vision/tests/fixtures/images

Needs Pillow and opencv-python-headless; the versions used are written into expected.json. Pixels are what OpenCV's
imdecode(IMREAD_COLOR) gives, because the official GenEval evaluator reads with it; where OpenCV cannot read a file
or ignores its EXIF orientation, they are Pillow's, and "read_by" says so.
"""

import io
import json
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps

WIDTH, HEIGHT = 40, 24


def picture(width=WIDTH, height=HEIGHT):
    """Smooth ramps with one flat orange block, so that no decoder's rounding hides a wrong channel or turn."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    rgb = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), 255 - x * 120 // (width - 1)], axis=-1)
    rgb[2:10, 4:16] = (230, 120, 20)
    return rgb.astype(np.uint8)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, color_type, rows, extra=b""):
    """A PNG by hand, for what Pillow does not write. `rows` are packed bytes without filter bytes."""
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def big_endian_rows(array):
    return [row.astype(">u2").tobytes() for row in array]


def orientation_exif(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def files():
    """Name, bytes, notes expected beside the pixels."""
    rgb = picture()
    image = Image.fromarray(rgb)
    grey = Image.fromarray(rgb[..., 0] // 2 + rgb[..., 1] // 2)
    alpha = np.dstack([rgb, np.where(rgb[..., 0] > 128, 0, 200).astype(np.uint8)])
    with_alpha = Image.fromarray(alpha)
    palette = image.quantize(32)
    # High byte and low byte differ, and the low byte would round up.
    deep = rgb.astype(np.uint16) * 256 + np.where(rgb % 2 == 0, 0xFF, 0x80).astype(np.uint16)
    deep_alpha = np.dstack([deep, np.full((HEIGHT, WIDTH, 1), 0x1234, np.uint16)])
    second = Image.fromarray(255 - rgb)
    exif6 = orientation_exif(6)
    third_frame = Image.fromarray(np.roll(rgb, 9, axis=1))

    yield "plain.png", saved(image, "PNG"), []
    yield "plain.jpg", saved(image, "JPEG", quality=95, subsampling=0), []
    yield "subsampled.jpg", saved(image, "JPEG", quality=90, subsampling=2), []
    yield "progressive.jpg", saved(image, "JPEG", quality=95, subsampling=0, progressive=True), []
    yield "grey.jpg", saved(grey, "JPEG", quality=95), []
    yield "lossless.webp", saved(image, "WEBP", lossless=True), []
    yield "lossy.webp", saved(image, "WEBP", quality=95), []
    yield "alpha.webp", saved(with_alpha, "WEBP", lossless=True, exact=True), ["alpha"]
    yield "grey.png", saved(grey, "PNG"), []
    yield "grey_1_bit.png", saved(grey.convert("1"), "PNG"), []
    yield "grey_4_bit.png", png(4, 2, 4, 0, [b"\x01\x8f", b"\xa5\xc3"]), []
    yield "grey_alpha.png", saved(with_alpha.convert("LA"), "PNG"), ["alpha"]
    yield "palette.png", saved(palette, "PNG"), []
    yield "palette_transparent.png", saved(palette, "PNG", transparency=3), ["alpha"]
    yield "rgb_transparent.png", saved(image, "PNG", transparency=(230, 120, 20)), ["alpha"]
    yield "alpha.png", saved(with_alpha, "PNG"), ["alpha"]
    yield "deep.png", png(WIDTH, HEIGHT, 16, 2, big_endian_rows(deep)), ["16-bit"]
    yield "deep_alpha.png", png(WIDTH, HEIGHT, 16, 6, big_endian_rows(deep_alpha)), ["16-bit", "alpha"]
    yield "deep_grey.png", png(WIDTH, HEIGHT, 16, 0, big_endian_rows(deep[..., 0])), ["16-bit"]
    yield "interlaced.png", INTERLACED, []
    yield "cmyk.jpg", saved(image.convert("CMYK"), "JPEG", quality=95, subsampling=0), ["cmyk"]
    for value in (3, 6):
        exif = orientation_exif(value)
        yield f"exif_{value}.jpg", saved(image, "JPEG", quality=95, subsampling=0, exif=exif), ["exif-rotated"]
    yield "exif_6.png", saved(image, "PNG", exif=exif6), ["exif-rotated"]
    yield "exif_6.webp", saved(image, "WEBP", lossless=True, exif=exif6), ["exif-rotated"]
    frames = {"save_all": True, "append_images": [second, third_frame], "duration": 100}
    yield "animated.webp", saved(image, "WEBP", lossless=True, **frames), ["animated"]
    yield "animated.png", saved(image, "PNG", **frames), ["animated"]


def interlaced():
    """An Adam7 PNG of 5x3 pixels by hand; Pillow reads such files but does not write them."""
    rgb = picture(5, 3)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    data = b""
    for left, top, step_x, step_y in passes:
        part = rgb[top::step_y, left::step_x]
        if part.size:
            data += b"".join(b"\0" + row.tobytes() for row in part)
    header = struct.pack(">IIBBBBB", 5, 3, 8, 2, 0, 0, 1)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


INTERLACED = interlaced()


def broken(plain):
    """Name, bytes, name of the error."""
    for name in ("plain.png", "plain.jpg", "progressive.jpg", "lossless.webp", "lossy.webp", "animated.webp"):
        data = plain[name]
        yield "truncated_" + name, data[: len(data) * 2 // 3], "unreadable"
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    yield "bomb.png", bomb + chunk(b"IEND", b""), "too-many-pixels"
    rows = [row.tobytes() for row in picture()]
    yield "missing_rows.png", png(WIDTH, HEIGHT, 8, 2, rows[:7]), "unreadable"
    yield "odd_palette.png", png(1, 1, 8, 3, [b"\0"], extra=chunk(b"PLTE", b"\xe6\x78\x14\x01")), "unreadable"
    yield "zero_width.png", png(0, 3, 8, 2, [b""] * 3), "empty-file"
    yield "empty.png", b"", "empty-file"
    yield "picture.gif", saved(Image.fromarray(picture(8, 8)).quantize(8), "GIF"), "unsupported-format"
    page = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body></body></html>\n"
    yield "error_page.png", page, "unsupported-format"


def pixels_of(data, notes):
    by_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    by_pillow = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if by_opencv is not None and by_opencv.shape[:2] == (by_pillow.height, by_pillow.width):
        return by_opencv[..., ::-1], "opencv"
    return np.asarray(by_pillow.convert("RGB")), "pillow"


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    images, failures, plain = [], [], {}
    for name, data, notes in files():
        plain[name] = data
        (folder / name).write_bytes(data)
        pixels, read_by = pixels_of(data, notes)
        height, width = pixels.shape[:2]
        points = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1), (width // 4, height // 4)]
        points += [(width // 2, height * 2 // 3), (width * 3 // 4, height // 3)]
        values = [[x, y, *(int(value) for value in pixels[y, x])] for x, y in points]
        images.append({"file": name, "width": width, "height": height, "notes": notes, "read_by": read_by,
                       "pixels": values})
    for name, data, error in broken(plain):
        (folder / name).write_bytes(data)
        failures.append({"file": name, "failure": error})
    versions = f"Pillow {PIL.__version__}, OpenCV {cv2.__version__}"
    lines = [f'{{"made_with": {json.dumps(versions)},', '"images": [']
    lines += [",\n".join(json.dumps(entry) for entry in images), "],", '"failures": [']
    lines += [",\n".join(json.dumps(entry) for entry in failures), "]}"]
    (folder / "expected.json").write_text("\n".join(lines) + "\n")


main()
