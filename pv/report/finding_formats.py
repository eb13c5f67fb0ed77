"""The formats of findings, by name: which module writes each."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pv.report.findings import Asked, Writer

# each format loads its own module alone
_WRITERS = {
    "text": "Text",
    "json": "Json",
    "sarif": "Sarif",
    "github": "Github",
    "junit": "Junit",
    "checkstyle": "Checkstyle",
}
FINDING_FORMATS = tuple(_WRITERS)
_ENDS = {".json": "json", ".sarif": "sarif", ".sarif.json": "sarif", ".xml": "junit"}


def writer(name: str, asked: Asked) -> Writer:
    """What writes the format of this name."""
    made: Writer = getattr(importlib.import_module(f"pv.report.findings_{name}"), _WRITERS[name])(asked)
    return made


def by_end(path: str) -> str:
    """The format that the end of a file's name tells; text where it tells none."""
    ends = [end for end in _ENDS if path.lower().endswith(end)]
    return _ENDS[max(ends, key=len)] if ends else "text"
