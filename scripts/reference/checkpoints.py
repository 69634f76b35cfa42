"""Makes crates/imgeval-vision/tests/fixtures/checkpoints: files of weights, and what PyTorch reads from them.

Reference: PyTorch 2.15.0 (CPU) with safetensors 0.8.0, NumPy 2 and Python 3.11.

    python scripts/reference/checkpoints.py crates/imgeval-vision/tests/fixtures/checkpoints [shared/golden]

`expected.json` holds per tensor its shape, type and numbers, as `torch.load` or safetensors gives them back from the
written file, widened to 32-bit floats. With the folder of shared golden files it also holds a digest of each of them:
SHA-256 over every floating-point tensor in the order of its name: name, shape and numbers.
"""

import argparse
import datetime
import enum
import hashlib
import json
import pathlib
import sys
import types
import warnings
from collections import OrderedDict, defaultdict, deque

import numpy as np
import safetensors.torch
import torch

warnings.filterwarnings("ignore", category=FutureWarning)
SHARED = ["mask2former/model.pth", "mask2former/model_mmdet3.pth", "clip/model.safetensors",
          "edit_metrics/lpips_squeeze_heads.pth", "edit_metrics/squeezenet1_1_random.pth"]


def tensors():
    """One tensor of each kind; contiguous ones and views."""
    torch.manual_seed(7)
    base = torch.randn(4, 6)
    return OrderedDict([
        ("f32", torch.randn(2, 3)),
        ("f16", torch.randn(5).half()),
        ("bf16", torch.randn(3, 2).bfloat16()),
        ("f64", torch.randn(2, 2, dtype=torch.float64)),
        ("transposed", base.t()),
        ("permuted", torch.randn(2, 3, 4).permute(2, 0, 1)),
        ("window", base[1:3, 2:5]),
        ("columns", base[:, ::2]),
        ("same_storage", base),
        ("half_view", torch.randn(3, 4).half().t()),
        ("repeated", torch.randn(3, 1).expand(3, 4)),
        ("parameter", torch.nn.Parameter(torch.randn(3))),
        ("scalar", torch.tensor(2.5)),
        ("empty", torch.zeros(0, 3)),
        ("extremes", torch.tensor([0.0, -0.0, 1e-45, 3.4e38, float("inf")])),
        ("half_extremes", torch.tensor([6e-8, 65504.0, -65504.0]).half()),
        ("count", torch.tensor(17)),
        ("mask", torch.tensor([True, False])),
        ("bytes", torch.tensor([1, 255], dtype=torch.uint8)),
    ])


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 3)
        self.norm = torch.nn.BatchNorm1d(3)
        self.register_buffer("quarters", torch.arange(4).half() / 4)
        self.sizes = [1, 2]
        self.title = "inner"

    def forward(self, x):
        return self.norm(self.linear(x))


class Outer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(8)
        self.blocks = torch.nn.Sequential(Inner(), Inner())
        self.projection = torch.nn.Parameter(torch.randn(2, 3).t())
        self.table = {"a": 1.5}

    def forward(self, x):
        return self.blocks[0](x) @ self.projection


def stand_ins():
    """Classes under the names that mmengine's and mmcv's checkpoints use."""
    for name in ["mmengine", "mmengine.logging", "mmengine.logging.history_buffer", "mmcv", "mmcv.utils"]:
        sys.modules[name] = types.ModuleType(name)
    module = sys.modules["mmengine.logging.history_buffer"]

    class HistoryBuffer:
        def mean(self):
            return 0

        def __init__(self):
            self._history = np.array([0.5, 0.25])
            self._lengths = np.array([1, 1])
            self.largest = np.float64(0.5)
            self.methods = {"mean": HistoryBuffer.mean}

    class ConfigDict(dict):
        pass

    class Priority(enum.Enum):
        HIGH = 10

    for owner, kinds in [(module, [HistoryBuffer, Priority]), (sys.modules["mmcv.utils"], [ConfigDict])]:
        for kind in kinds:
            kind.__module__, kind.__qualname__ = owner.__name__, kind.__name__
            setattr(owner, kind.__name__, kind)
    HistoryBuffer.mean.__module__, HistoryBuffer.mean.__qualname__ = module.__name__, "HistoryBuffer.mean"
    return HistoryBuffer, ConfigDict, Priority


