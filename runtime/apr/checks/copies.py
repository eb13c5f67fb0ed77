"""Check 16: matrices that repeat another's bytes, as a converter leaves them that writes one layer twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.inventory import HEAD
from apr.checks.quality import EMBEDDING
from apr.checks.verdict import Check, Finding, Outcome, finding_of, judged

if TYPE_CHECKING:
    from apr.checks.subject import Subject


def _run(subject: Subject) -> Outcome:
    found: list[Finding] = []
    first: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    matrices = [values for values in subject.scan.values() if values.is_matrix]
    tied = ""
    for values in matrices:
        if values.refusal is not None:  # a head that is said to be the embedding and is none
            found.append(finding_of(values.refusal, [subject.path, subject.file.path]))
            continue
        other = first.setdefault((values.type_name, values.shape, values.digest), values.name)
        if {other, values.name} == {HEAD, EMBEDDING}:
            tied = ", the head repeats the embedding"
        elif other != values.name:
            found.append(subject.finding(values.name, f"has the same bytes as {other!r}", warning=True))
    return judged(found, f"{len(matrices)} matrices{tied}")


CHECKS = (Check(16, "copies", "no matrix repeats another, but for a head that is tied", _run, reads_data=True),)
