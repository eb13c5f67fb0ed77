"""What decides about a claim that is run as it stands in its contract: the language's own source."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

# how rows of the ledger name the falsifier that belongs to the harness; no file is called so
BUILT_IN = "pv.properties"
_FOLDERS = ("formal", "properties")
_SAYS_NOTHING = frozenset({"mathml.py"})  # how expressions are shown decides nothing


@functools.cache
def digest() -> str:
    """The sha256 over the names and contents of every module that an executed claim rests on."""
    total = hashlib.sha256()
    top = Path(__file__).resolve().parent.parent
    for folder in _FOLDERS:
        for path in sorted((top / folder).rglob("*.py")):
            if path.name not in _SAYS_NOTHING:
                total.update(
                    f"{path.relative_to(top).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
                )
    return total.hexdigest()
