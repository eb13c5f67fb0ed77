"""A benchmark that says nothing (PV501).

A beat-benchmark contract claims to beat somebody at something. Its `beat` block says whom (`incumbent`), at what (`metric`,
`direction`), by how much (`beat_threshold`), on what (`approved_compute`), and which gate watches over it (`ci_gate_name`).

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    equations: {}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    beat:
      incumbent: llama.cpp
      metric: decode_tok_s
      direction: higher_is_better
      beat_threshold: 1.05
      approved_compute: CPU
      ci_gate_name: beat-decode

Upstream: BEAT-001.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._beat import BLOCK, is_beat
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV501"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if a beat-benchmark contract has no `beat` block."""
    if is_beat(contract) and contract.document.data.get(BLOCK) is None:
        document = contract.document
        span = document.key_span(BLOCK) if BLOCK in document.data else document.value_span("metadata", "kind")
        yield Problem(
            span, "a beat-benchmark contract without a 'beat' block", "say there whom it beats, and by how much"
        )
