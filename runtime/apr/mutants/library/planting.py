"""How a fault is planted in the library of kernels: a wrong function stands in for the one of that name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class KernelMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        function: whose place the wrong function takes.
        call: the wrong function; it takes and gives what that one does.
    """

    name: str
    fault: str
    function: str
    call: Callable[..., Any]


def mutant(
    name: str, *, of: str, fault: str, into: dict[str, KernelMutant]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter the decorated function as a fault of the function `of`.

    Raises:
        ValueError: there is one of that name already.
    """
    if name in into:
        raise ValueError(f"there are two mutants {name!r}")

    def enter(call: Callable[..., Any]) -> Callable[..., Any]:
        into[name] = KernelMutant(name, fault, of, call)
        return call

    return enter
