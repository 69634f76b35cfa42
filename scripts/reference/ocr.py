"""Reference values for imgeval-vision's text reader: OpenCV (contours, rectangles, warps), pyclipper (offsets) and Pillow (the line).

    pip install numpy==2.4.6 opencv-python==5.0.0.93 pillow==13.0.0 pyclipper==1.4.0
    python scripts/reference/ocr.py crates/imgeval-vision/tests/fixtures/ocr

Writes `geometry.json` and, if it is not there, the line that is read before anything else, `canary.png` (DejaVu Sans 2.37).
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import PIL
import pyclipper
from PIL import Image, ImageDraw, ImageFont

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
generator = np.random.default_rng(17)

canary = folder / "canary.png"
if not canary.exists():
    line = Image.new("L", (192, 64), 255)
    ImageDraw.Draw(line).text((96, 32), "imgeval 42", font=ImageFont.truetype("DejaVuSans.ttf", 30), fill=0, anchor="mm")
    line.save(canary, optimize=True)


def picture(side):
    """8-bit values that a reader can compute again: smooth, with edges."""
    y, x = np.mgrid[:side, :side]
    planes = [(x * x + 3 * y) % 251, (x * y + 7 * x) % 241, ((x // 5) * 40 + (y // 7) * 30) % 256]
    return np.stack(planes, axis=-1).astype(np.uint8)


# Regions with slants, holes and single pixels.
bitmap = np.zeros((48, 64), np.uint8)
cv2.fillPoly(bitmap, [np.array([[5, 8], [40, 2], [42, 12], [7, 18]])], 1)
cv2.ellipse(bitmap, (45, 32), (14, 9), 25, 0, 360, 1, -1)
cv2.ellipse(bitmap, (45, 32), (8, 4), 25, 0, 360, 0, -1)
bitmap[30:36, 3:20] = 1
bitmap[40, 10] = bitmap[46, 62] = bitmap[47, 63] = bitmap[0, 63] = 1
contours, _ = cv2.findContours(bitmap * 255, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
borders = []
for contour in contours:
    corners = cv2.boxPoints(cv2.minAreaRect(contour)).tolist()
    borders.append({"points": sorted(map(list, {tuple(point) for point in contour.reshape(-1, 2).tolist()})), "rectangle": corners})

offsets = []
for polygon, by in [([[3, 4], [60, 4], [60, 20], [3, 20]], 9.7), ([[10.9, 2.2], [70.4, 12.6], [66.7, 33.1], [7.3, 22.9]], 13.2), ([[0, 0], [8, 0], [8, 5], [0, 5]], 2.46)]:
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(np.array(polygon, np.float32), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    grown = np.array(offset.Execute(by)[0], np.int32)
    offsets.append({"polygon": polygon, "by": by, "hull": cv2.convexHull(grown).reshape(-1, 2).tolist(), "rectangle": cv2.boxPoints(cv2.minAreaRect(grown)).tolist()})

side = 64
crops = []
for quad in [[[4, 5], [30, 5], [30, 15], [4, 15]], [[10, 8], [50, 15], [48, 29], [8, 22]], [[20, 3], [31, 5], [27, 40], [16, 38]], [[40, 50], [63, 50], [63, 63], [40, 63]]]:
    points = np.array(quad, np.float32)
    length = lambda a, b: np.linalg.norm(points[a] - points[b])
    width, height = int(max(length(0, 1), length(2, 3))), int(max(length(0, 3), length(1, 2)))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(points, target)
    crop = cv2.warpPerspective(picture(side), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    if height / width >= 1.5:
        crop = np.rot90(crop)
    crops.append({"quad": quad, "size": [crop.shape[1], crop.shape[0]], "row_sums": crop.sum(axis=(1, 2), dtype=int).tolist(), "first_pixels": crop[1, :4].reshape(-1).tolist()})

made_with = f"NumPy {np.__version__}, OpenCV {cv2.__version__}, Pillow {PIL.__version__}, pyclipper {pyclipper.__version__}"
rows = ["".join(map(str, row)) for row in bitmap.tolist()]
document = {"made_with": made_with, "bitmap": rows, "borders": borders, "offsets": offsets, "side": side, "crops": crops}
text = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
(folder / "geometry.json").write_text("{" + text + "}\n")
