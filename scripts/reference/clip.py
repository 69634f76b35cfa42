"""Makes crates/imgeval-vision/tests/fixtures/clip/: a tiny CLIP with random weights and what it answers.

    python scripts/reference/clip.py crates/imgeval-vision/tests/fixtures/clip

Needs torch, torchvision, transformers, open_clip_torch, ftfy, safetensors and Pillow (before 13); the versions used are written
into expected.json. Embeddings are transformers' CLIPModel in f32 on the CPU from the f16 weights stored here, once with QuickGELU
(`quick_gelu`, OpenAI's models) and once with `gelu`. Pictures are those of noise.py, ids are open_clip's.

Files, gzipped because the rows of tokens that no text here uses are zeros:
    model.safetensors.gz       the Hugging Face hub's names
    config.json                with quick_gelu
    model_openai.pt.gz         the same weights under OpenAI's names, a state dict
    model_openai_jit.pt.gz     the same as a TorchScript archive, which is how OpenAI publishes them
    expected.json

OpenAI's layout does not store the number of heads: published models have one for every 64 channels, this one for every 16.
The script checks that layout by running it in open_clip.

Two ways of preprocessing, which differ: transformers' image processor, whose centre crop rounds down, and torchvision's, which
open_clip and so GenEval use and which rounds half to even.
"""

import gzip
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import open_clip
import PIL
import torch
import torchvision
import transformers
from noise import picture
from PIL import Image
from safetensors.torch import save
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

SIDE, PATCH, WIDTH, HEADS, LAYERS, OUTPUT = 48, 8, 32, 2, 2, 16
COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"]
TEMPLATES = ["a photo of a {color} {name}", "a photo of a {color}-colored {name}", "a photo of a {color} object"]
CLASS = "traffic light"
TEXTS = ["", "a", "a photo of a bench", "a photo of a red-colored bench", "A PHOTO of a Bench!", "two dogs & three cats",
         "it's 12345", "bench " * 90, "a red bench to the left of a blue dog", "naïve café", "你好", "🍕"]
PICTURES = [(21, (64, 48)), (22, (50, 77)), (23, (48, 51))]  # landscape; portrait with an odd margin; one that rounds differently


def tower(patch=False):
    sizes = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
             "projection_dim": OUTPUT}
    return sizes | ({"image_size": SIDE, "patch_size": PATCH} if patch else {})


def build(activation, weights=None):
    config = CLIPConfig(text_config=tower() | {"hidden_act": activation},
                        vision_config=tower(patch=True) | {"hidden_act": activation}, projection_dim=OUTPUT)
    model = CLIPModel(config).eval()
    if weights:
        model.load_state_dict(weights)
    return model


def perturb(model, used_tokens):
    generator = torch.Generator().manual_seed(3)

    def noise(tensor, spread):
        return torch.randn(tensor.shape, generator=generator) * spread

    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "norm" in name or "layrnorm" in name:
                tensor.copy_(noise(tensor, 0.2) + (1 if name.endswith("weight") else 0))
            elif name.endswith("bias"):
                tensor.copy_(noise(tensor, 0.1))
            elif "token_embedding" in name:
                used = torch.zeros(tensor.shape[0], 1, dtype=torch.bool)
                used[used_tokens] = True
                tensor.copy_(torch.where(used, noise(tensor, 1.0), torch.zeros(())))
            elif "embedding" in name and "patch" not in name:
                tensor.copy_(noise(tensor, 0.3))
            elif name != "logit_scale":
                spread = 2.0 if "patch" in name or "q_proj" in name or "k_proj" in name else 1.0
                tensor.copy_(noise(tensor, spread / math.sqrt(tensor[0].numel())))
            tensor.copy_(tensor.half().float())


