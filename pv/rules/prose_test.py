"""A test told in prose (PV406).

Such a text tells a reader how the claim could be tested, but nobody can run it. It never counts as a pass: without a falsifier
the claim stays *inconclusive (unbound)*. This is a note, because sketching a test before it is written is good practice;
`[tool.pv.validate] severity` can raise it.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, test: "proptest with random logits of 1 to 128 tokens"}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, test: "cargo test -p model --test logits"}

Upstream: none; strict-test-binding counts such tests as unbindable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._tests import tests
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV406"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each test of a claim that no program can be given."""
    for one in tests(contract):
        if one.kind.is_prose and one.path[0] != "enforcement":
            remedy = f"write a falsifier: @falsifies({contract.name!r}, {one.owner!r}) above a function in falsifiers/"
            yield Problem(contract.document.value_span(*one.path), f"the {one.name} is {one.kind}", remedy)
