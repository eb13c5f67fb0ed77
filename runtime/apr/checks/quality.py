"""Check 13: whether the weights look like weights.

Limits: paiml/aprender, contract tensor-layout-v1, F-DATA-QUALITY-001 to 005. Each was made after a converter had written
tensors of zeros, or zeros from some row on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.verdict import Check, Finding, Outcome, judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apr.checks.scan import Values
    from apr.checks.subject import Subject

EMBEDDING = "token_embd.weight"
MOST_ZEROS_EMBEDDING = 0.5  # less than this share of an embedding
MOST_ZEROS = 0.8  # and of any other matrix
MOST_DEAD_ROWS = 0.25  # less than this share of the rows may be zeros alone
LEAST_L2 = 1e-6  # more than this


def _faults(values: Values) -> Iterator[str]:
    """What is wrong with a matrix."""
    if values.l2 <= LEAST_L2:
        yield f"its L2 norm is {values.l2:.3g}; more than {LEAST_L2:g} is expected"
        return  # the rest would say the same again
    if values.minimum == values.maximum:
        yield f"all values are {values.minimum:.6g}"
        return
    limit = MOST_ZEROS_EMBEDDING if values.name == EMBEDDING else MOST_ZEROS
    if values.zeros >= limit * values.count:
        yield f"{values.zeros / values.count:.1%} of the values are zero; less than {limit:.0%} are expected"
    rows = values.alive.size
    if values.dead_rows >= MOST_DEAD_ROWS * rows:
        yield f"{values.dead_rows} of {rows} rows are zero; less than {MOST_DEAD_ROWS:.0%} are expected"
    probes = values.dead_probes()
    if probes:
        yield f"the row at {' and '.join(f'{percent} %' for percent in probes)} of the rows is zero"


def _judge(subject: Subject, values: Values) -> Iterator[Finding]:
    if values.is_matrix:
        for problem in _faults(values):
            yield subject.finding(values.name, problem)
    elif values.name.endswith("norm.weight"):
        if values.l2 <= LEAST_L2:
            yield subject.finding(values.name, f"its L2 norm is {values.l2:.3g}: a norm of zeros silences its layer")
        elif values.minimum == values.maximum and values.count > 1:
            problem = f"all values are {values.minimum:.6g}, as before any training"
            yield subject.finding(values.name, problem, warning=True)


def _run(subject: Subject) -> Outcome:
    found: list[Finding] = []
    judged_ones = 0
    for values in subject.scan.values():
        if values.non_finite or values.bad_blocks or values.refusal is not None:
            continue  # checks 12, 15 and 16 say so
        if not values.decoded:
            problem = f"is {values.type_name}, which cannot be decoded here: not judged"
            found.append(subject.finding(values.name, problem, warning=True))
            continue
        judged_ones += 1
        found += _judge(subject, values)
    return judged(
        found,
        f"{judged_ones} of {len(subject.scan)} tensors; the others hold values that are no numbers"
        if judged_ones < len(subject.scan)
        else f"{judged_ones} tensors",
    )


CHECKS = (Check(13, "quality", "the weights are neither empty, dead nor constant", _run, reads_data=True),)
