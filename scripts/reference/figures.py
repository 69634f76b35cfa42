"""Reference values of imgeval-report's figures: widths of characters and CIELAB lightness.

Made with fontTools 4.68.0 and coloraide 8.13.1 (pip install fonttools coloraide).
Usage: scripts/reference/figures.py
"""

from pathlib import Path

from coloraide import Color
from fontTools.ttLib import TTFont

ASSET = Path(__file__).parents[2] / "crates/imgeval-report/assets/DejaVuSans-figures.ttf"

font = TTFont(ASSET)
print("units per em", font["head"].unitsPerEm)
for character in "A,é1":
    print(repr(character), font["hmtx"][font.getBestCmap()[ord(character)]][0])
for name in ["#ffffff", "#0072b2", "#cc79a7"]:
    print(name, "L*", round(Color(name).convert("lab-d65")["lightness"], 3))
