"""The page `docs/reference/mutation.md`, out of the kept results and the reasons."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from tests.mutation.modules import MODULES
from tests.mutation.reasons import read as read_reasons
from tests.mutation.results import ENOUGH, Result, score_without
from tests.mutation.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.mutation.reasons import Reason
    from tests.mutation.results import Survivor

PAGE = ROOT / "docs" / "reference" / "mutation.md"
_HEAD = f"""\
<!-- written by `make mutation` out of what it has seen: run that -->

# Mutation testing of the house

Whether the tests of what decides verdicts would notice a fault there. mutmut changes one thing at a time in a function (a comparison, a
condition, an argument, a literal), and the fast tests of the module are run; a mutant that they all pass has survived.
At least {ENOUGH:.0%} of a module's mutants must be killed, and every survivor has its reason here, or `make mutation` exits with 1.
`make mutation ONLY=judge` runs one module; an interrupted run goes on where it was. How it is set up, and what it cannot see:
[decision 0037](../decisions/0037-mutants-of-the-house.md).

*score* is killed over all mutants. *without equivalents* leaves out survivors that no input can tell from the code; each is
marked below. A mutant whose tests take many times as long as without it was stopped: it counts as killed, and is told as *timeouts*."""


def table(results: dict[str, Result]) -> list[tuple[str, ...]]:
    """One row a module: what was mutated, how many mutants, what became of them, when, with what."""
    reasons = read_reasons()
    rows = []
    for module in MODULES:
        if module.name not in results:
            rows.append((module.name, _files(module.files), "not run", *[""] * 7))
            continue
        one = results[module.name]
        equivalent = sum(key.equivalent for each in one.survivors if (key := reasons.get(each.key)))
        rows.append(
            (
                module.name,
                _files(module.files),
                str(one.mutants),
                str(one.killed),
                str(one.timeouts),
                str(len(one.survivors)),
                str(equivalent),
                f"{one.score:.1%}",
                f"{score_without(one, equivalent):.1%}",
                one.date,
            )
        )
    return rows


HEADINGS = (
    *("module", "files", "mutants", "killed", "timeouts", "survived", "equivalent"),
    *("score", "without equivalents", "date"),
)


def page(results: dict[str, Result]) -> str:
    """The whole page."""
    reasons = read_reasons()
    parts = [_HEAD, _table(HEADINGS, table(results)), _tools(results)]
    for module in MODULES:
        if module.name in results and results[module.name].survivors:
            parts.append(f"## {module.name}")
            parts += _survivors(results[module.name].survivors, reasons)
    return "\n\n".join(parts) + "\n"


def _files(names: tuple[str, ...]) -> str:
    folder = names[0].rpartition("/")[0]
    return f"`{names[0]}`" if len(names) == 1 else f"`{folder}/` {', '.join(_stem(one) for one in names)}"


def _stem(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".py")


def _tools(results: dict[str, Result]) -> str:
    return "With " + ", ".join(sorted({f"{one.tool} on Python {one.python}" for one in results.values()})) + "."


def _survivors(survivors: tuple[Survivor, ...], reasons: dict[tuple[str, str, str, str], Reason]) -> list[str]:
    """Those of one module, by reason."""

    def why(one: Survivor) -> tuple[bool, str]:
        reason = reasons.get(one.key)
        return (reason.equivalent, reason.text) if reason else (False, "no reason yet")

    parts = []
    for (equivalent, text), group in groupby(sorted(survivors, key=lambda one: (why(one), one)), key=why):
        rows = [(f"{one.file}:{one.line}", f"`{one.function}`", _code(one.was), _code(one.now)) for one in group]
        parts += [f"{'Equivalent: ' if equivalent else ''}{text}", _table(("place", "function", "was", "is"), rows)]
    return parts


def _code(text: str) -> str:
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{text.replace('|', chr(92) + '|')}{ticks}" if text else "(nothing)"


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
