"""Faults of reading and writing traces: a rule that is not held, a trace that is half there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from apr.mutants.swapping import Swap, TraceMutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.actions.schema import Fault
    from apr.actions.trace import Record

_LINES, _SCHEMA, _RULES, _WRITING = (
    "apr.actions.lines",
    "apr.actions.schema",
    "apr.actions.rules",
    "apr.actions.writing",
)


def _record_seen_as(change: Callable[[Any], Any]) -> Swap:
    """The schema is held against another record."""
    return Swap(_SCHEMA, "checker", lambda sound: lambda: lambda record: sound()(change(record)))


def _fault_overlooked(which: Callable[[Fault], bool]) -> Swap:
    """Some faults count for nothing."""

    def make(sound: Any) -> Any:
        def check(record: object) -> Any:
            fault = sound()(record)
            return None if fault is not None and which(fault) else fault

        return lambda: check

    return Swap(_SCHEMA, "checker", make)


def _rule_overlooked(rule: str) -> Swap:
    """What breaks this rule between records is not said."""

    def make(sound: Any) -> Any:
        def say(self: Any, broken: str, problem: str, path: str = "$", hint: str = "") -> None:
            if broken != rule:
                sound(self, broken, problem, path, hint)

        return say

    return Swap(_RULES, "Session._say", make)


def _scanner(**hooks: Any) -> Swap:
    """JSON is read with other hooks."""

    def make(_sound: Any) -> Any:
        from apr.actions import lines  # noqa: PLC0415 - the faulty scanner shares the sound one's other hooks

        own = {
            "object_pairs_hook": lines._object,  # noqa: SLF001 - what the mutants spoil
            "parse_float": lines._float,  # noqa: SLF001
            "parse_constant": lines._constant,  # noqa: SLF001
        }
        decoder: Any = json.JSONDecoder(**(own | hooks))
        return decoder.scan_once

    return Swap(_LINES, "_SCAN", make)


def _in_first_version(record: Any) -> Any:
    return {**record, "v": 1} if isinstance(record, dict) and record.get("v") == 2 else record


def _with_whole_numbers(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in record.items()
    }


def _with_numbers(record: Any) -> Any:
    ends = isinstance(record, dict) and record.get("kind") == "session_end"
    return {"elapsed_ms": 0, "tokens_in": 0, "tokens_out": 0, **record} if ends else record


def _orphans_pass(sound: Any) -> Any:
    def tool_result(self: Any, record: Record) -> None:
        if record["tool_use_id"] in self._open or record["tool_use_id"] in self._ids:
            sound(self, record)

    return tool_result


def _half_a_line(sound: Any) -> Any:
    def land(self: Any) -> None:
        sound(self)
        self.path.write_bytes(self.path.read_bytes()[:-3])

    return land


def _in_place(_sound: Any) -> Any:
    def enter(self: Any) -> Any:
        self._place, self._file = self.path, self.path.open("wb")
        return self

    return enter


def _without(*names: str) -> Callable[[Any], Any]:
    def make(sound: Any) -> Any:
        def checked(self: Any, record: Record) -> bytes:
            line: bytes = sound(self, {name: value for name, value in record.items() if name not in names})
            return line

        return checked

    return make


_ALL = [
    TraceMutant("second-version-passes", "records of version 2 are valid", "schema", (_record_seen_as(_in_first_version),)),
    TraceMutant("unknown-fields-pass", "fields that nobody knows are let through", "schema",
                (_fault_overlooked(lambda fault: "not known" in fault.problem),)),
    TraceMutant("whole-floats-are-integers", "1.0 passes where an integer is asked for", "schema",
                (_record_seen_as(_with_whole_numbers),)),
    TraceMutant("numbers-optional", "a session may end without saying what it took", "schema", (_record_seen_as(_with_numbers),)),
    TraceMutant("any-session-id", "any text is a session id", "session-id",
                (_fault_overlooked(lambda fault: fault.rule == "session-id"),)),
    TraceMutant("any-time", "any text is a time", "time",
                (_fault_overlooked(lambda fault: fault.rule == "time"), Swap(_RULES, "_is_time", lambda _: lambda _text: True))),
    TraceMutant("duplicate-keys-pass", "of two values under one key the last counts", "duplicate-key",
                (_scanner(object_pairs_hook=dict),)),
    TraceMutant("nan-passes", "NaN is a number", "number", (_scanner(parse_constant=float),)),
    TraceMutant("surrogates-pass", "half a surrogate pair is text", "encoding",
                (Swap(_LINES, "_refuse_surrogates", lambda _: lambda _value: None),)),
    TraceMutant("cut-off-passes", "a trace may break off", "bracketing", (Swap(_RULES, "Session.close", lambda _: lambda _self: None),)),
    TraceMutant("orphans-pass", "a result may answer a call that nobody made", "tool-result",
                (Swap(_RULES, "Session._tool_result", _orphans_pass),)),
    TraceMutant("decisions-unchecked", "a hook may block with exit code 0", "hook-decision", (_rule_overlooked("hook-decision"),)),
    TraceMutant("stop-reasons-unchecked", "a turn may stop for a tool that it does not ask for", "stop-reason",
                (_rule_overlooked("stop-reason"),)),
    TraceMutant("turns-unchecked", "turns may be left out, come twice or go back", "turns", (_rule_overlooked("turns"),)),
    TraceMutant("order-unchecked", "a prompt may come behind what answers it", "order", (_rule_overlooked("order"),)),
    TraceMutant("records-of-any-size", "a record may be of any size", "record-size", (Swap("apr.actions.reading", "LIMIT", lambda _: 1 << 40),)),
    TraceMutant("unended-lands", "a trace without its end may be put into its place", "writing",
                (Swap(_WRITING, "TraceWriter._refuse_findings", lambda _: lambda _self: None),)),
    TraceMutant("half-a-line-lands", "the last line is cut off", "writing", (Swap(_WRITING, "TraceWriter.land", _half_a_line),)),
    TraceMutant("written-in-place", "a trace is written where an older one is", "writing",
                (Swap(_WRITING, "TraceWriter.__enter__", _in_place),)),
    TraceMutant("fields-lost-in-writing", "a hook's output and a result's effects are not written", "round trip",
                (Swap(_WRITING, "TraceWriter._checked", _without("output", "side_effects")),)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
