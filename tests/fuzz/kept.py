"""The cases that fuzzing found: `found/<target>/<sha8>.bin`, and in `found/<target>/README.md` a line for each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.guard import name_of

FOUND = Path(__file__).resolve().parent / "found"
_LINE = re.compile(r"- `([0-9a-f]{8})` (crash|wrong|hang|memory): (.+)")
_HEADING = "# What fuzzing found: {target}\n\n`tests/unit/test_fuzz_found.py` replays these.\n\n"


class Case(NamedTuple):
    """A found case: whose, its name, what kind of finding it was, what it showed, and its bytes."""

    target: str
    name: str
    kind: str
    showed: str
    path: Path


def cases() -> list[Case]:
    """All cases; every file has its line, and every line its file.

    Raises:
        ValueError: a file without a line, a line without a file, or a file whose name is not its hash.
    """
    found = []
    for index in sorted(FOUND.glob("*/README.md")):
        listed = [_LINE.fullmatch(line) for line in index.read_text("utf-8").splitlines() if line.startswith("- ")]
        for line in listed:
            if line is None:
                raise ValueError(f"{index}: a line that is none of '- `name` kind: what it showed'")
            path = index.parent / f"{line[1]}.bin"
            if not path.is_file() or name_of(path.read_bytes()) != line[1]:
                raise ValueError(f"{index}: {line[1]} is not there, or its name is not the hash of its bytes")
            found.append(Case(index.parent.name, line[1], line[2], line[3], path))
    files = set(FOUND.glob("*/*.bin"))
    if left := files - {case.path for case in found}:
        raise ValueError(f"{min(left)} has no line in the README.md beside it")
    return found


def keep(target: str, data: bytes, kind: str, showed: str) -> Path:
    """Puts a case among the others; it is there once."""
    folder = FOUND / target
    folder.mkdir(parents=True, exist_ok=True)
    index, path = folder / "README.md", folder / f"{name_of(data)}.bin"
    text = index.read_text("utf-8") if index.exists() else _HEADING.format(target=target)
    if not path.exists():
        path.write_bytes(data)
        plain = "".join(character if character.isprintable() else "?" for character in " ".join(showed.split()))
        index.write_text(f"{text}- `{path.stem}` {kind}: {plain[:200]}\n", "utf-8")
    return path
