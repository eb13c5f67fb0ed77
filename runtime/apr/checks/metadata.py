"""Check 8: whether the metadata say all that the architecture needs; nothing is guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.verdict import Check, Finding, Outcome, judged

if TYPE_CHECKING:
    from apr.checks.subject import Subject


def _run(subject: Subject) -> Outcome:
    found: list[Finding] = [part.faults[8] for part in subject.parts if 8 in part.faults]
    if found:
        return judged(found, "cannot be read")
    c = subject.config  # where it blocks, this is the check that says why
    heads = f"{c.n_heads} heads and {c.n_kv_heads} key heads of {c.head_dim}"
    if f"{c.architecture}.attention.key_length" not in subject.file.metadata:
        heads += " (hidden / heads, as they do not say)"
    experts = f", {c.experts.used} of {c.experts.count} experts" if c.experts else ""
    return judged(found, f"{c.architecture}: {c.n_layers} layers, hidden {c.hidden}, {heads}{experts}")


CHECKS = (Check(8, "metadata", "the metadata are complete for the architecture", _run),)
