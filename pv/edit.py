"""Changes of a contract's status and of its history in the text of its file; every other byte stays what it was.

YAML's own events say where a value stands, and text is put there. What comes out is loaded again: it must hold the old
data with exactly the change that was wanted, or nothing is written.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pv.load import load
from pv.notation import block, flow, quoted, scalar
from pv.places import Node, compose
from pv.source import Source, read_source
from pv.types import Diagnostic, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_BOM = b"\xef\xbb\xbf"
HISTORY = "status_history"


def edited(source: Source, status: str | None, entry: Mapping[str, Any]) -> str:
    """The text of a contract with `status` declared and `entry` added to its history.

    The entry goes behind the last one; before the first in a list that runs backward in time. Without a `status` the
    declared one is left alone.

    Raises:
        UsageProblem: the text cannot be read, or it is written in a way in which this change cannot be made safely.
    """
    before = _data(source)
    root = compose(source.text)
    if not isinstance(before, dict) or root is None or root.kind != "mapping":
        raise UsageProblem(f"{source.name}: no contract: nothing to record a status in")
    after = json.loads(json.dumps(before))  # what aliases share is told apart: a change of one place is a change of one
    text = _Text(source, root)
    if status is not None:
        text.declare(status, after)
    text.record(dict(entry), after)
    return _checked(source, text.result(), after)


def write(path: Path, source: Source, text: str) -> None:
    """Write `text` over the file that `source` was read from: whole or not at all, with its mode, through links.

    Raises:
        UsageProblem: the file is no longer what it was, or cannot be written.
    """
    now = read_source(path, source.name)
    if isinstance(now, Diagnostic) or now.text != source.text:
        raise UsageProblem(f"{source.name}: the file was changed meanwhile; run the command again")
    target = path.resolve()
    temporary: str | None = None
    try:
        raw = target.read_bytes()
        data = (_BOM if raw.startswith(_BOM) else b"") + text.encode()
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(stat.S_IMODE(target.stat().st_mode))
        Path(temporary).replace(target)
        temporary = None
    except OSError as problem:
        raise UsageProblem(f"{source.name}: cannot be written: {problem.strerror or problem}") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


class _Text:
    """The text of a file, and what is to be put where in it."""

    def __init__(self, source: Source, root: Node) -> None:
        self.source, self.text, self.root = source, source.text, root
        self.edits: list[tuple[int, int, str]] = []
        first = _LINE_END.search(self.text)
        self.newline = first[0] if first and first[0] in ("\n", "\r\n", "\r") else "\n"

    def declare(self, status: str, data: dict[str, Any]) -> None:
        """Put `status` where the file declares one; before the history, or after the metadata, if it declares none."""
        metadata = self.root.child("metadata")
        owner, where = self.root, data
        if "status" not in data and metadata and metadata.kind == "mapping" and metadata.child("status"):
            owner, where = metadata, data["metadata"]
        old = owner.child("status")
        where["status"] = status
        if old is None:
            self._new_status(status)
        elif old.kind in ("mapping", "list"):
            raise self._refusal("'status' is no word")
        else:
            style = self.text[old.start : old.start + 1]
            new = {"'": f"'{status}'", '"': quoted(status)}.get(style, scalar(status, flow=owner.flow))
            self._put(old.start, old.end, new if old.end > old.start else f" {new}")

    def record(self, entry: dict[str, Any], data: dict[str, Any]) -> None:
        """Put `entry` into the history."""
        old = self.root.child(HISTORY)
        entries = data.get(HISTORY)
        if not isinstance(entries, (list, type(None))) or (old and old.kind == "alias"):
            raise self._refusal(f"{HISTORY!r} is no list of its own")
        entries = data[HISTORY] = entries or []
        first = _backward(entries)
        entries.insert(0 if first else len(entries), entry)
        if old is None:
            self._new_history(entry)
        elif not old.children:
            self._first_entry(old, entry)
        elif old.flow:
            self._into_flow(old, entry, first=first)
        else:
            self._into_block(old, entry, first=first)

    def result(self) -> str:
        """The text with everything put in."""
        text = self.text
        for start, end, new in sorted(self.edits, key=lambda edit: edit[0], reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _put(self, start: int, end: int, new: str) -> None:
        self.edits.append((start, end, new))

    def _new_status(self, status: str) -> None:
        self._refuse_flow("a 'status'")
        line = f"{' ' * self.root.column}status: {scalar(status)}"
        if self.root.child(HISTORY) is not None:
            place = self._above(HISTORY)
            blank = bool(re.search(r"(?:^|[\r\n])[ \t]*(?:\r\n|\n|\r)\Z", self.text[:place]))
            self._put(place, place, line + self.newline * (2 if blank else 1))
            return
        key = "metadata" if self.root.child("metadata") else self.root.keys[0][0]
        place, ended = self._line_end(self._end_of(key))
        spaced = bool(re.match(r"[ \t]*(?:\r\n|\n|\r)", self.text[place:]))
        text = (self.newline if spaced else "") + line + self.newline
        self._put(place, place, text if ended else self.newline + line)

    def _new_history(self, entry: dict[str, Any]) -> None:
        self._refuse_flow(f"a {HISTORY!r}")
        margin = " " * self.root.column
        new = f"{margin}{HISTORY}:{self.newline}{block(entry, margin + self._list_indent(), self.newline)}"
        marker = re.compile(r"^(?:\.\.\.|---)(?=\s|\Z)", re.MULTILINE).search(self.text, self.root.end)
        place = marker.start() if marker else len(self.text)
        before = self.text[:place]
        ended = not before or before.endswith(("\n", "\r"))
        self._put(place, place, ("" if ended else self.newline) + self.newline + new)

    def _first_entry(self, old: Node, entry: dict[str, Any]) -> None:
        if self.root.flow:
            empty = old.kind == "scalar" or not self.text[old.start + 1 : old.end - 1].strip()
            start, end = (old.start, old.end) if empty else (old.start + 1, old.start + 1)
            gap = " " if old.start == old.end else ""
            self._put(start, end, f"{gap}[{flow(entry)}]" if empty else flow(entry))
            return
        if old.kind == "list" and self.text[old.start + 1 : old.end - 1].strip():  # a comment within the brackets
            self._put(old.start + 1, old.start + 1, flow(entry))
            return
        colon = self.text.index(":", self.root.key(HISTORY)[1]) + 1
        alone = not self.text[colon : old.start].strip()  # else a comment stands before it
        self._put(colon if alone else old.start, old.end, "")
        margin = " " * self.root.column + self._list_indent()
        self._put_lines(old.end, block(entry, margin, self.newline))

    def _into_flow(self, old: Node, entry: dict[str, Any], *, first: bool) -> None:
        near = old.children[0 if first else -1]
        lead = self._lead(near.start)
        glue = f"{self.newline}{lead}" if not lead.strip() and near.start > 0 else " "
        if first:
            self._put(near.start, near.start, f"{flow(entry)},{glue}")
        else:
            rest = self.text[near.end : self._line_end(near.end)[0]]
            self._put(near.end, near.end, f",{' ' if '#' in rest else glue}{flow(entry)}")

    def _into_block(self, old: Node, entry: dict[str, Any], *, first: bool) -> None:
        margin = self._lead(old.start)
        if margin.strip():
            raise self._refusal(f"{HISTORY!r} begins on the line of something else")
        new = block(entry, margin, self.newline)
        if first:
            start = old.start - len(margin)
            self._put(start, start, new)
        else:
            self._put_lines(old.end, new)

    def _put_lines(self, end: int, lines: str) -> None:
        """Put whole lines behind the line in which something ends."""
        place, ended = self._line_end(end)
        self._put(place, place, lines if ended else self.newline + lines.removesuffix(self.newline))

    def _line_end(self, end: int) -> tuple[int, bool]:
        """Where the line after the one with the character before `end` begins, and whether that line is ended at all."""
        if end and _LINE_END.match(self.text, end - 1):  # a block scalar that keeps its empty lines ends with them
            return end, True
        found = _LINE_END.search(self.text, end)
        return (found.end(), True) if found else (len(self.text), False)

    def _lead(self, start: int) -> str:
        """What stands before `start` on its line."""
        return _LINE_END.split(self.text[:start])[-1]

    def _above(self, key: str) -> int:
        """Where the lines of comment directly above a key begin; where its own line begins if there are none."""
        names = [name for name, _, _ in self.root.keys]
        index = names.index(key)
        start = self.root.key(key)[0] - self.root.column
        floor = self._line_end(self._end_of(names[index - 1]))[0] if index else start
        while start > floor:
            previous = _LINE_END.split(self.text[floor:start])[-2]
            if not previous.lstrip().startswith("#"):
                break
            start = self.text.rindex(previous, floor, start)
        return start

    def _end_of(self, key: str) -> int:
        value = self.root.child(key)
        return max(self.root.key(key)[1], value.end if value else 0)

    def _list_indent(self) -> str:
        """By how much the file indents its lists; two spaces where it has none."""
        lists = [one for one in self.root.children if one.kind == "list" and not one.flow and one.children]
        leads = [self._lead(one.start) for one in lists]
        widths = [len(lead) - self.root.column for lead in leads if not lead.strip()]
        return " " * (widths[-1] if widths else 2)

    def _refuse_flow(self, what: str) -> None:
        if self.root.flow:
            raise self._refusal(f"there is no place for {what} in a contract that is one flow mapping")

    def _refusal(self, why: str) -> UsageProblem:
        return UsageProblem(f"{self.source.name}: {why}; change it by hand")


def _backward(entries: Iterable[Any]) -> bool:
    """Whether a history runs from the newest entry to the oldest."""
    dates = [str(entry["date"]) for entry in entries if isinstance(entry, dict) and entry.get("date") is not None]
    return len(dates) > 1 and dates[0] > dates[-1]


def _data(source: Source) -> Any:
    document = load(source)
    if isinstance(document, Diagnostic):
        raise UsageProblem(document.headline)
    return document.data


def _checked(source: Source, text: str, wanted: Any) -> str:
    """`text`, if it says what is wanted and nothing else."""
    document = load(Source(source.name, text))
    why = document.headline if isinstance(document, Diagnostic) else "the file would say something else"
    if isinstance(document, Diagnostic) or _canonical(document.data) != _canonical(wanted):
        raise UsageProblem(
            f"{source.name}: the change cannot be made without changing more than that ({why}); make it by hand"
        )
    return text


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
