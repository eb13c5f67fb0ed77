"""How a fault is planted in action traces and their meter: something is exchanged, wherever the code under judgement has it by name."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# whose modules are imported before anything is exchanged: one that came later would keep the faulty thing for good
_PACKAGES = ("apr.actions", "apr.meter", "apr.agent", "apr.sandbox", "apr.ccpa")


class Swap(NamedTuple):
    """One exchange.

    Attributes:
        module: where it is defined.
        name: in that module, or `Class.name`.
        make: makes the faulty thing from the sound one.
    """

    module: str
    name: str
    make: Callable[[Any], Any]


@dataclass(frozen=True)
class TraceMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found; there are no layers.
        swaps: what is exchanged.
    """

    name: str
    fault: str
    stage: str
    swaps: tuple[Swap, ...]
    layer: int | None = None

    def plant(self, put: Callable[[Any, str, Any], None] = setattr) -> None:
        """Puts the fault into the running process; `put` may be one that can be undone.

        Raises:
            KeyError: what is to be exchanged is not there.
        """
        load()
        for swap in self.swaps:
            owner: Any = sys.modules[swap.module]
            *path, name = swap.name.split(".")
            for part in path:
                owner = getattr(owner, part)
            sound = vars(owner)[name]
            faulty = swap.make(sound)
            put(owner, name, faulty)
            if not path:
                _exchange(sound, faulty, put)


def _exchange(sound: Any, faulty: Any, put: Callable[[Any, str, Any], None]) -> None:
    """Wherever else a module has the sound thing, under whatever name."""
    if isinstance(sound, (int, float, str, tuple, type(None))):
        return  # one such value cannot be told from another
    for module in [module for name, module in sys.modules.items() if name.startswith("apr.")]:
        for name in [name for name, value in vars(module).items() if value is sound]:
            put(module, name, faulty)


@cache
def load() -> None:
    """Imports everything that traces go through."""
    for name in _PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith(".__main__"):
                importlib.import_module(found.name)
    importlib.import_module("apr.commands.code")
