"""Faults of the agent, of what confines it, and of how it is measured: a recording given wrongly, a folder left, a run that was none."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apr.mutants.swapping import Swap, TraceMutant
from apr.mutants.traces import MUTANTS as OF_TRACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_RECORDED, _EMISSION, _CONFINEMENT = "apr.agent.drivers.recorded", "apr.agent.emission", "apr.agent.confinement"
_TRIAL, _REPLAYED = "apr.ccpa.trial", "apr.ccpa.replayed"
_RUNNING, _NORMALISE = "apr.sandbox.running", "apr.actions.normalise"


def _turns(change: Callable[[list[Any], Callable[[], Any]], list[Any]]) -> Swap:
    """Other turns are taken from a recording; the second argument makes the first of them once more, with new ids."""

    def make(sound: Any) -> Any:
        def init(self: Any, entries: Iterable[Any], where: str, ids: Callable[[], str]) -> None:
            kept = list(entries)
            sound(self, kept, where, ids)

            def again() -> Any:
                other: Any = object.__new__(type(self))
                sound(other, kept, where, ids)
                return other._turns[0]  # noqa: SLF001 - what the mutants spoil

            self._turns = change(self._turns, again)

        return init

    return Swap(_RECORDED, "Recorded.__init__", make)


def _never_short(sound: Any) -> Any:
    def answer(self: Any, *given: Any) -> Any:
        from apr.agent.messages import END_TURN, Text, Turn  # noqa: PLC0415 - only a planted fault needs it

        return sound(self, *given) if self.given < self.count else Turn((Text("Done."),), END_TURN)

    return answer


def _one_stop_reason(sound: Any) -> Any:
    def record(self: Any, event: Any) -> Any:
        made = sound(self, event)
        return (
            made | {"stop_reason": "end_turn"} if made.get("stop_reason") in {"max_tokens", "stop_sequence"} else made
        )

    return record


def _read_anywhere(_sound: Any) -> Any:
    def read(self: Any, given: str, _limit: int) -> tuple[str, bytes]:
        return given, (self.root / given).read_bytes()

    return read


def _written_anywhere(_sound: Any) -> Any:
    def replace(self: Any, given: str, content: bytes, **_more: Any) -> tuple[str, bool]:
        (self.root / given).write_bytes(content)
        return given, True

    return replace


def _through_links(sound: Any) -> Any:
    """Only the letters of a path are looked at."""

    def read(self: Any, given: str, limit: int) -> tuple[str, bytes]:
        inside = not given.startswith("/") and ".." not in given.split("/")
        if inside and (self.root / given).is_file():
            return given, (self.root / given).read_bytes()
        found: tuple[str, bytes] = sound(self, given, limit)
        return found

    return read


def _with_the_network(sound: Any) -> Any:
    def init(self: Any, request: dict[str, Any] | None, *more: Any, **named: Any) -> None:
        sound(self, None if request is None else request | {"network": False, "names": False}, *more, **named)

    return init


def _unrecorded(sound: Any) -> Any:
    def confined(*given: Any, **more: Any) -> Any:
        found = sound(*given, **more)
        return found if found.attempts is None else dataclasses.replace(found, attempts=())

    return confined


def _first_record(change: Callable[[dict[str, Any], Any], dict[str, Any]], kind: str = "session_start") -> Swap:
    """A student's trace is checked as if some of it said something else."""

    def make(sound: Any) -> Any:
        def check(side: Any, teacher: Any, *more: Any) -> None:
            from apr.actions.trace import Entry  # noqa: PLC0415 - only a planted fault needs it

            entries = [
                Entry(line, change(dict(record), teacher)) if record["kind"] == kind else Entry(line, record)
                for line, record in side.entries
            ]
            sound(dataclasses.replace(side, entries=entries), teacher, *more)

        return check

    return Swap(_TRIAL, "_check_origin", make)


def _of_now(record: dict[str, Any], teacher: Any) -> dict[str, Any]:
    if record["session_id"] == teacher.producer.session_id:
        return record
    born = f"{int(time.time() * 1000):012x}"
    session = f"{born[:8]}-{born[8:]}-{record['session_id'][14:]}"
    return record | {"session_id": session, "ts": datetime.now(UTC).isoformat()}


