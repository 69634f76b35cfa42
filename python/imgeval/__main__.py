"""`python -m imgeval` is the command `imgeval`."""

import os
import subprocess
import sys

from imgeval import find_program


def main() -> int:
    program = find_program()
    if os.name != "nt":
        # Signals and the exit code are then the command's own.
        os.execv(program, [program, *sys.argv[1:]])
    try:
        return subprocess.run([program, *sys.argv[1:]], check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
