"""`pv.lock`: the pins of a project in one TOML file, and how it is read and written.

One `[[contract]]` an entry, sorted by path. The keys are the fields of `Pin`; all of them are texts, so that a few lines
here can write them.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from pv.pins import names
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_BYTES = 4 << 20  # of a lock; an entry takes some 500
_TABLE = "contract"
_HEADING = "# Mirrored contracts: of which file, at which commit of which repository, each is a copy. `pv pin add` writes this.\n"


@dataclass(frozen=True, slots=True)
class Pin:
    """One mirrored contract.

    `path` is relative to the project, `upstream_path` to the top of the repository `source` (a git URL, or a path, which is
    relative to the lock's folder). `sha256` is of the bytes, `synced` when upstream was last read (RFC 3339).
    """

    path: str
    source: str
    branch: str
    commit: str
    upstream_path: str
    sha256: str
    synced: str


KEYS = tuple(one.name for one in fields(Pin))
_FAULTS = {
    "path": names.path_fault,
    "source": names.source_fault,
    "branch": names.branch_fault,
    "commit": names.commit_fault,
    "upstream_path": names.path_fault,
    "sha256": names.sha256_fault,
    "synced": names.time_fault,
}


@dataclass(frozen=True)
class Lock:
    """The pins of a file, what `path` of a pin is relative to, and what the file says beside them."""

    file: Path
    root: Path
    pins: tuple[Pin, ...]
    heading: tuple[str, ...] = ()
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dropped: int = 0
    flat: bool = False

    def pin_of(self, path: str) -> Pin | None:
        """The pin of the contract at `path`."""
        return next((one for one in self.pins if one.path == path), None)


def read(file: Path) -> Lock:
    """The pins in `file`.

    Raises:
        UsageProblem: it cannot be read, is not TOML, or an entry cannot be used.
    """
    text = read_text(file)
    try:
        data = tomllib.loads(text)
    except ValueError as problem:  # no TOML, or a number of thousands of digits
        raise UsageProblem(f"{file}: not TOML: {problem}; `pv pin add` writes the lock") from None
    except RecursionError:
        raise UsageProblem(f"{file}: not usable TOML: nested too deep; `pv pin add` writes the lock") from None
    _refuse_unknown(file, "", data, (_TABLE,))
    entries = data.get(_TABLE, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageProblem(f"{file}: {_TABLE!r} must be a list of tables, each headed [[{_TABLE}]]")
    pins = tuple(_pin(file, number, entry) for number, entry in enumerate(entries, 1))
    seen: set[str] = set()
    for one in pins:
        if one.path in seen:
            raise UsageProblem(f"{file}: {one.path} is pinned twice; keep one of the two entries")
        seen.add(one.path)
    heading, comments, dropped = _comments(text, pins)
    return Lock(file, file.parent, pins, heading, comments, dropped)


def read_text(file: Path) -> str:
    """The text of a lock of any kind.

    Raises:
        UsageProblem: it cannot be read, is too large, or not UTF-8.
    """
    try:
        if file.exists() and not file.is_file() and not file.is_dir():  # opening a pipe would wait for a writer
            raise UsageProblem(f"{file}: no plain file")
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as problem:
        raise UsageProblem(f"{file}: cannot be read: {problem.strerror or problem}") from None
    if len(raw) > MAX_BYTES:
        raise UsageProblem(f"{file}: more than {MAX_BYTES >> 20} MiB, which no lock has")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise UsageProblem(f"{file}: not UTF-8 at byte offset {problem.start} (0x{raw[problem.start]:02x})") from None
    if "\0" in text:
        raise UsageProblem(f"{file}: a NUL at line {text[: text.index(chr(0))].count(chr(10)) + 1}: this is no text")
    return text


def check_fields(place: str, values: dict[str, str]) -> None:
    """Hold the values of an entry against what each may name.

    Raises:
        UsageProblem: one may not be used; what may be a secret is not repeated.
    """
    for name, value in values.items():
        fault = _FAULTS[name](value)
        if fault:
            shown = "" if "password" in fault else f" {value[:80]!r}"
            raise UsageProblem(f"{place}: {name}{shown} {fault}")


def with_pin(lock: Lock, pin: Pin) -> Lock:
    """`lock` with `pin` in the place of the one of the same contract, or beside the others."""
    others = [one for one in lock.pins if one.path != pin.path]
    pins = tuple(sorted([*others, pin], key=lambda one: one.path))
    return Lock(lock.file, lock.root, pins, lock.heading, lock.comments, lock.dropped)


def as_toml(lock: Lock) -> str:
    """The text of a lock: whole lines of comment stand above the entry that they stood above or in."""
    blocks = ["".join(f"{line}\n" for line in lock.heading) or _HEADING]
    for pin in sorted(lock.pins, key=lambda one: one.path):
        lines = [*lock.comments.get(pin.path, ()), f"[[{_TABLE}]]"]
        lines += [f"{name} = {_quoted(getattr(pin, name))}" for name in KEYS]
        blocks.append("".join(f"{line}\n" for line in lines))
    return "\n".join(blocks)


def write(lock: Lock) -> None:
    """Put the lock where it belongs, whole or not at all.

    Raises:
        UsageProblem: it cannot be written; what was there before still is.
    """
    replace(lock.file, as_toml(lock).encode())


def replace(file: Path, data: bytes) -> None:
    """Put `data` in the place of `file` in one step, keeping its permissions.

    Raises:
        UsageProblem: it cannot be written; what was there before still is.
    """
    temporary = ""
    try:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)  # noqa: PTH101  the name came from mkstemp as text
        os.replace(temporary, file)  # noqa: PTH105  the same
    except OSError as problem:
        with suppress(OSError):
            if temporary:
                os.unlink(temporary)  # noqa: PTH108  the same
        raise UsageProblem(f"{file}: cannot be written: {problem.strerror or problem}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _pin(file: Path, number: int, entry: dict[str, Any]) -> Pin:
    place = f"{file}: {_TABLE} {number}"
    _refuse_unknown(file, f"{_TABLE} {number}: ", entry, KEYS)
    missing = [name for name in KEYS if name not in entry]
    if missing:
        raise UsageProblem(f"{place}: lacks {', '.join(missing)}; `pv pin add` writes whole entries")
    for name in KEYS:
        if not isinstance(entry[name], str):
            raise UsageProblem(f"{place}: {name} must be text in quotes, not {type(entry[name]).__name__}")
    check_fields(place, entry)
    return Pin(**entry)


def _refuse_unknown(file: Path, place: str, table: dict[str, Any], known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            fix = did_you_mean(key, known) or f"the keys are {', '.join(known)}"
            raise UsageProblem(f"{file}: {place}unknown key {key[:80]!r}; {fix}")


def _quoted(text: str) -> str:
    """`text` as a basic string of TOML; control characters cannot come here, because no field may hold one."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comments(text: str, pins: Sequence[Pin]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], int]:
    """The lines of comment before the first entry, those of each entry, and how many at the ends of lines will be lost.

    What stands above `[[contract]]` without a blank line between belongs to that entry; so does what stands inside it.
    """
    if '"""' in text or "'''" in text:  # a line of such a text may look like a comment: none is kept
        return (), {}, text.count("#")
    heading: list[str] = []
    by_entry: list[list[str]] = []
    waiting: list[str] = []
    dropped = 0
    for line in map(str.strip, text.split("\n")):
        if line.startswith("#"):
            waiting.append(line)
        elif line.startswith("[["):
            by_entry.append(waiting)
            waiting = []
        else:
            dropped += "#" in line and _ends_in_comment(line)
            (by_entry[-1] if by_entry else heading).extend(waiting)
            waiting = []
    (by_entry[-1] if by_entry else heading).extend(waiting)
    if len(by_entry) != len(pins):  # entries written inline, where no line is one's own
        return tuple(heading), {}, dropped
    return tuple(heading), {pin.path: tuple(lines) for pin, lines in zip(pins, by_entry, strict=True)}, dropped


def _ends_in_comment(line: str) -> bool:
    """Whether a `#` stands outside of quotes."""
    quote = ""
    escaped = False
    for character in line:
        if escaped:
            escaped = False
        elif quote:
            escaped = character == "\\" and quote == '"'
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#":
            return True
    return False
