"""A row without a verdict (PV536).

Each comparison ends in one word: BETTER, PARITY, WORSE, NOT_COMPARABLE or UNMEASURED. None of them is an error. A ledger that
may not record a loss is a ledger from which losses are deleted.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr run --gpu", verdict: MOSTLY_BETTER}

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

Upstream: PARITY-006; an unknown word is a parse error there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import VERDICTS, rows
from pv.rules._problem import Problem, is_blank
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV536"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each row whose verdict is none of the five."""
    for row in rows(contract):
        value = row.data.get("verdict")
        if is_blank(value):
            yield Problem(row.span("verdict"), f"{row.label} has no verdict", f"one of {', '.join(VERDICTS)}")
        elif not isinstance(value, (list, dict)) and value not in VERDICTS:
            fix = did_you_mean(str(value).upper(), VERDICTS) or f"one of {', '.join(VERDICTS)}"
            yield Problem(row.span("verdict"), f"{row.label} cannot end in {value!r}", fix)
