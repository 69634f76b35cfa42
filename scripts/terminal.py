"""Runs commands in a pseudo-terminal and checks their manners: widths, colors, progress and silence.

Usage: python scripts/terminal.py BINARY RUN [OTHER_RUN]

BINARY is the built imgeval, RUN a scored run. At 80 and 120 columns no line may be wider than the terminal, colors must obey NO_COLOR,
CLICOLOR and TERM=dumb, the progress line must be drawn at most five times a second and taken away at the end, and --quiet must leave
stderr empty. Only Python's standard library is needed.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time
import unicodedata

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]")
SIZES = [80, 120]


def run(arguments: list[str], columns: int, environment: dict[str, str]) -> tuple[str, float]:
    """What the command wrote to the terminal, stdout and stderr together, and how long it took."""
    process, terminal = pty.fork()
    if process == 0:
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "IMGEVAL_COLUMNS"]:
            os.environ.pop(name, None)
        os.environ.update({"TERM": "xterm-256color", **environment})
        # The size is set before the program may ask for it.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.execv(arguments[0], arguments)
    began, parts = time.monotonic(), []
    while True:
        select.select([terminal], [], [])
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.waitpid(process, 0)
    return b"".join(parts).decode(errors="replace"), time.monotonic() - began


def width(line: str) -> int:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in line)
    return len(line) + wide


def widest(output: str) -> tuple[int, str]:
    lines = [line for line in re.split(r"[\r\n]+", ESCAPE.sub("", output))]
    return max(((width(line), line) for line in lines), default=(0, ""))


def check(holds: bool, what: str) -> bool:
    print(("ok: " if holds else "FAILED: ") + what)
    return holds


def main(binary: str, runs: list[str]) -> int:
    commands = [
        ["suites", "list"],
        ["suites", "show", "geneval"],
        ["models", "list"],
        ["protocol", "list"],
        ["detect-fake", "--list"],
        ["runs", os.path.dirname(os.path.abspath(runs[0]))],
        ["score", runs[0]],
        ["score", runs[0], "--with-published"],
        ["report", *runs, "--format", "text"],
        ["compare", runs[0], "--difference", "0.05"],
    ]
    if len(runs) > 1:
        commands.append(["compare", *runs[:2]])
    results = []
    for columns in SIZES:
        for command in commands:
            output, _ = run([binary, *command], columns, {})
            found, line = widest(output)
            shown = " ".join(os.path.basename(part) if os.sep in part else part for part in command)
            results.append(check(found <= columns, f"{columns} columns: `{shown}` takes {found}" + ("" if found <= columns else f": {line}")))
    table = ["score", runs[0]]
    for environment in [{"NO_COLOR": "1"}, {"CLICOLOR": "0"}, {"TERM": "dumb"}]:
        output, _ = run([binary, *table], 80, environment)
        results.append(check("\x1b[" not in output, f"no colors with {environment}"))
    with tempfile.TemporaryDirectory() as folder:
        for environment, may_draw in [({}, True), ({"TERM": "dumb"}, False)]:
            target = os.path.join(folder, "dataset")
            output, seconds = run([binary, "export", runs[0], "--dataset", target], 80, environment)
            draws = output.count("export [")
            is_fit = draws <= 5 * seconds + 3 if may_draw else draws == 0
            results.append(check(is_fit, f"progress with {environment or 'a terminal'}: {draws} draws in {seconds:.1f} s"))
            # The sentence at the end is no table: the terminal wraps it.
            found, line = widest("\n".join(part for part in re.split("[\r\n]", output) if "export [" in part))
            results.append(check(found <= 80 or not may_draw, f"progress takes {found} columns: {line if found > 80 else ''}"))
        output, _ = run([binary, "--quiet", "export", runs[0], "--dataset", target], 80, {})
        results.append(check(output == "", f"--quiet writes nothing: {output!r}"))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
