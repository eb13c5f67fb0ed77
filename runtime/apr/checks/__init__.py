"""Numbered checks of a model file: each passes, warns, fails, is skipped because another failed, or does not apply.

The readers refuse a file at its first fault. The checks go on as far as there is something left to look at, and whatever
the readers refuse fails at least one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apr.checks import (
    blocks,
    copies,
    footer,
    inventory,
    metadata,
    places,
    quality,
    runnable,
    structure,
    tokenizer,
    values,
)
from apr.checks.subject import Subject
from apr.checks.verdict import Blocked, Check, Finding, Outcome, Verdict, finding_of, judged
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from apr.formats.model_file import ModelFile
    from apr.quant.dequantise import Dequantiser

__all__ = ["CHECKS", "Check", "Finding", "Outcome", "Report", "Verdict", "examine"]

_MODULES = (structure, footer, places, metadata, inventory, values, quality, tokenizer, blocks, copies, runnable)
CHECKS = {
    check.number: check
    for check in sorted((check for module in _MODULES for check in module.CHECKS), key=lambda check: check.number)
}


@dataclass(frozen=True)
class Report:
    """What became of the checks of one model.

    Attributes:
        path: as given.
        format: `apr`, `gguf` or `safetensors`.
        size: bytes of all files.
        outcomes: by check, in the order of numbers.
    """

    path: Path
    format: str
    size: int
    outcomes: tuple[tuple[Check, Outcome], ...]

    def verdicts(self, verdict: Verdict) -> list[Check]:
        """The checks that came out so."""
        return [check for check, outcome in self.outcomes if outcome.verdict is verdict]


def examine(
    path: Path, numbers: Collection[int], dequantiser: Callable[[ModelFile], Dequantiser] | None = None
) -> Report:
    """Makes some checks of a model.

    Args:
        path: of a file, of one of several, of a manifest of shards, or of a folder with a safetensors model.
        numbers: which checks. Where one is skipped because another failed, that other is in the report, too.
        dequantiser: makes, for an opened model, what decodes its rows; by default the `gguf` library.

    Raises:
        UnusableInput: it is no model at all, or cannot be read.
        UnsupportedModel: it is called .apr and is another format.
    """
    subject = Subject(path) if dequantiser is None else Subject(path, dequantiser)
    outcomes: dict[int, Outcome] = {}
    wanted = sorted(numbers, reverse=True)
    while wanted:
        number = wanted.pop()
        outcome, because = _make(CHECKS[number], subject)
        outcomes[number] = outcome
        if because is not None and because not in outcomes and because not in wanted:
            wanted.append(because)
    return Report(path, subject.format, subject.size, tuple((CHECKS[n], outcomes[n]) for n in sorted(outcomes)))


def _make(check: Check, subject: Subject) -> tuple[Outcome, int | None]:
    """One check, and the number of the check because of which it was skipped."""
    try:
        return check.run(subject), None
    except Blocked as blocked:
        if blocked.number == check.number:
            return judged(blocked.findings, "cannot be judged further"), None
        only_warned = all(finding.warning for finding in blocked.findings)
        reason = f"because check {blocked.number} {'cannot tell' if only_warned else 'failed'}"
        return Outcome(Verdict.SKIPPED, reason), blocked.number
    except UnusableInput as error:
        return judged([finding_of(error, [subject.path])], "cannot be judged further"), None
