"""An obligation about closeness that does not say how close (PV231).

"Equal within tolerance", "below epsilon", "≈ 1", "matches within ULP": each means something only with a number, and without one whoever
writes the falsifier chooses it. The number stands in the formula, or under `tolerance` of the obligation or of the equation that it
applies to.

Bad:

    proof_obligations:
      - {type: equivalence, property: the fused kernel is the plain one, formal: "|fused(x) - plain(x)| < eps"}

Good:

    proof_obligations:
      - {type: equivalence, property: the fused kernel is the plain one, formal: "|fused(x) - plain(x)| < eps", tolerance: 1e-6}

Not flagged: exact bounds such as `0 <= y <= 1` or "y is finite", which is what most obligations of type `bound` are about; a parameter
that happens to be called eps (`sqrt(v + eps) > 0 when eps > 0`); a formula or a property with the number in it (`|d| < 0.005`,
"within 2 ULP", "eps = 1e-5"); an obligation that is executed, which compares every bit where it gives no tolerance.

Upstream: PV-AUD-005.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pv.pattern import lazy
from pv.rules._formal import about
from pv.rules._obligations import BLOCK, is_set_aside
from pv.rules._problem import Problem, entries
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Contract

CODE = "PV231"
SEVERITY = Severity.WARNING

_EPSILON = r"(?:ε|eps|epsilon|tol|tolerance)(?!\w)"
_CLOSE = lazy(
    r"≈|~=|(?<![<>=])(?:<=|<|≤|±)\s*" + _EPSILON + r"|(?:<=|<|≤)[^<>≤≥]{1,80}\+\s*" + _EPSILON + r"\s*$"
    r"|\bwithin\s+(?:an?\s+|the\s+)?(?:\w+\s+)?(?:tolerance|ULPs?|ε|eps|epsilon|rounding)\b",
    re.IGNORECASE,
)
_HINTS = ("≈", "~=", "ε", "ϵ", "eps", "tol", "within")  # one is in all that _CLOSE finds
_NUMBER = r"(?:\d[\d.]*(?:e[-+]?\d+)?|\.\d+|(?:2|10)\^)"
_HOW_CLOSE = lazy(
    r"(?:<|<=|≤|±|\+/-|\b(?:within|below|to|by|of|most|than))\s*(?:\d[\d.]*e-\d|0?\.\d|(?:2|10)\^\{?[-\u2212])"
    r"|(?:\b\w*(?:tol|tolerance|eps|epsilon)|ε)\s*(?:=|:|of)\s*"
    + _NUMBER
    + r"|\d\s*(?:%|ulps?\b|decimals?\b|digits?\b)|\b(?:one|two|three|four|half an?)\s+ulps?\b",
    re.IGNORECASE,
)
_TEXTS = ("formal", "verification", "property", "statement")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation that speaks of closeness and gives no number for it."""
    for index, entry in entries(contract, BLOCK):
        if (
            entry.get("tolerance") is not None
            or is_set_aside(entry)
            or _equation_says(contract, entry)
            or about(contract, entry)
        ):
            continue
        texts = {key: text for key in _TEXTS if isinstance(text := entry.get(key), str)}
        for key, text in texts.items():
            said = text.lower()
            close = _CLOSE.search(text) if any(hint in said for hint in _HINTS) else None
            if close:
                if not any(map(_HOW_CLOSE.search, texts.values())):
                    span = contract.document.value_span(BLOCK, index, key)
                    message = f"proof obligation {index + 1} says {close[0].strip()!r}, and nowhere how close that is"
                    yield Problem(span, message, "add tolerance: a number")
                break


def _equation_says(contract: Contract, entry: Mapping[str, Any]) -> bool:
    equation = contract.equations.get(str(entry.get("applies_to")))
    data = equation.data if equation and isinstance(equation.data, dict) else {}
    return any(data.get(name) is not None for name in ("tolerance", "float_tolerance"))
