"""An obligation that applies to nothing (PV338).

`applies_to` says to what a proof obligation applies: `all`, `scalar`, `simd`, `converter`, `not_applicable`, or an equation by its
name. Any other text is allowed, but one that is nearly an equation's name was meant to be that: the obligation's tolerance would
not be part of what the claims about the equation say.

Bad:

    equations:
      softmax: {formula: "f(x) = x", domain: x is a vector}
    proof_obligations:
      - {type: invariant, property: the sum is 1, applies_to: softmx}

Good:

    equations:
      softmax: {formula: "f(x) = x", domain: x is a vector}
    proof_obligations:
      - {type: invariant, property: the sum is 1, applies_to: softmax}

Not flagged: `the reader of files`, `Q4_K`, `gelu` and whatever else is unlike the equations.

Upstream: `pv obligations --gate` wants the name of an equation or of a function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._references import obligations
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV338"
SEVERITY = Severity.ERROR
WORDS = ("all", "scalar", "simd", "converter", "not_applicable")
NEAR = 0.8  # real contracts apply to functions and to stages as well, which resemble equations less


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each `applies_to` that is nearly, and not quite, an equation's name or one of the words."""
    known = {*WORDS, *contract.equations}
    for index, entry in obligations(contract):
        name = entry.get("applies_to")
        if not isinstance(name, str) or name in known or not 2 < len(name) <= 100:
            continue
        meant = did_you_mean(name, contract.equations, near=NEAR) or did_you_mean(name.lower(), WORDS, near=NEAR)
        if meant:
            span = contract.document.value_span("proof_obligations", index, "applies_to")
            yield Problem(span, f"applies to {name!r}, which is no equation here", meant)
