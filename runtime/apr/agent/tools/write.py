"""Write: a whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.agent.confinement import Refused
from apr.agent.limits import FILE_BYTES
from apr.agent.tools.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apr.agent.confinement import Confinement

DESCRIPTION = "Writes a file, in place of the one that is there. Folders that are missing are made."
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file_path": {"type": "string", "description": "the file, relative to the working folder"},
        "content": {"type": "string", "description": "the whole text of the file"},
    },
    "required": ["file_path", "content"],
    "additionalProperties": False,
}


def run(arguments: Mapping[str, Any], room: Confinement) -> Outcome:
    """Writes the text as UTF-8, byte for byte.

    Raises:
        Refused: see `Confinement.replace`; or the text is too long.
    """
    content = arguments["content"].encode()
    if len(content) > FILE_BYTES:
        raise Refused(f"{len(content):,} bytes are more than the {FILE_BYTES:,} that a file may have")
    inside, existed = room.replace(arguments["file_path"], content, make_folders=True)
    return Outcome(True, f"{'Replaced' if existed else 'Created'} {inside}: {len(content):,} bytes.", (), (inside,))
