"""Bash: a command line."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.actions.naming import PART_SUFFIX
from apr.actions.tree import EXCLUDED, Exclusions
from apr.agent.confinement import Refused, readable
from apr.agent.limits import (
    BASH_FILE_BYTES,
    BASH_LONGEST_SECONDS,
    BASH_MEMORY,
    BASH_PROCESSES,
    BASH_SECONDS,
    OUTPUT_CHARACTERS,
)
from apr.agent.processes import Finished, Unwatched, run_watched
from apr.agent.tools.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apr.agent.confinement import Confinement

DESCRIPTION = (
    "Runs a command line with bash in the working folder, and shows what it prints. Each call begins anew: no variable and no cd "
    f"is kept, and nothing goes on running. Standard input is empty. After {BASH_SECONDS:g} seconds it is ended."
)
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "command": {"type": "string", "description": "the command line"},
        "timeout": {
            "type": "integer",
            "minimum": 1,
            "maximum": int(BASH_LONGEST_SECONDS * 1000),
            "description": "milliseconds after which it is ended",
        },
        "description": {"type": "string", "description": "what it does, in a few words"},
    },
    "required": ["command"],
    "additionalProperties": False,
}
_LONGEST = 100_000  # bytes; the system takes 131,071 in one argument
_KEPT = ("PATH", "LANG", "LANGUAGE", "TZ")  # of our environment, and LC_*: nothing that could be a credential
_TREE = 100_000  # entries above which files are not looked at before and after a command
_LEFT_OUT = Exclusions((*EXCLUDED, f"*{PART_SUFFIX}"))


def run(arguments: Mapping[str, Any], room: Confinement) -> Outcome:
    """Runs a command. No path confines it: it may do what the user may.

    It has a session, a home and a folder for temporary files of its own, a small environment, and limits of time, memory, file
    size and number of processes (the last not where it runs as root, whom the system does not count). What it leaves running is
    ended.

    Returns:
        What it printed, and its exit code; not ok where that is not 0. `files_written` are files of the folder that were made,
        changed, touched or removed meanwhile, by their time, size and number, and without what
        `apr.actions.tree` leaves out; none in a folder of more than 100,000 entries, where looking would take longer than the command.

    Raises:
        Refused: the command is empty, too long, holds a NUL character, or ended the process that watched over it.
    """
    command = arguments["command"]
    if not command.strip():
        raise Refused("the command is empty")
    if "\0" in command or len(command.encode()) > _LONGEST:
        raise Refused(f"a command must not hold a NUL character, nor more than {_LONGEST:,} bytes")
    seconds = arguments.get("timeout", int(BASH_SECONDS * 1000)) / 1000
    before = _marks(room.root)
    with tempfile.TemporaryDirectory(prefix="apr-home-", ignore_cleanup_errors=True) as home:
        try:
            done = run_watched(
                ["bash", "-c", command],
                cwd=room.root,
                env=_environment(home),
                seconds=seconds,
                limits={
                    "memory": BASH_MEMORY,
                    "file_bytes": BASH_FILE_BYTES,
                    "processes": BASH_PROCESSES + _running(),
                    "core": 0,
                },
                keep=OUTPUT_CHARACTERS,
            )
        except Unwatched as error:
            raise Refused("the command ended the process that watched over it, and was ended") from error
    after = _marks(room.root)
    written = () if before is None or after is None else tuple(sorted(_changed(before, after)))
    return Outcome(not done.exit_code, _told(done, seconds), (), written, done.exit_code)


def _told(done: Finished, seconds: float) -> str:
    """What a model is told of a command that has ended."""
    lines = [done.output.rstrip("\n")] if done.output.strip("\n") else []
    if done.timed_out:
        lines.append(f"[ended after {seconds:g} seconds]")
    elif done.exit_code:
        lines.append(f"[exit code {done.exit_code}]")
    if done.left:
        lines.append(f"[{done.left} processes run as another user and could not be ended]")
    return "\n".join(lines) or "(no output)"


def _environment(home: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
    return {"PATH": os.defpath, **kept, "HOME": home, "TMPDIR": home, "TERM": "dumb", "PAGER": "cat"}


def _running() -> int:
    """Threads of this user, which the limit of processes counts along; 0 where nobody says."""
    count = 0
    for entry in _entries(Path("/proc")):
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == os.getuid():
                    count += len(os.listdir(f"{entry.path}/task"))  # noqa: PTH208 - names are enough
            except OSError:  # it has ended meanwhile
                continue
    return count


def _marks(root: Path) -> dict[str, tuple[int, ...]] | None:
    """What tells whether a file was touched, by path; None for too large a tree."""
    found: dict[str, tuple[int, ...]] = {}
    waiting = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        for entry in _entries(folder):
            try:
                seen = entry.stat(follow_symlinks=False)
            except OSError:  # it has gone meanwhile
                continue
            path = prefix + readable(entry.name)
            if stat.S_ISDIR(seen.st_mode):
                if not _LEFT_OUT.folder(path, entry.name):
                    waiting.append((Path(entry.path), f"{path}/"))
            elif not _LEFT_OUT.file(path, entry.name):
                found[path] = (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_mode)
        if len(found) + len(waiting) > _TREE:
            return None
    return found


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder; nothing where it is not, or may not be read."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return


def _changed(before: dict[str, tuple[int, ...]], after: dict[str, tuple[int, ...]]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
