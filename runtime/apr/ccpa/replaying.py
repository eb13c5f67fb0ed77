"""Doing again what a trace says was done: its answers are given, the tools really run, in a fresh folder and without a network."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from apr.actions.reading import read_trace
from apr.actions.tree import Tree, snapshot, tree_sha256
from apr.actions.writing import TraceWriter
from apr.ccpa.copying import copy_tree
from apr.errors import UnusableInput
from apr.sandbox import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.actions.trace import Entry, Record
    from apr.meter.sides import Side
    from apr.sandbox import Confined

_PATH_KEYS = ("file_path", "notebook_path", "path")
_LONGEST_ARGUMENT = 100_000  # bytes; Linux takes 128 KiB
BASH = "Bash"


@dataclass(frozen=True)
class Task:
    """What is to be done again.

    Attributes:
        teacher: the trace, valid, with the folder that it worked in where that is known, and the tree that it started from; where
            there is none, it starts from an empty folder.
        allow_bash: its commands may run.
        hooks: a file of hooks for `apr code`.
        timeout: seconds.
        isolate: True refuses to run with a network, None runs with it where the machine does not allow better.
    """

    teacher: Side
    allow_bash: bool = False
    hooks: Path | None = None
    timeout: float = 600.0
    isolate: bool | None = None

    @property
    def prompt(self) -> str:
        """What the user said.

        Raises:
            UnusableInput: more than one thing, which `apr code` does not take.
        """
        prompts = self.teacher.prompts
        if len(prompts) != 1:
            raise UnusableInput(
                f"the trace has {len(prompts)} prompts, and `apr code` takes one", hint="replay sessions of one prompt"
            )
        return prompts[0]

    @property
    def tools(self) -> set[str]:
        """The names of the tools that were called."""
        turns = (entry.record for entry in self.teacher.entries if entry.record["kind"] == "assistant_turn")
        return {block["name"] for turn in turns for block in turn["blocks"] if block["type"] == "tool_use"}

    @property
    def turns(self) -> int:
        """How many answers were recorded."""
        return _count(self.teacher.entries)

    @property
    def unanswered(self) -> bool:
        """True where the last answer asks for tools whose results the trace does not have: it ended before they ran."""
        kinds = [entry.record["kind"] for entry in self.teacher.entries]
        last = max((place for place, kind in enumerate(kinds) if kind == "assistant_turn"), default=0)
        return "tool_result" not in kinds[last:]


class Replayed(NamedTuple):
    """What came of it.

    Attributes:
        entries: of the trace that `apr code` emitted.
        cwd: where it worked.
        before, after: the tree there.
        confined: how it ran.
    """

    entries: list[Entry]
    cwd: PurePosixPath
    before: Tree
    after: Tree
    confined: Confined

    @property
    def consumed(self) -> int:
        """How many of the recorded answers were given."""
        return _count(self.entries)

    @property
    def changed(self) -> dict[str, str]:
        """Path -> `created`, `changed` or `deleted`."""
        found = {}
        for path in sorted({*self.before, *self.after}):
            if path not in self.before:
                found[path] = "created"
            elif path not in self.after:
                found[path] = "deleted"
            elif self.before[path] != self.after[path]:
                found[path] = "changed"
        return found


def _count(entries: Any) -> int:
    return sum(entry.record["kind"] == "assistant_turn" for entry in entries)


def replay(task: Task, folder: Path, scratch: Path, on_wait: Callable[[], None] | None = None) -> Replayed:
    """Does it again, once.

    Args:
        task: what.
        folder: where; an empty folder, or none yet.
        scratch: an empty folder outside of it.
        on_wait: see `apr.sandbox.run`.

    Raises:
        UnusableInput: the starting tree is another one or cannot be copied, or no trace came out; the message has `apr code`'s last words.
        AprError: isolation was asked for, and the machine does not allow it.
    """
    prompt = task.prompt
    folder.mkdir(parents=True, exist_ok=True)
    work = folder.resolve()
    if task.teacher.before is not None:
        copy_tree(task.teacher.before.root, work)
    before = snapshot(work)
    # commands that were meant for another tree are not let loose on this one
    if tree_sha256(before) != task.teacher.cwd_sha256:
        raise UnusableInput(
            f"the session started from tree {task.teacher.cwd_sha256[:12]}…, and this is {tree_sha256(before)[:12]}…",
            where="an empty folder" if task.teacher.before is None else str(task.teacher.before.root),
            hint="name the tree that it started from by --before",
        )
    answers, emitted = scratch / "answers.jsonl", scratch / "emitted.jsonl"
    with TraceWriter(answers) as writer:
        for entry in task.teacher.entries:
            writer.write(moved(entry.record, task.teacher.cwd, PurePosixPath(work)))
        writer.land()
    by_pipe = _goes_by_pipe(prompt)
    confined = run(
        _command(task, "-" if by_pipe else prompt, work, answers, emitted),
        cwd=work,
        env=os.environ | {"PYTHONUTF8": "1"},
        stdin=prompt.encode() if by_pipe else b"",
        timeout=task.timeout,
        isolate=task.isolate,
        on_wait=on_wait,
    )
    if confined.timed_out:
        raise UnusableInput(f"`apr code` was ended after {task.timeout:g} s", hint="allow more by --timeout")
    if not emitted.exists():
        words = [line for line in confined.stderr.strip().splitlines() if line.strip()]
        last = words[-1] if words else "it said nothing"
        raise UnusableInput(f"`apr code` left no trace (exit code {confined.returncode}): {last}")
    return Replayed(read_trace(emitted), PurePosixPath(work), before, snapshot(work), confined)


def _goes_by_pipe(prompt: str) -> bool:
    r"""Whether no argument can hold the prompt.

    Raises:
        UnusableInput: standard input cannot, either, since it reads each `\r` as an end of line.
    """
    fits = prompt != "-" and "\0" not in prompt and len(prompt.encode()) <= _LONGEST_ARGUMENT
    if not fits and "\r" in prompt:
        raise UnusableInput(
            "the prompt is too long for an argument, and has carriage returns, which a pipe does not keep"
        )
    return not fits


def _command(task: Task, prompt: str, work: Path, answers: Path, emitted: Path) -> list[str]:
    # it fails where the recording failed: for want of a turn, or before it runs the tools
    more = 0 if task.unanswered else 1
    return [
        *(sys.executable, "-P", "-m", "apr", "code", f"--prompt={prompt}", "--cwd", str(work)),
        *("--answers-from", str(answers), "--emit-trace", str(emitted), "--max-turns", str(task.turns + more)),
        *(["--allow-bash"] if task.allow_bash else []),
        *(["--hooks", str(task.hooks.absolute())] if task.hooks is not None else []),
    ]


def moved(record: Record, old: PurePosixPath | None, new: PurePosixPath) -> Record:
    """A record whose calls name files in another folder.

    Args:
        record: as recorded.
        old: the folder that it was recorded in; None leaves everything as it is.
        new: the folder to work in.

    Returns:
        The record; in paths and commands of its calls, absolute paths below `old` lie below `new`. What is written into files stays
        as it is.
    """
    if old is None or old == new or record["kind"] != "assistant_turn":
        return record
    named = re.compile(r"(?<![\w./-])" + re.escape(str(old)) + r"(?![\w.-])")

    def there(text: Any) -> Any:
        return named.sub(lambda _: str(new), text) if isinstance(text, str) else text

    def block(one: Record) -> Record:
        if one["type"] != "tool_use":
            return one
        keys = ("command",) if one["name"] == BASH else _PATH_KEYS
        return {**one, "input": {key: there(value) if key in keys else value for key, value in one["input"].items()}}

    return {**record, "blocks": [block(one) for one in record["blocks"]]}
