"""The command `imgeval`, also as `python -m imgeval`."""

import signal
import sys


def main() -> int:
    """Runs the command with the arguments of this process and returns its exit code."""
    # The command looks after signals itself, or leaves them to the system. Python's own handler would only take note of them until the
    # command is done.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from imgeval import _native

    again = _again() if "study" in sys.argv else []
    return _native.run(["imgeval", *sys.argv[1:]], again)


def _again() -> "list[str]":
    """The command line that starts this command once more, for the steps of a study."""
    from imgeval._program import find_program

    try:
        return [str(find_program())]
    except FileNotFoundError:
        return [sys.executable, "-m", "imgeval"]


if __name__ == "__main__":
    sys.exit(main())
