"""`pv show`: one claim, or one contract, with all that belongs to it."""

from __future__ import annotations

import shutil
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING

from pv.commands._evidence import select
from pv.ledger import read
from pv.report.console import Paint, emit, escape
from pv.report.show_data import claim_data, contract_data
from pv.report.show_text import as_json, claim_text, contract_text
from pv.status import compute
from pv.trace import trace
from pv.types import UsageProblem
from pv.words import did_you_mean
from pv.written import bound, written

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pv.commands._evidence import Selection
    from pv.parse import Claim, Contract

_MOST = 20  # candidates that are listed


def run(arguments: argparse.Namespace) -> int:
    """Print what there is on a claim, or on a contract. Whether that is good is not judged here.

    Raises:
        UsageProblem: it names none, or several; a contract cannot be used; or the ledger cannot be read.
    """
    selection = select(arguments.contracts)
    contract, claim = _chosen(arguments.claim, selection)
    config = selection.config
    ledger = read(config.ledger)
    modules = written(config.falsifiers, config.root)
    (status,) = compute([contract], ledger, config)
    (traced,) = trace([status], bound(modules, [contract]), ledger).contracts
    columns = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    if claim is None:
        data, text = contract_data(status, traced), contract_text
    else:
        folded = next(one for one in status.claims if one.claim is claim)
        found = next(one.falsifiers for one in traced.claims if one.folded is folded)
        data, text = claim_data(folded, traced, found, ledger), claim_text
    emit((as_json(data) if arguments.json else text(data, Paint.for_stream(sys.stdout), columns)) + "\n")
    for problem in (*modules.problems, *ledger.problems):
        sys.stderr.write(f"pv: {escape(problem)}\n")
    return 0


def _chosen(name: str, selection: Selection) -> tuple[Contract, Claim | None]:
    """The contract that is meant, and its claim where one is.

    Raises:
        UsageProblem: there is none, or there are several.
    """
    contracts = selection.contracts
    whole = next((one for one in contracts if _is_called(one, name)), None)
    if whole is not None:
        return whole, None
    found = [(one, claim) for one in contracts for claim in one.claims if claim.id == name]
    if not found:
        head, _, tail = name.partition(":")
        found = [(one, claim) for one in contracts if _is_called(one, head) for claim in one.claims if claim.id == tail]
    if not found:
        raise UsageProblem(_unknown(name, selection))
    if len(found) > 1:
        lines = [f"  {one.name}:{claim.id}  {claim.path}:{claim.span.line}:{claim.span.col}" for one, claim in found]
        more = [f"  and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
        told = "\n".join([*map(escape, lines[:_MOST]), *more])
        raise UsageProblem(f"{len(found)} claims are called {escape(name)}; say which:\n{told}")
    return found[0]


def _is_called(contract: Contract, name: str) -> bool:
    return name in {contract.name, contract.path} or PurePath(name) == PurePath(contract.path)


def _unknown(name: str, selection: Selection) -> str:
    claims = [claim.id for one in selection.contracts for claim in one.claims]
    known: Sequence[str] = [*claims, *(one.name for one in selection.contracts)]
    head, colon, tail = name.partition(":")
    inside = next((one for one in selection.contracts if colon and _is_called(one, head)), None)
    if inside is not None:
        fix = did_you_mean(tail, [claim.id for claim in inside.claims]) or f"`pv show {inside.name}` lists its claims"
        return f"{escape(inside.name)} has no claim {escape(tail)}; {escape(fix)}"
    fix = did_you_mean(tail or name, known) or "`pv list` shows what there is"
    broken = "".join(f"\n  not looked at: {escape(one)}" for one in selection.broken)
    return f"no claim and no contract is called {escape(name)}; {escape(fix)}{broken}"
