"""A benchmark that does not say on what (PV507).

The same program wins on one machine and loses on another. `approved_compute` says on which kind the gate runs: CPU or GPU.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    beat:
      incumbent: llama.cpp
      metric: decode_tok_s
      direction: higher_is_better
      beat_threshold: 1.05
      approved_compute: TPU
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

Upstream: BEAT-007.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._beat import BLOCK, beat_of
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV507"
SEVERITY = Severity.ERROR

_WORDS = ("CPU", "GPU")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the kind of machine is missing or neither of the two."""
    beat = beat_of(contract)
    if beat is None:
        return
    value, span = beat.get("approved_compute"), contract.document.value_span(BLOCK, "approved_compute")
    if is_blank(value):
        yield Problem(span, "the benchmark has no 'approved_compute'", f"one of {', '.join(_WORDS)}")
    elif not isinstance(value, (list, dict)) and str(value).strip().upper() not in _WORDS:
        yield Problem(span, f"a benchmark cannot run on {value!r}", f"one of {', '.join(_WORDS)}")
