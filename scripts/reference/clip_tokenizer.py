"""Makes crates/imgeval-vision/tests/fixtures/clip_tokenizer.json: ids of odd and plain texts by open_clip's tokenizer.

    python scripts/reference/clip_tokenizer.py crates/imgeval-vision/tests/fixtures/clip_tokenizer.json

Needs open_clip_torch, ftfy and transformers; the versions used are written into the file. `ids` are open_clip's, `hub_ids` those
of transformers' fast tokenizer with truncation, left out where they are the same. Ids are given up to the end mark, the rest of
the 77 are zeros. Left out are texts that ftfy takes for mojibake, because imgeval does not repair those, and texts with an
apostrophe before a long s, which Python's case-insensitive pattern takes for the ending 's. The wide comparison also leaves
out characters that Python's version of Unicode does not know, because libraries of different age split there.

    ... --wide FILE [MORE.txt ...]

writes, for a wider comparison, one JSON line a text: random mixtures of the same pieces, then the lines of the given files.
"""

import json
import random
import sys
import tempfile
import unicodedata

import ftfy
import open_clip
import open_clip.tokenizer
import transformers
from hub_tokenizer import tokenizer as hub_tokenizer

TEXTS = [
    "", " ", "a photo of a bench", "a photo of a red-colored hair drier", "a photo of four DOGS", "don't stop 12345",
    "Two  spaces & symbols!? naïve café 你好 🍕", "it’s “quoted” ‘twice’ ‛and‟ ʼn ŉ", "I'LL they'Re we'VE I'M he'D it'S",
    "ﬁne ﬂuffy oﬃce aﬄuent ﬀ ﬅ ﬆ Ĳ ĳ ǅ ǌ æ œ", "ＦＵＬＬ　ｗｉｄｔｈ！ ﾊﾝｶｸ ｶﾞ ￦ ￡", "&lt;b&gt; &amp;amp;amp; &eacute; &EACUTE; &NTILDE; &copy",
    "&notit; &notin; &ampx &amp &#65;&#x42; &#66 &#0; &#128; &#150; &#xD800; &#x110000; &#11; &#59; &#12a; &#x; &; &",
    "if a<b &amp; c &lt; d", "first &amp; line\nsecond < &eacute; line\nthird &eacute; line", "a\u0301 e\u0308 A\u030a \u1e9b\u0323 \u2126 \u212b",
    "tab\tnew\nline\r\nfeed\x0cvertical\x0bnel\x85ls\u2028ps\u2029nbsp\u00a0thin\u2009ideographic\u3000end",
    "bell\x07 escape\x1b[31;1mred\x1b[0m \x1b[x \x1b[ 5m del\x7f fs\x1c us\x1f bom\ufeff zwsp\u200b zwj\u200d \u206a \ufffc obj",
    "İstanbul ΟΔΥΣΣΕΥΣ ΑΣ. STRASSE ẞ ǅ K Å", "١٢٣ ४५ Ⅷ ½ ² ③ 零", "العربية עברית हिन्दी ไทย 한국어 日本語 ქართული", "🏳️‍🌈 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️",
    "<start_of_text> a <end_of_text> b <|endoftext|>", "snake_case kebab-case path/to/file.png #tag @name $5.00 50% 1,000.5",
    "!!! ... ??? ---- ____ ****", "x" * 300, "word " * 100, "pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism",
    "\u00adsoft\u00adhyphen \u2010\u2011\u2012\u2013\u2014\u2015 \u2026 \u2032\u2033 «guillemets»", "¡¿ ª º ß þ ð ø",
    "&AMP; &Amp; &QUOT; &HELLIP; &hellip; &CounterClockwiseContourIntegral; &NotNestedGreaterGreater; &ngt; &ThickSpace;x",
    "&amp;lt;b&amp;gt;", "&#38;#233;", "&#x27;tis &apos;twas &rsquo;", "\u0000nul", "ÀÉÎÕÜ ç ñ", "a" + "\u0300" * 20, "x\u0345y", "𝒜 𝔄 𝟘 ﷺ",
]


def is_left_out(tokenizer, text):
    is_mojibake = ftfy.fix_text(text) != ftfy.fix_text(text, ftfy.TextFixerConfig(fix_encoding=False))
    return is_mojibake or "'ſ" in tokenizer.clean_fn(text)


def ids(tokenizer, text):
    row = tokenizer(text)[0].tolist()
    return row[:max(index for index, token in enumerate(row) if token == 49407) + 1]


def wide(tokenizer, output, files):
    chance = random.Random(1)
    pieces = [piece for text in TEXTS for piece in [text, *text.split(" "), *text[:60]]]
    texts = ["".join(chance.choice(pieces) for _ in range(chance.randint(1, 12))) for _ in range(20000)]
    texts += [" ".join(chance.choice(pieces) for _ in range(chance.randint(1, 8))) for _ in range(5000)]
    planes = [(0x20, 0x7F), (0x80, 0x250), (0x250, 0x3000), (0x3000, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000)]
    for _ in range(20000):
        low, high = chance.choice(planes)
        known = [code for code in (chance.randrange(low, high) for _ in range(20)) if unicodedata.category(chr(code)) != "Cn"]
        texts.append("".join(map(chr, known)))
    texts += [f"x{chr(code)}Y" for low, high in [(0, 0x3400), (0xA000, 0xAC00), (0xE000, 0x20000)]
              for code in range(low, high)]
    for name in files:
        with open(name) as file:
            texts += [line.rstrip("\n") for line in file]
    skipped = 0
    with open(output, "w") as file:
        for text in texts:
            if is_left_out(tokenizer, text) or any(unicodedata.category(character) == "Cn" for character in text):
                skipped += 1
                continue
            file.write(json.dumps({"text": text, "ids": ids(tokenizer, text)}) + "\n")
    print(f"{len(texts) - skipped} texts, {skipped} left out", file=sys.stderr)


def main():
    tokenizer = open_clip.tokenizer.SimpleTokenizer()
    if sys.argv[1] == "--wide":
        wide(tokenizer, sys.argv[2], sys.argv[3:])
        return
    for text in TEXTS:
        if is_left_out(tokenizer, text):
            sys.exit(f"not comparable: {text!r}")
    with tempfile.TemporaryDirectory() as folder:
        hub = hub_tokenizer(folder)
    rows = []
    for text in TEXTS:
        row = {"text": text, "ids": ids(tokenizer, text)}
        hub_ids = hub(text, truncation=True, max_length=77)["input_ids"]
        rows.append(json.dumps(row if hub_ids == row["ids"] else row | {"hub_ids": hub_ids}))
    made_with = f"open_clip {open_clip.__version__}, ftfy {ftfy.__version__}, transformers {transformers.__version__}"
    with open(sys.argv[1], "w") as file:
        file.write(f'{{"made_with": "{made_with}", "texts": [\n' + ",\n".join(rows) + "\n]}\n")


main()