def openai_weights(weights):
    """Under OpenAI's names: fused attention inputs, projections transposed."""
    renamed = {"logit_scale": weights["logit_scale"], "token_embedding.weight": weights["text_model.embeddings.token_embedding.weight"],
               "positional_embedding": weights["text_model.embeddings.position_embedding.weight"],
               "text_projection": weights["text_projection.weight"].T.contiguous(),
               "visual.class_embedding": weights["vision_model.embeddings.class_embedding"],
               "visual.positional_embedding": weights["vision_model.embeddings.position_embedding.weight"],
               "visual.conv1.weight": weights["vision_model.embeddings.patch_embedding.weight"],
               "visual.proj": weights["visual_projection.weight"].T.contiguous()}
    for ours, theirs in [("ln_final", "text_model.final_layer_norm"), ("visual.ln_pre", "vision_model.pre_layrnorm"),
                         ("visual.ln_post", "vision_model.post_layernorm")]:
        for kind in ["weight", "bias"]:
            renamed[f"{ours}.{kind}"] = weights[f"{theirs}.{kind}"]
    for ours, theirs in [("transformer", "text_model"), ("visual.transformer", "vision_model")]:
        for layer in range(LAYERS):
            source, target = f"{theirs}.encoder.layers.{layer}", f"{ours}.resblocks.{layer}"
            for kind in ["weight", "bias"]:
                parts = [weights[f"{source}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
                renamed[f"{target}.attn.in_proj_{kind}"] = torch.cat(parts)
                for old, new in [("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("mlp.fc1", "mlp.c_fc"),
                                 ("mlp.fc2", "mlp.c_proj"), ("layer_norm2", "ln_2")]:
                    renamed[f"{target}.{new}.{kind}"] = weights[f"{source}.{old}.{kind}"]
    return renamed


class Holder(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values


def torchscript(weights):
    """A scripted module whose parameters have the given dotted names, like OpenAI's published archives."""
    root = Holder()
    for name, tensor in weights.items():
        owner = root
        *path, last = name.split(".")
        for part in path:
            if part not in dict(owner.named_children()):
                owner.add_module(part, Holder())
            owner = dict(owner.named_children())[part]
        owner.register_parameter(last, torch.nn.Parameter(tensor.clone(), requires_grad=False))
    for name, value in [("input_resolution", SIDE), ("context_length", 77), ("vocab_size", 49408)]:
        root.register_buffer(name, torch.tensor(value))
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(root), buffer)
    return buffer.getvalue()


def write_gzip(path, data):
    path.write_bytes(gzip.compress(data, 9, mtime=0))
    print(path.name, path.stat().st_size, "bytes")


def embed_images(model, tensors):
    return model.visual_projection(model.vision_model(pixel_values=tensors).pooler_output)


def embed_texts(model, ids):
    return model.text_projection(model.text_model(input_ids=ids).pooler_output)


def check_in_open_clip(weights, pixels, ids, images, texts):
    settings = {"embed_dim": OUTPUT, "quick_gelu": True,
                "vision_cfg": {"image_size": SIDE, "patch_size": PATCH, "width": WIDTH, "layers": LAYERS,
                               "head_width": WIDTH // HEADS, "mlp_ratio": 2.0},
                "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": WIDTH, "heads": HEADS, "layers": LAYERS,
                             "mlp_ratio": 2.0}}
    model = open_clip.CLIP(**settings).eval()
    missing = model.load_state_dict(weights, strict=False)
    assert not missing.unexpected_keys and not missing.missing_keys, missing
    print("open_clip differs by", float((model.encode_image(pixels) - images).abs().max()),
          float((model.encode_text(ids) - texts).abs().max()))


def open_clip_transform():
    return Compose([Resize(SIDE, interpolation=InterpolationMode.BICUBIC), CenterCrop(SIDE), ToTensor(),
                    Normalize(open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)])


def colors(model, tokenizer):
    """GenEval's colour step (evaluate_images.py) for one picture and four objects."""
    size = (90, 70)
    seed = 24
    image = Image.fromarray(picture(seed, *size))
    blank = Image.new("RGB", image.size, color="#999")
    y, x = np.mgrid[:size[1], :size[0]]
    discs = {"disc": (x - 30) ** 2 + (y - 30) ** 2 < 400, "stripes": (x + y) % 7 < 4}
    names = []
    for color in COLORS:
        ids = tokenizer([template.format(color=color, name=CLASS) for template in TEMPLATES])
        embeddings = torch.nn.functional.normalize(embed_texts(model, ids), dim=-1)
        mean = embeddings.mean(0)
        names.append(mean / mean.norm())
    rows = []
    for mask, box in [("disc", [8.5, 9.49, 50.5, 51.5]), ("stripes", [20.3, 11.5, 77.7, 64.2]), (None, [0.0, 0.0, 90.0, 70.0]),
                      (None, [40.2, 30.6, 43.4, 60.5])]:
        cut = Image.composite(image, blank, Image.fromarray(discs[mask])) if mask else image
        cut = cut.crop(box)
        embedding = torch.nn.functional.normalize(embed_images(model, open_clip_transform()(cut)[None]), dim=-1)
        logits = (100 * embedding @ torch.stack(names, 1))[0]
        rows.append({"mask": mask, "box": box, "crop": list(cut.size), "logits": logits.tolist(),
                     "predicted": COLORS[int(logits.argmax())]})
    return {"seed": seed, "size": size, "class": CLASS, "objects": rows,
            "masks": {"disc": "(x - 30)^2 + (y - 30)^2 < 400", "stripes": "(x + y) mod 7 < 4"}}


@torch.no_grad()
def main():
    output = Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    tokenizer = open_clip.tokenizer.SimpleTokenizer()
    ids = tokenizer(TEXTS)
    prompts = [template.format(color=color, name=CLASS) for color in COLORS for template in TEMPLATES]
    used = torch.cat([ids, tokenizer(prompts)]).unique()
    model = build("quick_gelu")
    perturb(model, used)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items() if "position_ids" not in name}
    stored = {name: tensor.half().contiguous() for name, tensor in weights.items()}
    write_gzip(output / "model.safetensors.gz", save(stored, metadata={"format": "pt"}))
    buffer = io.BytesIO()
    torch.save(openai_weights(stored), buffer)
    write_gzip(output / "model_openai.pt.gz", buffer.getvalue())
    write_gzip(output / "model_openai_jit.pt.gz", torchscript(openai_weights(stored)))
    model.config.save_pretrained(output)

    processor = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    processor.save_pretrained(output)
    images = [Image.fromarray(picture(seed, *size)) for seed, size in PICTURES]
    images[0].save(arguments.output / "picture.png", optimize=True)  # for the canary
    hub_pixels = processor(images=images, return_tensors="pt")["pixel_values"]
    open_clip_pixels = torch.stack([open_clip_transform()(image) for image in images])
    models = {"quick_gelu": model, "gelu": build("gelu", weights)}
    answers = {}
    for name, variant in models.items():
        answers[name] = {"images_hub": embed_images(variant, hub_pixels).tolist(),
                         "images_open_clip": embed_images(variant, open_clip_pixels).tolist(),
                         "texts": embed_texts(variant, ids).tolist()}
    check_in_open_clip(openai_weights(weights), hub_pixels, ids, embed_images(model, hub_pixels), embed_texts(model, ids))
    same = [bool((a - b).abs().max() < 1e-4) for a, b in zip(hub_pixels, open_clip_pixels)]
    print("both ways of preprocessing agree:", same)

    expected = {
        "made_with": f"transformers {transformers.__version__}, open_clip {open_clip.__version__}, torch {torch.__version__}, "
                     f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}",
        "side": SIDE, "heads": HEADS,
        "pictures": [{"seed": seed, "size": size} for seed, size in PICTURES],
        "texts": TEXTS,
        "pixels_hub": [tensor[:, ::16, ::16].flatten().tolist() for tensor in hub_pixels],
        "pixels_open_clip": [tensor[:, ::16, ::16].flatten().tolist() for tensor in open_clip_pixels],
        "answers": answers,
        "colors": colors(model, tokenizer),
    }
    lines = [json.dumps(key) + ": " + json.dumps(value) for key, value in expected.items()]
    (output / "expected.json").write_text("{" + ",\n".join(lines) + "}\n")
    for row in expected["colors"]["objects"]:
        print(row["mask"], row["crop"], row["predicted"], [round(value, 2) for value in row["logits"]])


main()
