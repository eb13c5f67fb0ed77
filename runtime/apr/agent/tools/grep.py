"""Grep: lines of files that match a regular expression."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from apr.agent.confinement import Refused, open_folder
from apr.agent.limits import GREP_LINES, SEARCH_MEMORY, SEARCH_SECONDS
from apr.agent.tools.outcome import Outcome
from apr.agent.tools.patterns import PathPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apr.agent.confinement import Confinement

MODES = ("files_with_matches", "content", "count")
DESCRIPTION = (
    "Searches files for a regular expression (Python's syntax), line by line. Names the files that hold it, or shows the lines "
    "(output_mode content), or counts them (count)."
)


def _lines(what: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "maximum": 1000, "description": f"lines to show {what}"}


PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "pattern": {"type": "string", "description": "the regular expression"},
        "path": {"type": "string", "description": "a file, or a folder to look in; the working folder if not given"},
        "glob": {"type": "string", "description": "only files whose path matches this, such as *.py"},
        "output_mode": {"type": "string", "enum": list(MODES), "description": f"{MODES[0]} if not given"},
        "-i": {"type": "boolean", "description": "capitals and small letters are the same"},
        "-n": {"type": "boolean", "description": "show line numbers with content; true if not given"},
        "-A": _lines("after each match"),
        "-B": _lines("before each match"),
        "-C": _lines("before and after each match"),
        "head_limit": {
            "type": "integer",
            "minimum": 0,
            "description": f"show no more lines or files than this; {GREP_LINES} if not given, 0 for all",
        },
    },
    "required": ["pattern"],
    "additionalProperties": False,
}


def run(arguments: Mapping[str, Any], room: Confinement) -> Outcome:
    """Searches in a process of its own, since a pattern can take for ever and all memory.

    Raises:
        Refused: the place, see `Confinement.locate`; the pattern is none; or the search took longer than `SEARCH_SECONDS`.
    """
    if "glob" in arguments:
        PathPattern(arguments["glob"])
    shown = arguments.get("path", ".")
    with room.locate(shown) as place:
        found = place.stat()
        if found is None:
            raise Refused(f"{shown!r} does not exist")
        try:
            folder, name = open_folder(place.folder, place.name), None
        except NotADirectoryError:
            folder, name = os.dup(place.folder), place.name
        except OSError as error:
            raise Refused(f"{shown!r} cannot be read: {error.strerror}") from error
        inside = place.inside
    try:
        said = _searched(folder, json.dumps([dict(arguments), name, inside]))
    finally:
        os.close(folder)
    if "refused" in said:
        raise Refused(said["refused"])
    return Outcome(True, said["content"], tuple(said["files"]))


def _searched(folder: int, request: str) -> dict[str, Any]:
    """What `apr.agent.tools.searching` answers."""
    command = [sys.executable, "-P", "-W", "ignore", "-m", "apr.agent.tools.searching", str(folder), str(SEARCH_MEMORY)]
    try:
        done = subprocess.run(
            command,
            input=request.encode(),
            capture_output=True,
            timeout=SEARCH_SECONDS,
            check=False,
            pass_fds=(folder,),
        )
    except subprocess.TimeoutExpired:
        raise Refused(
            f"the search took longer than {SEARCH_SECONDS:g} seconds; try a simpler pattern, or fewer files"
        ) from None
    if done.returncode:
        raise Refused("the search needed too much memory, or failed; try a simpler pattern, or fewer files")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
