"""No paper among the references (PV229).

A reference that everybody can look up (a paper, a book, a standard) outlives files and repositories. What looks like one has a year, a
DOI, an arXiv number, the number of a standard, or speaks of a technical report. Contracts about a tool of one's own have none and need
none, so this is a note.

Bad:

    metadata: {version: "1.0.0", created: "2026-01-02", description: softmax, references: [src/softmax.rs]}

Good:

    metadata: {version: "1.0.0", created: "2026-01-02", description: softmax, references: ["Bridle (1990)"]}

Upstream: PV-AUD-002.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV229"
SEVERITY = Severity.NOTE

_PUBLISHED = lazy(
    r"(?<![\w.-])(?:1[89]|20)\d\d(?:[a-z]|-\d{4})?(?![\w-]|\.\d)"  # a year; not of a date or a version
    r"|\bet al\b|\barxiv\b|\bdoi\b|\bisbn\b|\btechnical report\b|\bthesis\b|\b(?:IEEE|ISO|RFC|ANSI|ECMA)[ -/]?\d",
    re.IGNORECASE,
)


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if there are references and none looks like a publication."""
    listed = contract.metadata.get("references")
    texts = [text for text in (listed if isinstance(listed, list) else []) if isinstance(text, str)]
    if texts and not any(_PUBLISHED.search(text) for text in texts):
        yield Problem(contract.document.key_span("metadata", "references"), "none of the references is a publication")
