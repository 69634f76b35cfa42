"""What the stand-ins of judges' scripts really send: each is run with one case, and its texts are written down.

    python scripts/reference/wording.py > crates/imgeval-suites/tests/fixtures/wording/expected.json

Python 3.11, PyYAML 6.0, Jinja2 3.1.
"""

import importlib.util
import json
import pathlib
import sys

import jinja2
import yaml

FOLDER = pathlib.Path(__file__).parents[2] / "crates/imgeval-suites/tests/fixtures/wording"
CASE = {
    "prompt": "a {prompt} & <instruction> %s",
    "formatted": "a {} of {{tea}}",
    "instruction": "paint {0} {instruct} <edit_prompt>\n##YNQuestions##",
    "explanation": "it's \"{explanation}\"",
    "question": "Is it {{red}}?",
    "reference": "{reference}",
    "points": ["a 1", "b's", 'say "c"', "l\n\u4e2d\u200b"],
    "testpoint": ["Bow", "Stern"],
    "test_desc": ["has {prompt}", "is red"],
    "criteria": {"z": None, "a": [True, 1.0, "it's"]},
    "questions": [" Is it red? ", "Is it {blue}?\n"],
    "reply": "A {boat}.",
}


def load(path):
    spec = importlib.util.spec_from_file_location("script", path)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def wise(path):
    record = {"Prompt": CASE["prompt"], "Explanation": CASE["explanation"]}
    sys.modules.setdefault("openai", sys)
    sys.modules.setdefault("requests", sys)
    system, user = load(path).build_evaluation_messages(record, "DATA")
    return [system["content"][0]["text"], user["content"][0]["text"]]


def jinja(template):
    return jinja2.Template(template).render(instruction=CASE["instruction"])


expected = {"python": ".".join(map(str, sys.version_info[:3])), "case": CASE}
for path in sorted(FOLDER.glob("*.py")):
    if path.stem.startswith("wise"):
        expected[path.stem] = wise(path)
    elif path.stem != "other_function":
        expected[path.stem] = load(path).build(CASE)
asset = yaml.safe_load((FOLDER / "geditbench2.yaml").read_text())
named = ["system_prompt", "folded", "quoted", "single", "kept", "stripped", "deeper"]
expected["geditbench2"] = [asset[name] for name in named]
expected["geditbench2"] += [jinja(part["text"]) for part in asset["user_prompt"] if "text" in part]
print(json.dumps(expected, indent=1, ensure_ascii=True))
