"""docs/reference/cli.md: every command of `pv`, `apr` and `ccpa`, out of their parsers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apr.ccpa.cli import CCPA
from apr.cli import APR
from docs.parsers import rows, safe, synopsis, walk
from pv.arguments import parser
from pv.report.language import table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_HEAD = """\
# The command line

Every command with what it takes and how it ends. `COMMAND --help` prints the same. What is printed goes to standard output, messages and
progress to standard error; piped output is plain, `NO_COLOR` is honoured, and `--json` stands wherever a program may read.

| exit code | everywhere |
| --- | --- |
| 0 | ok |
| 1 | findings: something is refuted, differs, is missing, or must not be compared |
| 2 | usage, or input that cannot be used; one message says what, where and what to do |
| 3 | a bug of ours; the only time that a traceback is shown |
| 128 + n | ended by signal n: 130 interrupted, 141 the reader of a pipe went away, 143 terminated |

What `pytest -m falsify` takes: [the pytest plugin](pytest.md). Formats of `--json`: [what the words and schemas mean](words.md), and how
long they stay readable: [versions](versioning.md)."""


def cli_page(made: str) -> str:
    """The page, under the line `made`."""
    found = list(_all())
    parts = [made, _HEAD]
    links = [(f"[`{words}`](#{words.replace(' ', '-')})", safe(_sentence(about))) for words, about, _ in found]
    parts += [table(("command", "what it does"), links)]
    for words, about, command in found:
        text = command.description or about
        parts += [f"## {words}", f"{safe(_sentence(_flat(text)))}", synopsis(words, command)]
        parts += [part for part in (rows(command), _epilog(command)) if part]
    return "\n\n".join(parts) + "\n"


def _all() -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Every command, as typed, with its line of help; not the programs themselves."""
    yield from list(walk("pv", "", parser()))[1:]
    for program in (APR, CCPA):
        for name, about in program.commands.items():
            yield f"{program.name} {name}", about, program.parser_of(name)


def _epilog(command: argparse.ArgumentParser) -> str:
    """What stands below the options: prose as prose, lists as they stand."""
    parts = re.split(r"\n[ \t]*\n", (command.epilog or "").strip())
    return "\n\n".join(_part(part) for part in parts if part.strip())


def _part(text: str) -> str:
    lines = text.splitlines()
    if any(line.startswith(" ") for line in lines):
        return f"```text\n{text}\n```"
    return safe(_sentence(_flat(text)))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    full = text[:1].upper() + text[1:]
    return full if full.endswith((".", ":")) else f"{full}."
