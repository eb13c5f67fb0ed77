"""The files that an agent left, and where two sides left different ones.

The tree that was really left is taken where it is at hand. Elsewhere it is computed: the tree before, and over it what Write and
Edit made of it (`apr.meter.overlay`); what a trace says about files read, written or made is not believed. Where anything else ran
that may change files, the state is not known: Bash, unless it never came to run, agents, and tools that nothing is known about.
Files outside the tree do not count.

The upstream's contract has a rule for each type of file. `*.md` is compared without blanks at the ends of lines and newlines at the
end of the file; rustfmt and taplo are not run, so that `*.rs` and `*.toml` are compared to the byte like all others. Whether a file
is executable counts, and where a link leads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apr.actions.tree import EXCLUDED, Exclusions, Leaf
from apr.meter.actions import follow
from apr.meter.overlay import Overlay
from apr.meter.paths import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import PurePosixPath

    from apr.actions.trace import Entry, Record
    from apr.actions.tree import Tree

# tools that leave files alone
READ_ONLY = frozenset(
    {
        "AskUserQuestion",
        "ExitPlanMode",
        "Glob",
        "Grep",
        "LS",
        "NotebookRead",
        "Read",
        "TodoRead",
        "TodoWrite",
        "WebFetch",
        "WebSearch",
    }
)
_FOLLOWED = frozenset({"Edit", "Write"})


@dataclass(frozen=True)
class State:
    """The files of one side at the end.

    Attributes:
        files: path -> file or link; None where that is not known.
        reason: why it is not known, in a few words; empty where it is.
        tree: the tree that unchanged files are read from.
        written: path -> content of the files that are not as in it.
    """

    files: Mapping[str, Leaf] | None
    reason: str = ""
    tree: Tree | None = None
    written: Mapping[str, bytes | None] | None = None

    def content(self, path: str) -> bytes | None:
        """What is in a file; None where there is none of this name.

        Raises:
            UnusableInput: it cannot be read, or is another one by now.
        """
        if self.written is not None and path in self.written:
            return self.written[path]
        return None if self.tree is None else self.tree.content(path)


def final_state(entries: Iterable[Entry], cwd: PurePosixPath | None, before: Tree | None, after: Tree | None) -> State:
    """The files that one side left.

    Args:
        entries: of a valid trace, in its order.
        cwd: where the agent worked; None where that is not known.
        before: the tree that it began with, if known.
        after: the tree that it left, if known: then it is the answer.

    Raises:
        UnusableInput: a file of the tree before cannot be read.
    """
    if after is not None:
        return State(after, tree=after)
    if before is None:
        return State(None, "the tree before is not known")
    overlay = Overlay(before)
    doubts = _Doubts()
    follow(doubts.watched(entries), Place(cwd, overlay), "none")
    if doubts.reason:
        return State(None, doubts.reason)
    left_out = Exclusions(before.excluded)
    files = dict(before)
    for path, content in overlay.written.items():
        if (path.startswith("/") and cwd is not None) or left_out.match(path):
            continue
        if content is None:
            return State(None, f"what was written to {path} cannot be computed")
        leaf = before.get(path)
        files[path] = Leaf(hashlib.sha256(content).hexdigest(), leaf is not None and leaf.executable)
    return State(files, tree=before, written=overlay.written)


def mutation_drifts(teacher: State, student: State, excluded: Sequence[str] = EXCLUDED) -> list[str]:
    """The paths at which two sides left different files, in order.

    Args:
        teacher: what it left.
        student: what it left.
        excluded: what does not count, see `apr.actions.tree.Exclusions`.

    Returns:
        Nothing where they agree; and nothing where one of them is not known.

    Raises:
        UnusableInput: a file that has to be looked into cannot be read.
    """
    if teacher.files is None or student.files is None:
        return []
    left_out = Exclusions(excluded)
    differing = {path for path, _ in teacher.files.items() ^ student.files.items()}
    return sorted(path for path in differing if not left_out.match(path) and not _same(teacher, student, path))


def _same(teacher: State, student: State, path: str) -> bool:
    """Whether two files that differ by their bytes are the same by the rule of their type."""
    one, other = ((side.files or {}).get(path) for side in (teacher, student))
    if not path.endswith(".md") or one is None or other is None or one._replace(sha256="") != other._replace(sha256=""):
        return False
    contents = teacher.content(path), student.content(path)
    return None not in contents and len({_prose(content or b"") for content in contents}) == 1


def _prose(content: bytes) -> bytes:
    return b"\n".join(line.rstrip(b" \t") for line in content.replace(b"\r\n", b"\n").split(b"\n")).rstrip(b"\n")


class _Doubts:
    """Watches records go by for a call that may have changed files in a way that nobody can compute."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[int, str]] = {}
        self._first = ""

    @property
    def reason(self) -> str:
        """The first such call, and calls of which nobody knows whether they were made; empty where there is none."""
        if not self._first and self._asked:
            line, name = next(iter(self._asked.values()))
            return f"{name} at line {line} has no result"
        return self._first

    def watched(self, entries: Iterable[Entry]) -> Iterable[Entry]:
        """The same entries."""
        for entry in entries:
            record = entry.record
            if record["kind"] == "assistant_turn":
                for block in record["blocks"]:
                    if block["type"] == "tool_use" and block["name"] not in READ_ONLY:
                        self._asked[block["id"]] = (entry.line, block["name"])
            elif record["kind"] == "tool_result":
                line, name = self._asked.pop(record["tool_use_id"], (0, ""))
                if name and name not in _FOLLOWED and not self._first and _may_have_run(name, record):
                    self._first = f"{name} at line {line} may have changed files"
            yield entry


def _may_have_run(name: str, record: Record) -> bool:
    """Bash that failed without an exit code was refused; of an agent or an unknown tool that failed nobody knows how far it came."""
    return name != "Bash" or record["ok"] or (record.get("side_effects") or {}).get("exit_code") is not None
