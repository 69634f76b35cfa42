"""Makes crates/imgeval-vision/tests/fixtures/mask2former/: a tiny Mask2Former with random weights and what it answers.

    python scripts/reference/mask2former.py crates/imgeval-vision/tests/fixtures/mask2former [--golden DIR]

Needs torch, transformers, scipy, safetensors and Pillow (before 13); the versions used are written into expected.json. The
reference is transformers' Mask2FormerForUniversalSegmentation in f32 on the CPU, with one change: it normalises groups
of channels with 32 groups whatever their number, and 32 channels would leave groups of one. Here there is a group for
every four channels and at most 32, which is 32 for the published width of 256.

Files:
    model.safetensors      weights under the names that the Hugging Face hub has, f16; the reference computes with the rounded ones
    config.json, preprocessor_config.json
    model_mmdet2.pth       the same weights under mmdetection 2.x's names: fused qkv, patch merging in `nn.Unfold`'s order of channels
    expected.safetensors   class logits, mask logits of the first queries, channel means on the way, of two pictures
    picture.png            the first picture, for the canary
    expected.json          detections by mmdetection's rules and by transformers' post-processing; transformers' image processors

Pictures are those of noise.py. The tensors are (value - mean) / std with mmdetection's numbers,
after padding right and bottom with 128 to multiples of 32.

--golden DIR checks the renaming the other way round: DIR/model.pth (mmdetection 2.x's names) is run here and compared with
DIR/tensors.npz, which mmdetection itself made from the DIR/resized_*.png.
"""

import argparse
import json
import math
import re
import tempfile
from pathlib import Path

import numpy as np
import PIL
import torch
import transformers
from noise import picture
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

MEAN = torch.tensor([123.675, 116.28, 103.53])
STD = torch.tensor([58.395, 57.12, 57.375])
MASKS_KEPT = 4
WINDOW = 7


def input_tensor(pixels):
    height, width, _ = pixels.shape
    padded = np.full((math.ceil(height / 32) * 32, math.ceil(width / 32) * 32, 3), 128, np.uint8)
    padded[:height, :width] = pixels
    return ((torch.from_numpy(padded).float() - MEAN) / STD).permute(2, 0, 1)[None]


