"""How the ledger names places: so that a row means the same, and tells nothing of a machine, wherever it is read."""

from __future__ import annotations

import re
import sys
from os.path import normpath
from pathlib import Path
from typing import Any

_HOME = "~"
_ENVIRONMENT = "{env}"  # what is installed for this Python: the folder of a virtual environment
# the folder that pytest makes for a session, and in it for a worker of pytest-xdist
_SESSION = r"pytest-of-[^/\s'\"]+/pytest-\d+(?:/popen-gw\d+)?"


def name_of(path: Path, root: Path) -> str:
    """How a row names a file: from the environment of Python, the root of the project, or the user's home, else in full."""
    absolute, top = path.resolve(), root.resolve()
    environment = _environment(top)
    if environment is not None and absolute.is_relative_to(environment):
        return f"{_ENVIRONMENT}/{absolute.relative_to(environment).as_posix()}"
    if absolute.is_relative_to(top):
        name = absolute.relative_to(top).as_posix()
        return f"./{name}" if name.split("/", maxsplit=1)[0] in {_HOME, _ENVIRONMENT} else name
    home = _home()
    if home is not None and absolute.is_relative_to(home):
        return f"{_HOME}/{absolute.relative_to(home).as_posix()}"
    return absolute.as_posix()


def path_of(name: str, root: Path) -> Path:
    """The file that a row names so."""
    environment, home = _environment(root.resolve()), _home()
    if environment is not None and name.startswith(f"{_ENVIRONMENT}/"):
        return Path(normpath(environment / name[len(_ENVIRONMENT) + 1 :]))
    if home is not None and name.startswith(f"{_HOME}/"):
        return Path(normpath(home / name[2:]))
    return Path(normpath(root / name))


def unplaced(value: Any, root: Path) -> Any:
    """`value`, plain JSON data, with the places of this machine taken out of its texts: `{tmp}/a.bin`, `runtime/x.py`, `~/y`."""
    if isinstance(value, str):
        return _unplaced(value, root) if "/" in value or "\\" in value else value
    if isinstance(value, dict):
        return {key: unplaced(entry, root) for key, entry in value.items()}
    if isinstance(value, list):
        return [unplaced(entry, root) for entry in value]
    return value


def _unplaced(text: str, root: Path) -> str:
    import tempfile  # noqa: PLC0415  slow to import, and needed by few commands

    text = re.sub(rf"{re.escape(tempfile.gettempdir())}/{_SESSION}", "{tmp}", text)
    environment = _environment(root.resolve())
    if environment is not None:
        text = re.sub(rf"(?<![\w.~/-]){re.escape(str(environment))}/", f"{_ENVIRONMENT}/", text)
    for top in dict.fromkeys((str(root), str(root.resolve()))):
        text = re.sub(rf"(?<![\w.~/-]){re.escape(top)}/", "", text)
    home = _home()
    return re.sub(rf"(?<![\w.~/-]){re.escape(str(home))}/", "~/", text) if home is not None else text


def _environment(top: Path) -> Path | None:
    """The folder of the virtual environment; None where a project stands in it, or where there is none of its own."""
    prefix = Path(sys.prefix).resolve()
    return prefix if sys.prefix != sys.base_prefix and not top.is_relative_to(prefix) else None


def _home() -> Path | None:
    try:
        home = Path.home().resolve()
    except (RuntimeError, OSError):  # nobody has a home here
        return None
    return home if home != home.parent else None
