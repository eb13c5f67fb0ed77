"""`pv fix`: what is mechanical in contracts, mended in their text."""

from __future__ import annotations

import codecs
import contextlib
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pv.commands._choice import chosen_parts, each
from pv.commands._targets import find
from pv.corpus import read_text
from pv.edit import write
from pv.mend import Effect, Mending, Unsafe, mend
from pv.report.console import Paint, emit, escape
from pv.report.diff import unified
from pv.report.findings import Tally, counted
from pv.report.progress import Progress
from pv.types import Diagnostic, UsageProblem

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from pv.commands._choice import Part
    from pv.commands._targets import Target

_BUG = "this is a bug in pv, not in your file; please report it with this line"


def run(arguments: argparse.Namespace) -> int:
    """Mend the files that are named, or show what would be mended; 1 if something would be, 2 if a file cannot be used.

    A file in which the fixes would change more than they mean is left as it is, and is our fault: 3.

    Raises:
        UsageProblem: a path, a code, or the project's configuration cannot be used.
    """
    targets = find(arguments.paths)
    if any(target.stdin for target in targets.files):
        raise UsageProblem("pv fix mends files; standard input is none")
    parts = chosen_parts(targets, arguments.select, arguments.ignore)
    work = _Work(keeps=arguments.diff or arguments.check, diff=arguments.diff)
    progress = Progress("mending")
    for number, (target, part) in enumerate(each(parts)):
        progress(number, len(targets.files))
        work.take(target, part, progress)
    progress.clear()
    if work.tally.nothing and not work.tally.unreadable:
        sys.stderr.write("pv: no contract among the files given: nothing was mended\n")
        return 2
    (sys.stderr.write if arguments.diff else emit)(work.headline() + "\n")
    return work.code()


@dataclass
class _Work:
    """What has been done so far; with `keeps`, what would be done, with a `diff` of it or without."""

    keeps: bool
    diff: bool
    tally: Tally = field(default_factory=Tally)
    mended: int = 0
    effects: Counter[Effect] = field(default_factory=Counter)
    failed: bool = False  # a file could not be written
    unsafe: bool = False

    def take(self, target: Target, part: Part, progress: Progress) -> None:
        """Mend one file; what hinders that is told, and hinders no other."""
        source = target.read(bytes)
        reading = read_text(target.path, source, policy=part.policy, index=part.index)
        if isinstance(source, Diagnostic) or not reading.readable:
            self.tally.add(reading)
            self._complain(progress, reading.findings[0].headline)
            return
        try:
            mending = mend(reading, source, policy=part.policy, index=part.index)
            if mending.effects:
                progress.clear()
                self._give(target, mending)
                self.mended += 1
                self.effects.update(mending.effects)
            self.tally.add(mending.reading)
        except Unsafe as why:
            self.unsafe = True
            self.tally.add(reading)
            self._complain(progress, f"{target.name}: left as it is, for mending it would change more: {why}; {_BUG}")
        except UsageProblem as problem:
            self.failed = True
            self.tally.add(reading)
            self._complain(progress, str(problem))

    def headline(self) -> str:
        """One line: how many of how many, what was done, and what is left."""
        would = "would be mended" if self.keeps else "mended"
        line = f"{self.mended} of {counted(self.tally.files, 'file')} {would}"
        if self.effects:
            line += f": {_said(self.effects)}"
        left = self.tally.errors + self.tally.warnings
        if left:
            line += f"; {counted(left, 'finding')} {'needs' if left == 1 else 'need'} a person (`pv validate`)"
        return line

    def code(self) -> int:
        """The exit code: the gravest of what was met."""
        if self.unsafe:
            return 3
        if self.tally.unreadable or self.failed:
            return 2
        return 1 if self.keeps and self.mended else 0

    def _give(self, target: Target, mending: Mending) -> None:
        if self.diff:
            mark = _mark(target.path)
            paint, seen = Paint.for_stream(sys.stdout), sys.stdout is not None and sys.stdout.isatty()
            emit(unified(target.name, mark + mending.before.text, mark + mending.text, paint, seen=seen))
            return
        if not self.keeps:
            write(target.path, mending.before, mending.text)
        emit(f"{escape(target.name)}: {_said(mending.effects)}\n")

    @staticmethod
    def _complain(progress: Progress, message: str) -> None:
        progress.clear()
        sys.stderr.write(f"pv: {escape(message)}\n")


def _said(effects: Counter[Effect]) -> str:
    """What was done, in words: `2 keys renamed, 1 value quoted`."""
    told = [(effects[effect], *effect.value.split()) for effect in Effect if effects[effect]]
    return ", ".join(f"{number} {thing}{'' if number == 1 else 's'} {done}" for number, thing, done in told)


def _mark(path: Path) -> str:
    """The byte order mark of a file, if it has one: a diff without it would not fit its first line."""
    with contextlib.suppress(OSError):  # it was read a moment ago; now nobody can put a diff into it
        if path.read_bytes().startswith(codecs.BOM_UTF8):
            return "\ufeff"
    return ""
