"""What claims wait for, looked for in the world: a file, a package, a program, a variable, a day, or what a probe says."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pv.words import CONDITIONS, NOTE, did_you_mean

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pv.config import Config
    from pv.parse import Claim

UNTIL = "until"
_PROBE_SECONDS = 20.0
_CANNOT_RUN = (126, 127)  # what a shell, and so a wrapper of a program, exits with where it cannot start one
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class State(StrEnum):
    """What became of a condition."""

    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a claim waits for."""

    kind: str
    value: str
    note: str = ""

    def __str__(self) -> str:
        """The condition as reports name it: `package torch`."""
        return f"{self.kind} {self.value}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition and what the world says of it; `why`, where that is not plain."""

    condition: Condition
    state: State
    why: str = ""


def conditions(claim: Claim) -> tuple[Condition, ...]:
    """What a claim waits for, in the order of the file; an entry that the rules refuse is left out."""
    found = []
    for entry in claim.pending:
        named = [(key, value) for key, value in entry.items() if key != NOTE]
        if len(named) == 1 and isinstance(named[0][1], str):
            found.append(Condition(*named[0], note=str(entry.get(NOTE) or "")))
    return tuple(found)


def check(condition: Condition, config: Config, now: datetime, seconds: float = _PROBE_SECONDS) -> Checked:
    """Look for one condition. A probe of the project may run for `seconds`; what cannot be told is unknown, never met."""
    look = _LOOKS.get(condition.kind)
    try:
        if condition.kind == UNTIL:
            state, why = _day(condition.value, now)
        elif look is not None:
            state, why = look(condition.value, config.root)
        else:
            state, why = _probe(condition, config, seconds)
    except (
        ImportError,
        OSError,
        ValueError,
    ) as problem:  # a folder that cannot be searched, a name that nothing can have
        state, why = State.UNKNOWN, getattr(problem, "strerror", None) or str(problem)
    return Checked(condition, state, why)


class World:
    """The world as one report sees it: each condition is looked for once."""

    def __init__(self, config: Config, now: datetime) -> None:
        self._config, self._now = config, now
        self._seen: dict[tuple[str, str], Checked] = {}

    def check(self, claim: Claim) -> tuple[Checked, ...]:
        """What the world says of everything that a claim waits for."""
        return tuple(map(self._check, conditions(claim)))

    def _check(self, condition: Condition) -> Checked:
        key = condition.kind, condition.value
        if key not in self._seen:
            self._seen[key] = check(condition, self._config, self._now)
        seen = self._seen[key]
        return Checked(condition, seen.state, seen.why)


def _day(text: str, now: datetime) -> tuple[State, str]:
    return (State.MET if now.date() > date.fromisoformat(text) else State.UNMET), ""


def _file(pattern: str, root: Path) -> tuple[State, str]:
    """Met by any file that is there, through links or not; a link to nothing is none."""
    import glob  # noqa: PLC0415  only few claims wait for files

    unset = [name for name in _VARIABLE.findall(pattern) if not os.environ.get(name)]
    if unset:
        return State.UNMET, f"${{{unset[0]}}} is not set"
    home = str(Path("~").expanduser())
    if pattern == "~" or pattern.startswith("~/"):
        pattern = glob.escape(home) + pattern[1:]
    pattern = _VARIABLE.sub(lambda found: glob.escape(os.environ[found[1]]), pattern)
    names = glob.iglob(pattern, root_dir=root)  # noqa: PTH207  Path.glob takes no absolute pattern
    there = any((root / name).exists() for name in names)
    return (State.MET if there else State.UNMET), ""


def _package(name: str, _root: Path) -> tuple[State, str]:
    """Met by an installed distribution of that name, or by a module, which is not imported; a bare folder is no module."""
    from importlib import metadata, util  # noqa: PLC0415  only few claims wait for packages

    with contextlib.suppress(metadata.PackageNotFoundError):
        metadata.distribution(name)
        return State.MET, ""
    if not name.isidentifier():  # to look for a part of a package would import the package
        return State.UNMET, ""
    found = util.find_spec(name)
    return (State.MET if found is not None and found.origin is not None else State.UNMET), ""


def _program(name: str, _root: Path) -> tuple[State, str]:
    import shutil  # noqa: PLC0415  slow to import, and seldom needed

    return (State.MET if shutil.which(name) else State.UNMET), ""


def _env(name: str, _root: Path) -> tuple[State, str]:
    return (State.MET if os.environ.get(name) else State.UNMET), ""


def _probe(condition: Condition, config: Config, seconds: float) -> tuple[State, str]:
    """Ask a program of the project's own configuration; the contract gives the word that it is asked about, and no more."""
    vector = config.probes.get(condition.kind)
    if vector is None:
        fix = did_you_mean(condition.kind, (*CONDITIONS, *config.probes)) or "add it"
        return State.UNKNOWN, f"[tool.pv.probes] has no {condition.kind!r}: {fix}"
    if condition.value.startswith("-"):
        return State.UNKNOWN, "a word that begins with '-' would be an option of the probe"
    command = [part.replace("{}", condition.value) for part in vector]
    try:
        code = _exit_code(command, config.root, seconds)
    except (OSError, ValueError) as problem:
        return State.UNKNOWN, f"{command[0]} cannot be run: {getattr(problem, 'strerror', None) or problem}"
    if code is None:
        return State.UNKNOWN, f"{command[0]} did not end within {seconds:g} s"
    if code < 0 or code in _CANNOT_RUN:
        return State.UNKNOWN, f"{command[0]} ended with {code}"
    return (State.UNMET if code else State.MET), ""


def _exit_code(command: Sequence[str], root: Path, seconds: float) -> int | None:
    """What a program exits with, below zero if a signal ended it; None if it was stopped because its time was over.

    Raises:
        OSError: it cannot be started.
    """
    import subprocess  # noqa: PLC0415  slow to import, and seldom needed

    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=root, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=os.name == "posix"
    ) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with all that it started."""
    if os.name != "posix":
        process.kill()
        return
    os.killpg(process.pid, signal.SIGKILL)


_LOOKS: dict[str, Callable[[str, Path], tuple[State, str]]] = {
    "file": _file,
    "package": _package,
    "program": _program,
    "env": _env,
}
