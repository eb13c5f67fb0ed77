"""`apr pull ALIAS`: downloads a model into the cache, checked against its hash."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apr.cache import pull
from apr.console import Progress, escape, is_terminal
from apr.errors import OK

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = "Download a model by its alias into the cache. A model that is there already is left alone."
    parser.add_argument("alias", help="short name of a model; `apr list` shows them all")
    parser.add_argument(
        "--verify", action="store_true", help="hash the file even if it has not been touched since the last check"
    )


def run(args: argparse.Namespace) -> int:
    """Pulls one model and prints where it is.

    Raises:
        AprError: see `apr.cache.pull`.
    """
    pulled = pull(args.alias, make_meter=Progress, verify=args.verify, show_pip=is_terminal(sys.stderr))
    happened = "downloaded" if pulled.downloaded else "already there"
    sys.stdout.write(f"{escape(args.alias)}: {happened}: {escape(str(pulled.path))}\n")
    return OK
