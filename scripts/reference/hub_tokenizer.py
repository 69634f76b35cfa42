"""transformers' tokenizer of CLIP, without the hub: over the vocabulary that open_clip ships."""

import gzip
import json
from pathlib import Path

import open_clip
from transformers import CLIPTokenizerFast


def tokenizer(folder):
    """Writes vocab.json and merges.txt there, in the layout of the hub."""
    source = open_clip.tokenizer.SimpleTokenizer()
    merges = gzip.open(open_clip.tokenizer.default_bpe()).read().decode().split("\n")[1:49152 - 256 - 2 + 1]
    renamed = {token.replace("<start_of_text>", "<|startoftext|>").replace("<end_of_text>", "<|endoftext|>"): index
               for token, index in source.encoder.items()}
    (Path(folder) / "vocab.json").write_text(json.dumps(renamed))
    (Path(folder) / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    return CLIPTokenizerFast.from_pretrained(folder)
