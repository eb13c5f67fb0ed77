"""Writes the pages of docs/reference that come out of the code: `make docs`.

With `--check` nothing is written, and the exit code is 1 if a page is not what would be written.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docs.commandline import cli_page
from docs.decisions_index import decisions_page
from docs.parsers import commands, rows, safe, synopsis
from docs.vocabulary import pytest_page, words_page
from pv.arguments import parser
from pv.config import KEYS, VALIDATE
from pv.policy import OFF, SEVERITIES
from pv.report.finding_formats import FINDING_FORMATS
from pv.report.language import language_page
from pv.report.language import table as _table
from pv.report.manual import body, families, mends, title
from pv.rules import all_rules
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.rules import Rule

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- written by docs/make.py out of the code: change that, then `make docs` -->"
COMMANDS = ("validate", "fix", "explain", "schema", "init", "new", "list", "show", "missing", "docs")
SEVERITY_WORDS = {
    OFF: "not told at all",
    Severity.ERROR: "surely wrong, or means nothing; exit code 1",
    Severity.WARNING: "probably wrong; a reader must look; exit code 1 with `--strict`",
    Severity.NOTE: "a wish; text shows it with `-v` alone, the other formats always; never an exit code",
}
_UPSTREAM = re.compile(r"\b[A-Z]+(?:-[A-Z]+)*-\d{3}\b")

_HEAD = """\
{count} rules; findings of {mended} of them `pv fix` can mend. `pv explain CODE` prints a page as it stands here. The severity is the
usual one; some rules say of a finding that it is more or less. What the words mean, and how a project gives a rule another one:
[pv validate](pv-validate.md#severities). *Upstream* is the `pv` of paiml, whose contracts are read here too."""

VALIDATE_HEAD = """\
# pv validate, and the commands around it

`pv validate` reads contracts, says what is wrong with them and where, and points at the line. What each code means:
[rules](rules.md), or `pv explain CODE`. `pv fix` mends what is mechanical."""

FIX_TEXT = """\
A fix is an edit of the text at a place that is known to the character. It renames a key, puts quotes around a value, or writes a
comment; comments, layout, line ends, byte order mark and every other byte stay. After each pass the old and the new text are compared
as YAML, event by event: where more has changed than was meant, the file stays as it is and the exit code is 3, for that is a bug in pv.
A file is replaced whole or not at all, with its mode, through links. What an ignore hides, or the project does not choose, is left.

`--diff` writes a patch for `git apply` to standard output, and the summary to standard error."""

IGNORE_TEXT = """\
A comment lets one finding stand, with the reason:

    prediction: p  # pv: ignore[PV208] the prediction is the table below

It holds for its line; alone on a line it holds for the next one that is no comment. Several codes are separated by commas. An ignore
that names no rule is [PV901](rules.md#pv901), one without a reason [PV902](rules.md#pv902), one that hides nothing
[PV903](rules.md#pv903)."""


def rules_page() -> str:
    """The table of all rules, then the manual page of each."""
    groups = families(all_rules())
    parts = [
        MADE,
        "# Rules",
        _HEAD.format(count=sum(map(len, groups.values())), mended=sum(mends(rule) for rule in all_rules())),
    ]
    for name, rules in groups.items():
        rows = [
            (
                f"[{rule.CODE}](#{rule.CODE.lower()})",
                str(rule.SEVERITY),
                "mends" if mends(rule) else "",
                safe(title(rule)),
                _upstream(rule),
            )
            for rule in rules
        ]
        parts += [f"## {name.capitalize()}", _table(("code", "severity", "`pv fix`", "finds", "upstream"), rows)]
    for rule in all_rules():
        parts += [f"### {rule.CODE}", f"**{safe(title(rule))}** ({rule.SEVERITY})", _markdown(body(rule))]
    return "\n\n".join(parts) + "\n"


def validate_page() -> str:
    """What the commands around contracts take, and what a project can say."""
    known = commands(parser())
    parts = [MADE, VALIDATE_HEAD]
    for name in COMMANDS:
        about, command = known[name]
        parts += [f"## pv {name}", f"{about[0].upper()}{about[1:]}.", synopsis(f"pv {name}", command)]
        parts += [rows(command), f"{_first_upper(command.epilog or '')}."]
        parts += [FIX_TEXT] if name == "fix" else []
    formats = [(f"`{name}`", _first_line(f"pv.report.findings_{name}")) for name in FINDING_FORMATS]
    parts += ["## Formats", _table(("format", "what it is"), formats)]
    parts += [
        "## Severities",
        _table(("word", "meaning"), [(f"`{word}`", SEVERITY_WORDS[word]) for word in SEVERITIES]),
    ]
    parts += ["## Ignores in a contract", IGNORE_TEXT]
    parts += ["## [tool.pv] in pyproject.toml", _table(("key", "what it says"), _keys(KEYS))]
    parts += ["## [tool.pv.validate]", _table(("key", "what it says"), _keys(VALIDATE))]
    parts += ["A key or a code that is not known is refused, with the one that was probably meant: exit code 2."]
    return "\n\n".join(parts) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "rules.md": rules_page,
    "pv-validate.md": validate_page,
    "contract-language.md": lambda: language_page(MADE),
    "cli.md": lambda: cli_page(MADE),
    "pytest.md": lambda: pytest_page(MADE),
    "words.md": lambda: words_page(MADE),
    "decisions.md": lambda: decisions_page(MADE),
}


def outdated() -> list[str]:
    """The pages that are not what would be written."""
    return [name for name, make in PAGES.items() if not _is(FOLDER / name, make())]


def main() -> int:
    """Write the pages, or say which of them are out of date."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing")
    check = arguments.parse_args().check
    stale = outdated()
    for name in stale:
        if not check:
            (FOLDER / name).write_text(PAGES[name](), "utf-8", newline="\n")
        print(f"docs/reference/{name}: {'out of date; run `make docs`' if check else 'written'}")
    return 1 if check and stale else 0


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _keys(keys: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"`{key}`", about) for key, about in keys.items()]


def _first_line(module: str) -> str:
    return safe(
        (importlib.import_module(module).__doc__ or "").splitlines()[0].removeprefix("Findings as ").removesuffix(".")
    )


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _upstream(rule: Rule) -> str:
    """Upstream's codes for what a rule finds, or how it is met there."""
    said = (rule.__doc__ or "").partition("\nUpstream:")[2].strip()
    if said.startswith("none"):
        return ""
    codes = list(dict.fromkeys(_UPSTREAM.findall(said)))
    if codes:
        return ", ".join(codes)
    return "a parse error" if said.startswith("a parse error") else "see below"


def _markdown(text: str) -> str:
    """A page as Markdown: paragraphs are told what is not markup, examples stand as they are."""
    return "\n\n".join(part if part.startswith("    ") else safe(part) for part in re.split(r"\n[ \t]*\n", text))


if __name__ == "__main__":
    sys.exit(main())
