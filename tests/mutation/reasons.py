"""Why a mutant may live: `survivors.toml`, by file, function and change, because lines move."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.mutation.results import Survivor

FILE = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True)
class Reason:
    """Why one mutant lives; `equivalent` if no input can tell it from the code."""

    file: str
    function: str
    was: str
    now: str
    text: str
    equivalent: bool

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the mutant is recognised by."""
        return (self.file, self.function, self.was, self.now)


def read() -> dict[tuple[str, str, str, str], Reason]:
    """The reasons by mutant.

    Raises:
        ValueError: an entry lacks something, or two say of one mutant why it lives.
    """
    found: dict[tuple[str, str, str, str], Reason] = {}
    for number, group in enumerate(tomllib.loads(FILE.read_text("utf-8")).get("reason", []), 1):
        for mutant in group.get("mutants", []):
            try:
                one = Reason(
                    mutant["file"], mutant["function"], mutant["was"], mutant["now"], group["why"], group["equivalent"]
                )
            except KeyError as missing:
                raise ValueError(f"{FILE.name}: reason {number}: a mutant or its reason lacks {missing}") from None
            if not one.text.strip() or one.key in found:
                raise ValueError(f"{FILE.name}: reason {number}: {one.now!r} has no text, or has a reason above")
            found[one.key] = one
    return found


def unexplained(survivors: Iterable[Survivor]) -> list[Survivor]:
    """Those without a reason."""
    known = read()
    return [one for one in survivors if one.key not in known]


def idle(survivors: Iterable[Survivor], files: Iterable[str]) -> list[Reason]:
    """The reasons for mutants of these files that are killed, or are no more."""
    alive, mutated = {one.key for one in survivors}, set(files)
    return [reason for key, reason in read().items() if reason.file in mutated and key not in alive]
