"""The falsifier of claims whose test is a command: it is handed what any falsifier is handed."""

from __future__ import annotations

import re
import shlex
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from pv.pattern import lazy
from pv.shelltest.plan import Plan, plan_of
from pv.shelltest.running import Finished, run, search_path
from pv.signals import Inconclusive, Refuted
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from pv.evidence import Evidence
    from pv.limits import ShellLimits
    from pv.parse import Claim, Mutant

_LINES, _CHARACTERS = 10, 2000  # of the output that a verdict quotes
_NOT_FOUND, _NOT_RUN = 127, 126  # as shells say that a program is not there, or cannot be run
_BY_SIGNAL = 128  # shells add the signal's number to it
# how programs say that there was no memory: it is a limit of ours, and no verdict on the claim
_NO_MEMORY = lazy(
    r"\bMemoryError\b|cannot allocate|out of memory|memory exhausted|bad_alloc|memory allocation of \d+ bytes",
    re.IGNORECASE,
)


def runs_as_written(
    claim: Claim, mutant: Mutant | None, evidence: Evidence, pv_shell_tests: tuple[Path, ShellLimits]
) -> None:
    """Run the command of a claim, once.

    Raises:
        Refuted: it ended with another status than 0.
        Inconclusive: it cannot be run, was beyond a limit, or would have to be run on a mutant.
        UsageProblem: a signal ended it.
    """
    if mutant is not None:
        raise Inconclusive("unbound", f"its test is a command, in which the fault {mutant.id!r} cannot be planted")
    project, limits = pv_shell_tests
    if "\0" in claim.test:
        raise Inconclusive("not runnable", "its command holds a NUL character")
    plan = plan_of(claim.test, project, search_path())
    evidence.report(shell_test=list(plan.argv), read_by=plan.shell or "nobody")
    if plan.shell:
        _read_by_a_shell(plan, project, limits)
    done = run(plan.argv, project, limits)
    _within_limits(done, limits)
    evidence.report(exit_status=done.status)
    shown = claim.test.strip() if plan.shell else shlex.join(plan.argv)
    number = -done.status if done.status < 0 else done.status - _BY_SIGNAL
    # a shell passes 255 and its like on, which are no signal's
    if done.status < 0 or (plan.shell and number in signal.valid_signals()):
        raise UsageProblem(f"{shown}: ended by {_signal(number)}{_quoted(done.output)}")
    evidence.compared(1, "exit statuses")
    if done.status:
        raise Refuted(f"{shown}: ended with {done.status}{_quoted(done.output)}", status=done.status)


def _read_by_a_shell(plan: Plan, project: Path, limits: ShellLimits) -> None:
    """Ask the shell whether it can read the text at all; a sentence that looks like a command refutes nothing."""
    done = run((plan.argv[0], "-n", *plan.argv[1:]), project, replace(limits, seconds=min(limits.seconds, 10.0)))
    if done.status:
        raise Inconclusive("not runnable", f"{plan.shell} cannot read its command{_quoted(done.output)}")


def _within_limits(done: Finished, limits: ShellLimits) -> None:
    if done.over == "time":
        raise Inconclusive("time limit", f"its command was ended after {limits.seconds:g} s{_quoted(done.output)}")
    if done.over == "output":
        raise Inconclusive("output limit", f"its command printed more than it may{_quoted(done.output)}")
    if done.status and _NO_MEMORY.search(done.output):
        allowed = f"{limits.memory >> 20} MiB a process"
        raise Inconclusive("memory limit", f"its command says that there is no memory; it has {allowed}")
    if done.status in (_NOT_FOUND, _NOT_RUN):
        raise Inconclusive("no program", f"its command names a program that cannot be run{_quoted(done.output)}")


def _quoted(output: str) -> str:
    """The last lines of what it printed, behind a colon."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()][-_LINES:]
    text = " | ".join(lines)
    return f": {text if len(text) <= _CHARACTERS else '…' + text[-_CHARACTERS:]}" if text else ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
