"""Edit: one text in a file in place of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.agent.confinement import Refused
from apr.agent.limits import FILE_BYTES
from apr.agent.tools.outcome import Outcome
from apr.agent.tools.read import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apr.agent.confinement import Confinement

DESCRIPTION = "Replaces a text in a file. old_string must be found exactly once, every blank and line end of it, unless replace_all is true."
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file_path": {"type": "string", "description": "the file, relative to the working folder"},
        "old_string": {
            "type": "string",
            "description": "the text to replace, without the line numbers that Read shows",
        },
        "new_string": {"type": "string", "description": "the text in its place"},
        "replace_all": {"type": "boolean", "description": "replace it everywhere"},
    },
    "required": ["file_path", "old_string", "new_string"],
    "additionalProperties": False,
}


def run(arguments: Mapping[str, Any], room: Confinement) -> Outcome:
    """Replaces a text, everything else kept byte for byte.

    Raises:
        Refused: see `Confinement.read` and `replace`; or the old text is empty, the same as the new one, not found, or found more
            than once.
    """
    shown, old, new = arguments["file_path"], arguments["old_string"], arguments["new_string"]
    if not old:
        raise Refused("old_string is empty; write a new file with Write")
    if old == new:
        raise Refused("old_string and new_string are the same; there is nothing to do")
    inside, content = room.read(shown, FILE_BYTES)
    text = text_of(content, shown)
    at = text.find(old)
    if at < 0:
        ends = " (its lines end in \\r\\n)" if "\r\n" in text and "\n" in old and "\r" not in old else ""
        raise Refused(f"old_string is not in {shown!r}{ends}")
    # places that overlap count: `aa` is twice in `aaa`, and which is meant is open
    if not arguments.get("replace_all", False) and text.find(old, at + 1) >= 0:
        raise Refused(f"old_string is more than once in {shown!r}; give more of the text around it, or set replace_all")
    times = text.count(old)
    size = len(content) + times * (len(new.encode()) - len(old.encode()))
    if size > FILE_BYTES:  # known before memory is asked for it
        raise Refused(f"the file would have {size:,} bytes, more than the {FILE_BYTES:,} that it may have")
    room.replace(shown, text.replace(old, new).encode())
    return Outcome(True, f"Edited {inside}: {times:,} {'place' if times == 1 else 'places'}.", (inside,), (inside,))