def build(embed, depths, heads, queries, encoder_layers, encoder_ffn, decoder_layers, ffn, width):
    backbone = SwinConfig(
        embed_dim=embed, depths=depths, num_heads=heads, window_size=WINDOW, drop_path_rate=0.0,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = Mask2FormerConfig(
        backbone_config=backbone, feature_size=width, mask_feature_size=width, hidden_dim=width, num_attention_heads=8,
        encoder_layers=encoder_layers, encoder_feedforward_dim=encoder_ffn, dim_feedforward=ffn, num_queries=queries,
        decoder_layers=decoder_layers + 1, num_labels=80,  # transformers counts the prediction before the first layer
    )
    model = Mask2FormerForUniversalSegmentation(config).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.num_groups = min(32, module.num_channels // 4)
    return model


def perturb(model):
    """Nothing is left constant: the default initialisation has zero biases, tables and offsets and unit norms."""
    generator = torch.Generator().manual_seed(1)

    def noise(tensor, spread):
        return torch.randn(tensor.shape, generator=generator) * spread

    with torch.no_grad():
        for name, tensor in model.named_parameters():
            owner = model.get_submodule(name.rpartition(".")[0])
            is_norm = isinstance(owner, (torch.nn.LayerNorm, torch.nn.GroupNorm))
            if is_norm and name.endswith("weight"):
                tensor.copy_(1 + noise(tensor, 0.2))
            elif "sampling_offsets.bias" in name:
                tensor.add_(noise(tensor, 0.5))
            elif name.endswith("bias") or is_norm:
                tensor.copy_(noise(tensor, 0.2))
            elif "embed" in name and tensor.dim() == 2 and "mask_embedder" not in name or "queries" in name:
                tensor.copy_(noise(tensor, 1.0))
            elif "relative_position_bias_table" in name:
                tensor.copy_(noise(tensor, 0.5))
            else:
                fan_in = tensor[0].numel()
                spread = 3.0 if "class_predictor" in name else 1.5 if "mask_embedder" in name else 1.0
                tensor.copy_(noise(tensor, spread / math.sqrt(fan_in)))
            tensor.copy_(tensor.half().float())


def hub_names(model, folder):
    """The weights as transformers saves them: the hub's names, less what only this version has."""
    model.save_pretrained(folder)
    Path(folder, "generation_config.json").unlink(missing_ok=True)
    weights = load_file(Path(folder, "model.safetensors"))
    return {name: tensor for name, tensor in weights.items() if "swin.layernorm" not in name and "criterion" not in name}


RENAMED = [
    (r"model\.pixel_level_module\.encoder\.embeddings\.patch_embeddings\.projection", "backbone.patch_embed.projection"),
    (r"model\.pixel_level_module\.encoder\.embeddings\.norm", "backbone.patch_embed.norm"),
    (r"model\.pixel_level_module\.encoder\.encoder\.layers", "backbone.stages"),
    (r"model\.pixel_level_module\.encoder\.hidden_states_norms\.stage(\d)", lambda m: f"backbone.norm{int(m[1]) - 1}"),
    (r"(stages.*)\.layernorm_before", r"\1.norm1"),
    (r"(stages.*)\.layernorm_after", r"\1.norm2"),
    (r"(stages.*)\.attention\.self", r"\1.attn.w_msa"),
    (r"(stages.*)\.attention\.output\.dense", r"\1.attn.w_msa.proj"),
    (r"(stages.*)\.intermediate\.dense", r"\1.ffn.layers.0.0"),
    (r"(stages.*)\.output\.dense", r"\1.ffn.layers.1"),
    (r"model\.pixel_level_module\.decoder\.encoder", "panoptic_head.pixel_decoder.encoder"),
    (r"(pixel_decoder.*)\.self_attn\.", r"\1.attentions.0."),
    (r"(pixel_decoder.*)\.self_attn_layer_norm", r"\1.norms.0"),
    (r"(pixel_decoder.*)\.final_layer_norm", r"\1.norms.1"),
    (r"model\.pixel_level_module\.decoder\.level_embed", "panoptic_head.pixel_decoder.level_encoding.weight"),
    (r"model\.pixel_level_module\.decoder\.mask_projection", "panoptic_head.pixel_decoder.mask_feature"),
    (r"model\.pixel_level_module\.decoder\.input_projections\.(\d)", r"panoptic_head.pixel_decoder.input_convs.\1"),
    (r"model\.pixel_level_module\.decoder\.adapter_1", "panoptic_head.pixel_decoder.lateral_convs.0"),
    (r"model\.pixel_level_module\.decoder\.layer_1", "panoptic_head.pixel_decoder.output_convs.0"),
    (r"(_convs\.\d)\.0\.", r"\1.conv."),
    (r"(_convs\.\d)\.1\.", r"\1.gn."),
    (r"model\.transformer_module\.decoder\.layers", "panoptic_head.transformer_decoder.layers"),
    (r"(transformer_decoder.*)\.cross_attn\.", r"\1.attentions.0.attn."),
    (r"(transformer_decoder.*)\.self_attn\.", r"\1.attentions.1.attn."),
    (r"(transformer_decoder.*)\.cross_attn_layer_norm", r"\1.norms.0"),
    (r"(transformer_decoder.*)\.self_attn_layer_norm", r"\1.norms.1"),
    (r"(transformer_decoder.*)\.final_layer_norm", r"\1.norms.2"),
    (r"(_decoder.*)\.fc1", r"\1.ffns.0.layers.0.0"),
    (r"(_decoder.*)\.fc2", r"\1.ffns.0.layers.1"),
    (r"model\.transformer_module\.decoder\.layernorm", "panoptic_head.transformer_decoder.post_norm"),
    (r"model\.transformer_module\.decoder\.mask_predictor\.mask_embedder\.(\d)\.0",
     lambda m: f"panoptic_head.mask_embed.{2 * int(m[1])}"),
    (r"model\.transformer_module\.queries_embedder", "panoptic_head.query_embed"),
    (r"model\.transformer_module\.queries_features", "panoptic_head.query_feat"),
    (r"model\.transformer_module\.level_embed", "panoptic_head.level_embed"),
    (r"class_predictor", "panoptic_head.cls_embed"),
]

FUSED = re.compile(r"(.*)\.(query|key|value|[qkv]_proj)\.(weight|bias)$")
# Patch merging gathers four neighbours: transformers stacks whole pictures in the order (row, column) = 00, 10, 01, 11,
# nn.Unfold interleaves channels in the order 00, 01, 10, 11.
UNFOLD_ORDER = [0, 2, 1, 3]


def unfold_index(tensor):
    channels = tensor.shape[-1] // 4
    return torch.tensor([group * channels + channel for channel in range(channels) for group in UNFOLD_ORDER])


def to_unfold(tensor):
    return tensor[..., unfold_index(tensor)]


def from_unfold(tensor):
    return tensor[..., torch.argsort(unfold_index(tensor))]


def mmdet_name(name):
    for pattern, replacement in RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def position_index():
    y, x = (axis.reshape(-1) for axis in torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij"))
    rows = y[:, None] - y[None] + WINDOW - 1
    return rows * (2 * WINDOW - 1) + x[:, None] - x[None] + WINDOW - 1


def mmdet_weights(weights):
    renamed = {}
    for name, tensor in weights.items():
        fused = FUSED.match(name)
        if fused:
            start, part, kind = fused.groups()
            if part in ("query", "q_proj"):
                others = ("key", "value") if part == "query" else ("k_proj", "v_proj")
                parts = [tensor, *(weights[f"{start}.{other}.{kind}"] for other in others)]
                target = f"{start}.qkv.{kind}" if part == "query" else f"{start}.in_proj_{kind}"
                renamed[mmdet_name(target)] = torch.cat(parts)
        elif "downsample" in name:
            renamed[mmdet_name(name)] = to_unfold(tensor)
        else:
            renamed[mmdet_name(name)] = tensor
            if "relative_position_bias_table" in name:
                renamed[mmdet_name(name).replace("bias_table", "index")] = position_index()
    return renamed


@torch.no_grad()
def answers(model, pixel_values):
    steps = {}

    def keep(name):
        def hook(_module, _inputs, output):
            steps[name] = output
        return hook

    level = model.model.pixel_level_module
    handles = [level.encoder.register_forward_hook(keep("backbone")), level.decoder.register_forward_hook(keep("pixels"))]
    outputs = model(pixel_values=pixel_values)
    for handle in handles:
        handle.remove()
    means = {f"stage{index}_mean": stage.mean((0, 2, 3)) for index, stage in enumerate(steps["backbone"].feature_maps)}
    means |= {f"level{index}_mean": stage.mean((0, 2, 3)) for index, stage in enumerate(steps["pixels"].multi_scale_features)}
    means["mask_features_mean"] = steps["pixels"].mask_features.mean((0, 2, 3))
    return outputs, means


def mmdet_detections(class_logits, mask_logits, padded, resized, original, most=100):
    """mmdetection's instance post-processing; sizes are (width, height). As many detections as there are queries."""
    most = min(most, class_logits.shape[0])
    masks = functional.interpolate(mask_logits[None], size=padded[::-1], mode="bilinear", align_corners=False)
    masks = masks[:, :, :resized[1], :resized[0]]
    masks = functional.interpolate(masks, size=original[::-1], mode="bilinear", align_corners=False)[0]
    classes = class_logits.softmax(-1)[:, :-1]
    scores, indices = classes.flatten().topk(most)
    found = []
    for score, index in zip(scores, indices):
        logits = masks[index // classes.shape[1]]
        mask = logits > 0
        score = score * (logits.sigmoid() * mask).sum() / (mask.sum() + 1e-6)
        found.append({"label": int(index % classes.shape[1]), "score": float(score), **extent(mask)})
    return found


def extent(mask):
    rows, columns = torch.where(mask)
    box = [0, 0, 0, 0]
    if len(rows):
        box = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
    return {"box": box, "mask_area": int(mask.sum())}


def hub_detections(processor, outputs, original):
    """transformers' own code; empty masks are dropped there, and scores rounded to six digits."""
    result = processor.post_process_instance_segmentation(
        outputs, threshold=0.0, target_sizes=[original[::-1]], return_binary_maps=True)[0]
    found = [{"label": segment["label_id"], "score": segment["score"], **extent(mask > 0)}
             for segment, mask in zip(result["segments_info"], result["segmentation"])]
    return sorted(found, key=lambda detection: -detection["score"])


def processed(processor, pixels):
    tensor = processor(images=Image.fromarray(pixels), return_tensors="pt")["pixel_values"][0]
    _, height, width = tensor.shape
    places = [[channel, row * (height - 1) // 4, column * (width - 1) // 3]
              for channel in range(3) for row in range(5) for column in range(4)]
    return tensor, {"size": [width, height], "mean": tensor.mean((1, 2)).tolist(), "places": places,
                    "values": [round(float(tensor[tuple(place)]), 6) for place in places]}


def check_golden(folder):
    weights = torch.load(folder / "model.pth", weights_only=False)["state_dict"]
    model = build(16, [1, 1, 2, 1], [1, 2, 4, 8], 24, 2, 48, 3, 64, 32)
    # Under the names of this version of transformers, which the renaming does not know, so by way of its saved file.
    with tempfile.TemporaryDirectory() as temporary:
        template = hub_names(model, temporary)
        rebuilt = {}
        for name, tensor in template.items():
            fused = FUSED.match(name)
            if fused:
                start, part, kind = fused.groups()
                target = f"{start}.qkv.{kind}" if part in ("query", "key", "value") else f"{start}.in_proj_{kind}"
                place = ["q", "k", "v"].index(part[0])
                rebuilt[name] = weights[mmdet_name(target)].chunk(3)[place].clone()
            elif "downsample" in name:
                rebuilt[name] = from_unfold(weights[mmdet_name(name)])
            else:
                rebuilt[name] = weights[mmdet_name(name)]
            assert rebuilt[name].shape == tensor.shape, name
        assert set(mmdet_weights(template)) == set(weights), set(mmdet_weights(template)) ^ set(weights)
        save_file({name: tensor.contiguous() for name, tensor in rebuilt.items()}, Path(temporary, "model.safetensors"),
                  metadata={"format": "pt"})
        groups = [module.num_groups for module in model.modules() if isinstance(module, torch.nn.GroupNorm)]
        model = Mask2FormerForUniversalSegmentation.from_pretrained(temporary).eval()
    for module, count in zip((m for m in model.modules() if isinstance(m, torch.nn.GroupNorm)), groups):
        module.num_groups = count
    expected = np.load(folder / "tensors.npz")
    for path in sorted(folder.glob("resized_*.png")):
        key = path.name.removeprefix("resized_")
        outputs, means = answers(model, input_tensor(np.asarray(Image.open(path).convert("RGB"))))
        pairs = {"cls": outputs.class_queries_logits[0], "mask": outputs.masks_queries_logits[0][:4]}
        pairs |= {f"feat{index}_mean": means[f"stage{index}_mean"] for index in range(4)}
        for name, found in pairs.items():
            wanted = torch.from_numpy(expected[f"{name}/{key}"])
            print(f"golden {key} {name}: {float((found - wanted).abs().max() / wanted.abs().max()):.1e} relative")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--golden", type=Path)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    if arguments.golden:
        check_golden(arguments.golden)

    arguments.output.mkdir(parents=True, exist_ok=True)
    model = build(8, [1, 1, 2, 1], [1, 2, 2, 4], 10, 2, 48, 3, 64, 32)
    perturb(model)
    weights = {name: tensor.half().contiguous() for name, tensor in hub_names(model, arguments.output).items()}
    save_file(weights, arguments.output / "model.safetensors", metadata={"format": "pt"})
    renamed = {name: tensor.contiguous().clone() for name, tensor in mmdet_weights(weights).items()
               if "position_index" not in name or "stages.0" in name}  # one is enough to be passed over
    torch.save({"meta": {"made_by": "scripts/reference/mask2former.py"}, "state_dict": renamed},
               arguments.output / "model_mmdet2.pth")

    tensors, pictures = {}, []
    slow = transformers.Mask2FormerImageProcessorPil()
    fast = transformers.Mask2FormerImageProcessor()
    for name, seed, size, original in [("even", 11, (96, 64), (96, 64)), ("padded", 12, (104, 72), (61, 43))]:
        pixel_values = input_tensor(picture(seed, *size))
        if name == "even":
            Image.fromarray(picture(seed, *size)).save(arguments.output / "picture.png", optimize=True)
        outputs, means = answers(model, pixel_values)
        classes, masks = outputs.class_queries_logits[0], outputs.masks_queries_logits[0]
        tensors |= {f"{name}/classes": classes, f"{name}/masks": masks[:MASKS_KEPT].contiguous()}
        tensors |= {f"{name}/{key}": value for key, value in means.items()}
        padded = (pixel_values.shape[3], pixel_values.shape[2])
        print(name, "classes", float(classes.abs().max()), "masks", float(masks.min()), float(masks.max()),
              "positive", [round(float((mask > 0).float().mean()), 2) for mask in masks])
        pictures.append({"name": name, "seed": seed, "size": size, "padded": padded, "original": original,
                         "mmdet": mmdet_detections(classes, masks, padded, size, original),
                         "hub": hub_detections(slow, outputs, original)})
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, arguments.output / "expected.safetensors")

    pixels = picture(13, 120, 90)
    (slow_tensor, slow_values), (fast_tensor, fast_values) = processed(slow, pixels), processed(fast, pixels)
    print("processors differ by at most", float((slow_tensor - fast_tensor).abs().max()))
    sizes = [[*size, *processed(slow, picture(1, *size))[1]["size"]]
             for size in [(120, 90), (90, 120), (300, 100), (64, 64), (1024, 1024), (526, 526), (640, 427), (1001, 333)]]
    expected = {
        "made_with": f"transformers {transformers.__version__}, torch {torch.__version__}, Pillow {PIL.__version__}",
        "pictures": pictures,
        "hub_processor": {"seed": 13, "size": [120, 90], "pil": slow_values, "torchvision": fast_values,
                          "largest_difference": float((slow_tensor - fast_tensor).abs().max())},
        "hub_sizes": sizes,
    }
    lines = [json.dumps(key) + ": " + json.dumps(value) for key, value in expected.items()]
    (arguments.output / "expected.json").write_text("{" + ",\n".join(lines) + "}\n")
    slow.save_pretrained(arguments.output)


main()
