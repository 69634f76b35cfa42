"""Makes the fixtures of the transformer detectors of generated images.

    python scripts/reference/forensics_transformers.py

crates/imgeval-forensics/tests/fixtures/transformers/: tiny networks with random weights in the published names (float16), two images, and
expected.json: for every detector and image the SHA-256 of the crop's RGB bytes and the logits (f32, CPU). CLIP is transformers' class, the
networks of Community Forensics and B-Free are timm's; heads, crops, windows and FatFormer's parts are written here with PyTorch and
torchvision from the papers' descriptions.

Needs torch, torchvision, timm, transformers, safetensors, OpenCV, NumPy and Pillow; the versions used are written into expected.json.
"""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import PIL
import timm
import torch
import torch.nn.functional as F
import torchvision
import transformers
from noise import picture
from PIL import Image
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.transforms import CenterCrop, InterpolationMode, Resize, TenCrop
from torchvision.transforms.functional import normalize, to_tensor

OUT = Path(__file__).parents[2] / "crates/imgeval-forensics/tests/fixtures/transformers"
SIDE, PATCH, WIDTH, EMBEDDING, DEPTH = 16, 4, 16, 12, 2
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
VERSIONS = {one.__name__: one.__version__ for one in (torch, torchvision, timm, transformers, np, cv2, PIL)}


