"""A benchmark that cannot be lost (PV505).

`beat_threshold` is the value at which the gate fails. Without one, or with one that no measurement reaches (`.inf`, `.nan`), the
benchmark is won whatever is measured, or lost for ever.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    beat:
      incumbent: llama.cpp
      metric: decode_tok_s
      direction: higher_is_better
      beat_threshold: .nan
      approved_compute: CPU
      ci_gate_name: beat-decode

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    beat:
      incumbent: llama.cpp
      metric: decode_tok_s
      direction: higher_is_better
      beat_threshold: 1.05
      approved_compute: CPU
      ci_gate_name: beat-decode

Upstream: BEAT-005.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pv.rules._beat import BLOCK, beat_of
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV505"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the threshold is missing or not finite; that it is no number is for another rule to report."""
    beat = beat_of(contract)
    if beat is None:
        return
    value, span = beat.get("beat_threshold"), contract.document.value_span(BLOCK, "beat_threshold")
    if value is None:
        yield Problem(span, "the benchmark has no 'beat_threshold'", "give the value at which the gate fails")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(span, f"no measurement can be held against {value}", "give a finite number")
