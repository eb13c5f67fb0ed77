"""How kernels are called from expressions: with arguments of the dtypes that the domain gives their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pv.properties.arrays import cast
from pv.properties.subjects import back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.property import ExecutableEquation
    from pv.properties.subjects import Subject


class KernelFailed(Exception):
    """A kernel raised something for an input of its domain, or gave no numbers."""


class Kernels:
    """The kernels of a subject, as the equations of a contract call them."""

    def __init__(self, subject: Subject, equations: Mapping[str, ExecutableEquation]) -> None:
        self._subject = subject
        # the parameters of each function, and whether each is an array, in the order of the call
        self._declared = {one.function: one for one in equations.values()}

    def __call__(self, name: str, given: list[Any], named: Mapping[str, Any]) -> Any:
        """What the kernel of that name gives.

        Raises:
            KernelFailed: it raised, or gave something that is no number.
        """
        function = self._subject.function(name)
        equation = self._declared.get(name)
        dtypes = equation.dtypes if equation else []
        padded = [*dtypes, *[None] * len(given)]
        arguments = [_argument(value, dtype) for value, dtype in zip(given, padded, strict=False)]
        keywords = {key: _argument(value, None) for key, value in named.items()}
        try:
            result = back(function(*arguments, **keywords))
        except (Exception, SystemExit) as problem:  # whatever it is, the kernel gave nothing
            if type(problem).__module__.startswith(("hypothesis", "pv")):
                raise
            raise KernelFailed(f"{name} raised {type(problem).__name__}: {problem}") from None
        _numbers(name, result)
        return result


def _numbers(name: str, result: Any) -> None:
    """Refuse what a property could not be computed on.

    Raises:
        KernelFailed: there is something else than integers, floats and truth values.
    """
    if isinstance(result, tuple):
        for one in result:
            _numbers(name, one)
    elif (array := np.asarray(result)).dtype.kind not in "biuf":
        kind = type(array.item()).__name__ if array.size == 1 else array.dtype.name
        raise KernelFailed(f"{name} gave {kind}, no array of numbers")


def _argument(value: Any, dtype: str | None) -> Any:
    """A value as a kernel gets it: numbers as Python's, arrays in the dtype of the parameter."""
    if isinstance(value, list):
        return value
    if np.ndim(value) == 0 and not isinstance(value, (str, tuple)):
        narrow = value if dtype is None or isinstance(value, (bool, int)) else cast(value, dtype)
        return narrow.item() if isinstance(narrow, (np.ndarray, np.generic)) else narrow
    return value if dtype is None or isinstance(value, tuple) else cast(value, dtype)
