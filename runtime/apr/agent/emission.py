"""From events to the records of a trace, written as they happen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from apr.actions.identity import rfc3339
from apr.agent.events import Answered, Ended, Hooked, Prompted, Ran, Skilled, Started
from apr.agent.messages import Call, Text
from apr.agent.undisturbed import undisturbed
from apr.errors import AprError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.actions.trace import Record
    from apr.agent.events import Event
    from apr.agent.messages import Block

ACTOR = "apr-code"


class Writer(Protocol):
    """What keeps records; see `apr.actions.writing.TraceWriter`."""

    def write(self, record: Record) -> None:
        """Adds one."""

    def land(self) -> None:
        """Makes the file appear."""


@dataclass
class Emission:
    """An observer that writes a trace.

    A trace that cannot be written any more is no reason to stop a session that a model is in the middle of: from then on
    nothing is written, and `failure` says why. Before the model is asked for the first time the failure is raised.

    Attributes:
        writer: open; it lands with the session's end.
        session_id: a UUIDv7.
        cwd_sha256: of the working tree before anything was done.
        now: the time; for the record.
        clock: seconds; for what a session took.
        failure: what went wrong, or None.
        landed: whether the trace is there, whole.
    """

    writer: Writer
    session_id: str
    cwd_sha256: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    failure: AprError | None = None
    landed: bool = False
    _begun: float = field(default=0.0, init=False)
    _started: bool = field(default=False, init=False)
    _asked: bool = field(default=False, init=False)

    def __call__(self, event: Event) -> None:
        """Writes an event down.

        Raises:
            AprError: it cannot be written, and no model was asked yet.
        """
        if self.failure is not None or self.landed:
            return
        if not self._started and not isinstance(event, Started):
            return  # interrupted before there was anything to write about
        if isinstance(event, Started):
            self._begun = self.clock()
        self._asked = self._asked or isinstance(event, Answered)
        try:
            with undisturbed():
                self.writer.write({"v": 1} | self._record(event))
                self._started = True
                if isinstance(event, Ended):
                    self.writer.land()
                    self.landed = True
        except AprError as error:
            self.failure = error
            if not self._asked and not isinstance(event, Ended):
                raise

    def _record(self, event: Event) -> dict[str, Any]:
        if isinstance(event, Started):
            return {
                "kind": "session_start",
                "session_id": self.session_id,
                "ts": rfc3339(self.now()),
                "actor": ACTOR,
                "model": event.model,
                "cwd_sha256": self.cwd_sha256,
            }
        if isinstance(event, Ended):
            return {
                "kind": "session_end",
                "turn": event.turn,
                "stop_reason": event.stop_reason,
                "elapsed_ms": max(0, round((self.clock() - self._begun) * 1000)),
                "tokens_in": event.tokens_in,
                "tokens_out": event.tokens_out,
            }
        return _said(event)


def _said(event: Prompted | Answered | Ran | Hooked | Skilled) -> dict[str, Any]:
    """The record of what happens between start and end."""
    match event:
        case Prompted(turn, text):
            return {"kind": "user_prompt", "turn": turn, "text": text}
        case Answered(number, turn):
            blocks = [_block(block) for block in turn.blocks]
            return {"kind": "assistant_turn", "turn": number, "blocks": blocks, "stop_reason": turn.stop_reason}
        case Ran():
            return _result(event)
        case Hooked(turn, name, matcher, decision, exit_code, output):
            return (
                {"kind": "hook_event", "turn": turn, "event": name}
                | ({} if matcher is None else {"matcher": matcher})
                | {"decision": decision, "exit_code": exit_code}
                | ({"output": output} if output else {})
            )
        case Skilled(turn, name, source, injected):
            record = {"kind": "skill_invocation", "turn": turn, "name": name, "source": source}
            return record | {"instructions_injected": injected}


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    if isinstance(block, Call):
        return {"type": "tool_use", "id": block.id, "name": block.name, "input": dict(block.input)}
    signed = {} if block.signature is None else {"signature": block.signature}
    return {"type": "thinking", "thinking": block.thinking} | signed


def _result(event: Ran) -> dict[str, Any]:
    effects: dict[str, Any] = {}
    if event.files_read:
        effects["files_read"] = list(event.files_read)
    if event.files_written:
        effects["files_written"] = list(event.files_written)
    if event.exit_code is not None:
        effects["exit_code"] = event.exit_code
    return {
        "kind": "tool_result",
        "turn": event.turn,
        "tool_use_id": event.call.id,
        "ok": event.ok,
        "content": event.content,
    } | ({"side_effects": effects} if effects else {})
