"""Makes crates/imgeval-vision/tests/fixtures/lpips/: a reduced LPIPS-squeeze, and what the official metrics of edits give with it.

    python scripts/reference/edit_metrics.py crates/imgeval-vision/tests/fixtures

Needs torch, torchvision, transformers, open_clip_torch (for CLIP's vocabulary), torchmetrics 1.2.0 and Pillow (before 13); the
versions used are written into lpips/expected.json. LPIPS is torchmetrics' own class (taken over from lpips 0.1.4) with the slices of a SqueezeNet
1.1 of fewer channels and random weights. CLIPScore is torchmetrics' function with the tiny CLIP of `clip/` (scripts/reference/clip.py).

Files in lpips/:
    trunk.pth       torchvision's names, PyTorch's old format
    heads.pth       `lin0` to `lin6`
    picture.png     for the canary, with its distance to its negative (`negative`)
    expected.json   `pairs`: pictures of noise.py, the mask by its formula, and the metrics as SmartEdit's evaluation computes them

The steps of that evaluation: everything to 256x256 (pictures bicubic, masks nearest), both pictures times 1 - mask / 255, then
PSNR, SSIM and MSE on [0, 1], LPIPS on [-1, 1]; CLIPScore on the edited picture cut to the bounding box of the mask's
pixels that are not black, whose right and bottom are the largest indices and exclusive.
"""

import gzip
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import PIL
import torch
import torchmetrics
import torchvision
import transformers
from hub_tokenizer import tokenizer
from noise import picture
from PIL import Image
from torchmetrics.functional.image import lpips as reference
from torchmetrics.functional.multimodal.clip_score import _clip_score_update
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure
from torchmetrics.regression import MeanSquaredError
from torchvision.models.squeezenet import Fire
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPProcessor

