"""A claim about a ledger that names no command (PV545).

What a claim of a competitive-parity contract says must be testable by whoever doubts it. A `test` (or `test_harness`) that is
prose where a command should stand is a warning. One that is missing is a note, because a falsifier in Python finds its claim
by the id; `[tool.pv.validate] severity` can raise it. Only the shape is looked at: nothing is run, and a command that names a
deleted test passes here.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr code"
          competitor: ollama
          competitor_version: "0.12.4"
          invocation_apr: "apr code fixture"
          invocation_competitor: "ollama run m"
          dimension: pass_rate
          verdict: WORSE
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: agents
          evidence: bench/code-2026-10-01.json
    falsification_tests:
      - {id: FALSIFY-B-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], test: "see the table above"}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr code"
          competitor: ollama
          competitor_version: "0.12.4"
          invocation_apr: "apr code fixture"
          invocation_competitor: "ollama run m"
          dimension: pass_rate
          verdict: WORSE
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: agents
          evidence: bench/code-2026-10-01.json
    falsification_tests:
      - {id: FALSIFY-B-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], test: "bash bench/compare.sh"}

Upstream: PARITY-015, an error there in both cases, and for whatever begins with none of six programs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pv.commandline.kinds import kind_of
from pv.rules._parity import is_ledger
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV545"
SEVERITY = Severity.WARNING

_MAKE = r"make(?:\s+[\w.=/-]+)?"  # a verb as well, but hardly with one word behind it


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim of a ledger whose test is prose, or that has none."""
    if not is_ledger(contract):
        return
    for claim in contract.claims:
        keys = [key for key in (claim.key("test"), "test_harness") if not is_blank(claim.data.get(key))]
        if not keys:
            message = f"claim {claim.id!r} names no command that anybody could run"
            yield Problem(claim.span, message, "give one as 'test'", Severity.NOTE)
            continue
        value = claim.data[keys[0]]
        if isinstance(value, str) and kind_of(value).is_prose and not re.fullmatch(_MAKE, value.strip()):
            span = contract.document.value_span(*claim.at, keys[0])
            yield Problem(span, f"the test of claim {claim.id!r} is prose", "write the command that tests it")
