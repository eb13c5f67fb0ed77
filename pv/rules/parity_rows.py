"""A ledger without rows (PV532).

A competitive-parity contract keeps its comparisons under `parity`, as `rows`. Without one it says that nothing compared is
as good as anything else.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows: []

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

Upstream: PARITY-001.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import BLOCK, is_ledger, rows
from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV532"
SEVERITY = Severity.ERROR

_ELSEWHERE = ("rows", "ledger", "parity_ledger")  # where a reader might look for them, and nothing does


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if a competitive-parity contract has no row."""
    if not is_ledger(contract) or rows(contract):
        return
    document = contract.document
    block = document.data.get(BLOCK)
    if not isinstance(block, dict):
        stray = next((name for name in _ELSEWHERE if name in document.data), None)
        span = document.key_span(stray) if stray else document.value_span("metadata", "kind")
        if BLOCK in document.data:
            span = document.value_span(BLOCK)
        yield Problem(
            span, "a competitive-parity contract without comparisons", f"write them under '{BLOCK}', as 'rows'"
        )
        return
    near = None if "rows" in block else did_you_mean("rows", block)
    span = document.value_span(BLOCK, "rows") if "rows" in block else document.key_span(BLOCK)
    yield Problem(span, "the ledger has no rows: nothing is compared", near or "one row for each entry point compared")
