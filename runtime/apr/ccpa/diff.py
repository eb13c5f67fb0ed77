"""`ccpa diff`: one student's trace against its teacher's."""

from __future__ import annotations

import json
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from apr.actions.tree import snapshot
from apr.ccpa.options import add_meter, refuse, settings
from apr.errors import FINDINGS, OK, UsageError
from apr.meter.card import print_card
from apr.meter.compare import compare
from apr.meter.pairs import STUDENT, TEACHER, load_pair
from apr.meter.report import SCHEMA
from apr.meter.sides import load_side

if TYPE_CHECKING:
    import argparse

    from apr.meter.sides import Side

_OF_FILES = ("cwd", "teacher_cwd", "student_cwd", "before", "teacher_after", "student_after")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Compare what a student did with what its teacher did. The score is M / (N + c + f): M actions agree in order, N is the "
        "number of actions of the side that did more, c is 1 where turns ended for other reasons, f is 1 where other files were left."
    )
    parser.epilog = (
        "exit code: 0 the score is --individual-min or more; 1 it is less, or there is none (vacuous, incomparable); 2 usage, or a "
        "trace that is not valid. Paths are compared as seen from where each side worked: say so by --cwd."
    )
    parser.intermixed = True  # type: ignore[attr-defined] # of apr.program.Parser
    parser.add_argument("teacher", type=Path, metavar="TEACHER", help="a trace; or the folder of a pair, alone")
    parser.add_argument("student", type=Path, nargs="?", metavar="STUDENT", help="a trace")
    parser.add_argument("--cwd", type=Path, metavar="DIR", help="where both sides worked")
    parser.add_argument("--teacher-cwd", type=Path, metavar="DIR", help="where the teacher worked")
    parser.add_argument("--student-cwd", type=Path, metavar="DIR", help="where the student worked")
    parser.add_argument("--before", type=Path, metavar="DIR", help="the tree that both started from")
    parser.add_argument("--teacher-after", type=Path, metavar="DIR", help="the tree that the teacher left")
    parser.add_argument("--student-after", type=Path, metavar="DIR", help="the tree that the student left")
    add_meter(parser)
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")


def run(args: argparse.Namespace) -> int:
    """Prints the report.

    Raises:
        UsageError: the arguments contradict each other.
        InvalidTrace: a trace breaks a rule.
        UnusableInput: a trace or a tree cannot be read.
    """
    given = [f"--{name.replace('_', '-')}" for name in _OF_FILES if getattr(args, name) is not None]
    if args.compat:
        return _upstream(args, given)
    teacher, student = _pair(args, given) if args.student is None else _sides(args)
    report = compare(teacher, student, settings(args))
    if args.json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2, allow_nan=False) + "\n")
    else:
        print_card(report)
    return OK if report.passes else FINDINGS


def _upstream(args: argparse.Namespace, given: list[str]) -> int:
    from apr.ccpa.upstream import traces  # noqa: PLC0415 - only --compat needs it

    if given:
        raise UsageError(f"the upstream's meter has no {given[0]}", hint="it compares paths as they are, and no trees")
    refuse(args, ("results",), "does not go with --compat upstream, which looks at no results")
    paths = (args.teacher, args.student)
    if args.student is None:
        paths = (args.teacher / TEACHER, args.teacher / STUDENT)
    return traces.diff(*paths, individual_min=args.individual_min, as_json=args.json)


def _pair(args: argparse.Namespace, given: list[str]) -> tuple[Side, Side]:
    if not args.teacher.is_dir():
        raise UsageError(f"{args.teacher} is no folder of a pair", hint="give the student's trace, too")
    if given:
        raise UsageError(f"{given[0]} goes with two traces", hint="of a pair, its folder and meta.toml say that")
    return load_pair(args.teacher).sides()


def _sides(args: argparse.Namespace) -> tuple[Side, Side]:
    if args.cwd is not None and (args.teacher_cwd is not None or args.student_cwd is not None):
        raise UsageError("--cwd is for both sides", hint="give either --cwd, or --teacher-cwd and --student-cwd")
    before = snapshot(args.before) if args.before is not None else None
    teacher, student = (
        load_side(
            path,
            cwd=PurePosixPath((cwd or args.cwd).absolute()) if cwd or args.cwd else None,
            before=before,
            after=snapshot(after) if after is not None else None,
        )
        for path, cwd, after in (
            (args.teacher, args.teacher_cwd, args.teacher_after),
            (args.student, args.student_cwd, args.student_after),
        )
    )
    return teacher, student
