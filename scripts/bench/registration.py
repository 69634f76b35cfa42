"""Times the registration of a pair in plain NumPy and SciPy on one core, beside `imgeval metrics register`.

    OMP_NUM_THREADS=1 taskset -c 0 python scripts/bench/registration.py SOURCE EDITED [SIDE]

Both images are scaled to a long side of SIDE (default 1024) first. Processor seconds, best of three.
"""

import pathlib
import sys
import time

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "reference"))
from registration import register  # noqa: E402


def load(path, side):
    image = Image.open(path).convert("RGB")
    scale = side / max(image.size)
    return np.asarray(image.resize([round(n * scale) for n in image.size], Image.BICUBIC))


def main():
    side = int(sys.argv[3]) if len(sys.argv) > 3 else 1024
    source, edited = (load(path, side) for path in sys.argv[1:3])
    times = []
    for _ in range(3):
        start = time.process_time()
        found = register(source, edited)
        times.append(time.process_time() - start)
    print(f"{min(times):.3f} s; a {found[0]}, b {found[1]}, ncc_all {found[2]:.4f}, search_score {found[4]:.4f}")


if __name__ == "__main__":
    main()
