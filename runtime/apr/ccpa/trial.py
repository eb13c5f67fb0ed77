"""One measurement: a student runs for real, and the trace that it wrote is believed only where it can be of this run."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from apr.actions.trace import InvalidTrace
from apr.actions.tree import snapshot, tree_sha256
from apr.ccpa.copying import copy_tree
from apr.errors import AprError, UnusableInput
from apr.meter.compare import Settings, compare
from apr.meter.files import final_state, mutation_drifts
from apr.meter.meta import META
from apr.meter.pairs import STUDENT, TEACHER
from apr.meter.sides import Side, load_side
from apr.sandbox import Confined, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.actions.tree import Tree
    from apr.ccpa.students import Student
    from apr.meter.report import Report

_SLACK = 1.0  # seconds; a trace may give its time in whole ones
_LAST_LINES, _LAST_CHARACTERS = 5, 600  # of what a student said, that a message quotes


class NotMeasured(AprError):
    """There is nothing that could be compared; the message says why."""


@dataclass(frozen=True)
class Lesson:
    """What a student is given, and what it is held against.

    Attributes:
        name: of the pair's folder, or of the trace's file.
        trace: the teacher's.
        before: the folder that it started from; None for an empty one.
        after: the folder that it left, where somebody kept it.
        cwd: where it worked, where somebody says so.
        source: `authored` or `run`, where somebody says so.
    """

    name: str
    trace: Path
    before: Path | None = None
    after: Path | None = None
    cwd: PurePosixPath | None = None
    source: str | None = None


@dataclass(frozen=True)
class Terms:
    """How a student is run and compared.

    Attributes:
        timeout: seconds that it may take.
        no_network: keep the network from it, and watch what it tries.
        actor: what its trace has to say of itself.
        settings: of the meter.
    """

    timeout: float
    no_network: bool
    actor: str
    settings: Settings


@dataclass(frozen=True)
class Trial:
    """A student that ran, and what came of it.

    Attributes:
        report: the comparison.
        seconds: wall time.
        ran: how it ended, and what it tried to reach.
        trace_sha256: of the trace that it wrote.
    """

    report: Report
    seconds: float
    ran: Confined
    trace_sha256: str

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        attempts = self.ran.attempts
        return {
            "seconds": round(self.seconds, 3),
            "exit_code": self.ran.returncode,
            "trace_sha256": self.trace_sha256,
            "network": self.ran.isolation.as_json()
            | {"attempts": None if attempts is None else [one.as_json() for one in attempts]},
            "report": self.report.as_json(),
        }


def measure(lesson: Lesson, student: Student, terms: Terms, folder: Path, tick: Callable[[], None]) -> Trial:
    """Runs a student on its teacher's prompt, and compares the trace that it wrote.

    Args:
        lesson: the teacher's side.
        student: who is to do it.
        terms: how.
        folder: an empty folder; afterwards a pair in the layout of `apr.meter.pairs`.
        tick: called while the student runs.

    Raises:
        NotMeasured: the student failed, or what it left cannot be believed.
        UnusableInput: the teacher's trace or tree cannot be used.
        AprError: the network cannot be kept from it here.
    """
    before = snapshot(_before(lesson, folder))
    teacher = load_side(
        lesson.trace,
        cwd=lesson.cwd,
        before=before,
        after=snapshot(lesson.after) if lesson.after is not None else None,
        source=lesson.source,
    )
    _check_teacher(teacher, before, lesson)
    work = (folder / "student-after").resolve()
    copy_tree(before.root, work)
    if tree_sha256(snapshot(work)) != teacher.cwd_sha256:
        raise UnusableInput("changed while it was copied", where=str(before.root), hint="try again")
    trace = folder.resolve() / STUDENT
    begun, started = time.time(), time.monotonic()
    ran = run(
        student.called(teacher.prompts[0], trace, work),
        cwd=work,
        timeout=terms.timeout,
        watch=terms.no_network,
        isolate=terms.no_network,
        on_wait=tick,
    )
    seconds, ended = time.monotonic() - started, time.time()
    _check_ending(ran, terms.timeout)
    side = _read(trace, PurePosixPath(work), before)
    _check_origin(side, teacher, terms.actor, (begun - _SLACK, ended + _SLACK), seconds)
    _check_files(side)
    _keep(lesson, folder, work)
    digest = hashlib.sha256(trace.read_bytes()).hexdigest()
    return Trial(compare(teacher, side, terms.settings), seconds, ran, digest)


def _before(lesson: Lesson, folder: Path) -> Path:
    """The folder to start from, in the pair's folder."""
    kept = folder / "before"
    if lesson.before is None:
        kept.mkdir()
    else:
        snapshot(lesson.before)  # so that nothing is copied that has no content to copy, like a pipe
        copy_tree(lesson.before, kept)
    return kept


def _check_teacher(teacher: Side, before: Tree, lesson: Lesson) -> None:
    if len(teacher.prompts) != 1:
        raise UnusableInput(f"has {len(teacher.prompts)} prompts, and a student is given one", where=str(lesson.trace))
    given = tree_sha256(before)
    if given != teacher.cwd_sha256:
        raise UnusableInput(
            f"started from tree {teacher.cwd_sha256[:12]}…, and the student would from {given[:12]}…",
            where=str(lesson.trace),
            hint="give the folder that it started from by --before",
        )


