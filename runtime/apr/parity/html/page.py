"""Puts the page together: what everybody can read without a script, and the data for the script.

Everything foreign (paths, prompts, names that engines give themselves) is escaped twice over: control characters become visible,
then markup loses its meaning. And no script runs but ours: the page's own policy names its hash, and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import shlex
from importlib import resources
from typing import TYPE_CHECKING

from apr.console import escape
from apr.pages import style
from apr.parity.html.data import report_data
from apr.parity.records import SCHEMA
from apr.parity.summary import facts, headline, place, rows, worst_of_each

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from apr.parity.result import Measurement, Verdict
    from apr.parity.summary import Row

# facts that are not sentences but something to copy
_CODE = frozenset({"see it again"})
_MOST_TOKENS = 4096  # of one prompt; the rest is counted


def write_report(path: Path, measurement: Measurement, verdict: Verdict, replay: str = "") -> None:
    """Writes the report; the file appears whole or not at all.

    Args:
        path: where to.
        measurement: what was measured.
        verdict: what follows from it.
        replay: the command that shows the first divergence again.

    Raises:
        UsageError: the file cannot be written.
    """
    from apr.formats.files import replacing  # noqa: PLC0415 - only writing needs it

    text = page(measurement, verdict, replay)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(measurement: Measurement, verdict: Verdict, replay: str = "") -> str:
    """The report as one HTML document."""
    script = resources.files("apr.parity.html").joinpath("report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    # "</script>" or "<!--" inside the data would end it
    data = json.dumps(report_data(measurement, verdict), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    title = f"{measurement.subject.spec} against {measurement.oracle.spec}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{_text(verdict.outcome)}: {_text(title)}</title>
<style>
{style("apr.parity.html", "report.css")}</style>
</head>
<body>
<header>
<p class="parties"><b>{_text(measurement.subject.spec)}</b> <span>against</span> <b>{_text(measurement.oracle.spec)}</b></p>
<button id="theme" type="button" hidden>Dark</button>
</header>
<main>
{_card(measurement, verdict, replay)}
<section id="map" aria-labelledby="map-title" hidden>
<h2 id="map-title">Every stage of every layer</h2>
<div class="tools">
<div id="modes" role="radiogroup" aria-label="What the map shows"></div>
<label id="prompts" hidden>Prompt <select></select></label>
<div id="legend"></div>
</div>
<div class="scroll" tabindex="-1"><table id="cells"></table></div>
<p class="keys" id="keys"></p>
</section>
<section id="detail" aria-live="polite" aria-labelledby="detail-title" hidden></section>
{_noscript(measurement, verdict)}
{_repeat(measurement)}
</main>
<footer>Written by apr, schema {SCHEMA}. The same content as JSON lines: <code>apr parity --json</code> or <code>--save</code>.</footer>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def _text(value: object) -> str:
    """Foreign text, harmless in markup and in attributes."""
    return html.escape(escape(str(value)))


def _card(measurement: Measurement, verdict: Verdict, replay: str) -> str:
    lines = "".join(
        f"<dt>{_text(fact.label)}</dt><dd>{_code(fact.text) if fact.label in _CODE else _text(fact.text)}</dd>\n"
        for fact in facts(measurement, verdict, replay)
    )
    return f"""<section class="card {_text(verdict.outcome)}" aria-labelledby="headline">
<p class="outcome">{_text(verdict.outcome)}</p>
<h1 id="headline">{_text(headline(verdict))}</h1>
<dl>
{lines}</dl>
</section>"""


def _code(text: str) -> str:
    return f"<pre><code>{_text(text)}</code></pre>"


def _noscript(measurement: Measurement, verdict: Verdict) -> str:
    shown = worst_of_each(rows(measurement, verdict))
    lines = "\n".join(map(_line, shown))
    return f"""<noscript>
<section>
<h2>Every stage</h2>
<p>Of several prompts the one that is furthest off. Switch scripts on to see maps, tests and profiles.</p>
<div class="scroll"><table class="plain">
<thead><tr><th>stage</th><th>isolated</th><th>bound</th><th>free run</th><th>gain</th><th>position</th><th></th></tr></thead>
<tbody>
{lines}
</tbody>
</table></div>
</section>
</noscript>"""


def _line(row: Row) -> str:
    def number(value: float | None) -> str:
        return "-" if value is None else "0" if value == 0 else f"{value:.2e}"

    numbers = "".join(f"<td>{number(value)}</td>" for value in (row.isolated, row.bound, row.accumulated, row.gain))
    position = "-" if row.position is None else row.position
    return f"<tr><th>{_text(place(row.key))}</th>{numbers}<td>{position}</td><td>{row.state}</td></tr>"


def _repeat(measurement: Measurement) -> str:
    origin = measurement.origin
    pairs: list[tuple[str, str]] = []
    if origin.command:
        pairs.append(("command", _code(shlex.join(origin.command))))
    for name, party in (("subject", measurement.subject), ("oracle", measurement.oracle)):
        said = [f"{party.spec}: {party.engine} {party.build}, arithmetic {party.arithmetic}"]
        said += [f"model {party.model}"] if party.model else []
        said += [f"sha256 of the file {party.model_sha256}"] if party.model_sha256 else []
        said += [f"sha256 of the weights {party.weights_sha256}"] if party.weights_sha256 else []
        pairs.append((name, _list(said)))
    if origin.versions:
        pairs.append(("versions", _list(f"{name} {version}" for name, version in origin.versions.items())))
    if origin.machine or origin.instruction_sets:
        sets = f" ({', '.join(origin.instruction_sets)})" if origin.instruction_sets else ""
        pairs.append(("machine", _text(f"{origin.machine or 'not known'}{sets}")))
    if origin.filters:
        pairs.append(("filters", _list(f"{option} {value}" for option, value in origin.filters.items())))
    for index, tokens in enumerate(measurement.prompts):
        text = f"<q>{_text(origin.prompts[index])}</q>" if index < len(origin.prompts) else ""
        more = f" and {len(tokens) - _MOST_TOKENS} more" if len(tokens) > _MOST_TOKENS else ""
        ids = ",".join(map(str, tokens[:_MOST_TOKENS])) + more
        pairs.append((f"prompt {index}", f"{text} <span class=ids>{len(tokens)} tokens: {_text(ids)}</span>"))
    lines = "".join(f"<dt>{_text(label)}</dt><dd>{content}</dd>\n" for label, content in pairs)
    return f"""<section>
<details open>
<summary><h2>To run it again</h2></summary>
<dl>
{lines}</dl>
</details>
</section>"""


def _list(items: Iterable[str]) -> str:
    return "<br>".join(map(_text, items))
