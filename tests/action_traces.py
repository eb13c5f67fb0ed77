"""Action traces for tests: builders of records, and a Hypothesis strategy of valid traces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hypothesis.strategies import DrawFn, SearchStrategy

Record = dict[str, Any]
# the same examples each time, whatever else the machine does
STEADY = settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
SESSION = "01900000-0000-7000-8000-000000000001"


def start(**changes: Any) -> Record:
    """A session_start; what is given replaces what it usually says."""
    return {
        "v": 1,
        "kind": "session_start",
        "session_id": SESSION,
        "ts": "2026-01-31T12:00:00.000Z",
        "actor": "apr-code",
        "model": "tiny",
        "cwd_sha256": "0" * 64,
    } | changes


def prompt(text: str = "do it", turn: int = 0) -> Record:
    return {"v": 1, "kind": "user_prompt", "turn": turn, "text": text}


def text(words: str) -> Record:
    return {"type": "text", "text": words}


def thinking(words: str, **more: str) -> Record:
    return {"type": "thinking", "thinking": words} | more


def call(name: str, arguments: Record, use_id: str = "call-1") -> Record:
    return {"type": "tool_use", "id": use_id, "name": name, "input": arguments}


def answer(turn: int, *blocks: Record, stop: str | None = None) -> Record:
    """An assistant_turn; why it stopped follows from its blocks where it is not given."""
    waits = any(block["type"] == "tool_use" for block in blocks)
    return {
        "v": 1,
        "kind": "assistant_turn",
        "turn": turn,
        "blocks": list(blocks) or [text("done")],
        "stop_reason": stop or ("tool_use" if waits else "end_turn"),
    }


def result(turn: int, use_id: str = "call-1", content: str = "", *, ok: bool = True, **effects: Any) -> Record:
    """A tool_result; other keywords are its side effects."""
    record = {"v": 1, "kind": "tool_result", "turn": turn, "tool_use_id": use_id, "ok": ok, "content": content}
    return record | {"side_effects": effects} if effects else record


def hook(turn: int, event: str = "PreToolUse", decision: str = "allow", **more: Any) -> Record:
    code = ("allow", "warn", "block").index(decision)
    return {"v": 1, "kind": "hook_event", "turn": turn, "event": event, "decision": decision, "exit_code": code} | more


def skill(turn: int, name: str = "tidy", source: str = "user_invoked", **more: bool) -> Record:
    return {"v": 1, "kind": "skill_invocation", "turn": turn, "name": name, "source": source} | more


def end(turn: int, stop: str = "end_turn", **changes: int) -> Record:
    return {
        "v": 1,
        "kind": "session_end",
        "turn": turn,
        "stop_reason": stop,
        "elapsed_ms": 10,
        "tokens_in": 20,
        "tokens_out": 30,
    } | changes


def plain(words: str = "hello", asked: str = "say hello") -> list[Record]:
    """The four records of a prompt that was answered with text."""
    return [start(), prompt(asked), answer(1, text(words)), end(1)]


def with_calls(*turns: Iterable[tuple[str, Record]], **changes: Any) -> list[Record]:
    """A session with a turn for each list of calls (name, arguments), a result for each call, and a last turn of text.

    Keywords change the session_start.
    """
    records = [start(**changes), prompt()]
    for turn, calls in enumerate(turns, 1):
        named = [(f"call-{turn}-{place}", name, arguments) for place, (name, arguments) in enumerate(calls)]
        records.append(answer(turn, *(call(name, arguments, use_id) for use_id, name, arguments in named)))
        records += [result(turn + 1, use_id, f"result of {name}") for use_id, name, _ in named]
    return [*records, answer(len(turns) + 1), end(len(turns) + 1)]


def as_bytes(records: Iterable[Record]) -> bytes:
    """The records as a file has them."""
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def save(path: Path, records: Iterable[Record]) -> Path:
    path.write_bytes(as_bytes(records))
    return path


_words = st.text(st.characters(codec="utf-8"), max_size=20)
_names = st.sampled_from(
    ["Bash", "Read", "Write", "Edit", "Glob", "Grep", "Agent", "WebFetch", "mcp__github__list_issues"]
)
_values: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=5,
)


_paths = st.sampled_from(["a.txt", "./a.txt", "src/b.py", "src//b.py", "ü.md", "../x"])
_small = st.integers(0, 9)
_edit = {"file_path": _paths, "old_string": _words, "new_string": _words}
_arguments: dict[str, SearchStrategy[Record]] = {
    "Bash": st.fixed_dictionaries({"command": st.sampled_from(["ls", "ls  -l", "echo 'a  b'", "make test;"]) | _words}),
    "Read": st.fixed_dictionaries({"path": _paths}, optional={"offset": _small, "limit": _small})
    | st.fixed_dictionaries({"file_path": _paths}),
    "Write": st.fixed_dictionaries({"file_path": _paths, "content": _words}),
    "Edit": st.fixed_dictionaries(_edit, optional={"replace_all": st.booleans()}),
    "Glob": st.fixed_dictionaries({"pattern": st.sampled_from(["*", "**/*.py"])}, optional={"path": _paths}),
    "Grep": st.fixed_dictionaries({"pattern": _words}, optional={"path": _paths, "-i": st.booleans()}),
    "Agent": st.fixed_dictionaries({"subagent_type": st.sampled_from(["reviewer", "explorer"]), "prompt": _words}),
}


def arguments(name: str) -> SearchStrategy[Record]:
    """Arguments as a tool of that name takes them; of any shape for a tool that is not known."""
    return _arguments.get(name, st.dictionaries(_words, _values, max_size=3))


@st.composite
def hooks(draw: DrawFn, turn: int, events: tuple[str, ...]) -> Record:
    decision = draw(st.sampled_from(["allow", "warn", "block"]))
    more = draw(st.fixed_dictionaries({}, optional={"matcher": _names, "output": _words}))
    return hook(turn, draw(st.sampled_from(events)), decision, **more)


@st.composite
def skills(draw: DrawFn, turn: int) -> Record:
    source = draw(st.sampled_from(["user_invoked", "auto_matched"]))
    return skill(turn, draw(_words), source, **draw(st.sampled_from([{}, {"instructions_injected": True}])))


@st.composite
def traces(draw: DrawFn, max_turns: int = 4) -> list[Record]:
    """A valid trace: hooks, skills, tools, several prompts, every way to end."""
    records = [start(actor=draw(st.sampled_from(["claude-code", "apr-code"])), model=draw(_words))]
    records += [draw(hooks(0, ("SessionStart",))) for _ in range(draw(st.integers(0, 1)))]
    records.append(prompt(draw(_words)))
    records += [draw(skills(0)) for _ in range(draw(st.integers(0, 1)))]
    turns, last_prompt, stop = draw(st.integers(1, max_turns)), 0, "end_turn"
    for turn in range(1, turns + 1):
        named = [(f"t{turn}-{place}", draw(_names)) for place in range(draw(st.integers(0, 3)) if turn < turns else 0)]
        said = [draw(st.builds(text, _words) | st.builds(thinking, _words)) for _ in range(draw(st.integers(0, 1)))]
        calls = [call(name, draw(arguments(name)), use_id) for use_id, name in named]
        stop = "tool_use" if calls else draw(st.sampled_from(["end_turn", "max_tokens", "stop_sequence"]))
        records.append(answer(turn, *(said + calls), stop=stop))
        for use_id, name in draw(st.permutations(named)):
            records += [
                draw(hooks(turn + 1, ("PreToolUse", "PostToolUse"))) for _ in range(draw(st.integers(0, 1)))
            ]  # fmt: skip
            effects = draw(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "exit_code": st.integers(-(2**31), 2**31 - 1),
                        "files_read": st.lists(_words, max_size=2),
                        "files_written": st.lists(_words, max_size=2),
                    },
                )
            )
            records.append(result(turn + 1, use_id, draw(_words) + name, ok=draw(st.booleans()), **effects))
        if turn < turns and draw(st.booleans()):
            last_prompt = draw(st.integers(max(last_prompt + 1, turn + bool(calls)), turn + 1))
            records.append(prompt(draw(_words), last_prompt))
        elif draw(st.booleans()):
            records.append(draw(skills(turn + bool(calls))))
    broken = draw(st.booleans())
    return [*records, end(turns, "error" if broken else stop, elapsed_ms=draw(st.integers(0, 2**64 - 1)))]