SIDE = 256
# First convolution; squeeze, expand 1x1 and expand 3x3 of each fire module.
WIDTHS = 6, [(3, 5, 4), (4, 6, 5), (4, 6, 7), (5, 8, 6), (6, 9, 8), (5, 8, 8), (7, 10, 9), (6, 9, 10)]
# seed and size of source and edited, size of the mask, text
PAIRS = [
    (31, (300, 200), 32, (300, 200), "disc", (300, 200), "a photo of a bench"),
    (33, (120, 310), 34, (512, 512), "stripes", (120, 310), "a red bench to the left of a blue dog"),
    (35, (64, 64), 36, (70, 64), "wedge", (64, 64), "A PHOTO of a   Bench!"),
    (37, (256, 256), 37, (256, 256), "disc", (256, 256), "two dogs & three cats"),
]
MASKS = {  # of the column x and the row y of a picture of w by h
    "disc": lambda x, y, w, h: np.where((3 * x - w) ** 2 + (3 * y - h) ** 2 < (w + h) ** 2 // 16, 255, 0),
    "stripes": lambda x, y, w, h: np.where((x >= w // 4) & (y >= h // 3) & (y < h - 9), 85 * ((x + y) // 8 % 4), 0),
    "wedge": lambda x, y, w, h: np.where((x > 5) & (4 * y > w + x), 255 * x // w, 0),
}


def mask(name, width, height):
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(MASKS[name](x, y, width, height).astype(np.uint8))


def reduced_trunk():
    first, fires = WIDTHS
    pool = lambda: torch.nn.MaxPool2d(3, 2, ceil_mode=True)
    layers, channels, modules = [torch.nn.Conv2d(3, first, 3, 2), torch.nn.ReLU()], first, []
    for squeeze, narrow, wide in fires:
        modules.append(Fire(channels, squeeze, narrow, wide))
        channels = narrow + wide
    layers += [pool(), *modules[:2], pool(), *modules[2:4], pool(), *modules[4:]]
    return torch.nn.Sequential(*layers)


def build():
    generator = torch.Generator().manual_seed(5)
    features = reduced_trunk()
    with torch.no_grad():
        for name, tensor in features.named_parameters():
            spread = 0.2 if name.endswith("bias") else (2 / tensor[0].numel()) ** 0.5
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * spread)
    model = reference._LPIPS(pretrained=False, net="squeeze", pnet_rand=True, use_dropout=True, eval_mode=True)
    bounds = [0, 2, 5, 8, 10, 11, 12, 13]
    slices = [features[start:end] for start, end in zip(bounds, bounds[1:])]
    model.net.slices = torch.nn.ModuleList(slices)
    first, fires = WIDTHS
    channels = [first] + [sum(fires[index][1:]) for index in (1, 3, 4, 5, 6, 7)]
    heads = {}
    for index, count in enumerate(channels):
        head = reference.NetLinLayer(count, use_dropout=True)
        with torch.no_grad():
            head.model[1].weight.copy_(torch.rand(head.model[1].weight.shape, generator=generator))
        setattr(model, f"lin{index}", head)
        model.lins[index] = head
        heads[f"lin{index}.model.1.weight"] = head.model[1].weight.detach().clone()
    return model.eval(), {f"features.{name}": tensor for name, tensor in features.state_dict().items()}, heads


def clip(fixtures):
    with tempfile.TemporaryDirectory() as folder:
        for name in ["config.json", "preprocessor_config.json"]:
            (Path(folder) / name).write_text((fixtures / "clip" / name).read_text())
        packed = (fixtures / "clip/model.safetensors.gz").read_bytes()
        (Path(folder) / "model.safetensors").write_bytes(gzip.decompress(packed))
        processor = CLIPProcessor(CLIPImageProcessorPil.from_pretrained(folder), tokenizer(folder))
        return CLIPModel.from_pretrained(folder).float().eval(), processor


class Pooled:
    """What torchmetrics 1.2 expects of transformers: features as plain tensors."""

    def __init__(self, model):
        self.model, self.config = model, model.config

    def get_image_features(self, pixels):
        return self.model.visual_projection(self.model.vision_model(pixel_values=pixels).pooler_output)

    def get_text_features(self, ids, attention):
        return self.model.text_projection(self.model.text_model(input_ids=ids, attention_mask=attention).pooler_output)


def tensor(image):
    return torch.from_numpy(np.array(image, np.float32) / 255).permute(2, 0, 1)[None]


def measure(source, edited, hidden, text, lpips, model, processor):
    size = (SIDE, SIDE)
    source, edited = (image.convert("RGB").resize(size, Image.Resampling.BICUBIC) for image in (source, edited))
    hidden = np.array(hidden.convert("L").resize(size, Image.Resampling.NEAREST))
    y, x = np.nonzero(hidden)
    box = [int(x.min()), int(y.min()), int(x.max()), int(y.max())]
    shown = torch.from_numpy(1 - hidden.astype(np.float32) / 255)
    first, second = tensor(source) * shown, tensor(edited) * shown
    cut = torch.from_numpy(np.array(edited.crop(box))).permute(2, 0, 1)
    score, _ = _clip_score_update(cut, text, Pooled(model), processor)
    psnr = float(PeakSignalNoiseRatio(data_range=1.0)(second, first))
    return {"crop": box, "psnr": psnr if np.isfinite(psnr) else None,
            "ssim": float(StructuralSimilarityIndexMeasure(data_range=1.0)(second, first)),
            "mse": float(MeanSquaredError()(second.contiguous(), first.contiguous())),
            "lpips": float(lpips(second * 2 - 1, first * 2 - 1)), "clip_score": max(float(score), 0.0),
            "clip_score_unclamped": float(score)}


@torch.no_grad()
def main():
    fixtures = Path(sys.argv[1])
    output = fixtures / "lpips"
    output.mkdir(parents=True, exist_ok=True)
    lpips, trunk, heads = build()
    torch.save(trunk, output / "trunk.pth", _use_new_zipfile_serialization=False)
    torch.save(heads, output / "heads.pth")
    image = Image.fromarray(picture(41, 64, 48))
    image.save(output / "picture.png", optimize=True)
    negative = float(lpips(tensor(image) * 2 - 1, 1 - tensor(image) * 2))
    model, processor = clip(fixtures)
    rows = []
    for seed, size, edited_seed, edited_size, name, mask_size, text in PAIRS:
        source, edited = (Image.fromarray(picture(one, *of)) for one, of in [(seed, size), (edited_seed, edited_size)])
        row = {"source": [seed, *size], "edited": [edited_seed, *edited_size], "mask": [name, *mask_size], "text": text}
        rows.append(row | measure(source, edited, mask(name, *mask_size), text, lpips, model, processor))
        print(rows[-1])
    made_with = f"torchmetrics {torchmetrics.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}, " \
                f"transformers {transformers.__version__}, Pillow {PIL.__version__}"
    lines = [f'{{"made_with": "{made_with}",', f'"negative": {negative}, "pairs": [', ",\n".join(json.dumps(row) for row in rows), "]}"]
    (output / "expected.json").write_text("\n".join(lines) + "\n")


main()
