"""A row without its two days (PV537).

A comparison was made on a day (`measured_on`) and counts until a later one (`valid_until`), whatever its verdict: a win that
never expires is the one that is still quoted when it is no longer true. Days are written 2026-01-02.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr run --gpu", verdict: BETTER, measured_on: "2026-10-01", valid_until: "2026-10-01"}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr run --gpu"
          competitor: ollama
          competitor_version: "0.12.4"
          invocation_apr: "apr run m.gguf --gpu"
          invocation_competitor: "ollama run m"
          dimension: decode_tok_s
          verdict: WORSE
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: serving
          evidence: bench/decode-2026-10-01.json

Upstream: PARITY-007.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import rows
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV537"
SEVERITY = Severity.ERROR

_KEYS = ("measured_on", "valid_until")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each day of a row that is missing or no day, and each row that counts until no later day."""
    for row in rows(contract):
        for key in _KEYS:
            if row.day(key) is None:
                value = row.data.get(key)
                what = f"{row.label} has no {key!r}" if is_blank(value) else f"{key!r} of {row.label} is no day"
                yield Problem(row.span(key), what, "write it as 2026-12-31")
        measured, until = map(row.day, _KEYS)
        if measured and until and until <= measured:
            message = f"{row.label} counts until {until}, but was measured on {measured}"
            yield Problem(row.span("valid_until"), message, "give a later day")
