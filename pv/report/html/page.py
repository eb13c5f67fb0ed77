"""Puts the page together: what everybody can read without a script, and the data for the script.

Everything foreign is escaped twice over: what cannot be seen becomes visible, then markup loses its meaning. No script runs
but ours: the page's own policy names its hash, and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from pv import __version__
from pv.report.html.data import report_data
from pv.report.html.frame import asset, head, markup, style
from pv.report.lacking import lacking, mutants
from pv.report.status_rows import HEADING, RIGHT, row
from pv.report.summary import headline, reason, settled, state, state_of
from pv.report.wording import counted

if TYPE_CHECKING:
    from pv.fold import Folded
    from pv.status import ContractStatus, Report


def as_html(report: Report) -> str:
    """The report as one HTML document of pages that its script makes on demand; without a script it is one long page."""
    script = asset("pv.report.html", "report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # "</script>" or "<!--" inside the data would end it
    data = json.dumps(report_data(report), separators=(",", ":")).replace("<", "\\u003c")
    title = f"Contracts: {markup(headline(report.claims))}"
    return f"""{head(title, style("pv.report.html", "report.css"), scripts=f"'sha256-{digest}'")}
<body>
<header>
<a class="home" href="#/">Contracts</a>
<button id="theme" type="button" hidden>Dark</button>
</header>
<main id="main" tabindex="-1">
<section class="card {state(report).replace(" ", "-")}" aria-labelledby="headline">
<p class="outcome">{_STATES[state(report)]}</p>
<h1 id="headline">{markup(headline(report.claims))}</h1>
<div id="card"></div>
{_problems(report)}</section>
<div id="page"></div>
{_noscript(report)}
</main>
<footer>Written by pv {markup(__version__)} from the evidence that is fresh. The same as data: <code>pv status --format json</code>.</footer>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


_STATES = {
    "wrong": "Not as declared",
    "open": "Not all is known",
    "good": "As declared",
    "nothing measured": "Nothing measured",
}


def _problems(report: Report) -> str:
    lines = [*report.unusable, *report.told]
    if not report.ledger_exists:
        lines.append("no ledger: nothing has been run")
    items = "".join(f"<li>{markup(line)}</li>\n" for line in lines)
    return f'<ul class="problems">\n{items}</ul>\n' if items else ""


def _noscript(report: Report) -> str:
    head = "".join(f"<th{_side(at)}>{name}</th>" for at, name in enumerate(HEADING))
    rows = "\n".join(_row(one) for one in report.contracts)
    contracts = "\n".join(_contract(one) for one in report.contracts)
    return f"""<noscript>
<section>
<h2>{counted(len(report.contracts), "contract")}</h2>
<div class="scroll"><table class="plain">
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
</section>
{contracts}
</noscript>"""


def _side(column: int) -> str:
    return ' class="right"' if column in RIGHT else ""


def _row(one: ContractStatus) -> str:
    cells = "".join(f"<td{_side(at)}>{markup(cell)}</td>" for at, cell in enumerate(row(one)))
    return f'<tr class="{state_of(one).replace(" ", "-")}">{cells}</tr>'


def _contract(one: ContractStatus) -> str:
    lacks = "".join(
        f"<li>{markup((claim + ': ' if claim else '') + '; '.join(texts))}</li>" for claim, texts in lacking(one)
    )
    remarks = "".join(f"<li>{markup(each.text)}</li>" for each in one.remarks)
    claims = "\n".join(_claim(each) for each in one.claims)
    opened = "" if state_of(one) == "good" else " open"
    return f"""<section><details{opened}>
<summary><h2>{markup(one.contract.name)}</h2> {_STATES[state_of(one)]}: effective {one.effective}</summary>
{f"<p>It declares {markup(one.contract.status)} and lacks:</p><ul>{lacks}</ul>" if lacks else ""}
{f"<ul>{remarks}</ul>" if remarks else ""}
<dl>
{claims}
</dl>
</details></section>"""


def _claim(one: Folded) -> str:
    why = "" if settled(one) and not one.detail else f": {markup(reason(one))}"
    missed = "".join(f"<br>{markup(line)}" for line in mutants(one))
    return (
        f"<dt>{markup(one.claim.id)}</dt><dd><b>{one.outcome}</b>{why}{missed}<br>{markup(one.claim.prediction)}</dd>"
    )
