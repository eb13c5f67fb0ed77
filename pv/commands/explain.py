"""`pv explain`: the manual page of a code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.report.console import emit
from pv.rules import all_rules, codes, page
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print the page of one code, or the list of all.

    Raises:
        UsageProblem: there is no such code.
    """
    if arguments.code is None:
        for rule in all_rules():
            title = (rule.__doc__ or "").splitlines()[0].removesuffix(f" ({rule.CODE}).")
            emit(f"{rule.CODE}  {rule.SEVERITY:<7}  {title}\n")
        return 0
    code = arguments.code.upper()
    text = page(code)
    if text is None:
        fix = did_you_mean(code, codes()) or "`pv explain` lists them"
        raise UsageProblem(f"no rule has the code {arguments.code!r}; {fix}")
    emit(text.strip() + "\n")
    return 0
