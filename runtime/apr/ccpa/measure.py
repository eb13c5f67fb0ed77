"""`ccpa measure`: a student runs for real, and the trace that it wrote is held against its teacher's."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from apr.ccpa.options import add_meter, refuse, settings, share
from apr.ccpa.students import OURS, Student, any_program, apr_code, words_of
from apr.ccpa.trial import Lesson, NotMeasured, Terms, Trial, measure
from apr.console import Progress, escape, print_table
from apr.errors import FINDINGS, OK, UnusableInput, UsageError
from apr.meter.card import print_card
from apr.meter.corpus import CorpusReport, Judged
from apr.meter.pairs import TEACHER, folders_of, load_pair
from apr.meter.report import AGGREGATE_MIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.meter.pairs import Pair

SCHEMA = "ccpa-measure-v1"
_SECONDS = 600.0
_ACTORS = ("apr-code", "claude-code")
_OF_OURS = ("model", "max_turns", "tools", "allow_bash")
_OF_UPSTREAM = ("apr_bin", "emit_student")
_NOT_OF_UPSTREAM = (
    *("before", "teacher_cwd", "keep", "timeout", "no_network", "actor", "model", "tools", "allow_bash", "results"),
    "aggregate_min",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Run a student on its teacher's prompt, in a fresh copy of the folder that the teacher started from, and compare the trace "
        "that the student wrote. A trace is refused unless it is valid and of this run: its session, time, prompt, tree, and the "
        "files that it says were written."
    )
    parser.epilog = (
        "exit code: 0 the score is --individual-min or more (of several: their mean --aggregate-min or more, too); 1 it is less, or "
        "there is none (vacuous, incomparable); 2 usage, or a student that was not measured, with the reason."
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        required=True,
        metavar="PATH",
        help=f"a trace; a folder with {TEACHER} and maybe before/; or a folder of such folders",
    )
    parser.add_argument(
        "--student",
        default=OURS,
        metavar="STUDENT",
        help=f"{OURS} (the default), with options of `apr code` behind it; or 'cmd:PROGRAM … {{prompt}} … {{trace}} … {{cwd}}'; it works in {{cwd}}, so other paths must be absolute",
    )
    parser.add_argument("--before", type=Path, metavar="DIR", help="the tree that the teacher of a trace started from")
    parser.add_argument("--teacher-cwd", type=Path, metavar="DIR", help="where the teacher of a trace worked")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep traces and trees here, as pairs for `ccpa diff`")
    parser.add_argument("--timeout", type=_seconds, metavar="S", help=f"seconds a student may take ({_SECONDS:g})")
    parser.add_argument(
        "--no-network",
        action="store_true",
        default=None,
        help="keep the network from the student, and list what it tried to reach",
    )
    parser.add_argument(
        "--actor",
        choices=_ACTORS,
        help=f"what the student's trace has to say of itself ({_ACTORS[0]})",
    )
    ours = parser.add_argument_group(f"of the student {OURS}", "see `apr code --help`")
    ours.add_argument("--model", metavar="MODEL")
    ours.add_argument("--max-turns", metavar="N")
    ours.add_argument("--tools", metavar="NAMES")
    ours.add_argument("--allow-bash", action="store_true", default=None)
    add_meter(parser)
    parser.add_argument(
        "--aggregate-min",
        type=share,
        metavar="X",
        help=f"of several teachers: the mean from which on they pass ({AGGREGATE_MIN})",
    )
    upstream = parser.add_argument_group("of --compat upstream")
    upstream.add_argument("--apr-bin", metavar="PROGRAM", help="the program to run as `PROGRAM code -p PROMPT` (apr)")
    upstream.add_argument(
        "--emit-student", type=Path, metavar="FILE", help="write the trace that is made of what it printed"
    )
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")


@dataclass(frozen=True)
class _Measured:
    """A teacher, and what came of it: a trial and the pair that it left, or the reason why there is none."""

    lesson: Lesson
    trial: Trial | None
    pair: Pair | None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        content: dict[str, Any] = {
            "id": self.lesson.name,
            "measured": self.trial is not None,
            "reason": self.reason or None,
        }
        return content | (self.trial.as_json() if self.trial is not None else {})


def run(args: argparse.Namespace) -> int:
    """Measures, and prints what was found.

    Raises:
        UsageError: the arguments contradict each other.
        UnusableInput: a teacher cannot be used.
        NotMeasured: a student failed, or wrote no trace that can be believed; after what there is was printed.
    """
    if args.compat:
        return _upstream(args)
    refuse(args, _OF_UPSTREAM, "goes with --compat upstream")
    student = _student(args)
    lessons, several = _lessons(args)
    terms = Terms(args.timeout or _SECONDS, bool(args.no_network), args.actor or _ACTORS[0], settings(args))
    with tempfile.TemporaryDirectory(prefix="ccpa-") if args.keep is None else nullcontext(_kept(args.keep)) as place:
        measured = _all(lessons, student, terms, Path(place), several=several)
    judged = tuple(Judged(one.pair, one.trial.report) for one in measured if one.trial and one.pair)
    aggregate_min = AGGREGATE_MIN if args.aggregate_min is None else args.aggregate_min
    whole = CorpusReport(judged, terms.settings, aggregate_min)
    refused = [one for one in measured if one.trial is None]
    passes = not refused and (whole.passes if several else all(one.report.passes for one in judged))
    if args.json:
        sys.stdout.write(json.dumps(_as_json(measured, whole, student, passes), indent=2, allow_nan=False) + "\n")
    else:
        _print(measured, whole, student, several=several)
    if refused:
        sys.stdout.flush()
        count = f"{len(refused)} of {len(measured)} not measured; {refused[0].lesson.name}: " if several else ""
        raise NotMeasured(f"{count}{refused[0].reason}", where=None if several else str(args.teacher))
    return OK if passes else FINDINGS


def _all(lessons: Sequence[Lesson], student: Student, terms: Terms, place: Path, *, several: bool) -> list[_Measured]:
    """Measures one after the other; a student that cannot be believed is no reason to leave out the next."""
    measured = []
    with Progress("students at work", len(lessons), unit="teachers") as bar:
        for lesson in lessons:
            folder = place / lesson.name if several else place
            folder.mkdir(exist_ok=True)
            try:
                trial = measure(lesson, student, terms, folder, lambda: bar.advance(0))
            except NotMeasured as error:
                measured.append(_Measured(lesson, None, None, str(error)))
            else:
                measured.append(_Measured(lesson, trial, load_pair(folder)))
            bar.advance()
    return measured


def _student(args: argparse.Namespace) -> Student:
    name, _, more = args.student.partition(" ")
    if name != OURS:
        refuse(args, _OF_OURS, f"is of the student {OURS}")
        return any_program(args.student)
    options = words_of(more)
    if args.model is not None and Path(args.model).exists():  # else it is an alias
        args.model = str(Path(args.model).absolute())  # the student works in another folder
    for name in _OF_OURS:
        value, option = getattr(args, name), f"--{name.replace('_', '-')}"
        if value is not None:
            options.append(option if value is True else f"{option}={value}")
    return apr_code(options)


def _lessons(args: argparse.Namespace) -> tuple[list[Lesson], bool]:
    """The teachers that are meant, and whether a folder of several was given.

    Raises:
        UnusableInput: there is none, or one of them is not whole.
        UsageError: a folder says what an option says, too.
    """
    teacher: Path = args.teacher
    if not teacher.is_dir():
        name = teacher.name.removesuffix(".jsonl").removesuffix(".ccpa-trace")
        cwd = PurePosixPath(args.teacher_cwd.absolute()) if args.teacher_cwd is not None else None
        return [Lesson(name, teacher, args.before, cwd=cwd)], False
    refuse(args, ("before", "teacher_cwd"), "goes with a trace; of a pair, its folder and meta.toml say that")
    if (teacher / TEACHER).is_file():
        return [_lesson(teacher)], False
    folders = folders_of(teacher)
    if not folders:
        raise UnusableInput(f"there is no folder with {TEACHER} in it", where=str(teacher))
    return [_lesson(folder) for folder in folders], True


def _lesson(folder: Path) -> Lesson:
    meta = load_pair(folder, (TEACHER,)).meta
    before, after = (folder / name for name in ("before", "teacher-after"))
    return Lesson(
        folder.resolve().name,
        folder / TEACHER,
        before if before.is_dir() else None,
        after if after.is_dir() else None,
        meta.cwd.get("teacher"),
        meta.source.get("teacher"),
    )


def _kept(folder: Path) -> Path:
    """The folder to keep everything in.

    Raises:
        UsageError: it has something in it, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(
                "is not empty, and nothing in it is replaced", where=f"--keep {folder}", hint="name a new folder"
            )
    except OSError as error:
        raise UsageError(f"cannot be used: {error.strerror}", where=f"--keep {folder}") from error
    return folder


