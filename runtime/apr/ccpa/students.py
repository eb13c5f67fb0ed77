"""Who is measured: `apr code`, or any program that writes the trace of what it did."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr import __version__
from apr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OURS = "apr-code"
_PREFIX = "cmd:"
_PLACEHOLDERS = ("prompt", "trace", "cwd")
_NEEDED = ("prompt", "trace")
# `{{` and `}}` stand for braces
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


@dataclass(frozen=True)
class Student:
    """A program, and how it is called.

    Attributes:
        name: as it was asked for.
        words: of the command line, placeholders still in them.
        version: of our own program; None where only its files say which one it is.
    """

    name: str
    words: tuple[str, ...]
    version: str | None = None

    def called(self, prompt: str, trace: Path, cwd: Path) -> list[str]:
        """The argument vector. Words are cut before they are filled, so whatever a value holds stays one argument."""
        values: Mapping[str, str] = {"prompt": prompt, "trace": str(trace), "cwd": str(cwd)}

        def put(match: re.Match[str]) -> str:
            return values[match[1]] if match[1] is not None else match[0][0]

        return [_BRACES.sub(put, word) for word in self.words]

    def as_json(self) -> dict[str, Any]:
        """What it was: command, version, and the sha256 of every file that the command names."""
        named = [found for found in (shutil.which(self.words[0]), *self.words[1:]) if found is not None]
        paths = [Path(one) for one in named if one.startswith("/") and "\0" not in one]
        files = {str(path): _sha256(path) for path in paths if path.is_file()}
        return {"name": self.name, "command": list(self.words), "version": self.version, "files": files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:  # a model may be among them
        return hashlib.file_digest(file, "sha256").hexdigest()


def apr_code(options: Sequence[str]) -> Student:
    """Our own `apr code`.

    Args:
        options: for it, beside prompt, folder and trace.
    """
    words = (sys.executable, "-P", "-m", "apr", "code", "--prompt={prompt}", "--cwd={cwd}", "--emit-trace={trace}")
    escaped = (option.replace("{", "{{").replace("}", "}}") for option in options)
    return Student(OURS, (*words, *escaped), __version__)


def words_of(text: str) -> list[str]:
    """A command line cut into words as a shell does; no shell ever sees it.

    Raises:
        UsageError: quotes have no end.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"cannot be cut into words: {error}", where=text) from error


def any_program(text: str) -> Student:
    """A program by its command line, `cmd:PROGRAM … {prompt} … {trace} …`.

    Raises:
        UsageError: it is neither, cannot be cut, names no program, has an unknown placeholder, has no `{prompt}` or `{trace}`, or its
            program is not there.
    """
    known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
    if not text.startswith(_PREFIX):
        raise UsageError(
            f"unknown student {text!r}",
            hint=f"write {OURS} with options of its own, or {_PREFIX}PROGRAM … with {known}",
        )
    words = words_of(text.removeprefix(_PREFIX))
    if not words:
        raise UsageError("names no program", where=text, hint=f"write {_PREFIX}PROGRAM … with {known}")
    if "/" in words[0]:
        words[0] = os.path.abspath(words[0])  # noqa: PTH100 - the student works in another folder; links keep their names
    asks = [match[1] for word in words for match in _BRACES.finditer(word) if match[1] is not None]
    for name in asks:
        if name not in _PLACEHOLDERS:
            near = difflib.get_close_matches(name, _PLACEHOLDERS, 1)
            guess = f"did you mean {{{near[0]}}}? " if near else ""
            raise UsageError(f"unknown placeholder {{{name}}}", where=text, hint=f"{guess}there are {known}")
    for name in _NEEDED:
        if name not in asks:
            raise UsageError(
                f"has no {{{name}}}, so there is nothing to measure", where=text, hint=f"there are {known}"
            )
    if "/" not in words[0] and not _BRACES.search(words[0]) and shutil.which(words[0]) is None:
        raise UsageError(f"there is no program {words[0]!r} in PATH", where=text, hint="name it by its path")
    return Student(text, tuple(words))
