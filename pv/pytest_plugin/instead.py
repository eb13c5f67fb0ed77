"""Other people's kernels in the place of those that `[tool.pv.subjects]` names: `--subject kernels=mypackage.kernels`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pv.config import SubjectSpec, check_module
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pv.config import Config


def instead_of(settings: Config, given: Iterable[str] | None) -> dict[str, SubjectSpec]:
    """What `--subject NAME=MODULE`, given any number of times, asks for.

    Raises:
        UsageError: one of them is not written so.
    """
    found = {}
    for text in given or ():
        name, sign, module = text.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z]\w*", name):
            raise pytest.UsageError(
                f"--subject {text}: write NAME=package.module, as in --subject kernels=mypackage.kernels"
            )
        try:
            check_module(module, f"--subject {name}")
        except UsageProblem as problem:
            raise pytest.UsageError(str(problem)) from None
        own = settings.subjects.get(name)
        found[name] = SubjectSpec(module, own.mutants if own else None)
    return found


def ledger_of(settings: Config, instead: Mapping[str, SubjectSpec]) -> Path:
    """The ledger of a session: what is seen of other people's kernels stands in one of its own, and makes nobody's status."""
    if not instead:
        return settings.ledger
    names = "+".join(f"{name}={spec.module}" for name, spec in sorted(instead.items()))
    return settings.ledger.with_name(f"{settings.ledger.stem}.{names}{settings.ledger.suffix}")
