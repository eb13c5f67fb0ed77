"""A subject that the project does not name (PV247).

An executable contract judges the functions of a subject: a module that `[tool.pv.subjects]` of pyproject.toml gives a name. `subject`
of a contract says which one; without it `kernels` is meant. `oracle` of an obligation names the one that y is held against. Where
nothing has the name, the claims stay inconclusive, unless every run says what is meant: `--subject kernels=package.module`.

Bad:

    subject: kernel
    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: frame, property: x stays, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Good:

    subject: kernels
    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: frame, property: x stays, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Not flagged: a contract that names no subject in a project that names none; contracts without an executable equation, unless they
name a subject.

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.formal.property import is_executable
from pv.rules._formal import about
from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem, entries
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.parse import Contract

CODE = "PV247"
SEVERITY = Severity.WARNING

_MEANT = "kernels"  # where a contract names none


def check_across(contract: Contract, index: Index) -> Iterator[Problem]:
    """Yield the contract's subject, and each oracle, that the project gives no module."""
    named = contract.document.data.get("subject")
    if named is None and index.subjects:
        first = next((name for name, one in contract.equations.items() if is_executable(one.data)), None)
        if first is not None and _MEANT not in index.subjects:
            yield _problem(contract, index, _MEANT, ("equations", first, "domain"))
    elif isinstance(named, str) and named not in index.subjects:
        yield _problem(contract, index, named, ("subject",))
    for number, entry in entries(contract, BLOCK):
        oracle = entry.get("oracle")
        if isinstance(oracle, str) and oracle not in index.subjects and about(contract, entry):
            yield _problem(contract, index, oracle, (BLOCK, number, "oracle"))


def _problem(contract: Contract, index: Index, name: str, path: tuple[str | int, ...]) -> Problem:
    fix = did_you_mean(name, index.subjects) or "name a module there, as in " + (name or _MEANT) + ' = "package.module"'
    span = contract.document.key_span(*path) if path[-1] == "domain" else contract.document.value_span(*path)
    return Problem(span, f"no subject {name!r} in [tool.pv.subjects]", fix)
