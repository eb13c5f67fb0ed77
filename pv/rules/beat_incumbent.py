"""A benchmark against nobody (PV502).

To beat is to beat somebody: `incumbent` names who. Upstream knows five of them, and a name that holds none of the five is a
note: which rivals matter is for each project to say. `[tool.pv.validate] severity` can raise it.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    beat:
      incumbent: ""
      metric: decode_tok_s
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

Upstream: BEAT-002, an error there for any other name as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._beat import BLOCK, beat_of
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV502"
SEVERITY = Severity.ERROR

_USUAL = ("scikit-learn", "pytorch", "unsloth", "ollama", "llama.cpp")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the incumbent is not named, or is none of the usual ones."""
    beat = beat_of(contract)
    if beat is None:
        return
    value, span = beat.get("incumbent"), contract.document.value_span(BLOCK, "incumbent")
    if is_blank(value):
        yield Problem(span, "the benchmark has no 'incumbent'", "name the tool it is measured against")
    elif isinstance(value, str) and not any(name in value.casefold() for name in _USUAL):
        yield Problem(span, f"{value!r} is none of {', '.join(_USUAL)}", None, Severity.NOTE)
