"""A row that leaves out who, what or how (PV534).

Somebody who was not there must be able to measure again: against which tool (`competitor`), with which two commands
(`invocation_apr`, `invocation_competitor`), what was compared (`dimension`), who measures again when the row comes due
(`owner`), and where what was seen is kept (`evidence`).

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr run --gpu", competitor: "", competitor_version: "0.12.4", verdict: WORSE}

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

Upstream: PARITY-003 (competitor), PARITY-005 (both commands), PARITY-008 (owner), PARITY-009 (evidence), PARITY-010
(dimension).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import rows
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV534"
SEVERITY = Severity.ERROR

FIELDS = ("competitor", "invocation_apr", "invocation_competitor", "dimension", "owner", "evidence")
_HELP = "somebody who was not there must be able to measure again"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each field of a row that is empty, and each row that lacks some."""
    for row in rows(contract):
        missing = [name for name in FIELDS if name not in row.data]
        if missing:
            span = contract.document.value_span(*row.path)
            yield Problem(span, f"{row.label} lacks {', '.join(map(repr, missing))}", _HELP)
        for name in FIELDS:
            if name in row.data and is_blank(row.data[name]):
                yield Problem(row.span(name), f"{name!r} of {row.label} is empty", _HELP)
