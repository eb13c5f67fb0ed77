"""What differs between two runs of the same thing taken out of a trace: identity, time, ids of calls, the folder.

The placeholders are those that the upstream's contract names; its program puts none of them in.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import PurePosixPath

    from apr.actions.trace import Entry, Record

SESSION, TIME, TOOL, FOLDER = "<SESSION>", "<TS>", "<TOOL-{number}>", "${CWD}"


def normalised(entries: Iterable[Entry], cwd: PurePosixPath | None = None) -> Iterator[bytes]:
    r"""The lines of a trace, each with its `\n`, keys in order, so that two runs can be compared to the byte.

    Session id and time become `<SESSION>` and `<TS>`, `elapsed_ms` 0, ids of calls `<TOOL-1>`, `<TOOL-2>` … in the order of the whole
    trace. A result names its call's number, so that one that belongs to another call still differs.

    Args:
        entries: of a valid trace.
        cwd: the folder that it worked in, which becomes `${CWD}` wherever it is named in a text; None leaves texts as they are.
    """
    normaliser = _Normaliser(cwd)
    for entry in entries:
        record = normaliser.plain(normaliser.nameless(entry.record))
        text = json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        yield text.encode() + b"\n"


class _Normaliser:
    """What is known of a trace so far: which calls there were."""

    def __init__(self, cwd: PurePosixPath | None) -> None:
        self._ids: dict[str, str] = {}
        # not where the name goes on: /a/b is not named in /a/bc, nor in /x/a/b
        self._folder = None if cwd is None else re.compile(rf"(?<![\w.-]){re.escape(str(cwd))}(?![\w.-])")

    def nameless(self, record: Record) -> Record:
        """A record without identity and time."""
        match record["kind"]:
            case "session_start":
                return {**record, "session_id": SESSION, "ts": TIME}
            case "session_end":
                return {**record, "elapsed_ms": 0}
            case "tool_result":
                return {**record, "tool_use_id": self._number(record["tool_use_id"])}
            case "assistant_turn":
                blocks = (
                    {**block, "id": self._number(block["id"])} if block["type"] == "tool_use" else block
                    for block in record["blocks"]
                )
                return {**record, "blocks": list(blocks)}
            case _:
                return record

    def _number(self, identity: str) -> str:
        return self._ids.setdefault(identity, TOOL.format(number=len(self._ids) + 1))

    def plain(self, value: Any) -> Any:
        """A value whose texts do not name the folder."""
        if isinstance(value, str):
            return value if self._folder is None else self._folder.sub(FOLDER, value)
        if isinstance(value, list):
            return [self.plain(one) for one in value]
        if isinstance(value, dict):
            return {self.plain(key): self.plain(one) for key, one in value.items()}
        return value
