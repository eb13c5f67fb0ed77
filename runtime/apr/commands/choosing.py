"""What commands that generate text have in common: how tokens are chosen, where the prompt comes from, what reaches a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apr.console import escape, is_terminal
from apr.errors import UsageError
from apr.stages import whole_number

if TYPE_CHECKING:
    import argparse

    from apr.text.sampling import Sampling

# what text needs and no terminal minds: ends of lines, tabs, and the joiners of Persian, Indic scripts and emoji
HARMLESS = "\n\t\u200c\u200d"
_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "seed")


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Declares how tokens are chosen."""
    choice = parser.add_argument_group("how tokens are chosen")
    choice.add_argument("--greedy", action="store_true", help="always the likeliest token; this is the default")
    choice.add_argument("--temperature", metavar="T", type=float, help="sample, with logits divided by T")
    choice.add_argument("--top-k", metavar="K", type=int, help="sample among the K likeliest")
    choice.add_argument("--top-p", metavar="P", type=float, help="sample among the likeliest that make up P")
    choice.add_argument(
        "--min-p", metavar="P", type=float, help="sample among those at least P times as likely as the first"
    )
    choice.add_argument("--seed", metavar="N", type=int, help="of the sampling; default 0, so that runs repeat")


def sampling_of(args: argparse.Namespace) -> Sampling | None:
    """How to sample; None for greedy.

    Raises:
        UsageError: greedy and sampled at once, or a number that makes no sense.
    """
    given = {name: getattr(args, name) for name in _SAMPLING if getattr(args, name) is not None}
    if args.greedy and given:
        raise UsageError("is greedy or sampled, not both", where=f"--greedy, --{next(iter(given)).replace('_', '-')}")
    if not given:
        return None
    from apr.text.sampling import Sampling  # noqa: PLC0415 - numpy, which not every run needs

    return Sampling(**given)


def at_least_one(text: str, option: str, what: str) -> int:
    """The number that an option gives.

    Raises:
        UsageError: no whole number, or 0.
    """
    number = whole_number(text.strip(), option, what)
    if not number:
        raise UsageError("must be 1 or more", where=option)
    return number


def prompt_of(text: str, option: str) -> str:
    """The prompt: as typed, or standard input where `-` was typed.

    Raises:
        UsageError: standard input is asked for and closed.
    """
    if text != "-":
        return text
    if sys.stdin is None:
        raise UsageError("standard input is closed", where=f"{option} -")
    return sys.stdin.read()


def show_text(text: str) -> None:
    """Writes generated text to standard output at once; on a terminal nothing in it can steer the terminal."""
    sys.stdout.write(escape(text, keep=HARMLESS) if is_terminal(sys.stdout) else text)
    sys.stdout.flush()
