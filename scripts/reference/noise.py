"""Pictures that the Rust tests can make themselves, from splitmix64 (Steele, Lea, Flood 2014)."""

import numpy as np


def noise(seed, width, height):
    """Byte i is draw i of the seed's stream, counted from 1, shifted right by 56."""
    with np.errstate(over="ignore"):
        index = np.arange(1, 3 * width * height + 1, dtype=np.uint64)
        state = np.uint64(seed) + index * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(56)).astype(np.uint8).reshape(height, width, 3)


def picture(seed, width, height):
    """A quarter noise, three quarters a ramp along x (red), along y (green) and a chequerboard of 16 pixels (blue)."""
    y, x = np.mgrid[:height, :width]
    ramp = np.stack([255 * x // width, 255 * y // height, 255 * ((x // 16 + y // 16) % 2)], axis=-1)
    return ((noise(seed, width, height).astype(np.int64) + 3 * ramp) // 4).astype(np.uint8)
