"""No modeline that leads to the schema (PV108).

A project that keeps a copy of the JSON Schema (`[tool.pv] schema`) wants its editors to complete keys and to underline mistakes.
They learn of it from a comment in each contract, as `docs/how-to/editors.md` shows. One that leads nowhere is worse than none: the
editor checks nothing, and says so to nobody. Any file that is there, and any URL, will do.

Bad:

    # yaml-language-server: $schema=gone.schema.json
    metadata: {version: "1.0.0", description: "softmax", references: [a]}

Good:

    # yaml-language-server: $schema=contract.schema.json
    metadata: {version: "1.0.0", description: "softmax", references: [a]}

Fix: `pv fix` writes the first line, or the path in it.

Not flagged: anything in a project without `[tool.pv] schema`.

Upstream: none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.types import Fix, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.parse import Contract

CODE = "PV108"
SEVERITY = Severity.WARNING

_MODELINE = lazy(r"^[ \t]*#[ \t]*yaml-language-server[ \t]*:(.*)$")
_SCHEME = lazy(r"([A-Za-z][A-Za-z0-9+.-]+):")
_SCHEMA = lazy(r"\$schema=(\S*)")


def check_across(contract: Contract, index: Index) -> Iterator[Problem]:
    """Yield one problem if the contract names no schema, or one that is not there."""
    file = index.file(contract)
    if index.schema is None or file is None or file.name == "<stdin>":  # without a name it stands in no folder
        return
    source = contract.document.source
    right, there = _from(file.parent, index.schema), index.schema.is_file()
    number, line = next(((number, one) for number, one in enumerate(source.lines, 1) if _MODELINE.match(one)), (0, ""))
    fix: Fix | None
    named = _SCHEMA.search(line)
    if not number:
        newline = re.search("\r\n|[\n\r]", source.text)
        text = f"# yaml-language-server: $schema={right}"
        span, message, advice = Span(1, 1), "no modeline that names the schema", f"begin with: {text}"
        fix = Fix(Span(1, 1, 0), text + (newline[0] if newline else "\n"))
    elif named is None:
        span, message, advice = Span(number, 1, len(line)), "a modeline that names no schema", f"add $schema={right}"
        fix = None
    elif not _is_there(file.parent, named[1]):
        span = Span(number, named.start(1) + 1, len(named[1]))
        message = f"the modeline names {named[1] or 'nothing'}, and there is no such file"
        advice, fix = f"the project's schema is {right}", Fix(span, right)
    else:
        return
    if not there:
        advice, fix = f"`pv schema` prints the schema; write it to {index.schema}, as [tool.pv] schema says", None
    yield Problem(span, message, advice, fix=fix)


def _from(folder: Path, schema: Path) -> str:
    """The path of the schema as a modeline in a file of `folder` names it."""
    try:
        path = os.path.relpath(schema, folder)
    except ValueError:  # on another drive
        path = str(schema)
    return Path(path).as_posix().replace(" ", "%20")


def _is_there(folder: Path, name: str) -> bool:
    """Whether what a modeline names can be opened, as far as can be told without asking anybody else."""
    scheme = _SCHEME.match(name)
    if scheme and scheme[1] != "file":
        return True
    path = name.removeprefix("file://").replace("%20", " ")
    try:
        return bool(path) and (folder / path).is_file()
    except (OSError, ValueError):  # a path that no file can have
        return False
