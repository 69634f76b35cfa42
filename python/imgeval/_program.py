"""Where the installed command is."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def find_program() -> "Path":
    """The command `imgeval` that was installed with this package.

    Raises FileNotFoundError, with the places that were looked at, if it is in none of them.
    """
    # Not needed by the command itself, which should start at once.
    import sysconfig
    from pathlib import Path

    name = "imgeval" + (sysconfig.get_config_var("EXE") or "")
    packages = Path(__file__).resolve().parent.parent
    places = [
        # `pip install --target FOLDER` keeps it beside the package, `--prefix FOLDER` above `lib/python3.x/site-packages`.
        packages / "bin",
        *(folder / "bin" for folder in list(packages.parents)[2:3]),
        Path(sysconfig.get_path("scripts")),
        Path(sysconfig.get_path("scripts", scheme=_user_scheme())),
    ]
    for place in places:
        program = place / name
        if program.is_file() and os.access(program, os.X_OK):
            return program
    looked_at = ", ".join(str(place) for place in dict.fromkeys(places))
    raise FileNotFoundError(f"`{name}` is in none of: {looked_at}")


def _user_scheme() -> str:
    import sys
    import sysconfig

    if sys.version_info >= (3, 10):
        return sysconfig.get_preferred_scheme("user")
    if os.name == "nt":
        return "nt_user"
    return "posix_user"
