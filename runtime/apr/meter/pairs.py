"""A pair of traces in a folder: `teacher.ccpa-trace.jsonl`, `student.ccpa-trace.jsonl`, and what `meta.toml` says about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apr.actions.tree import snapshot
from apr.errors import UnusableInput
from apr.meter.meta import META, read_meta
from apr.meter.sides import Side, load_side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from apr.actions.tree import Tree
    from apr.meter.meta import Meta

TEACHER, STUDENT = "teacher.ccpa-trace.jsonl", "student.ccpa-trace.jsonl"


@dataclass(frozen=True)
class Pair:
    """One pair.

    Attributes:
        name: of its folder.
        folder: where it is.
        meta: what is said about it.
    """

    name: str
    folder: Path
    meta: Meta

    def size(self) -> int:
        """Bytes of both traces; 0 for one that is gone."""
        found = (self.folder / name for name in (TEACHER, STUDENT))
        return sum(path.stat().st_size for path in found if path.is_file())

    def sides(self) -> tuple[Side, Side]:
        """The teacher's side and the student's, read strictly.

        Raises:
            InvalidTrace: a trace breaks a rule.
            UnusableInput: a trace or a tree cannot be read.
        """
        before = _tree(self.folder / "before")
        teacher, student = (
            load_side(
                self.folder / name,
                cwd=self.meta.cwd.get(side),
                before=before,
                after=_tree(self.folder / f"{side}-after"),
                source=self.meta.source.get(side),
            )
            for side, name in (("teacher", TEACHER), ("student", STUDENT))
        )
        return teacher, student


def is_pair(folder: Path) -> bool:
    """Whether a folder has a teacher's or a student's trace in it."""
    return (folder / TEACHER).is_file() or (folder / STUDENT).is_file()


def folders_of(corpus: Path) -> list[Path]:
    """The folders in a folder, by name, but for hidden ones and those whose names begin with `_`.

    Raises:
        UnusableInput: there is no such folder.
    """
    try:
        inside = sorted(corpus.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise UnusableInput(f"cannot be read: {error.strerror}", where=str(corpus)) from error
    return [path for path in inside if path.is_dir() and not path.name.startswith((".", "_"))]


def find_pairs(corpus: Path) -> list[Pair]:
    """The pairs of a folder, by name. Hidden folders, and those whose names begin with `_`, are none.

    Raises:
        UnusableInput: there is no such folder, a folder in it is no pair, there is none, or a `meta.toml` says what it must not.
    """
    folders = folders_of(corpus)
    if not folders:
        hint = (
            "`ccpa diff` compares a single pair"
            if is_pair(corpus)
            else f"a pair is a folder with {TEACHER} and {STUDENT}"
        )
        raise UnusableInput("there is no pair in this folder", where=str(corpus), hint=hint)
    return [load_pair(folder) for folder in folders]


def load_pair(folder: Path, needed: Sequence[str] = (TEACHER, STUDENT)) -> Pair:
    """What a folder says about its pair; the traces are read later.

    Args:
        folder: of the pair.
        needed: files that must be there; a student that is still to run has left none.

    Raises:
        UnusableInput: a trace is not there, or `meta.toml` says what it must not.
    """
    for name in needed:
        if not (folder / name).is_file():
            raise UnusableInput(
                f"there is no {name}, so this is no pair", where=str(folder), hint="add it, or move the folder"
            )
    return Pair(folder.name, folder, read_meta(folder / META, folder.name))


def _tree(folder: Path) -> Tree | None:
    return snapshot(folder) if folder.is_dir() else None
