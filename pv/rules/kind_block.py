"""A block that only another kind of contract has (PV551).

What stands under `beat` is checked in a beat-benchmark, and what stands under `parity` in a competitive-parity contract. Under any
other kind nobody reads it: a ledger whose contract has lost its kind is free of every rule for ledgers.

Bad:

    beat:
      incumbent: llama.cpp
      metric: decode_tok_s

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}
    beat:
      incumbent: llama.cpp
      metric: decode_tok_s
      direction: higher_is_better
      beat_threshold: 1.05
      approved_compute: CPU
      ci_gate_name: beat-decode

Upstream: none; such a block is parsed and not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules import _beat, _parity
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV551"
SEVERITY = Severity.WARNING

_KINDS = {_beat.BLOCK: _beat.KIND, _parity.BLOCK: _parity.KIND}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each block with something in it that belongs to another kind."""
    for block, kind in _KINDS.items():
        if contract.document.data.get(block) and contract.kind != kind:
            message = f"nothing reads {block!r} in a contract of kind {contract.kind!r}"
            yield Problem(contract.document.key_span(block), message, f"say 'kind: {kind}' in the metadata")
