"""Options that several commands of `ccpa` have."""

from __future__ import annotations

import argparse

from apr.meter.equality.result import RESULTS
from apr.meter.report import INDIVIDUAL_MIN


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


def add_meter(parser: argparse.ArgumentParser) -> None:
    """Declares how to compare: `--results`, `--individual-min`, `--compat`."""
    parser.add_argument(
        "--results",
        choices=RESULTS,
        default=RESULTS[0],
        help="what of a tool's result counts: all of it, whether it succeeded, nothing (%(default)s)",
    )
    parser.add_argument(
        "--individual-min",
        type=share,
        default=INDIVIDUAL_MIN,
        metavar="X",
        help="the score from which on a pair passes (%(default)s)",
    )
    parser.add_argument("--compat", choices=("upstream",), help="score and print as the upstream's program does")
