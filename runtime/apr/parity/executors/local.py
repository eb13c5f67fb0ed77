"""Units measured in this process, one after the other, from what is already open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.parity.result import Execution
from apr.parity.work.compare import compare
from apr.parity.work.unit import Done

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apr.parity.work.setting import Setting
    from apr.parity.work.unit import Unit


class Local:
    """Measures units where it stands; see `apr.parity.executors.base.Executor`."""

    def __init__(self) -> None:
        self._units = 0

    def run(self, units: Sequence[Unit], setting: Setting) -> Iterator[Done]:
        """Measures each unit, in their order.

        Raises:
            UnsupportedModel: see `compare`.
        """
        for unit in units:
            yield Done(unit, compare(unit, setting))
            self._units += 1

    def execution(self) -> Execution:
        """What was measured so far, and where."""
        return Execution(units=self._units)

    def notes(self) -> list[str]:
        """Nothing: it is this process."""
        return []
