"""Glob: paths of files that match a pattern."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from apr.agent.confinement import Refused, open_folder
from apr.agent.limits import GLOB_PATHS
from apr.agent.tools.outcome import Outcome
from apr.agent.tools.patterns import PathPattern
from apr.agent.tools.walking import Walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apr.agent.confinement import Confinement

DESCRIPTION = f"Finds files by a pattern of their path, such as **/*.py or src/{{a,b}}.txt. Names at most {GLOB_PATHS}, in the order of names."
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "pattern": {"type": "string", "description": "the pattern, relative to path"},
        "path": {"type": "string", "description": "the folder to look in; the working folder if not given"},
    },
    "required": ["pattern"],
    "additionalProperties": False,
}


def run(arguments: Mapping[str, Any], room: Confinement) -> Outcome:
    """Names files; links are neither named nor followed, and `.git` is passed over.

    The order is that of names, where Claude Code's is the newest first: times differ from run to run.

    Raises:
        Refused: the folder, see `Confinement.locate`; the pattern, see `PathPattern`.
    """
    pattern = PathPattern(arguments["pattern"])
    folder, inside = folder_of(room, arguments.get("path", "."))
    try:
        walk = Walk(folder)
        prefix = "" if inside == "." else f"{inside}/"
        found = [f"{prefix}{file.path}" for file in walk.files() if pattern.matches(file.path)]
    finally:
        os.close(folder)
    if not found:
        return Outcome(True, "\n".join(["No files found.", *bracketed(walk.notes)]))
    more = [f"{len(found) - GLOB_PATHS:,} more files match"] if len(found) > GLOB_PATHS else []
    return Outcome(True, "\n".join([*sorted(found)[:GLOB_PATHS], *bracketed(more + walk.notes)]))


def folder_of(room: Confinement, shown: str) -> tuple[int, str]:
    """Descriptor of a folder inside, and its path.

    Raises:
        Refused: see `Confinement.locate`; or it is no folder.
    """
    with room.locate(shown) as place:
        try:
            return open_folder(place.folder, place.name), place.inside
        except FileNotFoundError:
            raise Refused(f"{shown!r} does not exist") from None
        except NotADirectoryError:
            raise Refused(f"{shown!r} is no folder") from None
        except OSError as error:
            raise Refused(f"{shown!r} cannot be read: {error.strerror}") from error


def bracketed(notes: list[str]) -> list[str]:
    """Notes about what is not shown, as lines; no more than ten."""
    more = [f"[{len(notes) - 10:,} more such places]"] if len(notes) > 10 else []
    return [f"[{note}]" for note in notes[:10]] + more
