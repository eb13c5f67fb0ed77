"""Made-up traces of every kind, through the writer and back; and what is left of one that was not ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from given.failing_traces import VALID, parsed
from given.sessions import Call, Hook, Skill, lines, session
from pv import Refuted

if TYPE_CHECKING:
    from pathlib import Path

    from given.action_traces import Tracing
    from pv import Evidence

_words = st.text(st.characters(codec="utf-8"), max_size=12)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=6,
)
_code = st.none() | st.integers(-(2**31), 2**31 - 1)
_any_call = st.builds(
    Call, _words.filter(bool), st.dictionaries(_words, _json, max_size=3), _words, st.booleans(), _code
)
_decision, _matcher = st.sampled_from(["allow", "warn", "block"]), st.none() | _words
_any_action = (
    st.lists(_any_call, min_size=1, max_size=3)
    | st.builds(Hook, st.sampled_from(["PreToolUse", "Stop"]), _decision, _matcher, _matcher)
    | st.builds(
        Skill, _words.filter(bool), st.sampled_from(["auto_matched", "user_invoked"]), st.none() | st.booleans()
    )
)
any_session = st.builds(session, st.lists(_any_action, max_size=5), prompt=_words, answer=_words)


def hold_round_trip(evidence: Evidence, tracing: Tracing, records: list[dict[str, Any]], what: str) -> None:
    """A trace is valid, and the same once it was written and read."""
    if found := tracing.rules(lines(records)):
        raise Refuted(f"one of the {what} is found to break {found}: {records}", stage="valid")
    path = tracing.folder / "written.ccpa-trace.jsonl"
    tracing.write(path, records)
    evidence.compared(1, what)
    for came, how in ((parsed(path.read_bytes()), "written"), (tracing.read(path), "read")):
        if json.dumps(came, sort_keys=True) != json.dumps(records, sort_keys=True):
            raise Refuted(f"{records} is {how} as {came}", stage="round trip")


def hold_writing(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """What is not ended is not there, what was there stays until then, and every line is whole."""
    own = folder / "written"
    own.mkdir()
    path = own / "t.ccpa-trace.jsonl"
    for before in (None, b"what was there\n"):
        if before is not None:
            path.write_bytes(before)
        tracing.write(path, VALID[:-1], land=False)
        evidence.compared(1, "traces left unfinished")
        left = {one.name: one.read_bytes() for one in own.iterdir()}
        if left != ({} if before is None else {path.name: before}):
            raise Refuted(f"of a trace that was not ended {left} is left", stage="writing")
    try:
        tracing.write(path, VALID[:-1])
    except ValueError:
        evidence.compared(1, "traces that may not land")
    else:
        raise Refuted("a trace without its end is put into its place", stage="writing")
    tracing.write(path, VALID)
    text = path.read_bytes()
    evidence.compared(1, "traces written")
    if not text.endswith(b"}\n") or text.count(b"\n") != len(VALID) or len(list(own.iterdir())) != 1:
        raise Refuted(f"written is {text!r}", stage="writing")
