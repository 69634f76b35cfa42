"""Reference values for imgeval-resample's degradations: SciPy, Pillow and OpenCV.

    python scripts/reference/degrade.py > crates/imgeval-resample/tests/fixtures/degrade.json

SHA-256 of the RGB bytes of a small pattern after each degradation.
"""

import hashlib
import json

import cv2
import numpy as np
import PIL
import scipy
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter

y, x, channel = np.mgrid[0:23, 0:37, 0:3]
source = ((x * x * 7 + y * y * 5 + x * y * 3 + 40 * channel) % 256).astype(np.uint8)
image = Image.fromarray(source)
sizes = [(16, 16), (74, 46), (37, 11), (12, 23), (60, 30)]
cases = {}


def keep(name, pixels):
    cases[name] = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def blurred(sigma):
    pixels = source.copy()
    for index in range(3):
        gaussian_filter(pixels[:, :, index], output=pixels[:, :, index], sigma=sigma)
    return pixels


for sigma in (0.5, 1, 1.5, 2, 3, 8):
    keep(f"scipy_sigma_{sigma}", blurred(sigma))
for size, sigma in ((0, 1.0), (0, 2.0), (3, 0), (5, 0), (7, 1.5)):
    keep(f"cv2_GaussianBlur_k{size}_s{sigma}", cv2.GaussianBlur(source, (size, size), sigma))
for radius in (1, 2):
    keep(f"pillow_GaussianBlur_r{radius}", image.filter(ImageFilter.GaussianBlur(radius)))
for width, height in sizes:
    for name in ("NEAREST", "BOX", "BILINEAR", "HAMMING", "BICUBIC", "LANCZOS"):
        keep(f"pillow_{name}_{width}x{height}", image.resize((width, height), getattr(Image.Resampling, name)))
    for name in ("NEAREST", "LINEAR", "AREA", "LANCZOS4"):
        keep(f"cv2_{name}_{width}x{height}", cv2.resize(source, (width, height), interpolation=getattr(cv2, f"INTER_{name}")))
versions = {"scipy": scipy.__version__, "Pillow": PIL.__version__, "opencv": cv2.__version__, "numpy": np.__version__}
print(json.dumps({"versions": versions, "cases": cases}, indent=1))
