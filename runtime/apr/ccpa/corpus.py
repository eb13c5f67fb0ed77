"""`ccpa corpus`: every pair of a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.ccpa.options import add_meter, refuse, settings, share
from apr.console import Progress, escape
from apr.errors import FINDINGS, OK, UsageError
from apr.meter.corpus import SCHEMA, judge_all
from apr.meter.pairs import STUDENT, TEACHER, find_pairs
from apr.meter.pins import differing_drifts, unexpected
from apr.meter.report import AGGREGATE_MIN
from apr.meter.tally import print_corpus

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from apr.meter.pairs import Pair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        f"Compare every pair of a folder. A pair is a folder in it with {TEACHER} and {STUDENT}, and maybe meta.toml, before/, "
        "teacher-after/ and student-after/. The mean is over the pairs that have a score."
    )
    parser.epilog = (
        "exit code: 0 the mean is --aggregate-min or more, each score --individual-min or more, and no pair is incomparable; "
        "1 not so; 2 usage, a folder that is no pair, or a trace that is not valid. With --expect: 0 everything is as pinned, else 1."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of the pairs")
    add_meter(parser)
    parser.add_argument(
        "--aggregate-min",
        type=share,
        default=AGGREGATE_MIN,
        metavar="X",
        help="the mean from which on the corpus passes (%(default)s)",
    )
    parser.add_argument("--expect", action="store_true", help="hold each pair to the score and drifts of its meta.toml")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="how many processes; one for each processor where it pays"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page that shows every pair")
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")


def run(args: argparse.Namespace) -> int:
    """Prints the report.

    Raises:
        UsageError: the arguments contradict each other.
        InvalidTrace: a trace breaks a rule.
        UnusableInput: a folder is no pair, or something cannot be read.
    """
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs} is no number of processes", hint="give 1 or more")
    if args.compat:
        return _upstream(args)
    pairs = find_pairs(args.folder)
    with Progress("comparing", len(pairs), unit="pairs") as bar:
        report = judge_all(
            pairs, settings(args), args.aggregate_min, jobs=args.jobs, rows=args.html is not None, done=bar.advance
        )
    wrong = _wrong([(one.pair, unexpected(one.pair, one.report)) for one in report.judged]) if args.expect else None
    if args.html is not None:
        from apr.meter.html import write_page  # noqa: PLC0415 - only --html needs it

        write_page(args.html, report, str(args.folder))
    if args.json:
        content = report.as_json() | ({} if wrong is None else {"expect": _expect_as_json(pairs, wrong)})
        sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
    else:
        print_corpus(report)
        _print_expect(pairs, wrong)
    return OK if (report.passes if wrong is None else not wrong) else FINDINGS


def _upstream(args: argparse.Namespace) -> int:
    from apr.ccpa.upstream import traces  # noqa: PLC0415 - only --compat needs it

    if args.html is not None:
        raise UsageError("--html shows the default meter's reports", hint="leave out --compat upstream")
    refuse(args, ("results",), "does not go with --compat upstream, which looks at no results")
    refuse(args, ("jobs",), "does not go with --compat upstream, which is one process")
    if not args.expect:
        return traces.corpus(
            args.folder, individual_min=args.individual_min, aggregate_min=args.aggregate_min, as_json=args.json
        )
    pairs = find_pairs(args.folder)
    wrong = _wrong([(pair, _unlike_upstream(pair)) for pair in pairs])
    if args.json:
        content = {"schema": SCHEMA, "compat": "upstream", "expect": _expect_as_json(pairs, wrong)}
        sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
    else:
        _print_expect(pairs, wrong)
    return FINDINGS if wrong else OK


def _unlike_upstream(pair: Pair) -> list[str]:
    from apr.meter.upstream.records import read_records  # noqa: PLC0415 - only --compat needs it
    from apr.meter.upstream.score import compare  # noqa: PLC0415 - only --compat needs it

    expect = pair.meta.expect_upstream
    if expect is None:
        return ["meta.toml says nothing to expect of the upstream's meter"]
    parity = compare(*(read_records(pair.folder / name) for name in (TEACHER, STUDENT)))
    found = [] if parity.score == expect.score else [f"score {parity.score}, expected {expect.score}"]
    if expect.drifts is not None:
        found += differing_drifts(
            [f"{drift.category} {drift.position} {drift.label}" for drift in parity.drifts], expect.drifts
        )
    return found


def _wrong(found: Sequence[tuple[Pair, list[str]]]) -> dict[str, list[str]]:
    return {pair.name: said for pair, said in found if said}


def _expect_as_json(pairs: Sequence[Pair], wrong: dict[str, list[str]]) -> dict[str, Any]:
    return {"checked": len(pairs), "differing": [{"name": name, "problems": said} for name, said in wrong.items()]}


def _print_expect(pairs: Sequence[Pair], wrong: dict[str, list[str]] | None) -> None:
    if wrong is None:
        return
    sys.stdout.write(f"\n{len(pairs) - len(wrong)} of {len(pairs)} pairs are as expected\n")
    for name, said in wrong.items():
        for problem in said:
            sys.stdout.write(f"{escape(name)}: {escape(problem)}\n")
