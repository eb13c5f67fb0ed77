"""The page of one contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.formal.mathml import Sign
from pv.report.html.frame import head, markup, style
from pv.report.pages.claims import claim, matrix
from pv.report.pages.equations import equation
from pv.report.pages.formulas import Formulas
from pv.report.pages.markup import code, described, listed, pill, prose, slug
from pv.report.pages.obligations import obligation
from pv.report.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pv.parse import Contract
    from pv.report.pages.witness import Witness

MADE = "pv docs"  # by which a page says that it may be written anew, or removed
INDEX = "index.html"
_PARTS = ("equations", "claims", "obligations", "kill-matrix", "signs", "references")


def page(seen: Witness, source: str, pages: Collection[str]) -> str:
    """A contract as one HTML document that needs no script and no network.

    Args:
        seen: the contract, and what is known of it.
        source: the address of its file, from the page.
        pages: names of the contracts that have a page beside this one.

    Raises:
        UsageProblem: a picture cannot be drawn.
    """
    contract = seen.contract
    formulas = Formulas.of(contract)
    places = _places(one.id for one in contract.claims)
    addresses = _places(contract.equations, "equation-")
    equations = "".join(
        equation(one, formulas, contract.path, addresses[one.name]) for one in contract.equations.values()
    )
    claims = "".join(claim(one, formulas, places[one.claim.id]) for one in seen.claims)
    rest = _untested(contract, formulas)
    body = [
        _card(seen, source),
        _headed("equations", counted(len(contract.equations), "equation"), equations),
        _headed("claims", counted(len(contract.claims), "claim"), claims),
        rest,
        matrix(seen, places),
        _signs(formulas),
        _references(contract, pages),
    ]
    return document(contract.name, "".join(body), links=_links("".join(body)))


def document(title: str, body: str, *, links: str = "") -> str:
    """A page around what stands on it; `links` lead to its parts."""
    meta = f'<meta name="generator" content="{MADE}">\n</head>'
    return f"""{head(markup(title), style("pv.report.pages", "page.css")).removesuffix("</head>")}{meta}
<body>
<header>
<a class="home" href="{INDEX}">Contracts</a>
{f"<nav>{links}</nav>" if links else ""}
</header>
<main>
{body}</main>
<footer>Written by <code>pv docs</code> from the contracts and from the evidence that their promotions name. What holds now, on this
code: <code>pv status</code>.</footer>
</body>
</html>
"""


def _headed(place: str, title: str, inside: str) -> str:
    return f'<h2 class="between" id="{place}">{title}</h2>\n{inside}' if inside else ""


def _links(body: str) -> str:
    """Where the parts of a long page are that are there."""
    there = [one for one in _PARTS if f' id="{one}"' in body]
    return " ".join(f'<a href="#{one}">{one.replace("-", " ").capitalize()}</a>' for one in there)


def _card(seen: Witness, source: str) -> str:
    contract = seen.contract
    version = contract.metadata.get("version")
    words = {"good": "As declared", "open": "Not all is known", "wrong": "Not as declared"}.get(
        seen.tone, "No evidence named yet"
    )
    cells = seen.cells
    rows = [
        ("declared", pill(contract.status, "note") if contract.status else ""),
        ("claims", f"{seen.settled} of {len(seen.claims)} as expected" if seen.promoted else str(len(seen.claims))),
        ("mutants", f"{seen.killed} of {len(cells)} killed" if seen.promoted else str(len(cells))),
        ("seen", f"{seen.date} at commit {', '.join(map(code, seen.commits))}" if seen.promoted else ""),
        ("judges", _subject(contract)),
        (
            "file",
            f'<a href="{markup(source)}">{markup(contract.path)}</a>'
            + (f", version {markup(version)}" if version else ""),
        ),
    ]
    return (
        f'<section class="card {seen.tone}">\n<p class="outcome">{words}</p>\n<h1>{markup(contract.name)}</h1>\n'
        f'<p class="about">{prose(contract.metadata.get("description") or "")}</p>\n{described(rows)}</section>\n'
    )


def _subject(contract: Contract) -> str:
    """Whose functions are judged; nothing of a contract that is not executable."""
    executable = any(one.executable for one in contract.claims)
    subject = next((one.executable.subject for one in contract.claims if one.executable), "")
    return f"the functions of {code(subject)}" if executable else ""


def _untested(contract: Contract, formulas: Formulas) -> str:
    """Obligations that no claim names: shown once, by themselves."""
    block = contract.document.data.get("proof_obligations")
    named = {one.data.get("obligation") for one in contract.claims if one.executable}
    entries = [
        obligation(entry, formulas.properties.get(at), formulas)
        for at, entry in enumerate(block if isinstance(block, list) else [])
        if isinstance(entry, dict) and (entry.get("id") is None or entry["id"] not in named)
    ]
    if not entries:
        return ""
    return f'<section id="obligations">\n<h2>Obligations</h2>\n{"".join(entries)}</section>\n'


def _signs(formulas: Formulas) -> str:
    signs = [prose(one) for one in Sign if one in formulas.signs]
    return f'<section id="signs">\n<h2>Signs</h2>\n{listed(signs)}</section>\n' if signs else ""


def _references(contract: Contract, pages: Collection[str]) -> str:
    references = contract.metadata.get("references")
    lines = list(map(prose, references if isinstance(references, list) else []))
    above = contract.metadata.get("depends_on")
    for name in above if isinstance(above, list) else []:
        link = f'<a href="{markup(name)}.html">{markup(name)}</a>' if name in pages else code(name)
        lines.append(f"builds upon {link}")
    return f'<section id="references">\n<h2>References</h2>\n{listed(lines)}</section>\n' if lines else ""


def _places(names: Iterable[str], prefix: str = "") -> dict[str, str]:
    """An address within the page for each name, no two alike and none that of a part of the page."""
    found: dict[str, str] = {}
    for name in names:
        place = slug(prefix + name)
        while place in (*_PARTS, *found.values()):
            place += "-"
        found[name] = place
    return found
