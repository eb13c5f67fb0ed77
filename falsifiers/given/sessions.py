"""Made-up sessions as traces: what falsifiers hold against each other. Written without the code under judgement."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NO_TREE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # sha256 of nothing; any digits do
TEACHER = "01932b5e-7c00-7a11-8b22-0123456789ab"
STUDENT = "01932b5e-7c01-7c33-9d44-ba9876543210"


@dataclass(frozen=True)
class Call:
    """A tool call and its result."""

    name: str
    input: dict[str, Any] = field(hash=False)
    content: str = ""
    ok: bool = True
    exit_code: int | None = None


@dataclass(frozen=True)
class Hook:
    """A hook that fired."""

    event: str
    decision: str = "allow"
    matcher: str | None = None
    output: str | None = None


@dataclass(frozen=True)
class Skill:
    """A skill that was used."""

    name: str
    source: str = "auto_matched"
    injected: bool | None = None


_EXIT_CODES = {"allow": 0, "warn": 1, "block": 2}


def session(
    actions: Iterable[Call | Hook | Skill | Sequence[Call]] = (),
    *,
    prompt: str = "Do it.",
    answer: str = "Done.",
    stop: str = "end_turn",
    session_id: str = TEACHER,
    actor: str = "claude-code",
    tree: str = NO_TREE,
) -> list[dict[str, Any]]:
    """The records of a session: each call, or each sequence of calls, a turn of its own, and the answer a last one."""
    records: list[dict[str, Any]] = [
        {"v": 1, "kind": "session_start", "session_id": session_id, "ts": "2026-11-22T10:00:00Z", "actor": actor,
         "model": f"{actor}'s", "cwd_sha256": tree},
        {"v": 1, "kind": "user_prompt", "turn": 0, "text": prompt},
    ]  # fmt: skip
    turn = 0  # the last answer's
    reached = 0  # the last record's: results belong to the turn after the one that asked
    for action in actions:
        if isinstance(action, Hook):
            records.append(_hook(action, reached))
        elif isinstance(action, Skill):
            injected = {} if action.injected is None else {"instructions_injected": action.injected}
            records.append(
                {"v": 1, "kind": "skill_invocation", "turn": reached, "name": action.name, "source": action.source}
                | injected
            )
        else:
            calls = [action] if isinstance(action, Call) else list(action)
            turn += 1
            reached = turn + 1
            records += _asked(calls, turn)
    last = {"turn": turn + 1, "stop_reason": stop}
    records.append({"v": 1, "kind": "assistant_turn", **last, "blocks": [{"type": "text", "text": answer}]})
    records.append({"v": 1, "kind": "session_end", **last, "elapsed_ms": 12, "tokens_in": 34, "tokens_out": 5})
    return records


def _asked(calls: Sequence[Call], turn: int) -> list[dict[str, Any]]:
    ids = [f"call-{turn}-{number}" for number in range(len(calls))]
    blocks = [
        {"type": "tool_use", "id": one, "name": call.name, "input": call.input}
        for one, call in zip(ids, calls, strict=True)
    ]
    return [
        {"v": 1, "kind": "assistant_turn", "turn": turn, "stop_reason": "tool_use", "blocks": blocks},
        *(_result(one, call, turn + 1) for one, call in zip(ids, calls, strict=True)),
    ]


def _result(call_id: str, call: Call, turn: int) -> dict[str, Any]:
    effects = {} if call.exit_code is None else {"side_effects": {"exit_code": call.exit_code}}
    answered = {"tool_use_id": call_id, "ok": call.ok, "content": call.content}
    return {"v": 1, "kind": "tool_result", "turn": turn, **answered, **effects}


def _hook(hook: Hook, turn: int) -> dict[str, Any]:
    optional = {"matcher": hook.matcher, "output": hook.output}
    return {
        "v": 1, "kind": "hook_event", "turn": turn, "event": hook.event, "decision": hook.decision,
        "exit_code": _EXIT_CODES[hook.decision], **{name: value for name, value in optional.items() if value is not None},
    }  # fmt: skip


def lines(records: Iterable[dict[str, Any]]) -> bytes:
    """The records as a file holds them."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
