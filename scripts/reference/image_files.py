"""The pixels that imgeval-vision's reader must find, as OpenCV's imread(IMREAD_COLOR) gives them.

Fixtures and their expected pixels, for the tests:

    python scripts/reference/image_files.py make crates/imgeval-vision/tests/fixtures/images

Thousands of random files, read by both; fails if any pixel differs:

    cargo build -p imgeval-vision --example decoded_pixels
    python scripts/reference/image_files.py compare --binary target/debug/examples/decoded_pixels [--count 3000] [--seed 1]

The reference of the fuzz target `decoded_pictures`, which starts it by itself:

    python scripts/reference/image_files.py serve

Needs Pillow and opencv-python-headless 5.0.0; `make` and `compare` also need libjpeg-turbo's cjpeg on the PATH (Debian:
libjpeg-turbo-progs), which writes what Pillow cannot: any sampling, any order of scans, arithmetic coding. OpenCV is the
reference because the official GenEval evaluator reads with it; the version used is written into expected.json.
"""

import argparse
import hashlib
import io
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from pathlib import Path

# Before cv2 is imported: damaged files are tried on purpose.
os.environ["OPENCV_LOG_LEVEL"] = "SILENT"

import cv2
import numpy as np
import PIL
from PIL import Image

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


def exif_block(value, order="<", kind=3):
    """A TIFF structure with nothing but an orientation; `kind` 3 is SHORT, 4 is LONG."""
    stored = struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + stored
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, 1) + entry + bytes(4)


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def with_segments(jpeg, *segments):
    """Segments directly behind the start of the image."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def cjpeg(rgb, *options, scans=None):
    """A JPEG by libjpeg-turbo's tool; `scans` is a script as in its wizard.txt."""
    pixels = np.ascontiguousarray(rgb)
    kind, channels = (b"P5", 1) if pixels.ndim == 2 else (b"P6", 3)
    pnm = b"%s %d %d 255\n" % (kind, pixels.shape[1], pixels.shape[0]) + pixels.tobytes()
    with tempfile.NamedTemporaryFile("w", suffix=".scans") as script:
        if scans:
            script.write(scans)
            script.flush()
            options = (*options, "-scans", script.name)
        return subprocess.run(["cjpeg", *options], input=pnm, stdout=subprocess.PIPE, check=True).stdout


def adobe_transform(jpeg, value):
    """Another value in Adobe's marker: of four components 0 is CMYK, 2 YCCK; of three 0 is RGB, 1 YCbCr."""
    start = jpeg.index(b"Adobe")
    return jpeg[: start + 11] + bytes([value]) + jpeg[start + 12:]


ADOBE_RGB = segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0))
SEPARATE_SCANS = "0;\n1;\n2;\n"
LUMA_THEN_CHROMA = "0;\n1,2;\n"


def after_idat(png_bytes, *chunks):
    end = png_bytes.rindex(b"IEND") - 4
    return png_bytes[:end] + b"".join(chunks) + png_bytes[end:]


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
    yield from unusual_jpegs(rgb, image)
    plain = saved(image, "PNG")
    yield "exif_after_idat.png", after_idat(plain, chunk(b"eXIf", exif_block(6, ">"))), ["exif-rotated"]
    two = after_idat(plain, chunk(b"eXIf", exif_block(8)), chunk(b"eXIf", exif_block(3)))
    yield "exif_twice.png", two, ["exif-rotated"]
    # OpenCV reads the chunk as the specification has it: without JPEG's prefix.
    yield "exif_prefixed.png", after_idat(plain, chunk(b"eXIf", b"Exif\0\0" + exif_block(6))), []
    broken_exif = bytearray(chunk(b"eXIf", exif_block(6)))
    broken_exif[-1] ^= 1
    yield "exif_sum.png", after_idat(plain, bytes(broken_exif)), []
    broken_sum = bytearray(chunk(b"tEXt", b"Comment\0none"))
    broken_sum[-1] ^= 1
    yield "text_sum.png", after_idat(plain, bytes(broken_sum)), []
    lossy_alpha = {"quality": 60, "alpha_quality": 50, "exact": True}
    yield "lossy_alpha.webp", saved(with_alpha, "WEBP", **lossy_alpha), ["alpha"]
    yield "picture.bmp", saved(image, "BMP"), []
    yield "picture.tiff", saved(image, "TIFF", compression="tiff_lzw"), []
    yield "picture.ppm", saved(image, "PPM"), []
    yield "picture.gif", saved(palette, "GIF"), []
    yield "transparent.gif", saved(palette, "GIF", transparency=palette.getpixel((5, 5))), ["alpha"]
    yield "animated.gif", saved(image, "GIF", save_all=True, append_images=[second]), ["animated"]
    frames = {"save_all": True, "append_images": [second, third_frame], "duration": 100}
    yield "animated.webp", saved(image, "WEBP", lossless=True, **frames), ["animated"]
    yield "animated.png", saved(image, "PNG", **frames), ["animated"]


