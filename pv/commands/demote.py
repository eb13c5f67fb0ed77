"""`pv demote`: a lower status, with the reason for it and with what was loosened."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pv.commands._evidence import select
from pv.commands._history import change, rung_of, tell
from pv.history.examine import examine
from pv.history.promotion import entry
from pv.report.console import emit, escape
from pv.types import UsageProblem
from pv.words import Effective, rung

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pv.history.loosened import Loosening
    from pv.parse import Contract


def run(arguments: argparse.Namespace) -> int:
    """Lower the status of a contract, and record what was loosened since its newest entry.

    Raises:
        UsageProblem: the contract cannot be used, the status is not lower and nothing was loosened, or the file cannot be written.
    """
    wanted, reason = rung_of(arguments.to), arguments.reason.strip()
    if not reason:
        raise UsageProblem("--reason: say why")
    selection = select([arguments.contract])
    selection.complain()
    if len(selection.contracts) > 1:
        raise UsageProblem(
            f"{escape(arguments.contract)}: a folder of several contracts; each is demoted for its own reason"
        )
    (contract,), (path,) = selection.contracts, selection.files
    loosened = examine([contract], selection.config).unrecorded.get(contract.path, ())
    to = _target(contract, wanted, loosened)
    loosens = [_recorded(one) for one in loosened]
    made = change(path, contract, to, entry(contract, to, datetime.now(UTC), why=reason, loosens=loosens))
    if arguments.dry_run:
        emit(made.diff())
        return 0
    made.write()
    move = f"stays {to}" if to == contract.status else f"{to}, from {contract.status}"
    tell(contract.path, f"{move}: {reason}", [f"loosens {one}" for one in loosens])
    return 0


def _target(contract: Contract, wanted: Effective | None, loosened: Sequence[Loosening]) -> str:
    """The word to declare: one rung less, or what was asked for; the declared one where a loosening is all there is to record."""
    declared = rung(contract.status or "")
    if declared is None or contract.status is None:
        raise UsageProblem(f"{escape(contract.path)}: declares no status; there is nothing to lower")
    to = declared.below() if wanted is None else wanted
    if to.rank > declared.rank:
        raise UsageProblem(f"{to} is above {contract.status}, which is declared; `pv promote` goes up")
    if to is not declared:
        return str(to)
    if not loosened:
        raise UsageProblem(
            f"{escape(contract.path)}: is {contract.status} already and nothing was loosened: nothing to record"
        )
    return contract.status


def _recorded(one: Loosening) -> str:
    """What an entry says of a loosening: its key, and behind it what was and what is."""
    return one.text if one.text.startswith(f"{one.key} ") else one.key
