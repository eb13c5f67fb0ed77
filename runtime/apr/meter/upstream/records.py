"""The upstream's records, as its program declares them: other than its contract says in several places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.actions.lines import open_trace
from apr.errors import UnusableInput
from apr.meter.upstream.content import Refused, parse
from apr.meter.upstream.decode import Field, Struct, Tagged, anything, integer, listed, of, one_of, optional
from apr.meter.upstream.text import trimmed

if TYPE_CHECKING:
    from pathlib import Path

_U32, _U64, _I32 = integer(0, 2**32 - 1), integer(0, 2**64 - 1), integer(-(2**31), 2**31 - 1)
_TEXT, _FLAG = of(str), of(bool)
_STOP = one_of("end_turn", "max_tokens", "stop_sequence", "tool_use", "error")
_V, _TURN = Field("v", _U32), Field("turn", _U32)
_BLOCK = Tagged(
    "type",
    {
        "text": Struct((Field("text", _TEXT),)),
        "thinking": Struct((Field("thinking", _TEXT),)),
        "tool_use": Struct((Field("id", _TEXT), Field("name", _TEXT), Field("input", anything))),
    },
    by_number=True,
)
_SIDE_EFFECTS = Struct(
    (
        Field("files_read", listed(_TEXT), ()),
        Field("files_written", listed(_TEXT), ()),
        Field("exit_code", optional(_I32), None),
    )
)
_RECORD = Tagged(
    "kind",
    {
        "session_start": Struct(
            (
                _V,
                Field("session_id", _TEXT),
                Field("ts", _TEXT),
                Field("actor", one_of("claude-code", "apr-code")),
                Field("model", _TEXT),
                Field("cwd_sha256", _TEXT),
            )
        ),
        "user_prompt": Struct((_V, _TURN, Field("text", _TEXT))),
        "assistant_turn": Struct((_V, _TURN, Field("blocks", listed(_BLOCK)), Field("stop_reason", _STOP))),
        "tool_result": Struct(
            (
                _V,
                _TURN,
                Field("tool_use_id", _TEXT),
                Field("ok", _FLAG),
                Field("content", _TEXT),
                Field("side_effects", optional(_SIDE_EFFECTS), None),
            )
        ),
        "hook_event": Struct(
            (
                _V,
                _TURN,
                Field("event", _TEXT),
                Field("matcher", optional(_TEXT), None),
                Field("decision", one_of("allow", "warn", "block")),
                Field("exit_code", _I32),
                Field("output", _TEXT, ""),
            )
        ),
        "skill_invocation": Struct(
            (
                _V,
                _TURN,
                Field("name", _TEXT),
                Field("source", one_of("user_invoked", "auto_matched")),
                Field("instructions_injected", _FLAG, default=False),
            )
        ),
        "session_end": Struct(
            (
                _V,
                _TURN,
                Field("stop_reason", _STOP),
                Field("elapsed_ms", _U64),
                Field("tokens_in", _U64),
                Field("tokens_out", _U64),
            )
        ),
    },
)


def read_records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The records of a trace: kind and fields, unknown fields dropped; nothing is asked across records.

    Raises:
        UnusableInput: no UTF-8, or a line that the upstream's program would not read.
    """
    try:
        with open_trace(path) as file:
            text = file.read().decode()
    except UnicodeDecodeError as error:
        raise UnusableInput("is not UTF-8", where=f"{path}: offset {error.start}") from error
    found = []
    for index, line in enumerate(text.split("\n"), 1):  # not at U+2028 and the like
        if not trimmed(line):
            continue
        try:
            found.append(_RECORD(parse(line)))
        except Refused as error:
            raise UnusableInput(
                str(error), where=f"{path}:{index}", hint="so the upstream's program says too"
            ) from error
    return found
