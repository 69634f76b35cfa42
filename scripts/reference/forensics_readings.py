"""Image files that Pillow and OpenCV read differently, and what each of them reads.

Writes crates/imgeval-forensics/tests/fixtures/readings/.
Made with Pillow 13.0.0, opencv-python-headless 5.0.0 and numpy 2.
"""

import hashlib
import json
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import PIL
from PIL import Image

FOLDER = Path(__file__).parents[2] / "crates/imgeval-forensics/tests/fixtures/readings"
HEIGHT, WIDTH = 5, 7


def png(color_type, depth, rows, extra=()):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color_type, 0, 0, 0)
    body = b"".join(b"\0" + row for row in rows)
    chunks = [chunk(b"IHDR", header), *[chunk(*pair) for pair in extra]]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def orientation(value):
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, value, 0)
    return b"II*\0\x08\0\0\0\x01\0" + entry + b"\0\0\0\0"


def deep_rows(random, channels):
    numbers = random.integers(0, 65536, (HEIGHT, WIDTH * channels))
    # Levels below 256 are those that clipping leaves alone.
    numbers[:, ::3] %= 256
    return [row.astype(">u2").tobytes() for row in numbers]


def scaled():
    """Pillow 13 filters columns first where more than twice as many rows as columns are lost."""
    cases = []
    for sides in [(90, 166, 128, 128), (90, 40, 64, 64), (40, 90, 35, 79), (40, 90, 35, 80), (40, 90, 35, 81), (30, 30, 50, 70)]:
        width, height, *target = sides
        numbers = (np.arange(3 * width * height, dtype=np.int64) * 7919 + 13) % 65521 % 256
        image = Image.fromarray(numbers.astype(np.uint8).reshape(height, width, 3))
        pixels = np.asarray(image.resize(target, Image.Resampling.BILINEAR))
        cases.append({"from_to": sides, "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()})
    return cases


def main():
    random = np.random.default_rng(20261130)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rgb = random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    rows = [row.tobytes() for row in rgb]
    rgba = random.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    gray = random.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    palette = random.integers(0, 256, 3 * 16, dtype=np.uint8).tobytes()
    indices = random.integers(0, 16, (HEIGHT, WIDTH), dtype=np.uint8)
    files = {"rgb.png": png(2, 8, rows)}
    for value in range(2, 9):
        files[f"exif{value}.png"] = png(2, 8, rows, [(b"eXIf", orientation(value))])
    files["rgba.png"] = png(6, 8, [row.tobytes() for row in rgba])
    files["gray.png"] = png(0, 8, [row.tobytes() for row in gray])
    files["gray16.png"] = png(0, 16, deep_rows(random, 1))
    files["gray16_transparent.png"] = png(0, 16, deep_rows(random, 1), [(b"tRNS", b"\0\x07")])
    files["gray16_alpha.png"] = png(4, 16, deep_rows(random, 2))
    files["rgb16.png"] = png(2, 16, deep_rows(random, 3))
    files["palette.png"] = png(3, 8, [row.tobytes() for row in indices], [(b"PLTE", palette), (b"tRNS", b"\0\x80")])

    def saved(name, image, **options):
        image.save(FOLDER / name, **options)
        files[name] = (FOLDER / name).read_bytes()

    smooth = Image.fromarray(np.kron(rgb, np.ones((4, 4, 1), np.uint8)))
    saved("exif6.jpg", smooth, quality=90, exif=b"Exif\0\0" + orientation(6))
    saved("gray.jpg", smooth.convert("L"), quality=90)
    saved("cmyk.jpg", Image.fromarray(np.kron(rgba, np.ones((4, 4, 1), np.uint8)), "CMYK"), quality=90)
    saved("lossy.webp", smooth, quality=80)
    saved("exif3.webp", smooth, lossless=True, exif=b"Exif\0\0" + orientation(3))
    frame = Image.fromarray(indices, "P")
    frame.putpalette(palette)
    saved("transparent.gif", frame, transparency=5)

    expected = {}
    for name, data in files.items():
        path = FOLDER / name
        path.write_bytes(data)
        pillow = np.asarray(Image.open(path).convert("RGB"))
        opencv = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        both = {"pillow": pillow, "opencv": opencv}
        expected[name] = {
            library: {
                "size": list(pixels.shape[:2]),
                "sha256": hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
            }
            for library, pixels in both.items()
        }
        print(name, "same" if np.array_equal(pillow, opencv) else "different", file=sys.stderr)
    versions = {"Pillow": PIL.__version__, "OpenCV": cv2.__version__, "numpy": np.__version__}
    document = {"made_with": versions, "files": expected, "scaled": scaled()}
    text = json.dumps(document, indent=1)
    (FOLDER / "expected.json").write_text(text + "\n")


main()
