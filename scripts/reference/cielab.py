"""Prints the CIELAB reference values quoted in crates/imgeval-vision/src/preview/cielab.rs.

Needs scikit-image; its rgb2lab uses sRGB, D65 and the 2 degree observer.
"""

import numpy as np
import skimage
from skimage.color import rgb2lab

COLORS = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 165, 0),
          (128, 0, 128), (139, 69, 19), (5, 10, 2), (255, 192, 203)]

print("scikit-image", skimage.__version__)
for color in COLORS:
    lab = rgb2lab(np.array([[color]], np.uint8))[0, 0]
    print(f"({list(color)}, [{lab[0]:.3f}, {lab[1]:.3f}, {lab[2]:.3f}]),")
