"""Makes crates/imgeval-vision/tests/fixtures/training/: gradients and optimiser steps as PyTorch computes them.

    python scripts/reference/clip_training.py crates/imgeval-vision/tests/fixtures/training

Needs torch, transformers, safetensors and NumPy; the versions used are written into the files. Everything is computed in 64 bits on the
CPU and stored in 32, so that what differs is the rounding of the program under test.

Files:
    clip/model.safetensors     a tiny CLIP vision tower with random weights, the Hugging Face hub's names; config.json beside it
    clip.safetensors           transformers' CLIPVisionModelWithProjection with a linear head: features, logits, gradients, steps
    residual.safetensors       the small residual network, written here in PyTorch: the same
    operations.safetensors     single operations: inputs, the gradient of the result, results, gradients of the inputs

Pictures are those of noise.py, cut to their middle. Steps are five of torch.optim.AdamW on one batch, without weight decay on biases,
norms and embeddings, under LinearLR and CosineAnnealingLR. Gradients, and weights after the first and the fifth step, stand under our
names for the parameters.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import safetensors
import torch
import torch.nn.functional as F
import transformers
from noise import picture
from safetensors.torch import save_file
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

SIDE, PATCH, WIDTH, HEADS, LAYERS, HIDDEN, EMBEDDING = 24, 8, 16, 2, 2, 32, 8
MEAN, SPREAD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
PICTURES = [(31, (30, 27)), (32, (24, 40)), (33, (25, 24)), (34, (24, 24))]
LABELS = [0, 2, 1, 2]
CLASSES = 3
CROP, CHANNELS, BLOCKS = 32, 4, 3
RESIDUAL_PICTURES = [(35, (40, 35)), (36, (32, 33)), (37, (32, 32))]
RESIDUAL_LABELS = [1, 0, 1]
PEAK, DECAY, STEPS, WARM_UP = 1e-2, 0.1, 5, 2
MADE_WITH = {"made_with": f"torch {torch.__version__}, transformers {transformers.__version__}, safetensors "
                          f"{safetensors.__version__}, NumPy {np.__version__}; float64 on the CPU"}


def middle(pixels, side):
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return pixels[top:top + side, left:left + side]


def crops(pictures, side):
    """[images, 3, side, side], levels."""
    squares = [middle(picture(seed, *size), side) for seed, size in pictures]
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).double()


def randomise(module, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            if tensor.ndim == 1:
                is_scale = "norm" in name and name.endswith("weight")
                tensor.copy_(noise * 0.2 + (1 if is_scale else 0))
            else:
                tensor.copy_(noise * (1.5 / math.sqrt(tensor[0].numel())))
            tensor.copy_(tensor.float())


class ClipClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        config = CLIPVisionConfig(hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                                  image_size=SIDE, patch_size=PATCH, projection_dim=EMBEDDING, hidden_act="quick_gelu")
        self.clip = CLIPVisionModelWithProjection._from_config(config, attn_implementation="eager")
        self.head = nn.Linear(EMBEDDING, CLASSES)

    def features(self, levels):
        mean, spread = (torch.tensor(values, dtype=torch.float64).reshape(3, 1, 1) for values in (MEAN, SPREAD))
        return self.clip(pixel_values=(levels / 255 - mean) / spread).image_embeds


def openai_names(tensors):
    """OpenAI's names, the projection as [embedding, width]."""
    renamed = {}
    for ours, theirs in [("visual.class_embedding", "embeddings.class_embedding"), ("visual.conv1.weight", "embeddings.patch_embedding.weight"),
                         ("visual.positional_embedding", "embeddings.position_embedding.weight")]:
        renamed[ours] = tensors[f"clip.vision_model.{theirs}"]
    renamed["visual.proj"] = tensors["clip.visual_projection.weight"]
    for kind in ["weight", "bias"]:
        renamed[f"head.{kind}"] = tensors[f"head.{kind}"]
        renamed[f"visual.ln_pre.{kind}"] = tensors[f"clip.vision_model.pre_layrnorm.{kind}"]
        renamed[f"visual.ln_post.{kind}"] = tensors[f"clip.vision_model.post_layernorm.{kind}"]
        for layer in range(LAYERS):
            source, target = f"clip.vision_model.encoder.layers.{layer}", f"visual.transformer.resblocks.{layer}"
            renamed[f"{target}.attn.in_proj_{kind}"] = torch.cat([tensors[f"{source}.self_attn.{part}_proj.{kind}"] for part in "qkv"])
            for old, new in [("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("mlp.fc1", "mlp.c_fc"),
                             ("mlp.fc2", "mlp.c_proj"), ("layer_norm2", "ln_2")]:
                renamed[f"{target}.{new}.{kind}"] = tensors[f"{source}.{old}.{kind}"]
    return renamed


class Conv(nn.Conv2d):
    def __init__(self, inputs, outputs, kernel=3, stride=1):
        super().__init__(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def norm(channels):
    return nn.GroupNorm(channels // 4, channels)


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1, self.norm1 = Conv(inputs, outputs, stride=stride), norm(outputs)
        self.conv2, self.norm2 = Conv(outputs, outputs), norm(outputs)
        self.shortcut = None if inputs == outputs else Conv(inputs, outputs, kernel=1, stride=2)

    def forward(self, x):
        inner = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(inner + (self.shortcut(x) if self.shortcut else x))


class ResidualClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.ModuleDict({"conv": Conv(9, CHANNELS), "norm": norm(CHANNELS)})
        widths = [CHANNELS, CHANNELS] + [2 * CHANNELS] * (BLOCKS - 1)
        self.blocks = nn.ModuleList(Block(*pair) for pair in zip(widths, widths[1:]))
        self.head = nn.Linear(2 * CHANNELS, CLASSES)

    def features(self, levels):
        # NPR: the image less its nearest-neighbour reconstruction.
        half = F.interpolate(levels, scale_factor=0.5, mode="nearest")
        residual = (levels - F.interpolate(half, scale_factor=2.0, mode="nearest")) / 16
        assert residual[:, :, ::2, ::2].abs().max() == 0
        planes = torch.cat([residual[:, :, 0::2, 1::2], residual[:, :, 1::2, 0::2], residual[:, :, 1::2, 1::2]], 1)
        x = torch.relu(self.stem["norm"](self.stem["conv"](planes)))
        for block in self.blocks:
            x = block(x)
        return x.mean((2, 3))


def is_decayed(name, tensor):
    return tensor.ndim > 1 and "position_embedding" not in name


def train(model, levels, labels, rename):
    """Features, logits, loss and gradients, and the weights along five steps."""
    model.double()
    randomise(model, 5)
    labels = torch.tensor(labels)
    snapshot = lambda tensors: {name: tensor.detach().clone() for name, tensor in rename(dict(tensors)).items()}
    record = {f"initial/{name}": tensor for name, tensor in snapshot(model.named_parameters()).items()}
    groups = [{"params": [tensor for name, tensor in model.named_parameters() if is_decayed(name, tensor) == decayed],
               "weight_decay": DECAY if decayed else 0.0} for decayed in (True, False)]
    optimizer = torch.optim.AdamW(groups, lr=PEAK)
    schedule = SequentialLR(optimizer, [LinearLR(optimizer, 1 / WARM_UP, 1.0, WARM_UP - 1), CosineAnnealingLR(optimizer, STEPS - WARM_UP)],
                            [WARM_UP])
    rates, losses = [], []
    for step in range(STEPS):
        features = model.features(levels)
        logits = model.head(features)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            record |= {"features": features.detach(), "logits": logits.detach()}
            gradients = snapshot((name, tensor.grad) for name, tensor in model.named_parameters())
            record |= {f"gradient/{name}": tensor for name, tensor in gradients.items()}
        rates.append(schedule.get_last_lr()[0])
        losses.append(loss.item())
        optimizer.step()
        schedule.step()
        if step + 1 in (1, STEPS):
            record |= {f"after_{step + 1}/{name}": tensor for name, tensor in snapshot(model.named_parameters()).items()}
    record |= {"rates": torch.tensor(rates), "losses": torch.tensor(losses)}
    print([round(loss, 4) for loss in losses], [round(rate, 6) for rate in rates])
    return record


def operations():
    """Each: inputs as `NAME/in_*`, the result `NAME/out`, the gradient of a sum of it times `NAME/weights`, `NAME/grad_*`."""
    generator = torch.Generator().manual_seed(9)
    tensors = {}

    def random(*shape, spread=1.0):
        # Rounded to 32 bits, as it will be read.
        values = torch.randn(shape, generator=generator, dtype=torch.float64) * spread
        return values.float().double().requires_grad_()

    def add(name, function, **inputs):
        result = function(**inputs)
        weights = random(*result.shape).detach()
        (result * weights).sum().backward()
        tensors[f"{name}/out"], tensors[f"{name}/weights"] = result.detach(), weights
        for key, tensor in inputs.items():
            tensors[f"{name}/in_{key}"], tensors[f"{name}/grad_{key}"] = tensor.detach(), tensor.grad

    add("linear", F.linear, input=random(2, 3, 5), weight=random(4, 5), bias=random(4))
    add("layer_norm", lambda x, weight, bias: F.layer_norm(x, (19,), weight, bias), x=random(3, 2, 19, spread=3), weight=random(19),
        bias=random(19))
    add("group_norm", lambda x, weight, bias: F.group_norm(x, 2, weight, bias), x=random(2, 8, 3, 5, spread=3), weight=random(8),
        bias=random(8))
    add("quick_gelu", lambda x: x * torch.sigmoid(1.702 * x), x=random(40, spread=3))
    add("gelu", F.gelu, x=random(40, spread=3))
    add("mean_over_places", lambda x: x.mean((2, 3)), x=random(2, 3, 4, 5))
    for stride, padding, kernel, size in [(1, 1, 3, (7, 6)), (2, 1, 3, (7, 6)), (2, 0, 1, (6, 7)), (3, 2, 5, (11, 9)), (1, 0, 3, (3, 3))]:
        add(f"convolution_{stride}_{padding}_{kernel}", lambda x, weight: F.conv2d(x, weight, stride=stride, padding=padding),
            x=random(2, 3, *size), weight=random(4, 3, kernel, kernel))
    heads = lambda x: x.reshape(2, 5, 2, 3).transpose(1, 2)
    add("attention", lambda query, key, value: F.scaled_dot_product_attention(heads(query), heads(key), heads(value)).transpose(1, 2).reshape(2, 5, 6),
        query=random(2, 5, 6, spread=2), key=random(2, 5, 6, spread=2), value=random(2, 5, 6))
    add("cross_entropy", lambda logits: F.cross_entropy(logits, torch.tensor([2, 0, 1, 2])), logits=random(4, 3, spread=20))
    # Square ones, on which candle's own gradients are right too.
    for stride, padding, kernel in [(2, 1, 3), (2, 0, 1)]:
        add(f"square_convolution_{stride}_{padding}_{kernel}", lambda x, weight: F.conv2d(x, weight, stride=stride, padding=padding),
            x=random(2, 3, 8, 8), weight=random(4, 3, kernel, kernel))
    return tensors


def save(tensors, path):
    save_file({name: tensor.float().contiguous() for name, tensor in tensors.items()}, path, metadata=MADE_WITH)
    print(path.name, path.stat().st_size, "bytes")


def main():
    output = Path(sys.argv[1])
    (output / "clip").mkdir(parents=True, exist_ok=True)
    model = ClipClassifier()
    record = train(model, crops(PICTURES, SIDE), LABELS, openai_names)
    # Training has moved the weights: drawn again, they are the initial ones.
    randomise(model, 5)
    weights = {name.removeprefix("clip."): tensor for name, tensor in model.state_dict().items() if name.startswith("clip.")}
    save({name: tensor for name, tensor in weights.items() if "position_ids" not in name}, output / "clip" / "model.safetensors")
    config = {"vision_config": {"num_attention_heads": HEADS, "hidden_act": "quick_gelu"}}
    (output / "clip" / "config.json").write_text(json.dumps(config) + "\n")
    # They stand in that file already.
    record = {name: tensor for name, tensor in record.items() if not name.startswith("initial/visual")}
    save(record, output / "clip.safetensors")
    save(train(ResidualClassifier(), crops(RESIDUAL_PICTURES, CROP), RESIDUAL_LABELS, lambda tensors: tensors),
         output / "residual.safetensors")
    save(operations(), output / "operations.safetensors")


main()
