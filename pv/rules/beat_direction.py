"""A benchmark that does not say which way is better (PV504).

Without a direction a regression looks like an improvement. It is `higher_is_better` or `lower_is_better`.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    beat:
      incumbent: llama.cpp
      metric: decode_tok_s
      direction: higher
      beat_threshold: 1.05
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

Upstream: BEAT-004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._beat import BLOCK, beat_of
from pv.rules._problem import Problem, is_blank
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV504"
SEVERITY = Severity.ERROR

_WORDS = ("higher_is_better", "lower_is_better")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the direction is missing or neither of the two words."""
    beat = beat_of(contract)
    if beat is None:
        return
    value, span = beat.get("direction"), contract.document.value_span(BLOCK, "direction")
    if is_blank(value):
        yield Problem(span, "the benchmark has no 'direction'", f"one of {', '.join(_WORDS)}")
    elif not isinstance(value, (list, dict)) and value not in _WORDS:
        fix = did_you_mean(str(value), _WORDS) or f"one of {', '.join(_WORDS)}"
        yield Problem(span, f"{value!r} is no direction", fix)
