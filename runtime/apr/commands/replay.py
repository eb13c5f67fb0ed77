"""The command line that shows a divergence again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from apr.parity.shrink import Shrunk
    from apr.parity.verdict import Bounds

TIMEOUT = 900.0  # of `--timeout`, where it is left out
DERIVED = "derived"  # at `--bound`: no bound of those that stand before it
_WRITE = ("--report", "--save")


def whole(command: Sequence[str], more: Sequence[str] = ()) -> str:
    """A command line without the options that write files: who runs it again wants to see, not to overwrite.

    Args:
        command: as typed, the program first; nothing where it was no command.
        more: options that are put behind it, where they replace those before.
    """
    kept: list[str] = []
    skip = False
    for word in command:
        if not skip and word not in _WRITE and not word.startswith(tuple(f"{option}=" for option in _WRITE)):
            kept.append(word)
        skip = not skip and word in _WRITE
    return shlex.join([*kept, *more]) if kept else ""


def smallest(args: argparse.Namespace, found: Shrunk, bounds: Bounds) -> str:
    """The smallest run found, judged as this one is."""
    words = ["apr", "parity", args.subject, "--against", args.against, str(args.model)]
    if args.oracle_model is not None:
        words += ["--oracle-model", args.oracle_model]
    words += ["--tokens", ",".join(map(str, found.tokens)), "--stages", ",".join(found.filters.stages or ("all",))]
    words += _range("--layers", found.filters.layers) + _range("--positions", found.filters.positions)
    if args.timeout != TIMEOUT:
        words += ["--timeout", repr(args.timeout)]
    if args.alpha is not None:
        words += ["--alpha", repr(args.alpha)]
    return shlex.join([*words, *by_hand(bounds.by_hand, bounds.because)])


def by_hand(bounds: Mapping[str, float], because: str) -> list[str]:
    """Bounds as options, to the last bit."""
    words = [word for stage, value in bounds.items() for word in ("--bound", f"{stage}={value!r}")]
    return [*words, "--because", because] if because else words


def _range(option: str, wanted: range | None) -> list[str]:
    return [] if wanted is None else [option, f"{wanted.start}..{wanted.stop}"]
