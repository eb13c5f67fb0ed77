"""A key that its block does not know (PV101).

A misspelt key is silently dropped by most readers: the claim then says less than its author believes. Keys of one's
own begin with `x-`.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: "the sum is 1"
        if_failed: "wrong reduction"

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: "the sum is 1"
        if_fails: "wrong reduction"
        x-owner: "numerics"

Upstream: none; unknown keys are tolerated there at every level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._schema import departures, is_within_domain
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV101"
SEVERITY = Severity.ERROR


_BLOCKS = {
    "falsification_tests": "a claim",
    "equations": "an equation",
    "proof_obligations": "a proof obligation",
    "kani_harnesses": "a kani harness",
    "status_history": "an entry of status_history",
    "hypotheses": "a hypothesis",
}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each unknown key inside a block that the schema describes."""
    for error in departures(contract.document):
        if error.keyword != "additionalProperties" or is_within_domain(error.path):
            continue
        path = error.path
        block = "a mutant" if "mutants" in path else _BLOCKS.get(str(path[0]), str(path[0])) if path else "a contract"
        for key in error.value:
            if key not in error.known and not key.startswith("x-"):
                yield Problem(
                    contract.document.key_span(*path, key),
                    f"unknown key {key!r} in {block}",
                    did_you_mean(key, error.known, 0.7) or "keys of your own begin with 'x-'",
                )