def _upstream(args: argparse.Namespace) -> int:
    """Does as the upstream's program does: no trace of the student is read, and the teacher alone decides."""
    from apr.ccpa.upstream.measure import measure as as_upstream  # noqa: PLC0415 - only --compat needs it

    if args.student != OURS:
        raise UsageError("the upstream's meter takes no --student", hint="name its program by --apr-bin")
    refuse(args, _NOT_OF_UPSTREAM, "does not go with --compat upstream")
    turns = args.max_turns or "1"
    if not turns.isdecimal():
        raise UsageError(f"--max-turns {turns} is no number of turns")
    return as_upstream(
        args.teacher,
        program=args.apr_bin or "apr",
        max_turns=int(turns),
        individual_min=args.individual_min,
        emit_student=args.emit_student,
        as_json=args.json,
    )


def _as_json(measured: Sequence[_Measured], whole: CorpusReport, student: Student, passes: bool) -> dict[str, Any]:
    refused = [one for one in measured if one.trial is None]
    return {
        "schema": SCHEMA,
        "measured": not refused,
        "reason": refused[0].reason if refused else None,
        "passes": passes,
        "mean": whole.mean,
        "teachers": len(measured),
        "scored": len(whole.scored),
        "vacuous": whole.number("vacuous"),
        "incomparable": whole.number("incomparable"),
        "refused": len(refused),
        "failed": len(whole.failed),
        "supports": whole.supports if not refused else "nothing",
        "individual_min": whole.settings.individual_min,
        "aggregate_min": whole.aggregate_min,
        "student": student.as_json(),
        "trials": [one.as_json() for one in measured],
    }


