#!/usr/bin/env python3
"""Writes full-size models with random weights, to measure speed without the real ones.

    scripts/bench/make_full_size.py --out DIR [--skip-onnx]

Needs torch, transformers, scipy and, for ONNX, onnx and onnxscript. Nothing is downloaded. DIR gets

    mask2former/        transformers folder, Mask2Former with Swin-S (depths 2, 2, 18, 2, embed 96, window 7, 100 queries)
    clip/               transformers folder, CLIP ViT-L/14 with QuickGELU
    clip_image_1.onnx, clip_image_8.onnx, mask2former_800.onnx and their data: fixed sizes
    mask2former.png, clip.png: the inputs of inference.py

Weights are perturbed with a fixed seed, because the default initialisation leaves offsets, tables and biases constant.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPModel, Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig


def perturb(model, keep=()):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            noise = torch.randn(tensor.shape, generator=generator)
            if name in keep:
                continue
            if "norm" in name or "layrnorm" in name or ".1.weight" in name and tensor.dim() == 1:
                tensor.copy_(0.1 * noise + (1 if name.endswith("weight") else 0))
            elif "sampling_offsets.bias" in name:
                tensor.add_(0.5 * noise)
            elif name.endswith("bias"):
                tensor.copy_(0.1 * noise)
            elif "embed" in name and tensor.dim() <= 2 and "mask_embedder" not in name or "queries" in name:
                tensor.copy_(0.3 * noise)
            elif "relative_position_bias_table" in name:
                tensor.copy_(0.3 * noise)
            else:
                tensor.copy_(noise / math.sqrt(tensor[0].numel()))


def mask2former():
    backbone = SwinConfig(embed_dim=96, depths=[2, 2, 18, 2], num_heads=[3, 6, 12, 24], window_size=7,
                          out_features=["stage1", "stage2", "stage3", "stage4"])
    model = Mask2FormerForUniversalSegmentation(Mask2FormerConfig(backbone_config=backbone, num_labels=80)).eval()
    perturb(model)
    return model


def clip():
    config = CLIPConfig(
        text_config={"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
                     "projection_dim": 768, "hidden_act": "quick_gelu"},
        vision_config={"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
                       "image_size": 224, "patch_size": 14, "projection_dim": 768, "hidden_act": "quick_gelu"},
        projection_dim=768)
    model = CLIPModel(config).eval()
    perturb(model, keep=("logit_scale",))
    return model


class ImageEncoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.vision, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixel_values):
        return self.projection(self.vision(pixel_values=pixel_values).pooler_output)


class Segmenter(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        outputs = self.model(pixel_values=pixel_values)
        return outputs.class_queries_logits, outputs.masks_queries_logits


def export(module, shape, path, outputs):
    """Tries torch's two exporters, the newer first, and says which one worked."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    for is_dynamo in (True, False):
        started = time.time()
        try:
            with torch.inference_mode():
                options = {"external_data": True} if is_dynamo else {}
                torch.onnx.export(module, (values,), str(path), input_names=["pixel_values"], output_names=outputs,
                                  dynamo=is_dynamo, opset_version=18, **options)
        except Exception as error:  # an exporter may fail in any way; the other one is tried, and the reason is shown
            print(f"{path.name}: {'dynamo' if is_dynamo else 'TorchScript'} exporter failed: {str(error)[:300]}", flush=True)
            continue
        print(f"{path.name}: by the {'dynamo' if is_dynamo else 'TorchScript'} exporter, {time.time() - started:.0f} s", flush=True)
        return True
    path.unlink(missing_ok=True)
    return False


def write_picture(path, side):
    """Smooth colours with noise, always the same."""
    y, x = np.mgrid[:side, :side]
    smooth = np.stack([128 + 100 * np.sin(x / 40), 128 + 100 * np.cos(y / 55), 255 * ((x // 64 + y // 64) % 2)], axis=-1)
    noise = np.random.default_rng(1).normal(0, 12, smooth.shape)
    Image.fromarray(np.clip(smooth + noise, 0, 255).astype(np.uint8)).save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--skip-onnx", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    write_picture(arguments.out / "mask2former.png", 800)
    write_picture(arguments.out / "clip.png", 224)

    encoder = clip()
    encoder.save_pretrained(arguments.out / "clip")
    segmenter = mask2former()
    segmenter.save_pretrained(arguments.out / "mask2former")
    (arguments.out / "mask2former" / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": "Mask2FormerImageProcessor", "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225], "size": {"shortest_edge": 800, "longest_edge": 1333}, "size_divisor": 32}, indent=1))
    print("weights written", flush=True)
    if not arguments.skip_onnx:
        for batch in (1, 8):
            export(ImageEncoder(encoder).eval(), (batch, 3, 224, 224), arguments.out / f"clip_image_{batch}.onnx", ["embeddings"])
        del encoder
        export(Segmenter(segmenter).eval(), (1, 3, 800, 800), arguments.out / "mask2former_800.onnx", ["classes", "masks"])


if __name__ == "__main__":
    main()
