"""A prediction of closeness that says not how close (PV240).

"About one" and "within tolerance" can be neither refuted nor discharged: whoever writes the falsifier chooses the bound, and may
choose it again when the test fails. The bound belongs into the contract: in the prediction, as `tolerance` of the claim or of
the equation that it binds to, or in a proof obligation.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the probabilities sum to approximately 1
        if_fails: the denominator leaves some out

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the probabilities sum to approximately 1
        tolerance: 1e-6
        if_fails: the denominator leaves some out

Only a note where the claim names neither equation nor obligation but the contract has one with a bound, which may be meant.

A decimal fraction ("the weights sum = 1.0") is a note too where neither a bound nor a domain is given: of eight such predictions
in the contracts read six were meant exactly.

Not flagged: "matches" and "is equal", which mean each bit unless something else is said; and whole numbers, which count
something; a claim whose obligation is executed, which says how close in numbers. Whether an assertion runs over an empty set cannot be told from a prediction; that is what mutants show (PV211).

Upstream: PV-AUD-005, which asks it of obligations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pv.pattern import lazy
from pv.rules._formal import about
from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Claim, Contract

CODE = "PV240"
SEVERITY = Severity.WARNING

_CLOSE = lazy(
    r"≈|≅|≃|~=|\bapproximately\b|\bapprox\.?(?=\s+(?:equal|\d))|\bnumerically (?:close|equal|equivalent|identical)\b"
    r"|\b(?:very |sufficiently )?close to\b|\bwithin (?:(?:a |an |the )?[\w-]+ )?(?:tolerance|ulps?|precision|epsilon|rounding)\b"
    r"|\bup to (?:rounding|floating[- ]point|numerical)",
    re.IGNORECASE,
)
_HINTS = (
    "≈",
    "≅",
    "≃",
    "~=",
    "approx",
    "numerically",
    "close to",
    "within",
    "up to",
)  # one is in all that _CLOSE finds
_NUMBER = r"(?:\d[\d_]*(?:\.\d+)?(?:e[-+]?\d+)?|\d+/\d+|2\^-?\d+|10\^\{?[-\u2212]?\d+)"
_SMALL = r"(?:\d[\d.]*e-\d+|0\.\d+|2\^-\d+|10\^\{?[-\u2212]\d+)"
_BOUND = lazy(
    rf"(?:\bwithin|±|\+/-|\btol(?:erance)?\b\s*(?:of|=|:)?|\b(?:rtol|atol|eps(?:ilon)?|alpha)\s*=)\s*{_NUMBER}"
    rf"|(?:\bto|\bat most|\bless than|\bbelow|\bup to|\bby)\s*{_SMALL}"
    rf"|\|[^|]+\|\s*(?:<|≤|<=)|(?:error|diff\w*|distance|deviation|rms\w*)\b[^.;]{{0,40}}?(?:<|≤|<=)\s*{_NUMBER}"
    rf"|\b(?:one|two|three|four|half an?)\s+ulps?\b|{_NUMBER}\s*(?:%|ulps?\b|decimals?\b|(?:significant )?digits?\b)"
    r"|\bbit[- ]?(?:wise|identical|exact|for bit)\b|\bevery bit\b|\bexact(?:ly)?\b",
    re.IGNORECASE,
)
_FRACTION = lazy(r"(?:[=≡]|\bequals?|\bis(?: exactly)?)\s*[-+\u2212]?\d+\.\d+(?![\d.]*\w)", re.IGNORECASE)
_EXECUTED = {"tolerance": "as its obligation is run"}
_TOLERANCES = ("tolerance", "float_tolerance", "atol", "rtol")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim that predicts closeness without a bound; as a note where one stands that it may mean."""
    somewhere: bool | None = None
    for claim in contract.claims:
        said = claim.prediction.lower()
        close = _CLOSE.search(claim.prediction) if any(hint in said for hint in _HINTS) else None
        exact = _FRACTION.search(claim.prediction) if not close and "." in said and is_blank(claim.domain) else None
        close = close or exact
        if not close or not is_blank(claim.tolerance) or _BOUND.search(claim.prediction):
            continue
        named = _named(contract, claim)
        if any(map(_bounded, named)):
            continue
        if not named and somewhere is None:  # asked once: a contract may have thousands of each
            somewhere = any(map(_bounded, _all(contract)))
        other = not named and somewhere
        if other and exact:
            continue
        message = f"{claim.id!r} predicts {close[0]!r} but says not how close"
        remedy = "give the claim a 'tolerance', or the bound in words: within 1e-6"
        if other:
            remedy = "some equation or obligation has a bound: name it with 'binds_to' or 'obligation', or give a 'tolerance'"
        span = contract.document.value_span(*claim.at, claim.key("prediction"))
        yield Problem(span, message, remedy, Severity.NOTE if other or exact else None)


def _named(contract: Contract, claim: Claim) -> list[Any]:
    """The equation that the claim binds to, what obligations apply to it, and those that the claim names."""
    value = claim.data.get("obligation")
    ids = {str(one) for one in (value if isinstance(value, list) else [value]) if one is not None}
    found = [entry for _, entry in entries(contract, "proof_obligations") if str(entry.get("id")) in ids]
    if any(about(contract, entry) for entry in found):
        return [_EXECUTED]
    if claim.equation is not None:
        found.append(contract.equations[claim.equation].data)
        applies = {claim.equation, "all"}
        found += [
            entry for _, entry in entries(contract, "proof_obligations") if str(entry.get("applies_to")) in applies
        ]
    return found


def _all(contract: Contract) -> list[Any]:
    equations = [one.data for one in contract.equations.values()]
    return [*equations, *(entry for _, entry in entries(contract, "proof_obligations"))]


def _bounded(entry: Any) -> bool:
    """Whether an equation or an obligation gives a bound, as a field or in words."""
    if not isinstance(entry, dict):
        return False
    return any(not is_blank(entry.get(key)) for key in _TOLERANCES) or any(map(_BOUND.search, _said(entry)))


def _said(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in ("property", "statement", "formal", "verification", "formula", "invariants", "postconditions"):
        value = entry.get(key)
        yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))
