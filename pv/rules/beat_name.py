"""A benchmark without a metric or a gate (PV503).

What is measured (`metric`) and the gate that fails when the benchmark is lost (`ci_gate_name`) both need a name: a figure of
nothing cannot be compared, and a threshold that no gate reads cannot be missed.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    beat:
      incumbent: llama.cpp
      metric: ""
      direction: higher_is_better
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

Upstream: BEAT-003 (metric), BEAT-006 (gate).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._beat import BLOCK, beat_of
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV503"
SEVERITY = Severity.ERROR

_NAMES = {"metric": "say what is measured, such as decode_tok_s", "ci_gate_name": "name the test or job that fails"}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each of the two names that is missing or empty."""
    beat = beat_of(contract)
    for key, fix in _NAMES.items() if beat is not None else ():
        if beat is not None and is_blank(beat.get(key)):
            yield Problem(contract.document.value_span(BLOCK, key), f"the benchmark has no {key!r}", fix)