def _another_session(record: dict[str, Any], _teacher: Any) -> dict[str, Any]:
    last = "0" if record["session_id"][-1] != "0" else "1"
    return record | {"session_id": record["session_id"][:-1] + last}


def _as_if_it_ran(sound: Any) -> Any:
    """Where a student wrote nothing its teacher's trace is held against itself, as the upstream's program does in effect."""

    def measure(lesson: Any, student: Any, terms: Any, folder: Path, tick: Any) -> Any:
        from apr.ccpa.trial import NotMeasured, Trial  # noqa: PLC0415 - only a planted fault needs it
        from apr.meter.compare import compare  # noqa: PLC0415
        from apr.meter.sides import load_side  # noqa: PLC0415
        from apr.sandbox import Confined, Isolation  # noqa: PLC0415

        try:
            return sound(lesson, student, terms, folder, tick)
        except NotMeasured as refused:
            if "no trace" not in refused.problem:
                raise
        for name in ("teacher", "student"):
            shutil.copyfile(lesson.trace, folder / f"{name}.ccpa-trace.jsonl")
        side = load_side(lesson.trace)
        return Trial(compare(side, side), 0.0, Confined(0, "", "", (), Isolation()), "0" * 64)

    return measure


def _tree_of_nothing(_sound: Any) -> Any:
    return lambda _tree: hashlib.sha256(b"").hexdigest()


def _kept(field: str) -> tuple[Swap, ...]:
    """One field counts that a placeholder should stand for."""

    def make(sound: Any) -> Any:
        def normalised(entries: Iterable[Any], cwd: Any = None) -> Any:
            kept = list(entries)
            for entry, line in zip(kept, sound(kept, cwd), strict=True):
                yield line + entry.record.get(field, "").encode()

        return normalised

    return (Swap(_NORMALISE, "normalised", make),)


def _without_arguments(sound: Any) -> Any:
    def plain(block: dict[str, Any]) -> dict[str, Any]:
        return {**block, "input": {}} if block["type"] == "tool_use" else block

    def normalised(entries: Iterable[Any], cwd: Any = None) -> Any:
        asked = []
        for entry in entries:
            blocks = [plain(block) for block in entry.record.get("blocks", ())]
            asked.append(entry._replace(record={**entry.record, "blocks": blocks}) if blocks else entry)
        return sound(asked, cwd)

    return normalised


def _without_results(sound: Any) -> Any:
    def normalised(entries: Iterable[Any], cwd: Any = None) -> Any:
        kept = [
            entry._replace(record={**entry.record, "content": ""}) if entry.record["kind"] == "tool_result" else entry
            for entry in entries
        ]
        return sound(kept, cwd)

    return normalised


def _unrefusing(sound: Any) -> Any:
    """Nobody watches, so that nobody refuses."""

    def init(self: Any, request: dict[str, Any] | None, *more: Any, **named: Any) -> None:
        sound(self, None if request is None else request | {"watch": False}, *more, **named)

    return init


