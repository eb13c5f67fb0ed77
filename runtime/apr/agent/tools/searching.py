"""The process in which Grep searches: `python -m apr.agent.tools.searching DESCRIPTOR BYTES`.

BYTES of memory are allowed. On standard input comes a JSON array: the tool's arguments, the name of the file in the open folder
(null for the whole folder), and the path from the working folder of what is searched. The answer is one JSON object: `content`
and `files`, or `refused`.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from apr.agent.confinement import Refused, read_at, readable
from apr.agent.limits import FILE_BYTES, GREP_LINES, OUTPUT_CHARACTERS, clipped
from apr.agent.tools.glob import bracketed
from apr.agent.tools.patterns import PathPattern
from apr.agent.tools.walking import Found, Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE = 500  # characters of a line that are shown


class _Shown:
    """Lines of the answer, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.lines: list[str] = []
        self.files: list[str] = []
        self._limit, self._characters = limit or sys.maxsize, 0

    def add(self, line: str) -> None:
        self.lines.append(line)
        self._characters += len(line)

    @property
    def full(self) -> bool:
        return len(self.lines) >= self._limit or self._characters > OUTPUT_CHARACTERS

    def cut(self) -> list[str]:
        return self.lines[: self._limit]


def search(arguments: dict[str, Any], folder: int, name: str | None, inside: str) -> dict[str, Any]:
    """Searches a file, or a folder.

    Args:
        arguments: of the tool, checked.
        folder: descriptor of the folder, or of the file's folder.
        name: of the file in it; None for the whole folder.
        inside: path of what is searched, from the working folder.

    Returns:
        The answer, see the head of this module.

    Raises:
        Refused: the pattern is no regular expression, or the file is unfit.
    """
    regex = _compiled(arguments["pattern"], arguments.get("-i", False))
    mode = arguments.get("output_mode", "files_with_matches")
    shown, notes = _Shown(arguments.get("head_limit", GREP_LINES)), list[str]()
    # one line more than asked for says whether there are more
    files = _one(folder, name, inside) if name is not None else _below(folder, inside, arguments.get("glob"), notes)
    more = False
    for path, lines in files:
        if shown.full:
            more |= any(regex.search(line) for line in lines)
            if more:
                break
            continue
        count = len(shown.lines)
        if mode == "content":
            more |= _show(shown, path, lines, regex, arguments)
        else:
            hits = sum(1 for line in lines if regex.search(line)) if mode == "count" else int(_any(regex, lines))
            if hits:
                shown.add(f"{path}:{hits}" if mode == "count" else path)
        if len(shown.lines) > count:
            shown.files.append(path)
    if more or len(shown.lines) > len(shown.cut()):
        notes.insert(0, "there is more; ask for it with head_limit, or a narrower pattern")
    content = clipped("\n".join(shown.cut() or ["No matches found."]))
    return {"content": "\n".join([content, *bracketed(notes)]), "files": shown.files}


def _any(regex: re.Pattern[str], lines: Iterable[str]) -> bool:
    return any(regex.search(line) for line in lines)


def _show(shown: _Shown, path: str, lines: list[str], regex: re.Pattern[str], arguments: dict[str, Any]) -> bool:
    """Adds the lines of a file that match, and those around them; says whether some were left out."""
    around = arguments.get("-C", 0)
    before, after = arguments.get("-B", around), arguments.get("-A", around)
    numbered = arguments.get("-n", True)
    waiting: deque[tuple[int, str]] = deque(maxlen=before)
    last, still = 0, 0  # the line shown last; lines still to be shown behind a match

    def put(number: int, line: str, mark: str) -> None:
        nonlocal last
        if (before or after) and shown.lines and number != last + 1:
            shown.add("--")
        last = number
        line = line if len(line) <= _LINE else f"{line[:_LINE]} [{len(line) - _LINE:,} characters left out]"
        shown.add(f"{path}{mark}{number}{mark}{line}" if numbered else f"{path}{mark}{line}")

    for number, line in enumerate(lines, 1):
        hit = regex.search(line) is not None
        if shown.full:
            if hit:
                return True
            continue
        if hit:
            while waiting:
                put(*waiting.popleft(), "-")
            put(number, line, ":")
            still = after
        elif still:
            put(number, line, "-")
            still -= 1
        elif before:
            waiting.append((number, line))
    return False


def _one(folder: int, name: str, inside: str) -> Iterator[tuple[str, list[str]]]:
    try:
        content = read_at(folder, name, inside, FILE_BYTES)
    except OSError as error:
        raise Refused(f"{inside!r} cannot be read: {error.strerror}") from error
    if b"\0" in content:
        raise Refused(f"{inside!r} is a binary file")
    yield inside, _lines(content)


def _below(folder: int, inside: str, glob: str | None, notes: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Path and lines of every text file that is meant; binary ones are passed over."""
    pattern = PathPattern(glob) if glob is not None else None
    prefix = "" if inside == "." else f"{inside}/"
    walk = Walk(folder)
    for file in walk.files():
        # as other programs understand it, a pattern without a folder is of the name alone
        if pattern and not pattern.matches(file.path if glob and "/" in glob else readable(file.name)):
            continue
        try:
            content = read_at(file.folder, file.name, f"{prefix}{file.path}", FILE_BYTES)
        except (OSError, Refused) as error:
            notes.append(_passed_over(file, error))
            continue
        if b"\0" not in content:
            yield f"{prefix}{file.path}", _lines(content)
    notes.extend(walk.notes)


def _passed_over(file: Found, error: OSError | Refused) -> str:
    return f"{file.path} was passed over: {error.strerror}" if isinstance(error, OSError) else f"{error}, passed over"


def _lines(content: bytes) -> list[str]:
    lines = content.decode("utf-8", "replace").split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _compiled(pattern: str, small: bool) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE if small else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise Refused(f"{pattern[:200]!r} is no regular expression: {error}") from None


def main() -> int:
    """Answers the request on standard input."""
    folder, memory = int(sys.argv[1]), int(sys.argv[2])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
    arguments, name, inside = json.loads(sys.stdin.buffer.read())
    try:
        answer = search(arguments, folder, name, inside)
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    finally:
        os.close(folder)
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
