"""What the records of a trace must say together: who comes first, whose turn it is, what answers what."""

from __future__ import annotations

import calendar
import hashlib
from typing import TYPE_CHECKING

from apr.actions.trace import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.actions.trace import Record

# every rule that a finding may name, and what it asks
RULES = {
    "encoding": "a trace is text in UTF-8 without a byte order mark, packed by nothing, and holds no half of a surrogate pair",
    "record-size": "a line has at most 16 MiB",
    "json": "a line is one JSON value and nothing behind it, nested at most 127 levels deep",
    "duplicate-key": "an object holds each key once",
    "number": "a number is finite, fits a float where it has a fraction or exponent, and has at most 4300 digits",
    "schema": "a record has the fields that its kind has in the JSON Schema, and no others",
    "session-id": "session_id is a UUID of version 7, in lower case",
    "time": "ts is RFC 3339 in UTC, ends in Z, and is a time that there is",
    "bracketing": "the first record is the one session_start, the last is the one session_end",
    "order": "behind session_start stand only SessionStart hooks until the first user_prompt; everything else stands behind that",
    "turns": "assistant turns are 1, 2, 3 …; no turn goes back, and nothing is more than one ahead of the last assistant turn",
    "tool-id": "each tool_use has an id of its own",
    "tool-result": "each tool_use has exactly one result before the next assistant turn, prompt or end, but where the session broke off",
    "stop-reason": "an assistant turn stops for tool_use where it holds one, and the session ends as its last assistant turn did, or by error",
    "hook-decision": "a hook that allows leaves with 0, one that warns with 1, one that blocks with 2",
}
_EXIT_CODES = {"allow": 0, "warn": 1, "block": 2}
_LONG_ID = 64  # of what is longer only a hash is kept


