"""`pv pin`: mirrored contracts held against the repositories that they are copies of."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pv.config import find_config
from pv.pins import adding, compare, finding, names
from pv.pins.finding import LOCK
from pv.pins.upstream import NotRun, Refused
from pv.report.console import Paint, emit, escape
from pv.report.pins_text import SCHEMA, as_json, as_text
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pv.config import Config
    from pv.pins.adding import Added
    from pv.pins.compare import Result
    from pv.pins.lock import Lock, Pin

_QUIET = 2.0  # seconds before anything is said of a wait


def run(arguments: argparse.Namespace) -> int:
    """Make a pin, or hold pins against the local files or against upstream.

    1 if anything is not as the lock says, 2 if something could not be read, and then only where nothing else is wrong.

    Raises:
        UsageProblem: there is no lock, it cannot be used, or a file is not pinned.
    """
    config = find_config(Path.cwd())
    if arguments.action == "add":
        return _add(arguments, config)
    lock = _existing(arguments.lock, config)
    pins = _chosen(lock, arguments.files)
    if arguments.action == "check":
        return _report(arguments, compare.check(lock, pins), strict=False)
    for pin in pins:
        fault = names.commit_fault(pin.commit)
        if fault:
            raise UsageProblem(f"{escape(str(lock.file))}: {escape(pin.path)}: commit {pin.commit} {fault}")
    with _Waiting() as waiting:
        results = compare.roundtrip(lock, pins, waiting)
    return _report(arguments, results, strict=arguments.strict)


class _Waiting:
    """A line on the terminal that says what is being waited for, and is gone afterwards."""

    def __init__(self) -> None:
        self.terminal = sys.stderr is not None and sys.stderr.isatty()
        self.written = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.written:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, source: str, what: str, seconds: float) -> None:
        """Say that git has done `what` for so many seconds."""
        if self.terminal and seconds > _QUIET:
            sys.stderr.write(f"\r\x1b[Kpv: git {what} {escape(source)[:60]} … {seconds:.0f} s")
            sys.stderr.flush()
            self.written = True


def _add(arguments: argparse.Namespace, config: Config) -> int:
    lock = finding.read_or_new(Path(arguments.lock).absolute() if arguments.lock else config.root / LOCK)
    source = adding.stored_source(arguments.source, lock.root) if arguments.source is not None else None
    path = _relative(arguments.file, lock.root)
    wish = adding.Wish(path, source, arguments.branch, arguments.commit, arguments.path, arguments.write)
    try:
        with _Waiting() as waiting:
            added = adding.add(lock, wish, waiting)
    except Refused as problem:
        sys.stderr.write(f"pv: {escape(path)}: {escape(str(problem))}\n")
        return 1
    except NotRun as problem:
        raise UsageProblem(
            f"{escape(path)}: upstream could not be read, and nothing was pinned: {escape(str(problem))}"
        ) from None
    if lock.dropped:
        sys.stderr.write(f"pv: {lock.file}: comments at the ends of {lock.dropped} lines were not kept\n")
    emit((_added_json(added) if arguments.json else _added_text(added, lock)) + "\n")
    return 0


def _added_text(added: Added, lock: Lock) -> str:
    pin, before = added.pin, added.before
    lines = [f"pinned {escape(pin.path)} in {escape(str(lock.file))}"]
    lines.append(f"  to {escape(pin.source)}: {escape(pin.upstream_path)}")
    lines.append(f"  commit {pin.commit} of branch {escape(pin.branch)}")
    if before and before.commit != pin.commit:
        lines.append(f"  before {before.commit} of branch {escape(before.branch)}")
    lines.append(f"  sha256 {pin.sha256}" + (": upstream's bytes were put here" if added.wrote_file else ""))
    return "\n".join(lines)


def _added_json(added: Added) -> str:
    before = asdict(added.before) if added.before else None
    data = {"schema": SCHEMA, "command": "add", "pin": asdict(added.pin), "before": before}
    return json.dumps({**data, "wrote_file": added.wrote_file}, indent=2)


def _report(arguments: argparse.Namespace, results: Sequence[Result], *, strict: bool) -> int:
    if arguments.json:
        emit(as_json(arguments.action, results, strict=strict) + "\n")
    else:
        emit(as_text(results, Paint.for_stream(sys.stdout), strict=strict) + "\n")
    words = {one.word(strict=strict) for one in results}
    return 1 if "FINDING" in words else 2 if "NOT RUN" in words else 0


def _existing(name: str | None, config: Config) -> Lock:
    file = Path(name).absolute() if name else finding.find(config)
    if file is None:
        raise UsageProblem(
            f"no {LOCK} at {escape(str(config.root))}: nothing is pinned; `pv pin add FILE --source …` pins"
        )
    lock = finding.read(file, config)
    if not lock.pins:
        raise UsageProblem(
            f"{escape(str(file))}: nothing is pinned, so nothing was checked; `pv pin add FILE --source …` pins"
        )
    return lock


def _chosen(lock: Lock, files: Sequence[str]) -> list[Pin]:
    """The pins of these files; of all, where none is named."""
    chosen = []
    for name in dict.fromkeys(files):
        path = _relative(name, lock.root)
        pin = lock.pin_of(path)
        if pin is None:
            fix = did_you_mean(path, [one.path for one in lock.pins]) or "`pv pin add` pins it"
            raise UsageProblem(f"{escape(path)}: not pinned in {escape(str(lock.file))}; {fix}")
        chosen.append(pin)
    return chosen or list(lock.pins)


def _relative(name: str, root: Path) -> str:
    """The path of a file below the folder that pins are relative to."""
    path = Path(os.path.abspath(name))  # noqa: PTH100  links stay as they are named; only '..' goes
    if not path.is_relative_to(root):
        raise UsageProblem(f"{escape(name)}: lies outside of {escape(str(root))}, to which pins are relative")
    return path.relative_to(root).as_posix()
