"""Puts the page together: the answer, the drifts by category, all pairs, and both sides of each that drifts beside each other.

All of it is text and tables, so that it can be read without a script, printed and searched; nothing is fetched. Whatever comes from
traces is escaped twice over: control characters become visible, then markup loses its meaning.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from apr.console import escape
from apr.meter.card import facts, headline
from apr.meter.corpus import SCHEMA
from apr.meter.drift import MEANINGS, Category
from apr.meter.tally import facts_of_corpus, headline_of_corpus
from apr.pages import style

if TYPE_CHECKING:
    from pathlib import Path

    from apr.meter.corpus import CorpusReport, Judged
    from apr.meter.report import Row

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_SAYS = {" ": "same", "~": "other", "-": "missing", "+": "extra", ">": "moved"}
_MOST_DRIFTS = 200  # of one pair


def write_page(path: Path, report: CorpusReport, name: str) -> None:
    """Writes the page; the file appears whole or not at all.

    Args:
        path: where to.
        report: of the corpus, with both sides beside each other.
        name: of the corpus.

    Raises:
        UsageError: the file cannot be written.
    """
    from apr.formats.files import replacing  # noqa: PLC0415 - only writing needs it

    text = page(report, name)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(report: CorpusReport, name: str) -> str:
    """The report as one HTML document."""
    answer = "passed" if report.passes else "failed"
    lines = "".join(f"<dt>{_text(label)}</dt><dd>{_text(said)}</dd>\n" for label, said in facts_of_corpus(report))
    numbers = {one.pair.name: number for number, one in enumerate(report.judged) if one.report.verdict != "agrees"}
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{answer}: {_text(name)}</title>
<style>
{style("apr.meter.html", "page.css")}</style>
</head>
<body>
<header><p>Action traces of <b>{_text(name)}</b></p></header>
<main>
<section class="card {answer}">
<p class="outcome">{answer}</p>
<h1>{_text(headline_of_corpus(report))}</h1>
<dl>
{lines}</dl>
</section>
{_categories(report)}
{_pairs(report, numbers)}
{"".join(_one(one, numbers[one.pair.name]) for one in report.judged if one.pair.name in numbers)}
</main>
<footer>Written by ccpa, schema {SCHEMA}. The same as JSON: <code>ccpa corpus --json</code>.</footer>
</body>
</html>
"""


def _text(value: object) -> str:
    """Foreign text, harmless in markup and in attributes."""
    return html.escape(escape(str(value)))


def _categories(report: CorpusReport) -> str:
    if not report.drifts:
        return ""
    most = max(report.drifts.values())
    lines = "".join(
        f'<tr><th scope="row"><code>{name}</code></th><td class="number">{count}</td>'
        f'<td class="bar"><i style="width:{100 * count / most:.1f}%"></i></td>'
        f"<td>{_text(MEANINGS[Category(name)].text)}</td></tr>\n"
        for name, count in report.drifts.items()
    )
    head = '<th scope="col">category</th><th scope="col" class="number">drifts</th><th class="bar"></th><th scope="col">what it is</th>'
    return f"""<section>
<h2>Drifts by category</h2>
<div class="scroll"><table class="list">
<thead><tr>{head}</tr></thead>
<tbody>
{lines}</tbody>
</table></div>
</section>"""


def _pairs(report: CorpusReport, numbers: dict[str, int]) -> str:
    lines = "".join(_pair(one, numbers.get(one.pair.name)) for one in report.judged)
    return f"""<section>
<h2>Pairs</h2>
<div class="scroll"><table class="list">
<thead><tr><th scope="col">pair</th><th scope="col">verdict</th><th scope="col" class="number">score</th>
<th class="bar"></th><th scope="col" class="number agree">agree</th><th scope="col" class="number">drifts</th></tr></thead>
<tbody>
{lines}</tbody>
</table></div>
</section>"""


def _pair(one: Judged, number: int | None) -> str:
    report, name = one.report, _text(one.pair.name)
    linked = name if number is None else f'<a href="#pair-{number}">{name}</a>'
    score, agree, bar = "-", "-", ""
    if report.score is not None:
        score, agree = f"{report.score:.4f}", f"{report.matched}/{report.denominator}"
        bar = f'<i class="{"good" if report.passes else "bad"}" style="width:{100 * report.score:.1f}%"></i>'
    return (
        f'<tr><th scope="row">{linked}</th><td><span class="verdict {report.verdict}">{report.verdict}</span></td>'
        f'<td class="number">{score}</td><td class="bar">{bar}</td>'
        f'<td class="number agree">{agree}</td><td class="number">{len(report.drifts)}</td></tr>\n'
    )


def _one(one: Judged, number: int) -> str:
    report = one.report
    about = f'<p class="about">{_text(one.pair.meta.about)}</p>' if one.pair.meta.about else ""
    told = "".join(f"<dt>{_text(label)}</dt><dd>{_text(said)}</dd>\n" for label, said in facts(report))
    drifts = "".join(
        f"<li><code>{_text(drift.short)}</code>: {_text(drift.detail)}</li>\n" for drift in report.drifts[:_MOST_DRIFTS]
    )
    drifts = f'<ul class="told">\n{drifts}</ul>' if drifts else ""
    more = len(report.drifts) - _MOST_DRIFTS
    rest = f"<p>and {more} more drifts</p>" if more > 0 else ""
    left_out = f"<p>and {report.rows_left_out} more rows</p>" if report.rows_left_out else ""
    return f"""<section class="pair" id="pair-{number}">
<h2>{_text(one.pair.name)} <span class="verdict {report.verdict}">{report.verdict}</span></h2>
{about}
<p>{_text(headline(report))}</p>
{_beside(report.rows)}{left_out}
{drifts}{rest}
<details><summary>What it rests on</summary>
<dl>
{told}</dl></details>
</section>
"""


def _beside(rows: tuple[Row, ...]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f'<tr class="{_SAYS[row.mark]}"><td class="mark" title="{_SAYS[row.mark]}">{_text(row.mark)}</td>'
        f"{_cell(row.lines[0], row.teacher)}{_cell(row.lines[1], row.student)}</tr>\n"
        for row in rows
    )
    return f"""<table class="beside">
<colgroup><col class="mark"><col class="line"><col><col class="line"><col></colgroup>
<thead><tr><th></th><th></th><th scope="col">teacher</th><th></th><th scope="col">student</th></tr></thead>
<tbody>
{lines}</tbody>
</table>"""


def _cell(line: int | None, said: str | None) -> str:
    if said is None:
        return '<td class="line"></td><td class="none"></td>'
    return f'<td class="line">{line}</td><td><code>{_text(said)}</code></td>'
