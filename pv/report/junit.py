"""The status as JUnit's XML: one suite a contract, one case a claim, and the case `status` for what the contract declares."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from pv.fold import Outcome
from pv.matrix import killed
from pv.report.lacking import lacking, mutants
from pv.report.summary import distance, headline, reason
from pv.report.xml_text import ascii_only, attribute, content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pv.fold import Folded
    from pv.status import ContractStatus, Report

_SECONDS = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")


def as_junit(report: Report) -> str:
    """The report as one XML document, in the shape that CI servers read (attributes and order of the common JUnit schema)."""
    suites = [_suite(one) for one in report.contracts]
    if report.broken or report.told:
        suites.append(_ledger(report))
    if report.unusable:
        suites.append(_unusable(report))
    total = {name: sum(suite.count[name] for suite in suites) for name in _Suite.NAMES}
    seconds = sum(suite.seconds for suite in suites)
    head = f'<testsuites name={attribute(headline(report.claims))} {_counts(total)} time="{seconds:.3f}">'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        head,
        *(line for suite in suites for line in suite.lines),
        "</testsuites>",
    ]
    return ascii_only("\n".join(lines))  # nothing in it drives the terminal that it may be printed on


class _Suite:
    """The lines of one suite, and how many of its cases came to which end."""

    NAMES = ("tests", "failures", "errors", "skipped")

    def __init__(self, name: str, properties: dict[str, str], started: str, seconds: float) -> None:
        self._name, self._properties, self._started = name, properties, started
        self.seconds = seconds
        self.count = dict.fromkeys(self.NAMES, 0)
        self._cases: list[str] = []

    def add(
        self, name: str, seconds: float = 0.0, kind: str = "", message: str = "", more: str = "", out: str = ""
    ) -> None:
        """Add a case; `kind` is failure, error or skipped, or empty if it passed."""
        self.count["tests"] += 1
        inner = []
        if kind:
            self.count[{"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]] += 1
            kind_of = "" if kind == "skipped" else ' type="claim"'
            inner.append(f"<{kind} message={attribute(message)}{kind_of}>{content(more)}</{kind}>")
        if out:
            inner.append(f"<system-out>{content(out)}</system-out>")
        head = f'<testcase classname={attribute(self._name)} name={attribute(name)} time="{seconds:.3f}"'
        self._cases.append(f"    {head}>{''.join(inner)}</testcase>" if inner else f"    {head}/>")

    @property
    def lines(self) -> list[str]:
        started = f' timestamp="{self._started}"' if self._started else ""
        properties = [
            f"      <property name={attribute(name)} value={attribute(value)}/>"
            for name, value in self._properties.items()
        ]
        return [
            f'  <testsuite name={attribute(self._name)} {_counts(self.count)} time="{self.seconds:.3f}"{started}>',
            *(["    <properties>", *properties, "    </properties>"] if properties else []),
            *self._cases,
            "  </testsuite>",
        ]


def _suite(one: ContractStatus) -> _Suite:
    cells = [cell for claim in one.claims for cell in claim.cells]
    properties = {
        "path": one.contract.path,
        "declared": one.contract.status or "",
        "effective": str(one.effective),
        "mutants": f"{killed(cells)}/{len(cells)}",
    }
    started = min(filter(None, (_started(claim) for claim in one.claims)), default="")
    suite = _Suite(one.contract.name, properties, started, sum(_seconds(claim) for claim in one.claims))
    for claim in one.claims:
        kind, message = _kind(claim)
        more = "\n".join(_facts(claim)) if kind in ("failure", "error") else ""
        suite.add(claim.claim.id, _seconds(claim), kind, message, more, "" if kind else "\n".join(_facts(claim)))
    grave = [remark for remark in one.remarks if remark.grave]
    if one.overstated:
        said = "\n".join(f"{claim}: {'; '.join(texts)}".removeprefix(": ") for claim, texts in lacking(one))
        suite.add("status", 0.0, "failure", f"declared {one.contract.status} above effective {one.effective}", said)
    elif one.contract.status is not None or not one.claims:
        # a suite without any case would look as if all were well
        nothing = "" if one.claims else "it has no claim: nothing can be discharged"
        suite.add("status", 0.0, "skipped" if nothing else "", nothing)
    for remark in grave:
        name = f"{remark.topic}: {remark.claim}" if remark.claim else str(remark.topic)
        suite.add(name, 0.0, "failure", remark.text, remark.help)
    return suite


def _ledger(report: Report) -> _Suite:
    suite = _Suite("ledger", {"path": str(report.ledger)}, "", 0.0)
    text = "\n".join(report.told)
    if report.broken:
        suite.add("chain", 0.0, "failure", "the ledger was changed after it had been written", text)
    else:
        suite.add("lines", 0.0, "skipped", f"{len(report.told)} lines of the ledger left aside: {text}")
    return suite


def _unusable(report: Report) -> _Suite:
    """Contracts that could not be used have no claims to count; they are errors, so that nobody misses them."""
    suite = _Suite("unusable contracts", {}, "", 0.0)
    for text in report.unusable:
        suite.add(text.split(": ", 1)[0], 0.0, "error", text)
    return suite


def _kind(one: Folded) -> tuple[str, str]:
    """How a claim counts, and why: what is not settled is never a pass."""
    if one.outcome is Outcome.ERROR:
        return "error", reason(one)
    if one.contradicts:
        return "failure", f"{one.outcome}: {reason(one)}"
    return ("skipped", reason(one)) if one.outcome is Outcome.INCONCLUSIVE else ("", "")


def _facts(one: Folded) -> Iterator[str]:
    claim = one.claim
    yield f"{claim.path}:{claim.span.line}"
    yield f"level {one.level} reached, {claim.level} asked"
    if claim.prediction.strip():
        yield f"prediction: {claim.prediction.strip()}"
    if one.worst:
        yield f"worst: {distance(one.worst)}"
    if one.cells:
        yield f"{killed(one.cells)}/{len(one.cells)} mutants killed"
    yield from mutants(one)


def _rows(one: Folded) -> Iterable[dict[str, object]]:
    return (dict(case.row) for case in one.evidence if case.row)


def _seconds(one: Folded) -> float:
    times = [row.get("duration_s") for row in _rows(one)]
    return sum(float(time) for time in times if isinstance(time, (int, float)) and math.isfinite(time) and time >= 0)


def _started(one: Folded) -> str:
    """The first of the starts, in seconds and without a zone, as the schema wants it."""
    found = [_SECONDS.match(str(row.get("started"))) for row in _rows(one)]
    return min((match.group(1) for match in found if match), default="")


def _counts(count: dict[str, int]) -> str:
    return " ".join(f'{name}="{number}"' for name, number in count.items())
