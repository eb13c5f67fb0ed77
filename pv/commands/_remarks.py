"""What is to be said of contracts that only git, the archive of promoted evidence, or a lock can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.history.backed import backings
from pv.pins.remarks import pin_remarks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pv.config import Config
    from pv.ledger import Ledger
    from pv.parse import Contract
    from pv.remark import Remark


def gather(contracts: Sequence[Contract], config: Config, ledger: Ledger) -> Mapping[str, tuple[Remark, ...]]:
    """The remarks on each contract, by its name.

    Raises:
        UsageProblem: the lock of pins cannot be used.
    """
    backed = backings(contracts, config, ledger)
    pinned = pin_remarks(config)
    return {one.name: (*backed[one.name].remarks, *pinned.get(one.path, ())) for one in contracts}
