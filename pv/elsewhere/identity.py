"""What a process judges with: two of them may share out the claims of one session only if all of it is the same."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pv import __version__, git
from pv.digest import sha256
from pv.naming import name_of
from pv.watched import seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Identity = dict[str, str]

_COMMIT = "the commit"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HOUSE = "extra == 'dev'"  # what the house is built with decides about no verdict
_SHOWN = 5  # differences that a message names
_DIGITS = 12  # of a digest in a message


def identity(root: Path, files: Iterable[Path], plugins: Mapping[str, str]) -> Identity:
    """What the verdicts of this process rest on, by name: versions, the contracts, and all code that was looked at.

    Args:
        root: the root of the project, which names are relative to.
        files: the contracts.
        plugins: the version of each plugin of pytest.

    Raises:
        OSError: one of the files cannot be read.
    """
    texts = [root / "pyproject.toml", *files]
    code = {"pv's code": sha256(Path(__file__).resolve().parent.parent)}
    return {
        "pv": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        _COMMIT: git.head(root) or "",
        **{f"package {name}": version for name, version in {**_packages(), **plugins}.items()},
        **code,
        **{name_of(path, root): digest for path, digest in seen().items()},
        **{name_of(path, root): sha256(path) for path in texts if path.is_file()},
    }


def digest(of: Identity) -> str:
    """The sha256 of an identity, 64 hex digits."""
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode("ascii")).hexdigest()


def differences(theirs: Identity, expected: Identity) -> list[str]:
    """Where another process is not as is expected, a line each; a commit that is not known on one side is no difference."""
    told = [
        f"{name} is {_short(theirs.get(name))}, expected {_short(expected.get(name))}"
        for name in sorted(theirs.keys() | expected.keys())
        if theirs.get(name) != expected.get(name) and not (name == _COMMIT and "" in (theirs[name], expected[name]))
    ]
    more = len(told) - _SHOWN
    return [*told[:_SHOWN], f"and {more} more"] if more > 0 else told


def _short(value: str | None) -> str:
    if value is None:
        return "not there"
    return value[:_DIGITS] if re.fullmatch("[0-9a-f]{40,64}", value) else value or "unknown"


def _packages() -> dict[str, str]:
    """The versions of what pv's extras ask for, where they are installed."""
    try:
        asked = importlib.metadata.requires("pv-falsify") or []
    except importlib.metadata.PackageNotFoundError:  # not installed, only on the path
        return {}
    names = {found[0] for one in asked if _HOUSE not in one.replace('"', "'") and (found := _NAME.match(one))}
    return {name: version for name in names if (version := _version(name)) is not None}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
