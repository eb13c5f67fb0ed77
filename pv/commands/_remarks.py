"""What is to be said of contracts that only git, the archive of promoted evidence, or a lock can tell."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pv.archive import archive_of
from pv.history.backed import backings
from pv.history.bounds import bound_remark
from pv.history.examine import examine
from pv.ledger import read
from pv.pins.remarks import pin_remarks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from pv.config import Config
    from pv.ledger import Ledger
    from pv.parse import Claim, Contract
    from pv.remark import Remark

# Rows of a case in the ledger that its newest is held against, beside those of every promotion.
_RECENT = 3


def gather(contracts: Sequence[Contract], config: Config, ledger: Ledger) -> Mapping[str, tuple[Remark, ...]]:
    """The remarks on each contract, by its name; those on contracts that are not there any more under the empty one.

    Raises:
        UsageProblem: the lock of pins cannot be used.
    """
    examined = examine(contracts, config)
    backed = backings(contracts, config, ledger)
    pinned = dict(pin_remarks(config))
    found = {
        one.name: (
            *examined.remarks.get(one.path, ()),
            *backed[one.name].remarks,
            *pinned.pop(one.path, ()),
            *_of_bounds(one, config, ledger),
        )
        for one in contracts
    }
    missing = (remark for path, remarks in pinned.items() if not (config.root / path).exists() for remark in remarks)
    return {**found, "": (*(one.remark for one in examined.removed), *missing)}


def _of_bounds(contract: Contract, config: Config, ledger: Ledger) -> Iterator[Remark]:
    archive = read(archive_of(config, contract.name))
    for claim in contract.claims:
        remarks = (bound_remark(contract, claim, rows) for rows in _rows(claim, ledger, archive))
        remark = next(filter(None, remarks), None)
        if remark is not None:
            yield remark


def _rows(claim: Claim, ledger: Ledger, archive: Ledger) -> Iterator[list[Mapping[str, Any]]]:
    """For each plain case its newest rows, and those that it was promoted with."""
    for case in claim.cases():
        if case.mutant is None:
            key = (claim.contract, claim.id, case.key, "")
            kept = [one.row for one in archive.newest(key)]
            if not kept and ledger.decided_alike(key, 1 + _RECENT):
                continue  # rows of the same code are never held against each other
            rows = [one.row for one in islice(ledger.newest(key), 1 + _RECENT)]
            if rows:
                yield [*rows, *kept]