class Session:
    """The records of one trace, taken in one after the other; remembers the ids of calls, and nothing else that grows.

    Attributes:
        found: what the last record broke; whoever takes it empties the list.
    """

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self._line = 0
        self._begun = self._ended = False
        self._started = False  # session_start was there
        self._gap = False  # the last line was no record
        self._lost = False  # some line was no record: a call or a turn may have stood there
        self._excused = False  # and a result, since the last assistant turn
        self._prompt: int | None = None  # the turn of the last prompt
        self._turn = 0  # that was reached
        self._answers = 0  # the last assistant turn's number
        self._stop: str | None = None  # why the last assistant turn stopped
        self._open: dict[str, int] = {}  # calls without a result, and by which turn they were made
        self._ids: set[str | bytes] = set()
        self._take: dict[str, Callable[[Record], None]] = {
            "session_start": self._session_start,
            "user_prompt": self._user_prompt,
            "assistant_turn": self._assistant_turn,
            "tool_result": self._tool_result,
            "session_end": self._session_end,
            "hook_event": self._hook_event,
            "skill_invocation": self._skill_invocation,
        }

    def feed(self, line: int, record: Record) -> None:
        """Takes in a record.

        Args:
            line: where it stands, from 1.
            record: valid by the schema.
        """
        self._line, kind = line, record["kind"]
        if self._ended:
            self._say("bracketing", f"{kind} stands behind the session_end")
        elif not self._begun and kind != "session_start":
            self._say("bracketing", f"the first record is {kind}, not session_start")
        elif kind == "session_start" and (self._started or (self._begun and not self._lost)):
            self._say("bracketing", "a session_start that is not the first record", hint="one trace a file")
        self._begun, self._gap = True, False
        if not self._ended:
            self._take[kind](record)

    def gap(self, line: int) -> None:
        """Takes note of a line that is no record: nothing is said of what it may have been."""
        self._line = line
        self._begun = self._gap = self._lost = self._excused = True

    def close(self) -> None:
        """Takes note that nothing follows."""
        if not self._begun:
            self._say("bracketing", "holds no record")
        elif not self._ended and not self._gap:
            self._say("bracketing", "ends without session_end", hint="the run broke off, or the file was cut")

    def _say(self, rule: str, problem: str, path: str = "$", hint: str = "") -> None:
        self.found.append(Finding(self._line, path, rule, problem, hint))

    def _session_start(self, record: Record) -> None:
        self._started = True
        if not _is_time(record["ts"]):
            self._say("time", f"there is no such time: {record['ts']}", "$.ts")

    def _user_prompt(self, record: Record) -> None:
        self._settle("user_prompt")
        turn: int = record["turn"]
        if self._prompt is None:
            if turn and not self._lost:
                self._say("turns", f"is {turn}; the first prompt is turn 0", "$.turn")
        elif turn <= self._prompt:
            self._say("turns", f"is {turn}; the prompt before it was turn {self._prompt}", "$.turn")
        else:
            self._reach(turn)
        self._prompt = turn

    def _assistant_turn(self, record: Record) -> None:
        self._settle("assistant_turn")
        self._need_prompt("assistant_turn")
        turn: int = record["turn"]
        if turn != self._answers + 1 and not self._lost:
            self._say("turns", f"is {turn}; the next assistant turn is {self._answers + 1}", "$.turn")
        if turn > self._answers:
            self._turn = self._answers = turn
        calls = [(place, block["id"]) for place, block in enumerate(record["blocks"]) if block["type"] == "tool_use"]
        for place, name in calls:
            self._call(place, name, turn)
        self._stop = record["stop_reason"]
        if calls and self._stop != "tool_use":
            self._say("stop-reason", f"is {self._stop}, and the turn asks for a tool", "$.stop_reason")
        elif not calls and self._stop == "tool_use":
            self._say("stop-reason", "is tool_use, and the turn asks for no tool", "$.stop_reason")

    def _call(self, place: int, name: str, turn: int) -> None:
        known = name if len(name) <= _LONG_ID else hashlib.sha256(name.encode()).digest()
        if known in self._ids:
            self._say("tool-id", f"{_short(name)} was used before", f"$.blocks[{place}].id")
        self._ids.add(known)
        self._open[name] = turn

    def _tool_result(self, record: Record) -> None:
        name = record["tool_use_id"]
        asked = self._open.pop(name, None)
        if asked is None:
            known = name if len(name) <= _LONG_ID else hashlib.sha256(name.encode()).digest()
            if known in self._ids:
                self._say("tool-result", f"a result for {_short(name)}, which waits for none", "$.tool_use_id")
            elif not self._lost:
                self._say("tool-result", f"no tool_use has the id {_short(name)}", "$.tool_use_id")
        elif record["turn"] != asked + 1:
            problem = f"is {record['turn']}; the result of a call of turn {asked} belongs to turn {asked + 1}"
            self._say("turns", problem, "$.turn")
        else:
            self._turn = asked + 1

    def _session_end(self, record: Record) -> None:
        turn, stop = record["turn"], record["stop_reason"]
        if stop != "error":
            self._settle("session_end")
        self._need_prompt("session_end")
        if not self._lost:
            self._check_end(turn, stop)
        self._ended = True

    def _check_end(self, turn: int, stop: str) -> None:
        fitting = {self._answers, self._answers + 1} if stop == "error" else {self._answers}
        if turn not in fitting or turn < self._turn:
            expected = max(self._answers, self._turn)
            self._say("turns", f"is {turn}; the last turn was {expected}", "$.turn")
        if stop == "error":
            return
        if self._stop is None:
            self._say("stop-reason", f"is {stop}, and the model never answered; only error fits", "$.stop_reason")
        elif self._stop == "tool_use":
            problem = f"is {stop}, and the last assistant turn waits for tools; only error fits"
            self._say("stop-reason", problem, "$.stop_reason")
        elif stop != self._stop:
            self._say("stop-reason", f"is {stop}; the last assistant turn's is {self._stop}", "$.stop_reason")

    def _hook_event(self, record: Record) -> None:
        decision, code = record["decision"], record["exit_code"]
        if code != _EXIT_CODES[decision]:
            self._say("hook-decision", f"is {code}; {decision} is {_EXIT_CODES[decision]}", "$.exit_code")
        if record["event"] != "SessionStart":
            self._need_prompt(f"a hook of {record['event']}")
            self._reach(record["turn"])
            return
        if self._prompt is not None:
            self._say("order", "a hook of SessionStart stands behind a user_prompt", "$.event")
        if record["turn"]:
            self._say("turns", f"is {record['turn']}; a hook of SessionStart is turn 0", "$.turn")

    def _skill_invocation(self, record: Record) -> None:
        self._need_prompt("skill_invocation")
        self._reach(record["turn"])

    def _need_prompt(self, what: str) -> None:
        if self._prompt is None and not self._lost:
            self._say("order", f"{what} stands before the first user_prompt")
        if self._prompt is None:
            self._prompt = 0  # said once

    def _reach(self, turn: int) -> None:
        """A turn that a record is of which may stand between others."""
        if turn < self._turn:
            self._say("turns", f"is {turn}, and turn {self._turn} was reached before", "$.turn")
        elif turn > self._answers + 1 and not self._lost:
            self._say("turns", f"is {turn}, and the last assistant turn is {self._answers}", "$.turn")
        else:
            self._turn = turn

    def _settle(self, what: str) -> None:
        """Nothing may be left open when something comes that knows all results."""
        for name, turn in () if self._excused else self._open.items():
            self._say("tool-result", f"{what} comes before the result of {_short(name)}, which turn {turn} asked for")
        self._open.clear()
        self._excused = False


def _short(name: str) -> str:
    return repr(name if len(name) <= _LONG_ID else f"{name[:_LONG_ID]}…")


def _is_time(text: str) -> bool:
    """True where a text that looks like a time in UTC is one; a leap second is, at the end of June and December."""
    year, month, day, hour, minute, second = (
        int(text[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))
    )
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return False
    if second == 60:
        return (hour, minute) == (23, 59) and (month, day) in {(6, 30), (12, 31)}
    return hour < 24 and minute < 60 and second < 60
