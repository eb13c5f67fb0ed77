"""What every executor offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apr.parity.result import Execution
    from apr.parity.work.setting import Setting
    from apr.parity.work.unit import Done, Unit


class Executor(Protocol):
    """Measures units somewhere."""

    def run(self, units: Sequence[Unit], setting: Setting) -> Iterator[Done]:
        """Measures every unit once; they come in any order.

        Args:
            units: of one prompt.
            setting: what they are measured with.

        Raises:
            AprError: a unit cannot be measured, with its stage and layer, or there is nobody to measure it.
        """

    def execution(self) -> Execution:
        """What was measured so far, and where."""

    def notes(self) -> list[str]:
        """What is worth knowing of whoever measured."""
