"""Options that several commands of `ccpa` have."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from apr.errors import UsageError
from apr.meter.compare import Settings
from apr.meter.equality.result import RESULTS
from apr.meter.report import INDIVIDUAL_MIN

if TYPE_CHECKING:
    from collections.abc import Sequence


def share(text: str) -> float:
    """A number from 0 to 1.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:  # NaN is neither
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return number


def add_results(parser: argparse.ArgumentParser) -> None:
    """Declares `--results`; without it `results` is None, and `settings` knows what that means."""
    parser.add_argument(
        "--results",
        choices=RESULTS,
        help=f"what of a tool's result counts: all of it, whether it succeeded, nothing ({RESULTS[0]})",
    )


def add_meter(parser: argparse.ArgumentParser) -> None:
    """Declares how to compare: `--results`, `--individual-min`, `--compat`."""
    add_results(parser)
    parser.add_argument(
        "--individual-min",
        type=share,
        default=INDIVIDUAL_MIN,
        metavar="X",
        help="the score from which on a pair passes (%(default)s)",
    )
    parser.add_argument("--compat", choices=("upstream",), help="score and print as the upstream's program does")


def settings(args: argparse.Namespace) -> Settings:
    """What the options say of how to compare; commands without `--individual-min` have the usual one."""
    return Settings(args.results or RESULTS[0], getattr(args, "individual_min", INDIVIDUAL_MIN))


def refuse(args: argparse.Namespace, names: Sequence[str], why: str) -> None:
    """Lets no option pass that would count for nothing.

    Raises:
        UsageError: one of them was given.
    """
    for name in names:
        if getattr(args, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')} {why}")