def _print(measured: Sequence[_Measured], whole: CorpusReport, student: Student, *, several: bool) -> None:
    for one in measured:
        if one.trial is not None and not several:
            print_card(one.trial.report)
            sys.stdout.write(f"\n{escape(student.name)}: {_told(one.trial)}\n")
    if not several:
        return
    rows = []
    for one in measured:
        if one.trial is None:
            rows.append((one.lesson.name, "not measured", "", "", one.reason))
        else:
            report = one.trial.report
            score = "" if report.score is None else f"{report.score:.4f}"
            rows.append((one.lesson.name, report.verdict, score, f"{one.trial.seconds:.1f} s", report.reason))
    print_table(("teacher", "verdict", "score", "time", ""), rows, right=(2, 3))
    mean = "no mean" if whole.mean is None else f"mean {whole.mean:.4f}"
    sys.stdout.write(
        f"\n{mean} over {len(whole.scored)} of {len(measured)} teachers; {whole.number('vacuous')} vacuous, "
        f"{whole.number('incomparable')} incomparable, {len(measured) - len(whole.judged)} not measured\n"
    )


def _told(trial: Trial) -> str:
    """How a student's run went, in one line."""
    said = f"ran for {trial.seconds:.1f} s, exit code {trial.ran.returncode}, trace sha256 {trial.trace_sha256[:12]}…"
    if trial.ran.attempts is None:
        return said
    outward = [escape(attempt.target) for attempt in trial.ran.outward]
    return f"{said}; without a network, tried to reach {', '.join(outward) or 'nobody'}"


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number