def _check_ending(ran: Confined, timeout: float) -> None:
    if not ran.timed_out and ran.returncode == 0:
        return
    how = f"took longer than {timeout:g} seconds" if ran.timed_out else f"failed with exit code {ran.returncode}"
    lines = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-_LAST_LINES:]
    said = "; it said: " + " / ".join(lines)[-_LAST_CHARACTERS:] if lines else ""
    raise NotMeasured(f"the student {how}{said}")


def _read(trace: Path, cwd: PurePosixPath, before: Tree) -> Side:
    """The student's side.

    Raises:
        NotMeasured: there is no trace, or it is not valid.
    """
    try:
        found = trace.lstat()
    except FileNotFoundError:
        raise NotMeasured(
            "the student wrote no trace", hint="it is to write one to the file that {trace} stands for"
        ) from None
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise NotMeasured("what the student left in the trace's place is no file of its own")
    try:
        after = snapshot(Path(cwd))
        return load_side(trace, cwd=cwd, before=before, after=after, source="run")
    except InvalidTrace as error:
        broken = f"what the student left cannot be used: {error.where}: {error.problem}"
        raise NotMeasured(broken, hint="with --keep DIR it stays there, for `ccpa validate`") from error
    except UnusableInput as error:
        raise NotMeasured(f"what the student left cannot be used: {error}") from error


def _check_origin(side: Side, teacher: Side, actor: str, span: tuple[float, float], seconds: float) -> None:
    """Whether a trace can be that of this run.

    Raises:
        NotMeasured: it is the teacher's, another task's, another time's or somebody else's, or says nothing about tools.
    """
    first, last = side.entries[0].record, side.entries[-1].record
    if first["session_id"] == teacher.producer.session_id:
        raise NotMeasured("the student's trace is a copy of its teacher's: both have the same session_id")
    for what, moment in (("ts", _moment(first["ts"])), ("session_id", _born(first["session_id"]))):
        if not span[0] <= moment <= span[1]:
            late = moment > span[1]
            raise NotMeasured(
                f"the student's trace is not of this run: its {what} is {abs(moment - span[late]):,.0f} seconds "
                f"{'after its end' if late else 'before its beginning'}"
            )
    if last["elapsed_ms"] > (seconds + _SLACK) * 1000:
        raise NotMeasured(
            f"the student's trace is not of this run: it says {last['elapsed_ms']} ms, and all of it took {seconds:.3f} s"
        )
    if first["actor"] != actor:
        raise NotMeasured(f"the student's trace is of {first['actor']}, and {actor} was to be measured")
    if first["cwd_sha256"] != teacher.cwd_sha256:
        raise NotMeasured("the student's trace says that it started from another tree than it was given")
    if side.prompts != teacher.prompts:
        raise NotMeasured("the student's trace has another prompt than it was given")
    if _calls(teacher) and not _calls(side):
        raise NotMeasured(
            f"the teacher called tools {_calls(teacher)} times and the student never: a text-only trace cannot support a "
            "claim about tools"
        )


def _check_files(side: Side) -> None:
    """Whether the folder is as the trace says, where that can be computed: only Write and Edit changed files, and no hook ran.

    Raises:
        NotMeasured: it is not.
    """
    if any(record["kind"] == "hook_event" for _, record in side.entries):
        return
    said, seen = (final_state(side.entries, side.cwd, side.before, after) for after in (None, side.after))
    if said.files is None:
        return
    differing = mutation_drifts(said, seen)
    if differing:
        raise NotMeasured(
            f"the student's trace does not tell what happened: {differing[0]!r} is not as it says"
            + (f", nor are {len(differing) - 1} other files" if len(differing) > 1 else "")
        )


def _calls(side: Side) -> int:
    return sum(
        block["type"] == "tool_use"
        for _, record in side.entries
        if record["kind"] == "assistant_turn"
        for block in record["blocks"]
    )


def _moment(ts: str) -> float:
    return datetime.fromisoformat(ts).timestamp()


def _born(session_id: str) -> float:
    """When a UUID of version 7 was made: its first 48 bits are milliseconds (RFC 9562, 5.7)."""
    return int(session_id.replace("-", "")[:12], 16) / 1000


def _keep(lesson: Lesson, folder: Path, work: Path) -> None:
    """Completes the pair, so that it can be compared again by `ccpa diff`."""
    shutil.copyfile(lesson.trace, folder / TEACHER)
    if lesson.after is not None:
        copy_tree(lesson.after, folder / "teacher-after")
    teacher = {"cwd": str(lesson.cwd) if lesson.cwd else None, "source": lesson.source}
    tables: dict[str, dict[str, str | None]] = {
        "fixture": {"about": "a measurement"},
        "teacher": teacher,
        "student": {"cwd": str(work), "source": "run"},
    }
    lines = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {_toml(value)}" for key, value in table.items() if value is not None]
    (folder / META).write_text("\n".join([*lines, ""]), encoding="utf-8")


def _toml(text: str) -> str:
    """A TOML string; it is a JSON string, but for one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
