"""Checks 5, 6, 7 and 11: where tensor data stands, and how many bytes it takes, from the tensor index alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.verdict import Check, Finding, Outcome, judged, not_applicable
from apr.formats.apr.header import align

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.checks.part import Part, Placed
    from apr.checks.subject import Subject

FOOTER_SIZE = 4


def _about(part: Part, tensor: Placed, problem: str, *, warning: bool = False) -> Finding:
    return Finding(str(part.path), problem, None, tensor.name, tensor.at, warning)


def required_size(part: Part) -> int:
    """Bytes that the file needs to hold all of its tensors; in .apr with the padding behind the last.

    Raises:
        Blocked: the tensor index cannot be read.
    """
    ends = (tensor.start + tensor.nbytes for tensor in part.table() if tensor.nbytes is not None)
    return max(part.data_start, max((align(end) if part.format == "apr" else end for end in ends), default=0))


def beyond_the_end(part: Part) -> list[Finding]:
    """Tensors whose data would end behind the file's end, and bytes that belong to nothing.

    Raises:
        Blocked: the tensor index cannot be read.
    """
    found = [
        _about(
            part,
            tensor,
            f"its data would end at byte {tensor.start + tensor.nbytes}, but the file ends at byte {part.size}",
        )
        for tensor in part.table()
        if tensor.nbytes is not None and tensor.start + tensor.nbytes > part.size
    ]
    left = part.size - required_size(part)
    if part.format == "apr" and not found and left not in {0, FOOTER_SIZE}:
        problem = (
            f"{left} bytes follow the tensor data; a footer has {FOOTER_SIZE}"
            if left > 0
            else f"the file ends at byte {part.size}, the padding behind its last tensor at byte {part.size - left}"
        )
        found.append(Finding(str(part.path), problem, "footer", None, min(part.size, part.size - left)))
    if part.format == "safetensors" and left > 0:
        problem = f"{left} bytes follow the tensor data and belong to nothing"
        found.append(Finding(str(part.path), problem, "tensor data", None, part.size - left))
    if part.format == "gguf" and left >= (part.alignment or 1):
        problem = f"{left} bytes follow the tensor data and belong to nothing"
        found.append(Finding(str(part.path), problem, "tensor data", None, part.size - left, warning=True))
    return found


def overlaps(part: Part) -> list[Finding]:
    """Tensors that begin before the data of another has ended; in GGUF, gaps and tensors out of order, too.

    Raises:
        Blocked: the tensor index cannot be read.
    """
    found: list[Finding] = []
    last: Placed | None = None
    for tensor in sorted(part.table(), key=lambda each: each.start):
        if last is not None and last.start + (last.nbytes or 0) > tensor.start and tensor.nbytes != 0:
            found.append(_about(part, tensor, f"its data overlaps that of tensor {last.name!r}"))
        if last is None or tensor.start + (tensor.nbytes or 0) > last.start + (last.nbytes or 0):
            last = tensor
    return found if found or part.format != "gguf" else _gaps(part)


def _gaps(part: Part) -> list[Finding]:
    """The first tensor that does not follow the one before it: llama.cpp wants them in the index's order without a gap."""
    expected = part.data_start
    for tensor in part.table():
        if tensor.start != expected:
            problem = (
                f"its data starts at byte {tensor.start}, the one before it ends at {expected}: llama.cpp refuses that"
            )
            return [_about(part, tensor, problem, warning=True)]
        if tensor.nbytes is None:
            return []
        unit = part.alignment or 1
        expected += -(-tensor.nbytes // unit) * unit
    return []


def misaligned(part: Part) -> list[Finding]:
    """Tensors whose data does not start at a multiple of the alignment, counted from the start of all data.

    Raises:
        Blocked: the tensor index cannot be read.
    """
    unit = part.alignment or 1
    return [
        _about(part, tensor, f"its data starts at {tensor.relative}, no multiple of {unit}")
        for tensor in part.table()
        if tensor.relative % unit
    ]


def wrong_sizes(part: Part) -> list[Finding]:
    """Tensors whose type is not known, or whose bytes contradict type and shape.

    Raises:
        Blocked: the tensor index cannot be read.
    """
    return [tensor.size_fault for tensor in part.table() if tensor.size_fault is not None]


def _over_parts(
    number: int, judge: Callable[[Part], list[Finding]], describe: Callable[[list[Part]], str]
) -> Callable[[Subject], Outcome]:
    def run(subject: Subject) -> Outcome:
        if not subject.parts:
            subject.file  # noqa: B018 - says why there are none
        found: list[Finding] = []
        for part in subject.parts:
            if number in part.absent:
                return not_applicable(part.absent[number])
            found += [part.faults[number]] if number in part.faults else judge(part)
        known = [part for part in subject.parts if part.index is not None]
        files = f", {len(subject.parts)} files" if len(subject.parts) > 1 else ""
        return judged(found, describe(known) + files if known else "the tensor index cannot be read")

    return run


def _tensors(parts: list[Part]) -> str:
    return f"{sum(len(part.table()) for part in parts)} tensors"


def _bytes(parts: list[Part]) -> str:
    needed, there = sum(required_size(part) for part in parts), sum(part.size for part in parts)
    return f"{needed} bytes are needed, {there} are there"


def _units(parts: list[Part]) -> str:
    return f"multiples of {' and '.join(sorted({str(part.alignment) for part in parts}))}"


CHECKS = (
    Check(5, "extents", "the file is as long as its tensors need", _over_parts(5, beyond_the_end, _bytes)),
    Check(6, "overlap", "no tensor's data overlaps another's", _over_parts(6, overlaps, _tensors)),
    Check(7, "alignment", "every tensor's data is aligned", _over_parts(7, misaligned, _units)),
    Check(
        11,
        "row-bytes",
        "every tensor takes the bytes that its type and shape need",
        _over_parts(11, wrong_sizes, _tensors),
    ),
)
