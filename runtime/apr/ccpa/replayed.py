"""What a replay found out, as data and for people."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apr.actions.normalise import normalised
from apr.actions.tree import tree_sha256
from apr.agent.tools import NAMES
from apr.ccpa.replaying import BASH
from apr.console import escape, print_table
from apr.meter.card import print_card
from apr.meter.compare import compare
from apr.meter.sides import Side

if TYPE_CHECKING:
    from apr.ccpa.replaying import Replayed, Task
    from apr.meter.compare import Settings
    from apr.meter.report import Report
    from apr.sandbox import Attempt

SCHEMA = "ccpa-replay-v1"
_WIDEST = 120  # characters of a line that differs
# of attempts, for people; sockets in the file system lead to whoever listens there
_INSIDE = "stayed inside"
_THROUGH = {True: "refused, since somebody outside listens there", False: "reached whoever listens there"}


@dataclass(frozen=True)
class Outcome:
    """What a replay found out.

    Attributes:
        task: what was replayed.
        first: the replay.
        report: it against the recording.
        difference: where a second replay differs; nothing where it does not, None where there was none.
        attempts: of both; None where nobody watched.
    """

    task: Task
    first: Replayed
    report: Report
    difference: str | None
    attempts: tuple[Attempt, ...] | None

    @classmethod
    def of(cls, task: Task, first: Replayed, second: Replayed | None, settings: Settings) -> Outcome:
        """Compares a replay with the recording and, where there are two, with the other.

        Raises:
            UnusableInput: a tree cannot be read.
        """
        student = Side(first.entries, first.cwd, task.teacher.before, first.after, "run")
        difference = None if second is None else differing(first, second)
        runs = [first.confined] if second is None else [first.confined, second.confined]
        attempts = [run.attempts for run in runs if run.attempts is not None]
        seen = tuple(attempt for some in attempts for attempt in some) if len(attempts) == len(runs) else None
        return cls(task, first, compare(task.teacher, student, settings), difference, seen)

    @property
    def notes(self) -> list[str]:
        """What a reader should know about how it came about."""
        found = []
        isolation = self.first.confined.isolation
        if isolation.network is not None:
            found.append(f"the network was not kept away: {isolation.network}")
        if self.attempts is None:
            found.append(f"nobody watched what was tried: {isolation.watching}")
        used = {call for call in self.task.tools if call not in NAMES}
        if used:
            found.append(f"`apr code` has no tool {', '.join(sorted(used))}")
        if BASH in self.task.tools and not self.task.allow_bash:
            found.append("the session ran commands; they were refused (--allow-bash lets them run)")
        return found

    @property
    def outward(self) -> list[Attempt]:
        """The attempts at the network."""
        return [attempt for attempt in self.attempts or () if attempt.outward]

    @property
    def problems(self) -> list[str]:
        """Why it does not pass; nothing where it does."""
        found = []
        if self.report.verdict != "agrees":
            found.append("there was nothing to compare" if self.report.verdict == "vacuous" else "it drifted")
        if self.first.consumed != self.task.turns:
            found.append(f"{self.first.consumed} of {self.task.turns} recorded turns were consumed")
        if self.outward:
            found.append("the network was tried")
        if self.difference:
            found.append("two replays differ")
        return found

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        confined = self.first.confined
        return {
            "schema": SCHEMA,
            "passes": not self.problems,
            "problems": self.problems,
            "turns": {"recorded": self.task.turns, "consumed": self.first.consumed},
            **confined.isolation.as_json(),
            "attempts": None if self.attempts is None else [attempt.as_json() for attempt in self.attempts],
            "outward": None if self.attempts is None else len(self.outward),
            "files": self.first.changed,
            "deterministic": None if self.difference is None else not self.difference,
            "difference": self.difference or None,
            "exit_code": confined.returncode,
            "notes": self.notes,
            "diff": self.report.as_json(),
        }


def differing(first: Replayed, second: Replayed) -> str:
    """Where two replays differ, in one line; nothing where they do not. Identity, time and folder do not count."""
    lines = itertools.zip_longest(normalised(first.entries, first.cwd), normalised(second.entries, second.cwd))
    for number, (one, other) in enumerate(lines, 1):
        if one != other:
            sides = ["nothing" if line is None else line.decode() for line in (one, other)]
            start = next((place for place, (a, b) in enumerate(zip(*sides, strict=False)) if a != b), 0)
            begin = max(0, start - _WIDEST // 3)
            return f"line {number}: {' | '.join(side[begin : begin + _WIDEST].rstrip() for side in sides)}"
    if tree_sha256(first.after) != tree_sha256(second.after):
        paths = sorted({path for path, _ in set(first.after.items()) ^ set(second.after.items())})
        return f"the files that were left: {', '.join(paths)}"
    return ""


def print_outcome(outcome: Outcome) -> None:
    """Prints all of it to standard output."""
    problems = outcome.problems
    sys.stdout.write(f"{'NOT AS RECORDED: ' + escape('; '.join(problems)) if problems else 'AS RECORDED'}\n")
    for label, text in _facts(outcome):
        sys.stdout.write(f"{label + ':':11}{escape(text)}\n")
    isolated = outcome.first.confined.isolation.isolated
    groups: dict[str, list[Attempt]] = {
        "tried to reach the network": outcome.outward,
        _THROUGH[isolated]: [],
        _INSIDE: [],
    }
    for attempt in outcome.attempts or ():
        if not attempt.outward:
            groups[_INSIDE if attempt.loopback else _THROUGH[isolated]].append(attempt)
    for title, attempts in groups.items():
        if attempts:
            sys.stdout.write(f"\n{title}\n")
            rows = [(one.program, str(one.pid), one.protocol, one.target, str(one.times)) for one in attempts]
            print_table(("program", "pid", "protocol", "target", "times"), rows, right=(1, 4))
    sys.stdout.write("\n")
    print_card(outcome.report)


def _facts(outcome: Outcome) -> list[tuple[str, str]]:
    isolation = outcome.first.confined.isolation
    changed = [f"{path} {what}" for path, what in outcome.first.changed.items()]
    facts = [
        ("turns", f"{outcome.first.consumed} of {outcome.task.turns} consumed"),
        ("files", ", ".join(changed) or "none changed"),
        ("network", "only loopback" if isolation.isolated else "NOT ISOLATED"),
    ]
    if outcome.attempts is not None:
        facts.append(("tried", f"{len(outcome.outward)} addresses or names of the network"))
    if outcome.difference is not None:
        facts.append(("twice", outcome.difference or "the same"))
    return facts + [("note", note) for note in outcome.notes]
