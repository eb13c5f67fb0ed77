"""Runs a document of commands as its reader would: block by block, in a fresh folder, and compares what is printed.

In the document's source:

* a block ```` ```console ```` has commands behind `$ `, each with what it prints; ```` ```sh ```` and ```` ```bash ```` have commands alone;
* a block with `title="NAME"` is a file, and is written where the commands run; `title="NAME (at its end)"` is added to one;
* a command ends with exit code 0, unless the next one is `echo $?`, which shows another;
* `…` alone on a line stands for any lines, inside a line for anything in it; distances in scientific notation, seconds and
  hashes differ with the machine (`normal`);
* `<!-- not run: WHY -->` before a block excuses it, `<!-- needs: model -->` runs it only where that is there,
  `<!-- in: checkout -->` runs it in a copy of the repository.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container

_FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>[\w-]*)(?P<more>[^`\n]*)\n(?P<text>.*?)^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL
)
_REMARK = re.compile(r"<!--\s*(not run|needs|in):\s*(.*?)\s*-->")
_TITLE = re.compile(r'title="([^"]+)"')
_AT_ITS_END = " (at its end)"
_COMMANDS = {"console", "sh", "bash", "shell"}
_PATIENCE = 300.0  # seconds for one command; a loaded machine is slow
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "NO_COLOR": "1",
    "COLUMNS": "80",
    "PYTEST_ADDOPTS": "-p no:randomly -p no:cacheprovider",  # the reader has no random order
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}


@dataclass(frozen=True)
class Command:
    """A line that is typed, and the lines that the document shows under it; None: it shows nothing on purpose."""

    text: str
    shown: tuple[str, ...] | None


@dataclass(frozen=True)
class Block:
    """A block of commands, or a file.

    Attributes:
        line: where it stands in the document, from 1.
        excuse: why it is not run; empty if it is.
        needs: what has to be there.
        place: `""` for the document's folder, `checkout`.
    """

    line: int
    language: str
    text: str
    title: str = ""
    excuse: str = ""
    needs: tuple[str, ...] = ()
    place: str = ""

    @property
    def runs(self) -> bool:
        """Whether it is a block of commands."""
        return self.language in _COMMANDS and not self.title

    def commands(self) -> list[Command]:
        """What is typed, line by line; a backslash at a line's end goes on in the next."""
        if self.language != "console":
            joined = self.text.replace("\\\n", "\\\0").splitlines()
            lines = [line.replace("\0", "\n") for line in joined if line.strip() and not line.startswith("#")]
            return [Command(line, None) for line in lines]
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif not found:
                raise ValueError(f"line {self.line}: a console block begins with a command")
            elif found[-1][0].endswith("\\") and not found[-1][1]:
                found[-1] = (f"{found[-1][0]}\n{line}", [])
            else:
                found[-1][1].append(line)
        return [Command(text, tuple(shown)) for text, shown in found]


def blocks(text: str) -> list[Block]:
    """The blocks of commands and the files of a document, in order.

    Raises:
        ValueError: an excuse without a reason.
    """
    found = []
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        said: dict[str, str] = {}
        for row in reversed(text[: match.start()].rstrip().splitlines()):
            remarks = _REMARK.findall(row)
            if not remarks:
                break
            said |= dict(remarks)
        if said.get("not run") == "":
            raise ValueError(f"line {line}: 'not run' without a reason")
        title = _TITLE.search(match["more"])
        block = Block(
            line,
            match["language"],
            match["text"],
            title[1] if title else "",
            said.get("not run", ""),
            tuple(re.split(r",\s*", said["needs"])) if "needs" in said else (),
            said.get("in", ""),
        )
        if block.runs or block.title:
            found.append(block)
    return found


@dataclass
class Done:
    """What became of a document's blocks, by their lines."""

    ran: list[int] = field(default_factory=list)
    excused: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)  # what they need is not here
    wrong: list[str] = field(default_factory=list)


def play(text: str, folder: Path, there: Container[str], checkout: Callable[[], Path]) -> Done:
    """Does what a document says; the first thing that comes out otherwise ends it.

    Args:
        text: of the document.
        folder: an empty one.
        there: which of the things that blocks may need are here.
        checkout: makes a copy of the repository, once.
    """
    done = Done()
    for block in blocks(text):
        if block.excuse:
            done.excused.append(block.line)
        elif any(need not in there for need in block.needs):
            done.left.append(block.line)
        elif done.wrong:
            continue
        else:
            place = checkout() if block.place == "checkout" else folder
            if block.title:
                _write(block, place)
            else:
                done.wrong += _run(block, place)
            done.ran.append(block.line)
    return done


def _write(block: Block, place: Path) -> None:
    path = place / block.title.removesuffix(_AT_ITS_END)
    path.parent.mkdir(parents=True, exist_ok=True)
    if block.title.endswith(_AT_ITS_END):
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n\n{block.text}")
    else:
        path.write_text(block.text, encoding="utf-8")


def _run(block: Block, place: Path) -> list[str]:
    """What came out otherwise than the document says, or nothing."""
    commands = block.commands()
    code = 0
    for index, command in enumerate(commands):
        where = f"line {block.line}: $ {command.text}"
        told = index + 1 < len(commands) and commands[index + 1].text == "echo $?"
        code, printed = _shell(command.text, place, code)
        if code != 0 and not told:
            return [f"{where}\nends with {code}, and the document does not say so:\n{printed}"]
        if command.shown is not None and not agrees(command.shown, printed):
            return [f"{where}\nprints:\n{printed}\nthe document says:\n{chr(10).join(command.shown)}"]
    return []


def _shell(text: str, place: Path, before: int) -> tuple[int, str]:
    """Exit code and output of one line, after a command that ended with `before`."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"(exit {before})\n{text}"],  # noqa: S607  the reader's shell
        cwd=place,
        env=os.environ | _ENVIRONMENT | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout


def normal(line: str) -> str:
    """A line without what differs from one machine or run to the next."""
    line = re.sub(r"\b\d+\.\d+ ?s\b", "<seconds>", line)
    line = re.sub(r"\b\d(?:\.\d+)?e[+-](?!00\b)\d+\b", "<distance>", line)
    line = re.sub(r"\b[0-9a-f]{12,64}\b", "<hash>", line)
    line = re.sub(r"={3,}", "===", line)  # pytest fills a line up
    return re.sub(r"(?<=\S)\s+", " ", line).rstrip()


def agrees(shown: tuple[str, ...], printed: str) -> bool:
    """Whether a command prints what a document shows."""
    pattern = ""
    for line in shown:
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*"
        else:
            first, *others = line.split("…")
            parts = [normal(first), *(normal(re.sub(r"^\s+", " ", part)) for part in others)]
            pattern += r"[^\n]*".join(map(re.escape, parts)) + r"\n"
    text = "".join(f"{normal(line)}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, text) is not None