def metadata():
    history, config, priority = stand_ins()
    return {
        "meta": {"mmdet_version": "2.28.2", "CLASSES": ("person", "bicycle"), "epoch": 50, "time": "Wed May  4",
                 "config": config(lr=1e-4, model=config(type="Mask2Former")), "big": 1 << 80, "small": -(1 << 40),
                 "seed": None, "priority": priority.HIGH, "PALETTE": [(220, 20, 60)], "when": datetime.datetime(2022, 5, 4)},
        "message_hub": {"log_scalars": OrderedDict(loss=history()), "runtime_info": {"iter": -3, "note": "é"}},
        "arguments": argparse.Namespace(path=pathlib.PurePosixPath("/data"), tags={"a", "b"}, rest=frozenset([1]),
                                        counts=defaultdict(int, a=1), queue=deque([1]), raw=b"\x00\xff",
                                        array=bytearray(b"ab"), shape=torch.Size([2, 3]), dtype=torch.float16,
                                        device=torch.device("cpu"), complex=1j),
        "optimizer": {"state": {0: {"step": 1, "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-4}]},
    }


def described(loaded):
    def one(tensor):
        numbers = None
        if tensor.dtype.is_floating_point:
            numbers = [str(v) if not np.isfinite(v) else float(v) for v in tensor.detach().float().flatten().tolist()]
        return {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch."), "numbers": numbers}

    return {name: one(tensor) for name, tensor in sorted(loaded.items()) if isinstance(tensor, torch.Tensor)}


def digest(loaded):
    total = hashlib.sha256()
    for name, tensor in sorted(loaded.items()):
        if tensor.dtype.is_floating_point:
            total.update(f"{name} {list(tensor.shape)}\n".encode())
            total.update(tensor.detach().float().contiguous().numpy().astype("<f4").tobytes())
    return total.hexdigest()


def load(path):
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    loaded = torch.load(path, map_location="cpu", weights_only=False)
    for wrapper in ["state_dict", "model", "model_state_dict", "params"]:
        loaded = loaded[wrapper] if wrapper in loaded and isinstance(loaded[wrapper], dict) else loaded
    return loaded


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    weights = tensors()
    weights_with_metadata = OrderedDict(weights)
    weights_with_metadata._metadata = OrderedDict({"": {"version": 1}})

    def save(name, content, **options):
        torch.save(content, folder / name, **options)
        expected[name] = described(load(folder / name))

    save("state_dict.pth", weights)
    save("protocol_4.pth", weights, pickle_protocol=4)
    save("protocol_5.pth", metadata() | {"model": weights}, pickle_protocol=5)
    save("trainer.pth", metadata() | {"state_dict": weights_with_metadata})
    save("legacy.pth", metadata() | {"model": weights}, _use_new_zipfile_serialization=False)

    module = torch.jit.script(Outer().eval())
    torch.jit.save(module, folder / "script.pt")
    expected["script.pt"] = described(torch.jit.load(folder / "script.pt").state_dict())

    plain = {name: tensor.detach().contiguous().clone() for name, tensor in weights.items()}
    safetensors.torch.save_file(plain, folder / "weights.safetensors", metadata={"format": "pt"})
    expected["weights.safetensors"] = described(load(folder / "weights.safetensors"))

    shards = folder / "sharded"
    shards.mkdir(exist_ok=True)
    names = sorted(plain)
    parts = [names[:8], names[8:]]
    file_names = [f"model-{index + 1:05}-of-00002.safetensors" for index in range(2)]
    for file_name, part in zip(file_names, parts):
        safetensors.torch.save_file({name: plain[name] for name in part}, shards / file_name)
    weight_map = {name: file_name for file_name, part in zip(file_names, parts) for name in part}
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (shards / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")
    expected["sharded"] = described(plain)

    digests_file = folder / "expected.json"
    if len(sys.argv) > 2:
        golden = pathlib.Path(sys.argv[2])
        digests = {name: digest(load(golden / name)) for name in SHARED}
    else:
        digests = json.loads(digests_file.read_text())["golden"]
    text = json.dumps({"torch": torch.__version__, "files": expected, "golden": digests}, ensure_ascii=False)
    digests_file.write_text(text.replace('"files"', '\n"files"').replace('"golden"', '\n"golden"') + "\n")


main()
