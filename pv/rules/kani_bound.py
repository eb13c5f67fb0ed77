"""A kani harness without a bound (PV214).

Kani unrolls loops up to a bound, and a proof holds up to there. A harness that names none says nothing about the sizes for which it was
made. A bound that is no whole number of 0 or more is an error: no reader of harnesses can take it.

Bad:

    kani_harnesses:
      - {id: KANI-A-001, obligation: the sum is 1, strategy: stub_float}

Good:

    kani_harnesses:
      - {id: KANI-A-001, obligation: the sum is 1, strategy: stub_float, bound: 8}

Upstream: SCHEMA-012; a bound of another kind is a parse error there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV214"
SEVERITY = Severity.WARNING

_END = 2**32


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each kani harness whose bound is missing, or is no whole number that fits 32 bits."""
    for index, entry in entries(contract, "kani_harnesses"):
        bound = entry.get("bound")
        if bound is None:
            span = contract.document.key_span("kani_harnesses", index, "bound")
            message = f"kani harness {entry.get('id', index + 1)!r} names no bound"
            yield Problem(span, message, "add the size up to which it proves, as in bound: 8")
        elif isinstance(bound, bool) or not isinstance(bound, int) or not 0 <= bound < _END:
            span = contract.document.value_span("kani_harnesses", index, "bound")
            message = f"the bound of kani harness {entry.get('id', index + 1)!r} is no whole number of 0 or more"
            yield Problem(span, message, "write it without quotes or point, as in bound: 8", Severity.ERROR)
