"""Falsifiers of `embedding-lookup-v1` that no expression can be: a call that must not return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pv import Evidence, Mutant

CONTRACT = "embedding-lookup-v1"
FAR = 2**40  # tokens that do not fit into 32 bits
EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)


@st.composite
def _one_outside(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Tokens of which one has no row, and a table [vocabulary, 3] of rows that differ."""
    vocabulary = draw(st.integers(1, 20))
    sound = draw(st.lists(st.integers(0, vocabulary - 1), max_size=5))
    below, above = st.integers(-FAR, -1), st.integers(vocabulary, FAR)
    sound.insert(draw(st.integers(0, len(sound))), draw(st.sampled_from([-1, -vocabulary, vocabulary]) | below | above))
    return np.array(sound, np.int64), np.arange(3 * vocabulary, dtype=np.float32).reshape(vocabulary, 3)


@falsifies(CONTRACT, "FALSIFY-EMBEDDING-007")
def a_token_without_a_row_is_refused(evidence: Evidence, mutant: Mutant | None, pv_subjects: Any) -> None:
    """Whatever is raised is a refusal; what is returned refutes, whatever it is."""
    evidence.level("algorithm")
    subject = pv_subjects.get("kernels")
    evidence.engine("subject", f"{subject.name} ({subject.module.__name__})", subject.build, producer=subject.producer)
    for path in subject.sources(pv_subjects.root):
        evidence.input("source", path)
    if mutant is not None:
        subject = subject.with_fault(mutant.id)
    embedding = subject.function("embedding")

    @EXAMPLES
    @given(_one_outside())
    def check(given: tuple[NDArray[np.int64], NDArray[np.float32]]) -> None:
        tokens, table = given
        evidence.compared(1, "calls")
        try:
            rows = embedding(tokens, table)
        except Exception:  # noqa: BLE001  every library has an exception of its own for it
            return
        problem = f"tokens {tokens.tolist()} of a vocabulary of {len(table)} give rows {np.asarray(rows).tolist()}"
        raise Refuted(problem, stage="refused")

    check()
    # the refusals above are of the tokens, not of everything: without the one outside there are rows
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    evidence.compared(1, "calls")
    if not np.array_equal(embedding(np.array([1, 0]), table), table[::-1]):
        raise Refuted("tokens [1, 0] of a vocabulary of 2 are not its rows", stage="refused")
