"""A ledger of nothing but wins (PV548).

Where every comparison ends in BETTER, none was recorded that did not: losses were left out, or the ledger has never been tried
in the direction that matters. WORSE, PARITY, NOT_COMPARABLE and UNMEASURED are honest entries. It is a warning, because
somebody may in truth be better at everything, and an error would make an invented loss the cheapest way out.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr code"
          competitor: ollama
          competitor_version: "0.12.4"
          invocation_apr: "apr code fixture"
          invocation_competitor: "ollama run m"
          dimension: pass_rate
          verdict: BETTER
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: agents
          evidence: bench/code-2026-10-01.json

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr code"
          competitor: ollama
          competitor_version: "0.12.4"
          invocation_apr: "apr code fixture"
          invocation_competitor: "ollama run m"
          dimension: pass_rate
          verdict: WORSE
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: agents
          evidence: bench/code-2026-10-01.json

Upstream: none in `pv validate`; `pv parity-ledger` refuses such a ledger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import BLOCK, rows
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV548"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if every row says BETTER."""
    found = rows(contract)
    if found and all(row.data.get("verdict") == "BETTER" for row in found):
        message = f"each of {len(found)} comparisons is a win" if len(found) > 1 else "the only comparison is a win"
        span = contract.document.key_span(BLOCK, "rows")
        yield Problem(span, message, "record what was compared and lost, or not compared, as well")
