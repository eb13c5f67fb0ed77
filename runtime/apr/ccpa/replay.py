"""`ccpa replay`: what a trace says was done is done again, by the real tools and without a network."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path, PurePosixPath

from apr.actions.tree import snapshot
from apr.actions.writing import TraceWriter
from apr.ccpa.options import add_results, settings
from apr.ccpa.replayed import SCHEMA, Outcome, print_outcome
from apr.ccpa.replaying import Replayed, Task, replay
from apr.console import Progress
from apr.errors import FINDINGS, OK, UsageError
from apr.meter.pairs import TEACHER, load_pair
from apr.meter.sides import load_side

_LONGEST = 7 * 24 * 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Give the answers of a recorded session again, to the real tools, in a fresh folder, where only loopback can be reached. The "
        "calls agree by construction; whether their results, the files and the ends of turns do is what this finds out."
    )
    parser.epilog = (
        "exit code: 0 all of it came out as recorded; 1 something drifted, not all turns were consumed, the network was tried, two "
        "replays differ, or there was nothing to compare; 2 usage, unusable input, or no isolation where it is required"
    )
    parser.add_argument("teacher", type=Path, metavar="TEACHER", help="a trace, or the folder of a pair")
    parser.add_argument(
        "--before", type=Path, metavar="DIR", help="the tree to start from; default: the pair's, else none"
    )
    parser.add_argument(
        "--cwd", type=Path, metavar="DIR", help="where the teacher worked: its paths are meant from there"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work in this new or empty folder, and leave it there")
    parser.add_argument("--emit-trace", type=Path, metavar="PATH", help="keep the trace of the replay")
    parser.add_argument("--twice", action="store_true", help="replay in two folders; both must come out the same")
    parser.add_argument("--allow-bash", action="store_true", help="let recorded commands run; no folder confines these")
    parser.add_argument("--hooks", type=Path, metavar="FILE", help="hooks for the session, see `apr code --help`")
    add_results(parser)
    parser.add_argument("--timeout", type=_seconds, default=600.0, metavar="S", help="a replay may take; default: 600")
    parser.add_argument(
        "--require-isolation", action="store_true", help="do not run where the network cannot be kept away"
    )
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= _LONGEST:  # NaN is neither
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to {_LONGEST}")
    return number


def run(args: argparse.Namespace) -> int:
    """Replays a trace and prints what came of it.

    Raises:
        UsageError: the folder to keep is not empty.
        UnusableInput: the trace or a tree cannot be used, or the replay left no trace.
        AprError: isolation is required and not to be had, or the trace cannot be written.
    """
    if args.keep is not None and args.keep.exists() and (not args.keep.is_dir() or any(args.keep.iterdir())):
        raise UsageError(f"{args.keep} is there already, and is no empty folder", where="--keep")
    with contextlib.ExitStack() as stack:
        task = _task(args)
        # the place is checked before any work is done
        writer = stack.enter_context(TraceWriter(args.emit_trace)) if args.emit_trace is not None else None
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ccpa-replay-"))).resolve()
        outcome = _outcome(task, args, scratch)
        if writer is not None:
            for entry in outcome.first.entries:
                writer.write(entry.record)
            writer.land()
    if args.json:
        content = outcome.as_json() | {"kept": _text(args.keep), "trace": _text(args.emit_trace)}
        sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
    else:
        print_outcome(outcome)
    return FINDINGS if outcome.problems else OK


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _task(args: argparse.Namespace) -> Task:
    before, cwd, after, source, path = args.before, args.cwd, None, None, args.teacher
    if args.teacher.is_dir():
        pair = load_pair(args.teacher)
        path, source = args.teacher / TEACHER, pair.meta.source.get("teacher")
        cwd = cwd or pair.meta.cwd.get("teacher")
        before = before or _if_there(args.teacher / "before")
        after = _if_there(args.teacher / "teacher-after")
    teacher = load_side(
        path,
        cwd=PurePosixPath(Path(cwd).absolute()) if cwd is not None else None,
        before=snapshot(before) if before is not None else None,
        after=snapshot(after) if after is not None else None,
        source=source,
    )
    return Task(teacher, args.allow_bash, args.hooks, args.timeout, isolate=True if args.require_isolation else None)


def _if_there(folder: Path) -> Path | None:
    return folder if folder.is_dir() else None


def _outcome(task: Task, args: argparse.Namespace, scratch: Path) -> Outcome:
    """Replays once or twice, and compares."""
    with Progress("replaying", 1 + args.twice, unit="replays") as progress:

        def once(folder: Path, name: str) -> Replayed:
            (scratch / name).mkdir()
            replayed = replay(task, folder, scratch / name, lambda: progress.advance(0))
            progress.advance()
            return replayed

        first = once(args.keep or scratch / "work-1", "1")
        second = once(scratch / "work-2", "2") if args.twice else None
    return Outcome.of(task, first, second, settings(args))
