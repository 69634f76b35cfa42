"""What the fixture scripts of judges really send: each is run, and its messages are written down.

    python scripts/reference/judge_messages.py > crates/imgeval-suites/tests/fixtures/judge_messages.json

With paths of other scripts as arguments (`PATH:FUNCTION`, called with a record and image data) the same is printed for
them; so a benchmark's own script can be checked without its text entering the repository. Python 3.11.
"""

import importlib.util
import json
import pathlib
import sys
import types

RECORD = {"Prompt": "a {prompt} & <b>", "Explanation": "it's \"{explanation}\"\n%s"}
FOLDER = pathlib.Path(__file__).parents[2] / "crates/imgeval-suites/tests/fixtures/judge_scripts"


class Client:
    def create(self, messages, **_):
        return messages


CALLS = {
    "format_string": lambda module: module.build_messages(RECORD, "DATA"),
    "constants": lambda module: module.Judge(None).messages(RECORD, image_url="data:image/png;base64,DATA"),
    "appended": lambda module: module.build(RECORD, "DATA"),
    "argument": lambda module: module.ask(Client(), RECORD, "DATA"),
    "parameters": lambda module: module.make(RECORD["Prompt"], RECORD["Explanation"], "DATA"),
}


def load(path):
    sys.modules.setdefault("openai", types.ModuleType("openai"))
    spec = importlib.util.spec_from_file_location("script", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parts(content):
    if isinstance(content, str):
        return [content]
    return [part["text"] if part["type"] == "text" else None for part in content]


def flat(messages):
    by_role = {message["role"]: parts(message["content"]) for message in messages}
    system = by_role.get("system")
    # A part that is null is the image.
    return {"system": None if system is None else "".join(system), "message": by_role["user"]}


if len(sys.argv) > 1:
    for argument in sys.argv[1:]:
        path, function = argument.rsplit(":", 1)
        print(json.dumps(flat(getattr(load(path), function)(RECORD, "DATA"))))
else:
    scripts = {name: flat(call(load(FOLDER / f"{name}.py"))) for name, call in CALLS.items()}
    version = ".".join(map(str, sys.version_info[:3]))
    print(json.dumps({"python": version, "record": RECORD, "scripts": scripts}, indent=1))