def unusual_jpegs(rgb, image):
    """Valid, and misread by one decoder or another."""
    best = saved(image, "JPEG", quality=95, subsampling=0)
    for name, sampling in (
        ("luma_halved", "1x1,2x1,1x1"),
        ("luma_third", "3x1,1x1,1x1"),
        ("tall", "1x4,1x1,1x1"),
        ("mixed", "2x2,2x1,1x2"),
        ("chroma_larger", "1x1,2x2,2x2"),
        ("chroma_uneven", "2x2,1x1,2x2"),
    ):
        yield f"sampling_{name}.jpg", cjpeg(rgb, "-sample", sampling, "-quality", "85"), []
        yield f"scans_{name}.jpg", cjpeg(rgb, "-sample", sampling, scans=SEPARATE_SCANS), []
    yield "scans_luma_first.jpg", cjpeg(rgb, "-sample", "2x2", scans=LUMA_THEN_CHROMA), []
    yield "scans_restart.jpg", cjpeg(rgb, "-sample", "2x1", "-restart", "2B", scans=SEPARATE_SCANS), []
    yield "progressive_restart.jpg", cjpeg(rgb, "-progressive", "-sample", "2x2", "-restart", "3B"), []
    yield "progressive_odd.jpg", cjpeg(rgb, "-progressive", "-sample", "1x1,2x1,1x1", "-restart", "1"), []
    yield "arithmetic.jpg", cjpeg(rgb, "-arithmetic"), []
    yield "no_end.jpg", best[:-2], []
    yield "no_end_progressive.jpg", cjpeg(rgb, "-progressive")[:-2], []
    cmyk = saved(image.convert("CMYK"), "JPEG", quality=90)
    yield "ycck.jpg", adobe_transform(cmyk, 2), ["cmyk"]
    yield "cmyk_progressive.jpg", saved(image.convert("CMYK"), "JPEG", progressive=True), ["cmyk"]
    yield "rgb.jpg", saved(image, "JPEG", quality=90, keep_rgb=True), []
    turned = [segment(0xE1, b"Exif\0\0" + exif_block(*options)) for options in ((6,), (8, ">"), (6, "<", 4), (1,), (9,))]
    six, eight, six_as_long, upright, nine = turned
    yield "exif_long.jpg", with_segments(best, six_as_long), ["exif-rotated"]
    yield "exif_twice.jpg", with_segments(best, eight, six), ["exif-rotated"]
    yield "exif_upright_first.jpg", with_segments(best, upright, six), []
    yield "exif_without_meaning.jpg", with_segments(best, nine), []
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")
    yield "exif_after_xmp.jpg", with_segments(best, xmp, six), ["exif-rotated"]


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
    for name in ("scans_luma_first.jpg", "progressive_restart.jpg", "arithmetic.jpg", "picture.gif", "picture.bmp"):
        yield "truncated_" + name, plain[name][: len(plain[name]) * 2 // 3], "unreadable"
    # Ends early, but with the last marker.
    yield "short_scan.jpg", plain["plain.jpg"][: len(plain["plain.jpg"]) // 2] + b"\xff\xd9", "unreadable"
    yield "picture.jxl", b"\xff\x0a" + bytes(30), "unsupported-format"
    page = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body></body></html>\n"
    yield "error_page.png", page, "unsupported-format"


def read_as_file(data, folder):
    """With imread, which reads JPEG files without their last marker, as imdecode does not."""
    path = Path(folder) / "picture"
    path.write_bytes(data)
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if bgr is None else np.ascontiguousarray(bgr[..., ::-1])


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    images, failures, plain = [], [], {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, data, notes in files():
            plain[name] = data
            (folder / name).write_bytes(data)
            pixels = read_as_file(data, scratch)
            height, width = pixels.shape[:2]
            points = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1), (width // 4, height // 4)]
            points += [(width // 2, height * 2 // 3), (width * 3 // 4, height // 3)]
            values = [[x, y, *(int(value) for value in pixels[y, x])] for x, y in points]
            images.append({"file": name, "width": width, "height": height, "notes": notes, "pixels": values,
                           "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()})
    for name, data, error in broken(plain):
        (folder / name).write_bytes(data)
        failures.append({"file": name, "failure": error})
    versions = f"Pillow {PIL.__version__}, OpenCV {cv2.__version__}"
    lines = [f'{{"made_with": {json.dumps(versions)},', '"images": [']
    lines += [",\n".join(json.dumps(entry) for entry in images), "],", '"failures": [']
    lines += [",\n".join(json.dumps(entry) for entry in failures), "]}"]
    (folder / "expected.json").write_text("\n".join(lines) + "\n")


def random_picture(rng, width, height):
    """Smooth, noisy or flat, with edges of saturated colors, which show how a decoder upsamples and clamps."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [np.sin(x / rng.uniform(1, 40) + y / rng.uniform(1, 40) + rng.uniform(0, 6)) for _ in range(3)]
    rgb = 127.5 + 127.5 * np.stack(waves, axis=-1) * rng.uniform(0.2, 1.3)
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.choice([0, 3, 40]), rgb.shape)
    rgb = np.clip(rgb + noise, 0, 255).astype(np.uint8)
    for _ in range(rng.randrange(4)):
        left, top = rng.randrange(width), rng.randrange(height)
        color = [rng.choice([0, 255, rng.randrange(256)]) for _ in range(3)]
        rgb[top:top + rng.randint(1, 60), left:left + rng.randint(1, 60)] = color
    return rgb


def random_sampling(rng):
    """Sampling factors whose ratios libjpeg can decode: each divides the largest."""
    common = ["1x1", "2x1", "2x2", "1x2", "4x1"]
    odd = ["1x1,2x1,1x1", "3x1,1x1,1x1", "1x4,1x1,1x1", "2x2,2x1,2x1", "2x2,1x2,1x2", "2x2,1x1,2x2", "1x1,2x2,2x2",
           "4x2,1x1,1x1", "2x4,1x1,1x1", "1x3,1x1,1x1", "2x2,2x1,1x2", "2x1,1x1,2x1", "1x2,1x2,1x1"]
    return rng.choice(common + odd)


def random_jpeg(rng, rgb):
    image = Image.fromarray(rgb)
    quality = rng.choice([1, 10, 30, 50, 75, 85, 90, 95, 100, rng.randint(1, 100)])
    kind = rng.choice(["cjpeg"] * 12 + ["pillow"] * 4 + ["cmyk"] * 3 + ["ycck"] * 2 + ["rgb", "grey"])
    if kind == "cmyk" or kind == "ycck":
        planes = np.dstack([rgb, random_picture(rng, rgb.shape[1], rgb.shape[0])[..., :1]])
        options = {"progressive": rng.random() < 0.3, "subsampling": rng.choice([0, 1, 2])}
        data = saved(Image.fromarray(planes, "CMYK"), "JPEG", quality=quality, **options)
        return adobe_transform(data, 2) if kind == "ycck" else data
    if kind == "rgb":
        return saved(image, "JPEG", quality=quality, keep_rgb=True)
    if kind == "grey":
        return saved(image.convert("L"), "JPEG", quality=quality, progressive=rng.random() < 0.3)
    if kind == "pillow":
        options = {"restart_marker_blocks": rng.randint(1, 9)} if rng.random() < 0.4 else {}
        options |= {"progressive": rng.random() < 0.4, "optimize": rng.random() < 0.5}
        return saved(image, "JPEG", quality=quality, subsampling=rng.choice([0, 1, 2]), **options)
    options = ["-quality", str(quality), "-sample", random_sampling(rng)]
    scans = None
    if rng.random() < 0.4:
        options += ["-restart", rng.choice(["1", "2", "1B", "3B", "7B"])]
    way = rng.choice(["plain", "plain", "optimize", "progressive", "progressive", "arithmetic", "scans", "scans"])
    if way == "scans":
        scans = rng.choice([SEPARATE_SCANS, LUMA_THEN_CHROMA, "0,1;\n2;\n", "2;\n0;\n1;\n"])
    elif way == "arithmetic":
        options += ["-arithmetic", *(["-progressive"] if rng.random() < 0.5 else [])]
    elif way != "plain":
        options.append("-" + way)
    return cjpeg(rgb, *options, scans=scans)


def random_png(rng, rgb):
    image, (height, width) = Image.fromarray(rgb), rgb.shape[:2]
    kind = rng.choice(["rgb", "rgba", "grey", "la", "palette", "palette-transparent", "1", "deep", "deep-alpha",
                       "deep-grey", "transparent"])
    noise = np.random.default_rng(rng.getrandbits(32))
    alpha = noise.integers(0, 256, (height, width, 1))
    match kind:
        case "rgb":
            return saved(image, "PNG", optimize=rng.random() < 0.3)
        case "rgba":
            return saved(Image.fromarray(np.dstack([rgb, alpha.astype(np.uint8)])), "PNG")
        case "grey":
            return saved(image.convert("L"), "PNG")
        case "la":
            return saved(Image.merge("LA", [image.convert("L"), Image.fromarray(alpha[..., 0].astype(np.uint8))]), "PNG")
        case "palette":
            return saved(image.quantize(rng.randint(2, 256)), "PNG", bits=rng.choice([8, 8, 4]))
        case "palette-transparent":
            return saved(image.quantize(rng.randint(2, 256)), "PNG", transparency=0)
        case "1":
            return saved(image.convert("1"), "PNG")
        case "transparent":
            return saved(image, "PNG", transparency=tuple(int(value) for value in rgb[0, 0]))
    deep = rgb.astype(np.uint16) * 256 + noise.integers(0, 256, rgb.shape)
    if kind == "deep":
        return png(width, height, 16, 2, big_endian_rows(deep))
    if kind == "deep-alpha":
        return png(width, height, 16, 6, big_endian_rows(np.dstack([deep, alpha * 257])))
    return png(width, height, 16, 0, big_endian_rows(deep[..., 0]))


def random_webp(rng, rgb):
    options = {"quality": rng.randint(0, 100), "method": rng.choice([0, 4]), "lossless": rng.random() < 0.25}
    if rng.random() < 0.3:
        alpha = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, rgb.shape[:2]).astype(np.uint8)
        return saved(Image.fromarray(np.dstack([rgb, alpha])), "WEBP", exact=True, **options)
    return saved(Image.fromarray(rgb), "WEBP", **options)


MAKERS = {"jpeg": random_jpeg, "png": random_png, "webp": random_webp}


def compare(binary, count, seed):
    """Random files of sizes from 1 to 300, half of them JPEG; prints how far the pixels differ."""
    rng = random.Random(seed)
    largest, found, differing, refused = Counter(), Counter(), Counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        files_folder, pixels_folder = Path(scratch) / "files", Path(scratch) / "pixels"
        files_folder.mkdir()
        pixels_folder.mkdir()
        for index in range(count):
            width, height = (rng.choice([rng.randint(1, 20), rng.randint(1, 300)]) for _ in range(2))
            kind = rng.choice(["jpeg", "jpeg", "png", "webp"])
            data = MAKERS[kind](rng, random_picture(rng, width, height))
            if kind == "jpeg" and rng.random() < 0.1:
                data = with_segments(data, segment(0xE1, b"Exif\0\0" + exif_block(rng.randint(0, 9), rng.choice("<>"))))
            (files_folder / f"{index:05}.{kind}").write_bytes(data)
        subprocess.run([binary, files_folder, pixels_folder], check=True)
        for path in sorted(files_folder.iterdir()):
            kind = path.suffix[1:]
            bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
            ours = pixels_folder / (path.name + ".rgb")
            if bgr is None or not ours.exists():
                error = pixels_folder / (path.name + ".error")
                refused.append((path.name, bgr is None, error.read_text() if error.exists() else "read"))
                continue
            raw = ours.read_bytes()
            width, height = struct.unpack("<II", raw[:8])
            rgb = np.frombuffer(raw[8:], np.uint8).reshape(height, width, 3)
            difference = 255
            if rgb.shape == bgr.shape:
                difference = int(np.abs(rgb.astype(int) - bgr[..., ::-1]).max())
            found[kind] += 1
            differing[kind] += difference > 0
            largest[kind] = max(largest[kind], difference)
            if difference:
                print(f"{path.name}: {difference}")
    print(f"OpenCV {cv2.__version__}, seed {seed}")
    for kind in sorted(found):
        print(f"{kind}: {found[kind]} files, largest difference {largest[kind]}, {differing[kind]} differ")
    for name, by_opencv, words in refused:
        print(f"{name}: {'refused' if by_opencv else 'read'} by OpenCV; here: {words}")
    return not any(largest.values()) and all(by_opencv and words != "read" for _, by_opencv, words in refused)


def serve():
    """Answers the fuzz target `decoded_pictures`: for each length (32 bits, little endian) and file on the standard input,
    width and height and the RGB bytes, or two zeros if OpenCV refuses it."""
    while header := sys.stdin.buffer.read(4):
        data = sys.stdin.buffer.read(struct.unpack("<I", header)[0])
        try:
            bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        except cv2.error:
            bgr = None
        height, width = (0, 0) if bgr is None else bgr.shape[:2]
        sys.stdout.buffer.write(struct.pack("<II", width, height))
        if bgr is not None:
            sys.stdout.buffer.write(np.ascontiguousarray(bgr[..., ::-1]).tobytes())
        sys.stdout.buffer.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    comparing = commands.add_parser("compare")
    comparing.add_argument("--binary", type=Path, required=True)
    comparing.add_argument("--count", type=int, default=3000)
    comparing.add_argument("--seed", type=int, default=1)
    commands.add_parser("serve")
    arguments = parser.parse_args()
    if arguments.command == "make":
        make(arguments.folder)
    elif arguments.command == "serve":
        serve()
    elif not compare(arguments.binary.resolve(), arguments.count, arguments.seed):
        sys.exit("pixels differ")


main()
