"""How much honest linear forms of a row vary where its elements share the rounding of activations.

Gain and bias are forms F = sum_c v_c d_c with v = y / tau^2 and v = 1 / tau^2. Of shared errors d = W e a form is sum_k e_k (W^T v)_k, so
its squared proxy is sum_k (D / 2)^2 (W^T v)_k^2, and likewise for stored scales, block by block. That is exact, where the
greatest eigenvalue only bounds it: a gain is seen that is ten times smaller.

A stage may be made of several products: queries, keys and values of the same activations, each row's own experts. Which product
makes which element, from which row, is found by sending numbers of places through the stage's own wiring.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.parity.null.sums import BLOCK_OF, STORED, activation_errors, row_scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.weights import Weights

    Doubles = NDArray[np.float64]

# the same codes and scales; what the one stores beside them does no harm to the other
_SAME_CODES = {"Q8_0": "Q8_1"}


@dataclass
class Wiring:
    """Stands in for the products of a stage whose activations are the numbers of their own places.

    Attributes:
        calls: weights, name, places of the first number of each row, and number of the first element made.
        made: elements so far.
    """

    calls: list[tuple[Weights, str, NDArray[np.intp], int]] = field(default_factory=list)
    made: int = 0

    def linear(self, x: Any, weights: Weights, name: str) -> Doubles:
        """[positions, rows]: each element a number of its own, in the order they are made."""
        shape = (len(x), weights.shape(name)[0])
        self.calls.append((weights, name, np.asarray(x)[:, 0].astype(np.intp), self.made))
        self.made += shape[0] * shape[1]
        return np.arange(self.made - shape[0] * shape[1], self.made, dtype=np.float64).reshape(shape)


def places(x: NDArray[Any]) -> Doubles:
    """Activations as the numbers of their own places."""
    return np.arange(x.size, dtype=np.float64).reshape(x.shape)


def variance_of_forms(wiring: Wiring, wired: Doubles, x: NDArray[Any], forms: Doubles) -> Doubles:
    """Squared proxies of forms of shared errors.

    Args:
        wiring: what products were asked for.
        wired: [positions, width], the numbers they made, where the stage put them.
        x: [positions, inputs], the activations that `places` was taken of.
        forms: [kinds, positions, width], v of each.

    Returns:
        [kinds, positions].
    """
    where = np.empty(wiring.made, np.intp)
    where[wired.ravel().astype(np.intp)] = np.arange(wired.size)
    flat, out = forms.reshape(len(forms), -1), np.zeros((len(forms), len(x)))
    # rows of activations that several products read, by place: W^T v adds up before it is squared
    shared: dict[tuple[int, str], _Shared] = {}
    for weights, name, rows, start in wiring.calls:
        width, columns = weights.shape(name)
        rounding = _SAME_CODES.get(weights.format(name).rounding, weights.format(name).rounding)
        if rounding == "F32":
            continue
        v = flat[:, where[start : start + len(rows) * width]].reshape(len(forms), len(rows), width)
        through = _through(weights, name, v)
        for index, row in enumerate(rows.tolist()):
            if (row, rounding) not in shared:
                shared[row, rounding] = _Shared(x.ravel()[row : row + columns], rounding, len(forms))
            shared[row, rounding].add([part[:, index] for part in through])
    for (row, _), each in shared.items():
        out[:, row // x.shape[1]] += each.variance()
    return out


class _Shared:
    """One row of activations, and what its errors are multiplied with, [kinds, columns] or [kinds, groups] each."""

    def __init__(self, x: NDArray[Any], rounding: str, kinds: int) -> None:
        found = activation_errors(x[None].astype(np.float32), rounding)
        if found is None:
            raise ValueError(f"activations are not rounded to {rounding}")
        self._errors, self._block = found, BLOCK_OF.get(rounding, 1)
        self._whole, self._scaled = np.zeros((kinds, x.size)), np.zeros((kinds, x.size))
        self._minima = np.zeros((kinds, 1 if found.sums is None else found.sums.shape[1]))

    def add(self, parts: list[Doubles]) -> None:
        """One more product of this row."""
        whole, scaled, minima = parts
        self._whole += whole
        self._scaled += scaled
        if self._errors.sums is not None:
            self._minima += minima

    def variance(self) -> Doubles:
        """[kinds]."""
        out: Doubles = ((self._whole * self._errors.codes) ** 2).sum(axis=-1)
        if self._errors.stored is not None:
            blocks = (self._scaled * self._errors.stored).reshape(len(out), -1, self._block).sum(axis=-1)
            out += STORED**2 * (blocks**2).sum(axis=-1)
        if self._errors.sums is not None:
            out += STORED**2 * ((self._minima * self._errors.sums) ** 2).sum(axis=-1)
        return out


def _through(weights: Weights, name: str, v: Doubles) -> list[Doubles]:
    """W^T v for the whole weights, their scaled part and their minima: [kinds, rows of activations, ...] each."""
    kinds, rows, width = v.shape
    narrow, power = row_scaled(v.reshape(-1, width).astype(np.float64))
    columns = weights.shape(name)[1]
    whole, scaled, minima = (np.zeros((kinds * rows, n)) for n in (columns, columns, 1))
    for part, matrix in weights.matrix(name):
        whole += (narrow[:, part] @ matrix) * power[:, None]
    for part, (exact, minimum) in weights.affine(name):
        scaled += (narrow[:, part] @ exact) * power[:, None]
        if minimum is not None:
            minima = minima + (narrow[:, part] @ minimum) * power[:, None]
    return [each.reshape(kinds, rows, -1) for each in (whole, scaled, minima)]
