"""A row that has expired (PV539).

After its `valid_until` a row says nothing any more: whoever reads its verdict reads an old one. Measure again, or say
UNMEASURED, which is no shame. An UNMEASURED row has nothing left to lose and does not expire.

This depends on the day on which it is asked; where that must not break a build, `[tool.pv.validate] severity` makes it a
warning.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr run --gpu", verdict: BETTER, measured_on: "2026-01-05", valid_until: "2026-03-31"}

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
          verdict: UNMEASURED
          measured_on: "2026-01-05"
          valid_until: "2026-03-31"
          owner: serving
          evidence: bench/decode-2026-01-05.json

Upstream: none in `pv validate`; `pv parity-ledger` counts such a row as UNMEASURED and fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules import _today
from pv.rules._parity import UNMEASURED, rows
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV539"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each row whose time is over and that still says what was measured."""
    for row in rows(contract):
        until, verdict = row.day("valid_until"), row.data.get("verdict")
        if until and until < _today.today() and verdict != UNMEASURED:
            message = f"{row.label} counted until {until}: its verdict {verdict!r} is no longer backed"
            yield Problem(row.span("valid_until"), message, f"measure again, or say {UNMEASURED}")
