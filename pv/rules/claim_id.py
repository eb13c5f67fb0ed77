"""A claim id that cannot be called by name (PV308).

The id becomes part of a test's name, so it must be text that a shell, a terminal and pytest's `file::name[case]` can
carry: printable, without blanks, `::`, `[` or `]`.

Bad:

    falsification_tests:
      - {id: "FALSIFY A 001", prediction: p, if_fails: q}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q}

Upstream: none; ids are free text there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV308"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim whose id is empty or holds what a test's name cannot."""
    for claim in contract.claims:
        fits = claim.id.isprintable() and not any(map(str.isspace, claim.id))
        if isinstance(claim.data.get("id"), (dict, list)):
            continue  # no id at all, which PV103 says
        if "id" in claim.data and not (claim.id and fits and not any(mark in claim.id for mark in ("::", "[", "]"))):
            what = f"claim id {claim.id!r} cannot be part of a test's name"
            yield Problem(claim.span, what, "use letters, digits and dashes, as in FALSIFY-TOPIC-001")
