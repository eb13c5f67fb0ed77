"""What a parser is to the fuzzer: files that it takes, what may be changed in them, and what must hold of what it accepts."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

ROOT = Path(__file__).resolve().parents[2]
TARGETS = Path(__file__).resolve().parent / "targets"
Form: TypeAlias = Literal["binary", "json", "lines", "yaml", "toml", "text"]

for _room in ("", "runtime", "fixtures", "falsifiers"):  # for whoever runs this without pytest
    if str(ROOT / _room) not in sys.path:
        sys.path.append(str(ROOT / _room))


class Wrong(AssertionError):
    """The parser accepted what it should not have, or understood it otherwise than others do."""


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        check: reads the bytes, which it may write into the folder; True where they were accepted and all is well, False where
            they were refused as promised. Raises `Wrong`, or whatever the parser lets through: both are findings.
        seeds: files that are accepted, a few kilobytes each.
        form: what kind of text or bytes, so which changes keep a file nearly sound.
        tokens: what means something to the parser.
        own: a change that only this format knows; None where there is none.
        repair: makes checksums and the like fit again after a change, so that what is behind them is reached.
    """

    check: Callable[[bytes, Path], bool]
    seeds: Callable[[], Sequence[bytes]]
    form: Form
    tokens: tuple[bytes, ...] = ()
    own: Callable[[bytes, Random], bytes] | None = None
    repair: Callable[[bytes], bytes] | None = None


def names() -> list[str]:
    """The parsers that are fuzzed, sorted; the folder `targets` is the registry."""
    return sorted(path.stem for path in TARGETS.glob("[a-z]*.py"))


def load_target(name: str) -> Target:
    """The target of this name: `TARGET` of its module."""
    target: Target = importlib.import_module(f"tests.fuzz.targets.{name}").TARGET
    return target


def expect(fine: object, message: str) -> None:
    """Raises `Wrong` unless `fine`."""
    if not fine:
        raise Wrong(message)
