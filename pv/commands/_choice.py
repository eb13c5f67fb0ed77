"""The rules that a command line and `[tool.pv.validate]` choose; a code that names none is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pv.commands._targets import Targets, shown
from pv.index import Index
from pv.report.console import escape
from pv.rules import codes
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pv.commands._targets import Target
    from pv.config import Config
    from pv.policy import Policy


def chosen(config: Config, select: Sequence[str], ignore: Sequence[str]) -> Policy:
    """The project's policy with what `--select` and `--ignore` add to it; each of their words may hold several codes.

    Raises:
        UsageProblem: a code is neither a rule's nor the beginning of one, here or in `[tool.pv.validate]`.
    """
    where = f"{config.root / 'pyproject.toml'}: [tool.pv.validate]"
    _refuse_unknown(f"{where} select", config.policy.select)
    _refuse_unknown(f"{where} ignore", config.policy.ignore)
    _refuse_unknown(f"{where} severity", config.policy.severity)
    wanted, unwanted = _split(select), _split(ignore)
    _refuse_unknown("--select", wanted)
    _refuse_unknown("--ignore", unwanted)
    return config.policy.and_also(wanted, unwanted)


@dataclass(frozen=True)
class Part:
    """The files of one project, with the rules that it chooses and what rules across files can ask there."""

    targets: Targets
    policy: Policy
    index: Index


def chosen_parts(targets: Targets, select: Sequence[str], ignore: Sequence[str]) -> list[Part]:
    """What a command line names, by project: each has rules and an index of its own.

    Raises:
        UsageProblem: a configuration or a code cannot be used.
    """
    return [
        Part(
            part,
            chosen(part.config, select, ignore),
            Index(part.project, shown, schema=part.config.schema, subjects=part.config.subjects),
        )
        for part in targets.projects()
    ]


def each(parts: Iterable[Part]) -> Iterator[tuple[Target, Part]]:
    """Every file, with the part that it belongs to."""
    for part in parts:
        for target in part.targets.files:
            yield target, part


def _split(words: Iterable[str]) -> list[str]:
    return [code.strip().upper() for word in words for code in word.split(",")]


def _refuse_unknown(where: str, names: Iterable[str]) -> None:
    for name in names:
        known = codes()
        if not name or not any(code.startswith(name) for code in known):
            beside = [code for code in known if code[:3] == name[:3].upper()]
            fix = did_you_mean(name.upper(), beside) or "`pv explain` lists the codes"
            raise UsageProblem(f"{escape(where)}: no code begins with {escape(name)!r}; {fix}")
