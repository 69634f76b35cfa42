"""Reference activations of YOLOv3-tiny with random weights, computed by OpenCV's Darknet importer.

    python scripts/reference/yolov3_tiny.py crates/imgeval-vision/tests/fixtures/yolov3_tiny_random.json

Needs opencv-python-headless 4.10. The weights and the input come from splitmix64 (Steele, Lea, Flood 2014), so that
the Rust test can make the same ones: draw number i, counted from 1, of a stream is mix(seed + i * 0x9E3779B97F4A7C15),
and its value in [-1, 1) is (draw >> 40) / 2^23 - 1. Stream 1 gives the weights in file order, stream 2 the input:

    biases            0.1 * value
    scales            1 + 0.25 * value
    means             0.1 * value
    variances         1 + 0.5 * value
    weights           sqrt(6 / (inputs * kernel * kernel)) * value
    input             0.5 + 0.5 * value, in the order channel, row, column

Products are taken in double precision and rounded to single.
"""

import json
import struct
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

SIDE = 416
HEADS = {"coarse": "conv_15", "fine": "conv_22"}  # OpenCV numbers the layers as the configuration does
SAMPLES_PER_HEAD = 97

# (inputs, outputs, kernel) of the convolutions, as data for the weights and for the configuration.
TRUNK = [(3, 16, 3), (16, 32, 3), (32, 64, 3), (64, 128, 3), (128, 256, 3), (256, 512, 3), (512, 1024, 3),
         (1024, 256, 1), (256, 512, 3)]
HEAD_COARSE = (512, 255, 1)
BRANCH = [(256, 128, 1), (384, 256, 3)]
HEAD_FINE = (256, 255, 1)
ANCHORS = "10,14, 23,27, 37,58, 81,82, 135,169, 344,319"


class Stream:
    def __init__(self, seed):
        self.seed, self.position = np.uint64(seed), 0

    def values(self, count):
        with np.errstate(over="ignore"):
            index = np.arange(self.position + 1, self.position + count + 1, dtype=np.uint64)
            self.position += count
            state = self.seed + index * np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state ^= state >> np.uint64(31)
        return (state >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def weight_file():
    stream = Stream(1)
    parts = [struct.pack("<iiiQ", 0, 2, 0, 0)]

    def put(numbers):
        parts.append(numbers.astype("<f4").tobytes())

    for is_normalized, (inputs, outputs, kernel) in (
        [(True, shape) for shape in TRUNK] + [(False, HEAD_COARSE)]
        + [(True, shape) for shape in BRANCH] + [(False, HEAD_FINE)]
    ):
        put(0.1 * stream.values(outputs))
        if is_normalized:
            put(1 + 0.25 * stream.values(outputs))
            put(0.1 * stream.values(outputs))
            put(1 + 0.5 * stream.values(outputs))
        fan_in = inputs * kernel * kernel
        put(np.sqrt(6 / fan_in) * stream.values(outputs * fan_in))
    return b"".join(parts)


def configuration():
    lines = ["[net]", f"width={SIDE}", f"height={SIDE}", "channels=3"]

    def convolution(shape, is_head=False):
        _, outputs, kernel = shape
        lines.append("[convolutional]")
        if not is_head:
            lines.append("batch_normalize=1")
        lines.extend([f"filters={outputs}", f"size={kernel}", "stride=1", "pad=1",
                      "activation=" + ("linear" if is_head else "leaky")])

    def section(name, *settings):
        lines.extend([f"[{name}]", *settings])

    def yolo(mask):
        section("yolo", f"mask={mask}", f"anchors={ANCHORS}", "classes=80", "num=6")

    for index, shape in enumerate(TRUNK):
        convolution(shape)
        if index < 5:
            section("maxpool", "size=2", "stride=2")
        elif index == 5:
            section("maxpool", "size=2", "stride=1")
    convolution(HEAD_COARSE, is_head=True)
    yolo("3,4,5")
    section("route", "layers=-4")
    convolution(BRANCH[0])
    section("upsample", "stride=2")
    section("route", "layers=-1,8")
    convolution(BRANCH[1])
    convolution(HEAD_FINE, is_head=True)
    yolo("1,2,3")
    return "\n".join(lines) + "\n"


def main():
    with tempfile.TemporaryDirectory() as folder:
        weights, settings = Path(folder, "random.weights"), Path(folder, "random.cfg")
        weights.write_bytes(weight_file())
        settings.write_text(configuration())
        network = cv2.dnn.readNetFromDarknet(str(settings), str(weights))
    network.enableWinograd(False)
    picture = (0.5 + 0.5 * Stream(2).values(3 * SIDE * SIDE)).astype(np.float32)
    network.setInput(picture.reshape(1, 3, SIDE, SIDE))
    outputs = network.forward(list(HEADS.values()))

    fields = [f'"made_with": "OpenCV {cv2.__version__}"']
    for name, output in zip(HEADS, outputs):
        flat = output[0].reshape(-1)
        indices = np.linspace(0, flat.size - 1, SAMPLES_PER_HEAD).astype(int).tolist()
        head = {
            "side": output.shape[-1],
            "largest": float(np.abs(flat).max()),
            "indices": indices,
            "values": [round(float(flat[index]), 7) for index in indices],
        }
        print(name, output.shape, "largest", head["largest"], "spread", float(flat.std()))
        fields.append(f'"{name}": {json.dumps(head)}')
    Path(sys.argv[1]).write_text("{" + ",\n".join(fields) + "}\n")


main()
