"""A block under a name that nothing reads any more (PV106).

`falsification` was the name of what is `falsification_tests` now. What stands in it is never run and never counted: the contract
looks as if it could fail, and cannot.

Bad:

    falsification:
      - id: FALSIFY-A-001
        prediction: "the sum is 1"
        if_fails: "wrong reduction"

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: "the sum is 1"
        if_fails: "wrong reduction"

Fix: `pv fix` renames a list of claims, each with its id, where the file has no `falsification_tests` yet. A mapping, and a list
beside present claims, have to be taken over by hand.

Not flagged: `falsification_conditions` and `invariants`, whose entries are claims; `falsification` within `qa_gate`.

Upstream: PV-VER-003, which counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.rules._problem import Problem, is_blank
from pv.rules._written import renamed
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV106"
SEVERITY = Severity.ERROR

_OLD, _NEW = "falsification", "falsification_tests"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield the block `falsification`, with a fix where renaming it is all there is to do."""
    document = contract.document
    if _OLD not in document.data:
        return
    block = document.data[_OLD]
    span = document.key_span(_OLD)
    if _NEW in document.data:
        fix, advice = None, f"move its entries to {_NEW!r}, which stands at line {document.key_span(_NEW).line}"
    elif _are_claims(block):
        fix, advice = renamed(document, span, _OLD, _NEW), f"rename it to {_NEW!r}; `pv fix` does"
    else:
        fix, advice = None, f"write its entries as a list {_NEW!r}, each with an 'id'"
    yield Problem(span, f"nothing reads the block {_OLD!r}", advice, fix=fix)


def _are_claims(block: Any) -> bool:
    return (
        isinstance(block, list)
        and bool(block)
        and all(isinstance(entry, dict) and not is_blank(entry.get("id")) for entry in block)
    )
