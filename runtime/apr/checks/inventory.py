"""Checks 9 and 10: whether the tensors are those that the architecture reads, in the shapes that the metadata ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.verdict import Check, Finding, Outcome, judged
from apr.formats.names import spellings

if TYPE_CHECKING:
    from apr.checks.subject import Subject

HEAD = "output.weight"


def inventory(subject: Subject) -> list[Finding]:
    """Tensors that are missing, and tensors that nobody reads.

    Raises:
        Blocked: the model cannot be opened, or it is not known what it should hold.
    """
    expected, held = subject.expected, subject.file.tensors
    architecture = subject.config.architecture
    missing = [
        subject.finding(name, f"is missing; {architecture} reads it{_tried(subject, name)}")
        for name in expected
        if name not in held
    ]
    unread = [
        subject.finding(name, f"is nothing that {architecture} reads here; running without it would be another model")
        for name in held
        if name not in expected
    ]
    return missing + unread


def _tried(subject: Subject, name: str) -> str:
    if subject.file.format == "gguf":
        return ""
    return f", and looked for {', '.join(spellings(subject.config.architecture, name))}"


def _run_inventory(subject: Subject) -> Outcome:
    found = [part.faults[9] for part in subject.parts if 9 in part.faults]
    if found:
        return judged(found, "the tensor index cannot be read")
    found = inventory(subject)
    return judged(found, f"{len(subject.file.tensors)} tensors, {len(subject.expected)} are read")


def shapes(subject: Subject) -> list[Finding]:
    """Tensors of another shape than the metadata ask for.

    Raises:
        Blocked: see `inventory`.
    """
    found = []
    for name, expected in subject.expected.items():
        tensor = subject.file.tensors.get(name)
        if tensor is None or tensor.shape == expected:
            continue
        turned = "; it is transposed" if tensor.shape == expected[::-1] else ""
        what = "[vocabulary, hidden]" if name == HEAD else "the metadata"
        problem = f"has shape {list(tensor.shape)}, {what} asks for {list(expected)}{turned}"
        found.append(subject.finding(name, problem.replace("metadata asks", "metadata ask")))
    return found


def _run_shapes(subject: Subject) -> Outcome:
    head = "with a head of its own" if HEAD in subject.file.tensors else "with a tied head"
    return judged(shapes(subject), f"{len(subject.expected)} shapes, {head}")


CHECKS = (
    Check(9, "inventory", "every tensor that is read is there, and no other", _run_inventory),
    Check(10, "shapes", "the tensors have the shapes that the metadata ask for", _run_shapes),
)
