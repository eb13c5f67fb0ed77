"""A row that counts for too long (PV538).

A measurement counts for at most 180 days. A longer time is no validity but an exemption with a date on it.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr run --gpu", verdict: BETTER, measured_on: "2026-05-01", valid_until: "2026-10-29"}

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

Upstream: PARITY-011.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import LONGEST, rows
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV538"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each row that counts for more than 180 days."""
    for row in rows(contract):
        measured, until = row.day("measured_on"), row.day("valid_until")
        if measured and until and (until - measured).days > LONGEST:
            message = f"{row.label} counts for {(until - measured).days} days; {LONGEST} are the most"
            yield Problem(row.span("valid_until"), message, "give an earlier day, and measure again then")
