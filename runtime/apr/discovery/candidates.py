"""What lies in the folders that are looked through, and what is wrong with it. One level deep; nothing is opened unasked."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from apr.cache import resolve_folder
from apr.errors import AprError, UnusableInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from apr.formats.model_file import ModelFile

# leftovers of the upstream program's conversions, which are no models
_LEFTOVER = "rosetta_temp"
_SUFFIXES = {".apr": "apr", ".gguf": "gguf"}
_PART = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})(?P<suffix>\.(?:gguf|apr))", re.IGNORECASE | re.DOTALL)
# what llama.cpp calls a vocabulary that is not there
_NO_TOKENIZER = frozenset({"none", "no_vocab"})


class Health(IntEnum):
    """What can be done with a candidate; the smaller the better."""

    VALID = 0  # it opens, and has a tokenizer
    NO_TOKENIZER = 1  # it opens; only token ids can be run
    UNUSABLE = 2  # it does not open


@dataclass(frozen=True)
class Candidate:
    """A model that was found.

    Attributes:
        path: a file, or the folder of a safetensors model; absolute.
        directory: the position, in the list of folders, of the one that it lies in.
        format: `apr`, `gguf` or `safetensors`.
        size: in bytes; of the greatest file in a folder.
        mtime_ns: when it was last changed, in nanoseconds since 1970; a folder's newest file counts.
        health: None until it was opened.
        reason: what is wrong with it, or None.
    """

    path: Path
    directory: int
    format: str
    size: int
    mtime_ns: int
    health: Health | None = None
    reason: str | None = None


class Searched(NamedTuple):
    """A folder that was looked through: its state is `searched`, `absent`, or why it could not be."""

    path: Path
    state: str


class Survey(NamedTuple):
    """What was found, unopened and in no order that matters, and where it was looked for."""

    candidates: list[Candidate]
    directories: list[Searched]


def look_around(directories: Sequence[Path]) -> Survey:
    """Every model in some folders, one level deep: `.apr` and `.gguf` files, and folders with a safetensors model.

    Passed over are hidden entries, leftovers of conversions (`rosetta_temp…`) and the further parts of a split model. A link counts as what it leads to; what cannot
    be asked (a link that leads nowhere) is a candidate that is unusable.
    """
    candidates: list[Candidate] = []
    searched = []
    for number, directory in enumerate(directories):
        try:
            names = sorted(entry.name for entry in os.scandir(directory))
        except FileNotFoundError:
            searched.append(Searched(directory, "absent"))
            continue
        except OSError as error:
            searched.append(Searched(directory, f"cannot be read: {error.strerror}"))
            continue
        searched.append(Searched(directory, "searched"))
        here = frozenset(names)
        found = [_candidate(directory / name, number) for name in names if not _is_passed_over(name, here)]
        candidates += [candidate for candidate in found if candidate is not None]
    return Survey(candidates, searched)


def _is_passed_over(name: str, here: frozenset[str]) -> bool:
    """Whether an entry is no candidate of its own: hidden, a leftover, or a further part of a model whose first part is here."""
    if name.startswith((".", _LEFTOVER)):
        return True
    part = _PART.fullmatch(name)
    first = f"{part['stem']}-00001-of-{part['count']}{part['suffix']}" if part else name
    return first != name and first in here


def _candidate(path: Path, directory: int) -> Candidate | None:
    kind = _SUFFIXES.get(path.suffix.lower())
    try:
        about = path.stat()
    except OSError as error:
        if kind is None:
            return None
        reason = "is a link that leads nowhere" if path.is_symlink() else f"cannot be read: {error.strerror}"
        return Candidate(path, directory, kind, 0, _own_mtime(path), Health.UNUSABLE, reason)
    if stat.S_ISDIR(about.st_mode):
        return _folder(path, directory)
    if kind is None:
        return None
    found = Candidate(path, directory, kind, about.st_size, about.st_mtime_ns)
    if not stat.S_ISREG(about.st_mode):  # opening a pipe would wait for a writer
        return replace(found, health=Health.UNUSABLE, reason="is no regular file")
    return found


def _own_mtime(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except OSError:  # gone since it was listed
        return 0


def _folder(path: Path, directory: int) -> Candidate | None:
    """A folder, if it is a safetensors model itself; one level down is where the search ends."""
    try:
        if resolve_folder(path) != path:
            return None
        files = [entry.stat() for entry in path.iterdir() if entry.is_file()]
    except (UnusableInput, OSError):  # no model in it, or not ours to read: other folders are no candidates
        return None
    size, mtime_ns = max(file.st_size for file in files), max(file.st_mtime_ns for file in files)
    return Candidate(path, directory, "safetensors", size, mtime_ns)


def examined(candidate: Candidate) -> Candidate:
    """A candidate whose header was opened by the reader of its format, which believes nothing that it has not checked."""
    from apr.formats import open_model  # noqa: PLC0415 - what is only listed is not opened

    if candidate.health is not None:
        return candidate
    try:
        has_tokenizer = _has_tokenizer(open_model(candidate.path))
    except AprError as error:
        place = (error.where or "").removeprefix(str(candidate.path)).lstrip(":, ")
        reason = f"{place}: {error.problem}" if place else error.problem
        return replace(candidate, health=Health.UNUSABLE, reason=reason)
    if not has_tokenizer:
        return replace(candidate, health=Health.NO_TOKENIZER, reason="has no tokenizer")
    return replace(candidate, health=Health.VALID)


def _has_tokenizer(model: ModelFile) -> bool:
    kind = model.optional("tokenizer.ggml.model", str)
    return "tokenizer.ggml.tokens" in model.metadata and kind not in _NO_TOKENIZER
