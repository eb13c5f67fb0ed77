"""How every part of the .apr reader refuses: which file, which section of it, which byte, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.errors import UnusableInput

if TYPE_CHECKING:
    from pathlib import Path

DAMAGED = "the file is damaged or cut off: get it again"
CONVERT_AGAIN = "convert the model again from its source"
MAKE_AGAIN = "make the file again with `apr import`"


def refusal(
    path: Path,
    section: str,
    offset: int,
    problem: str,
    *,
    hint: str,
    kind: type[UnusableInput] = UnusableInput,
) -> UnusableInput:
    """The error to raise.

    Args:
        path: of the file.
        section: `header`, `metadata`, `tensor 'x'`, …
        offset: of the byte that is wrong, from the start of the file.
        problem: what is wrong.
        hint: what to do about it.
        kind: UnusableInput for a file that is wrong, UnsupportedModel for a sound one that is not read here.
    """
    return kind(problem, where=f"{path}: {section}, offset {offset:#x}", hint=hint)
