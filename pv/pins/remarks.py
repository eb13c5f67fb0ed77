"""What the pins say of contracts, for their status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.remark import Remark, Topic

if TYPE_CHECKING:
    from pv.config import Config
    from pv.pins.compare import Result


def pin_remarks(config: Config) -> dict[str, tuple[Remark, ...]]:
    """The remarks on pinned contracts, by their path relative to the project's root; without a lock none.

    Upstream is not asked. A contract whose bytes are others than those pinned gets a grave remark, also where it is missing, so
    that it is for the caller to say so where no contract has that path.

    Raises:
        UsageProblem: the lock cannot be used.
    """
    from pv.pins.finding import find, read  # noqa: PLC0415  most projects have no lock

    file = find(config)
    if file is None:
        return {}
    from pv.pins.compare import check  # noqa: PLC0415  the same

    lock = read(file, config)
    return {one.pin.path: (_remark(one),) for one in check(lock, lock.pins) if one.findings}


def _remark(result: Result) -> Remark:
    pin = result.pin
    text = f"pinned to {pin.source} at {pin.commit[:12]}, and is no copy of it: {'; '.join(result.findings)}"
    return Remark(Topic.PIN, text, grave=True, help=f"take the edit upstream, or `pv pin add {pin.path} --write`")