def randomize(module, seed):
    """Weights around zero, norms around one, nothing of them zero; rounded to float16."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            numbers = torch.randn(parameter.shape, generator=generator)
            is_scale = parameter.dim() == 1 and name.endswith("weight") or name.endswith("gamma")
            numbers = 1 + 0.2 * numbers if is_scale else 0.35 * numbers
            parameter.copy_(numbers.half().float())
    return module.eval()


def halves(state):
    return {name: tensor.detach().half().contiguous().clone() for name, tensor in state.items()}


def clip(activation="quick_gelu"):
    config = transformers.CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=DEPTH, num_attention_heads=1, image_size=SIDE,
        patch_size=PATCH, projection_dim=EMBEDDING, hidden_act=activation, attn_implementation="eager",
    )
    return randomize(transformers.CLIPVisionModelWithProjection(config), 1)


def encoder_state(model):
    return {name: tensor for name, tensor in model.state_dict().items() if not name.endswith("position_ids")}


def in_openai_names(state):
    """From transformers' names to those of OpenAI's file."""
    out = {}
    for name, tensor in state.items():
        if name == "visual_projection.weight":
            out["visual.proj"] = tensor.T
            continue
        name = name.replace("vision_model.embeddings.class_embedding", "visual.class_embedding")
        name = name.replace("vision_model.embeddings.patch_embedding", "visual.conv1")
        name = name.replace("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding")
        name = name.replace("vision_model.pre_layrnorm", "visual.ln_pre")
        name = name.replace("vision_model.post_layernorm", "visual.ln_post")
        name = name.replace("vision_model.encoder.layers", "visual.transformer.resblocks")
        name = name.replace("layer_norm", "ln_").replace("mlp.fc1", "mlp.c_fc").replace("mlp.fc2", "mlp.c_proj")
        out[name.replace("self_attn.", "attn.")] = tensor
    for layer in range(DEPTH):
        prefix = f"visual.transformer.resblocks.{layer}.attn."
        for part in ("weight", "bias"):
            parts = [out.pop(f"{prefix}{one}_proj.{part}") for one in "qkv"]
            out[f"{prefix}in_proj_{part}"] = torch.cat(parts)
    return out


def features(model, x):
    """The embedding, the class token after the last norm, and the one after the second norm inside each block [blocks, width]."""
    inner = []
    hooks = [
        layer.layer_norm2.register_forward_hook(lambda module, given, result: inner.append(result[:, 0]))
        for layer in model.vision_model.encoder.layers
    ]
    result = model(pixel_values=x)
    for hook in hooks:
        hook.remove()
    return result.image_embeds, model.vision_model(pixel_values=x).pooler_output, torch.stack(inner, 1)


def opened(name):
    return Image.open(OUT / name).convert("RGB")


def crop_of(image, bilinear=InterpolationMode.BILINEAR):
    return {
        "middle": lambda: CenterCrop(SIDE)(image),
        "bilinear": lambda: CenterCrop(SIDE)(Resize(SIDE, interpolation=bilinear)(image)),
        "bicubic": lambda: CenterCrop(SIDE)(Resize(SIDE, interpolation=InterpolationMode.BICUBIC)(image)),
        "larger": lambda: CenterCrop(SIDE)(Resize(SIDE * 8 // 7, interpolation=bilinear)(image)),
        "squashed": lambda: CenterCrop(SIDE)(image.resize((SIDE * 8 // 7,) * 2, Image.Resampling.BILINEAR)),
        "opencv": lambda: Image.fromarray(cv2.resize(np.asarray(image), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)),
        "tiled": lambda: CenterCrop(SIDE)(tiled(image, SIDE * 8 // 7)),
        "albumentations": lambda: albumentations(image),
        "native": lambda: image,
    }


def tiled(image, side):
    if min(image.size) >= side:
        return image
    across, down = (-(-side // length) for length in image.size)
    return Image.fromarray(np.tile(np.asarray(image), (down, across, 1)))


def albumentations(image):
    pixels = np.asarray(image)
    missing = [max(SIDE - length, 0) for length in pixels.shape[:2]]
    pixels = np.pad(pixels, [(one // 2, one - one // 2) for one in missing] + [(0, 0)])
    top, left = ((length - SIDE) // 2 for length in pixels.shape[:2])
    return Image.fromarray(pixels[top : top + SIDE, left : left + SIDE])


def network_input(crop, statistics):
    return normalize(to_tensor(crop), *statistics)[None]


class Rine(nn.Module):
    def __init__(self, layers, width):
        super().__init__()
        stack = lambda inputs: nn.Sequential(*[  # noqa: E731
            one
            for index in range(layers)
            for one in (nn.Dropout(), nn.Linear(inputs if index == 0 else width, width), nn.ReLU())
        ])
        self.alpha = nn.Parameter(torch.zeros(1, DEPTH, width))
        self.proj1, self.proj2 = stack(WIDTH), stack(width)
        last = [nn.Linear(width, width), nn.ReLU(), nn.Dropout()]
        self.head = nn.Sequential(*last, nn.Linear(width, width), nn.ReLU(), nn.Dropout(), nn.Linear(width, 1))

    def forward(self, inner):
        weighted = (torch.softmax(self.alpha, 1) * self.proj1(inner)).sum(1)
        return self.head(self.proj2(weighted))


class Adapter(nn.Module):
    def __init__(self):
        super().__init__()
        self.freq_scale = nn.Parameter(torch.zeros(1))
        self.first_conv_layer, self.second_conv_layer = nn.Conv1d(WIDTH, 4, 1), nn.Conv1d(4, WIDTH, 1)
        self.dwt_norm = nn.GroupNorm(WIDTH, WIDTH)
        self.intra_band, self.inter_band = nn.MultiheadAttention(WIDTH, 8), nn.MultiheadAttention(WIDTH, 8)
        self.norm_intra, self.norm_inter, self.norm3 = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.linear1, self.linear2 = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, tokens):
        """[tokens, width] to [tokens, width]."""
        of_tokens = self.second_conv_layer(F.relu(self.first_conv_layer(tokens.T[None])))[0].T * 0.1
        side = SIDE // PATCH
        grid = tokens[1:].reshape(side // 2, 2, side // 2, 2, WIDTH)
        a, b, c, d = grid[:, 0, :, 0], grid[:, 0, :, 1], grid[:, 1, :, 0], grid[:, 1, :, 1]
        bands = torch.stack([a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d]) / 2
        bands = bands.reshape(4, -1, WIDTH)
        bands = self.dwt_norm(bands.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
        # The first dimension is the tokens that look at each other.
        bands = self.norm_intra(bands + self.intra_band(bands, bands, bands)[0])
        bands = bands.transpose(0, 1)
        bands = self.norm_inter(bands + self.inter_band(bands, bands, bands)[0]).transpose(0, 1)
        bands = self.norm3(bands + self.linear2(F.relu(self.linear1(bands))))
        ll, lh, hl, hh = bands.reshape(4, side // 2, side // 2, WIDTH)
        back = torch.empty_like(grid)
        back[:, 0, :, 0], back[:, 0, :, 1] = (ll + lh + hl + hh) / 2, (ll + lh - hl - hh) / 2
        back[:, 1, :, 0], back[:, 1, :, 1] = (ll - lh + hl - hh) / 2, (ll - lh - hl + hh) / 2
        of_bands = torch.cat([torch.zeros(1, WIDTH), back.reshape(-1, WIDTH)]) * self.freq_scale
        return of_tokens + of_bands


class Block(nn.Module):
    """CLIP's block in OpenAI's names."""

    def __init__(self, width, heads, has_adapter=False):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 2 * width), "c_proj": nn.Linear(2 * width, width)})
        if has_adapter:
            self.forgery_aware_adapter = Adapter()

    def forward(self, x, mask=None):
        """[tokens, texts, width]."""
        given = self.ln_1(x)
        x = x + self.attn(given, given, given, attn_mask=mask)[0]
        hidden = self.mlp["c_fc"](self.ln_2(x))
        y = x + self.mlp["c_proj"](hidden * torch.sigmoid(1.702 * hidden))
        return y + self.forgery_aware_adapter(x[:, 0])[:, None] if hasattr(self, "forgery_aware_adapter") else y


def tower(width, blocks):
    return nn.ModuleDict({"resblocks": nn.ModuleList(blocks)})


class FatFormer(nn.Module):
    def __init__(self, words=3, rest=5):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.zeros(()))
        side, width = SIDE // PATCH, EMBEDDING
        image = self.image_encoder = nn.Module()
        image.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        image.positional_embedding = nn.Parameter(torch.zeros(side * side + 1, WIDTH))
        image.proj = nn.Parameter(torch.zeros(WIDTH, width))
        image.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        image.ln_pre, image.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        image.transformer = tower(WIDTH, [Block(WIDTH, 1), Block(WIDTH, 1, True)])
        text = self.text_encoder = nn.Module()
        text.positional_embedding = nn.Parameter(torch.zeros(1 + words + rest, width))
        text.text_projection = nn.Parameter(torch.zeros(width, width))
        text.transformer = tower(width, [Block(width, 1)])
        text.ln_final = nn.LayerNorm(width)
        language = self.language_guided_alignment = nn.Module()
        language.ctx = nn.Parameter(torch.zeros(words, width))
        language.token_prefix = nn.Parameter(torch.zeros(2, 1, width))
        language.token_suffix = nn.Parameter(torch.zeros(2, rest, width))
        language.patch_basaed_enhancer = nn.MultiheadAttention(width, 12)
        for module in (language, self):
            module.norm1, module.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            module.linear1, module.linear2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.text_guided_interactor = nn.MultiheadAttention(width, 12)

    @staticmethod
    def refined(module, attention, x, context):
        x = module.norm1(x + attention(x, context, context)[0])
        return module.norm2(x + module.linear2(F.relu(module.linear1(x))))

    def forward(self, pixels):
        image, text, language = self.image_encoder, self.text_encoder, self.language_guided_alignment
        x = torch.cat([image.class_embedding[None], image.conv1(pixels)[0].flatten(1).T])
        x = image.ln_pre(x + image.positional_embedding)[:, None]
        for block in image.transformer["resblocks"]:
            x = block(x)
        tokens = image.ln_post(x) @ image.proj
        words = self.refined(language, language.patch_basaed_enhancer, language.ctx[:, None], tokens)[:, 0]
        prompts = torch.cat([language.token_prefix, words.expand(2, -1, -1), language.token_suffix], 1)
        y = (prompts + text.positional_embedding).transpose(0, 1)
        mask = torch.full((len(y), len(y)), float("-inf")).triu(1)
        for block in text.transformer["resblocks"]:
            y = block(y, mask)
        texts = text.ln_final(y)[len(language.ctx) + 3] @ text.text_projection
        guided = self.refined(self, self.text_guided_interactor, tokens[1:], texts[:, None]).mean(0)
        texts = F.normalize(texts, dim=-1)
        similarity = F.normalize(tokens[0], dim=-1) @ texts.T + F.normalize(guided, dim=-1) @ texts.T
        return similarity * self.logit_scale.exp()


def windows(network, pixels, side):
    """B-Free's five windows of the grid of embedded patches, repeated up to a window's side where it is shorter."""
    grid = network.patch_embed.proj(pixels)
    down, across = (max(length - side, 0) for length in grid.shape[2:])
    grid = grid.repeat(1, 1, *(-(-side // length) for length in grid.shape[2:]))
    places = [(down // 2, across // 2), (0, 0), (down, 0), (down, across), (0, across)]
    squares = torch.cat([grid[:, :, top : top + side, left : left + side] for top, left in places])
    x = squares.flatten(2).transpose(1, 2) + network.pos_embed
    x = torch.cat([network.cls_token.expand(5, -1, -1), network.reg_token.expand(5, -1, -1), x], 1)
    for block in network.blocks:
        x = block(x)
    return network.head(network.norm(x)[:, 0]).mean(0)


def effort_state(model, head):
    """Every attention weight as a main part and a residual of rank 1, and the model with their sums."""
    generator = torch.Generator().manual_seed(5)
    state = {}
    for name, tensor in encoder_state(model).items():
        if name == "visual_projection.weight":
            continue
        name = name.replace("vision_model.", "module.backbone.")
        if "self_attn" in name and name.endswith("weight"):
            start = name.removesuffix("weight")
            left, right, scale = (torch.randn(shape, generator=generator).half().float() for shape in ((WIDTH, 1), (1, WIDTH), (1,)))
            state |= {f"{start}weight_main": tensor.clone(), f"{start}U_residual": left, f"{start}S_residual": scale,
                      f"{start}V_residual": right, f"{start}S_r": torch.ones(3)}
            with torch.no_grad():
                tensor += left * scale @ right
        else:
            state[name] = tensor
    return state | {f"module.head.{name}": tensor for name, tensor in head.state_dict().items()}


@torch.no_grad()
def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (seed, size) in {"large.png": (61, (37, 29)), "small.png": (62, (13, 11))}.items():
        Image.fromarray(picture(seed, *size)).save(OUT / name)
    model, exact = clip(), clip("gelu")
    univfd = [randomize(nn.Linear(EMBEDDING, 1), seed) for seed in (11, 12)]
    rine = [randomize(Rine(*shape), seed) for shape, seed in (((2, 8), 13), ((1, 6), 14))]
    clipdet = randomize(nn.ModuleDict({"fc": nn.Linear(WIDTH, 1)}), 15)
    c2p, drct = randomize(nn.Linear(EMBEDDING, 1), 16), randomize(nn.Sequential(nn.Linear(EMBEDDING, 10), nn.Linear(10, 2)), 17)
    effort, effort_head = clip(), randomize(nn.Linear(WIDTH, 2), 18)
    fatformer = randomize(FatFormer(), 19)
    shape = dict(img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=1, mlp_ratio=2, num_classes=1)
    community = randomize(VisionTransformer(**shape), 20)
    bfree = randomize(VisionTransformer(**shape, reg_tokens=4, no_embed_class=True, init_values=1.0), 21)

    encoder = halves(encoder_state(model))
    save_file(encoder, OUT / "clip_hf.safetensors")
    openai = {name: tensor.contiguous() for name, tensor in in_openai_names(encoder).items()}
    torch.save(openai | {"logit_scale": torch.ones(()).half(), "ln_final.weight": torch.ones(4).half()}, OUT / "clip_openai.pth")
    for index, (one, two) in enumerate(zip(univfd, rine)):
        torch.save(halves(one.state_dict()), OUT / f"univfd_{index}.pth")
        torch.save(halves(two.state_dict()), OUT / f"rine_{index}.pth")
    torch.save({"model": halves(clipdet.state_dict())}, OUT / "clipdet.pth")
    in_c2p = encoder | {f"fc.{name}": tensor for name, tensor in halves(c2p.state_dict()).items()}
    save_file({f"model.{name}": tensor for name, tensor in in_c2p.items()}, OUT / "c2p_clip.safetensors")
    in_drct = {f"model.model.{name}": tensor for name, tensor in openai.items()}
    in_drct |= {name.replace("0.", "model.fc.").replace("1.", "fc."): tensor for name, tensor in halves(drct.state_dict()).items()}
    save_file(in_drct, OUT / "drct_clip.safetensors")
    save_file(halves(effort_state(effort, effort_head)), OUT / "effort.safetensors")
    save_file(halves(fatformer.state_dict()), OUT / "fatformer.safetensors")
    save_file({f"vit.{name}": tensor for name, tensor in halves(community.state_dict()).items()}, OUT / "community.safetensors")
    save_file(halves(bfree.state_dict()), OUT / "bfree.safetensors")

    expected = {}
    for name in ("large.png", "small.png"):
        crops = crop_of(opened(name))

        def note(detector, crop, statistics, network):
            crop = crops[crop]()
            logits = network(network_input(crop, statistics)).flatten().tolist()
            crop = hashlib.sha256(np.asarray(crop).tobytes()).hexdigest()
            expected.setdefault(detector, {})[name] = {"crop_sha256": crop, "logits": logits}

        for index in range(2):
            note(f"univfd_{index}", "middle", CLIP, lambda x: univfd[index](features(model, x)[0]))
            note(f"rine_{index}", "middle", CLIP, lambda x: rine[index](features(model, x)[2]))
        note("clipdet", "bicubic", CLIP, lambda x: clipdet["fc"](F.normalize(features(exact, x)[1], dim=-1)))
        note("c2p_clip", "bilinear", CLIP, lambda x: c2p(F.normalize(features(model, x)[0], dim=-1)))
        note("drct_clip", "albumentations", IMAGENET, lambda x: drct(features(model, x)[0]))
        note("effort_demo", "opencv", CLIP, lambda x: effort_head(features(effort, x)[1]))
        note("effort_fork", "tiled", CLIP, lambda x: effort_head(features(effort, x)[1]))
        note("fatformer", "squashed", IMAGENET, fatformer)
        note("community", "larger", IMAGENET, community)
        note("bfree", "native", IMAGENET, lambda x: windows(bfree, x, SIDE // PATCH))
    ten = TenCrop(SIDE)(opened("large.png"))
    logits = [rine[0](features(model, network_input(crop, CLIP))[2]) for crop in ten]
    expected["rine_ten_crops"] = {"large.png": {"crop_sha256": None, "logits": [torch.stack(logits).mean().item()]}}
    text = json.dumps({"versions": VERSIONS, "expected": expected}, indent=1)
    (OUT / "expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