_ALL = [
    TraceMutant("turn-skipped", "the second turn of a recording is left out", "answers",
                (_turns(lambda turns, _again: [*turns[:1], *turns[2:]] if len(turns) > 2 else turns),)),
    TraceMutant("turn-repeated", "the first turn of a recording is given twice", "answers",
                (_turns(lambda turns, again: [turns[0], again(), *turns[1:]] if len(turns) > 1 else turns),)),
    TraceMutant("leftovers-unnoticed", "turns that are left over are nobody's business", "left over",
                (Swap(_RECORDED, "Recorded.finish", lambda _: lambda _self: None),)),
    TraceMutant("shortage-unnoticed", "where a recording has no more turns one is made up", "too few",
                (Swap(_RECORDED, "Recorded.answer", _never_short),)),
    TraceMutant("stop-reason-fixed", "an answer that was cut off is traced as one that ended", "stop reason",
                (Swap(_EMISSION, "Emission._record", _one_stop_reason),)),
    TraceMutant("tools-always-succeed", "a tool that failed is traced as one that did not", "results",
                (Swap(_EMISSION, "_result", lambda sound: lambda event: sound(event) | {"ok": True}),)),
    TraceMutant("session-id-fixed", "every session has the same id", "emission",
                (Swap("apr.actions.identity", "uuid7", lambda _: lambda *_given: "01932b5e-7c00-7a11-8b22-0123456789ab"),)),
    TraceMutant("tree-hash-of-nothing", "whatever is in the folder, the trace has the hash of nothing", "emission",
                (Swap("apr.actions.tree", "tree_sha256", _tree_of_nothing),)),
    TraceMutant("folder-not-confined", "a path may lead anywhere", "folder",
                (Swap(_CONFINEMENT, "Confinement.read", _read_anywhere), Swap(_CONFINEMENT, "Confinement.replace", _written_anywhere))),
    TraceMutant("links-followed", "a link may lead anywhere", "folder", (Swap(_CONFINEMENT, "Confinement.read", _through_links),)),
    TraceMutant("namespace-not-entered", "a program is said to have no network, and has it", "network",
                (Swap(_RUNNING, "_Warden.__init__", _with_the_network),)),
    TraceMutant("attempts-unrecorded", "no attempt is ever listed", "attempts", (Swap(_RUNNING, "_confined", _unrecorded),)),
    TraceMutant("attempts-pass-the-gate", "a replay that tried the network passes", "gate",
                (Swap(_REPLAYED, "Outcome.outward", lambda _: property(lambda _outcome: [])),)),
    TraceMutant("results-forgotten", "what tools said does not count when two replays are compared", "another result of the same call",
                (Swap(_NORMALISE, "normalised", _without_results),)),
    TraceMutant("calls-undistinguished", "which call a result is of does not count when two replays are compared",
                "results of two calls exchanged", (Swap(_NORMALISE, "_Normaliser._number", lambda _: lambda *_given: "<TOOL>"),)),
    TraceMutant("old-sockets-reached", "a socket of the file system from before is let through", "sockets",
                (Swap(_RUNNING, "_Warden.__init__", _unrefusing),)),
    TraceMutant("trees-unread", "what two replays left in their folders is not compared", "other files behind the same words",
                (Swap(_REPLAYED, "differing", lambda sound: lambda first, second: sound(first, second._replace(after=first.after))),)),
    TraceMutant("call-ids-kept", "ids of calls count when two replays are compared", "placeholders", _kept("tool_use_id")),
    TraceMutant("session-kept", "session ids count when two replays are compared", "placeholders", _kept("session_id")),
    TraceMutant("arguments-forgotten", "what tools were asked for does not count when two replays are compared",
                "wall clock in a tool's argument", (Swap(_NORMALISE, "normalised", _without_arguments),)),
    TraceMutant("no-trace-measured", "a student that wrote no trace did what its teacher did", "no trace",
                (Swap(_TRIAL, "measure", _as_if_it_ran),)),
    TraceMutant("copies-measured", "a copy of the teacher's trace is taken", "the teacher's own trace", (_first_record(_another_session),)),
    TraceMutant("stale-traces-measured", "a trace of any time is taken", "a trace of an earlier run", (_first_record(_of_now),)),
    TraceMutant("foreign-prompts-measured", "a trace of any prompt is taken", "a trace of another prompt",
                (_first_record(lambda record, teacher: record | {"text": teacher.prompts[0]}, "user_prompt"),)),
    TraceMutant("foreign-trees-measured", "a trace of any tree is taken", "a trace of another tree",
                (_first_record(lambda record, teacher: record | {"cwd_sha256": teacher.cwd_sha256}),)),
    TraceMutant("text-only-measured", "words are taken where tools were called", "text where the teacher called tools",
                (Swap(_TRIAL, "_calls", lambda _: lambda _side: 0),)),
    TraceMutant("invalid-traces-measured", "a trace that breaks the schema is taken", "a trace that is not valid",
                OF_TRACES["unknown-fields-pass"].swaps),
    TraceMutant("failures-measured", "it does not count how a student ended", "a student that failed",
                (Swap(_TRIAL, "_check_ending", lambda _: lambda *_given: None),)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
