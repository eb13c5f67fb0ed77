"""The index of the pages: a table of all contracts, those that can be executed first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.formal.property import is_executable
from pv.report.html.frame import markup
from pv.report.pages.markup import pill, prose, table
from pv.report.pages.page import document
from pv.report.wording import counted
from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.report.pages.witness import Witness

_HEAD = ("contract", "what it is about", "declared", "claims", "mutants", "level", "seen")
_GROUPS = (
    (
        "Kernels and equations",
        "Each is an equation with its domain; its claims are run as they are written, on any module with these functions.",
    ),
    ("Runtime", "Claims about files, engines and whole models, each refuted by a falsifier in Python."),
)


def index(found: Sequence[Witness]) -> str:
    """All contracts with how they stand, as one HTML document."""
    claims = sum(len(one.claims) for one in found)
    settled = sum(one.settled for one in found)
    cells, dead = sum(len(one.cells) for one in found), sum(one.killed for one in found)
    head = (
        f'<section class="card">\n<h1>{counted(len(found), "contract")}</h1>\n'
        f"<p>Of {counted(claims, 'claim')} {settled} came out as expected when their contracts were promoted; of "
        f"{counted(cells, 'planted fault')} {dead} were refuted.</p>\n</section>\n"
    )
    groups = [[one for one in found if _executable(one) is wanted] for wanted in (True, False)]
    tables = [_group(title, about, group) for (title, about), group in zip(_GROUPS, groups, strict=True) if group]
    return document("Contracts", head + "".join(tables))


def _group(title: str, about: str, found: Sequence[Witness]) -> str:
    rows = [_row(one) for one in sorted(found, key=lambda one: one.contract.name)]
    return f"<section>\n<h2>{title}</h2>\n<p class='note'>{about}</p>\n{table(_HEAD, rows, 'contracts', right=(3, 4))}</section>\n"


def _row(one: Witness) -> tuple[str, ...]:
    name = markup(one.contract.name)
    about = str(one.contract.metadata.get("description") or "").split(". ")[0].strip().removesuffix(".")
    return (
        f'<a href="{name}.html">{name}</a>',
        f'<span class="about">{prose(about)}</span>',
        pill(one.contract.status or "-", one.tone).replace("_", "_<wbr>"),
        f"{one.settled}/{len(one.claims)}" if one.promoted else str(len(one.claims)),
        f"{one.killed}/{len(one.cells)}" if one.promoted else str(len(one.cells)),
        _level(one),
        markup(one.date) or "-",
    )


def _level(one: Witness) -> str:
    """The least and the greatest level of what was seen."""
    seen = sorted(
        {claim.level for claim in one.claims if any(case.row for case in claim.evidence)}, key=list(Level).index
    )
    return " to ".join(dict.fromkeys((str(seen[0]), str(seen[-1])))) if seen else "-"


def _executable(one: Witness) -> bool:
    return any(is_executable(equation.data) for equation in one.contract.equations.values())
