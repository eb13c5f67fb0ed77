"""Faults of `flash_attention` and `flash_window_attention`: what goes wrong where blocks are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.attending import distance, in_f16
from apr.mutants.library.planting import KernelMutant, mutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Mask = NDArray[np.bool_]

MUTANTS: dict[str, KernelMutant] = {}


def _spans(keys: int, block: int) -> list[tuple[int, int]]:
    return [(start, min(start + block, keys)) for start in range(0, keys, block)]


def _shift(top: Floats) -> Floats:
    return np.where(np.isneginf(top), top.dtype.type(0), top)


@dataclass(frozen=True)
class _Flash:
    """A running softmax whose steps can be others; see `apr.ops.flash`."""

    spans: Callable[[int, int], list[tuple[int, int]]] = _spans
    start: float = -np.inf
    raise_top: Callable[[Floats, Floats], Floats] = np.maximum
    shift: Callable[[Floats], Floats] = _shift
    keep_total: Callable[[Floats], Floats] = lambda kept: kept
    keep_mixed: Callable[[Floats], Floats] = lambda kept: kept
    store: Callable[[Floats], Floats] = lambda mixed: mixed
    mask: Callable[[Mask, int, int], Mask] = lambda seen, start, end: seen[:, start:end]

    def attend(self, q: Floats, k: Floats, v: Floats, scale: float, seen: Mask, block: int) -> Floats:
        heads = [self._head(q[:, h], k[:, h], v[:, h], scale, seen, block) for h in range(q.shape[1])]
        return np.stack(heads, axis=1).astype(q.dtype)

    def _head(self, q: Floats, k: Floats, v: Floats, scale: float, seen: Mask, block: int) -> Floats:
        low = q.dtype.type(-np.inf)
        top = np.full((len(q), 1), self.start, q.dtype)
        total, mixed = np.zeros((len(q), 1), q.dtype), np.zeros((len(q), v.shape[1]), q.dtype)
        for start, end in self.spans(len(k), block):
            scores = np.where(self.mask(seen, start, end), q @ k[start:end].T * q.dtype.type(scale), low)
            higher = self.raise_top(top, scores.max(axis=-1, keepdims=True))
            kept, weights = np.exp(top - self.shift(higher)), np.exp(scores - self.shift(higher))
            total = total * self.keep_total(kept) + weights.sum(axis=-1, keepdims=True)
            mixed = self.store(mixed * self.keep_mixed(kept) + weights @ v[start:end])
            top = higher
        out: Floats = mixed / total
        return out


def _whole_blocks(keys: int, block: int) -> list[tuple[int, int]]:
    return [span for span in _spans(keys, block) if span[1] - span[0] == block] or _spans(keys, block)


def _overlapping(keys: int, block: int) -> list[tuple[int, int]]:
    return [(max(0, start - 1), end) for start, end in _spans(keys, block)]


def _mask_of_the_first_block(seen: Mask, start: int, end: int) -> Mask:
    return seen[:, start:end] | (np.arange(len(seen))[:, None] >= np.arange(end - start)[None, :])


def _upside_down(kept: Floats) -> Floats:
    return np.where(kept > 0, 1 / np.maximum(kept, kept.dtype.type(1e-30)), kept)


def _own(top: Floats, block: Floats) -> Floats:  # noqa: ARG001  the fault is to ignore it
    return block


def _unchanged(top: Floats) -> Floats:
    return top


_EITHER = {
    "top-of-the-block": ("the greatest score of the last block stands for that of all so far", _Flash(raise_top=_own)),
    "top-from-zero": ("the greatest score so far begins with 0", _Flash(start=0.0)),
    "mask-of-the-first-block": ("positions are counted within their block", _Flash(mask=_mask_of_the_first_block)),
}
_CAUSAL = {
    **_EITHER,
    "mixture-not-rescaled": ("the mixture stays when a greater score is found", _Flash(keep_mixed=np.ones_like)),
    "total-not-rescaled": ("the total stays when a greater score is found", _Flash(keep_total=np.ones_like)),
    "nothing-rescaled": ("each block counts as if its greatest score were that of all",
                         _Flash(keep_total=np.ones_like, keep_mixed=np.ones_like)),
    "rescaled-upside-down": ("the mixture is divided by what it should be multiplied with", _Flash(keep_mixed=_upside_down)),
    "without-top": ("exponentials of the scores themselves, which overflow above 88", _Flash(shift=np.zeros_like)),
    "rest-dropped": ("keys behind the last whole block are not read", _Flash(spans=_whole_blocks)),
    "blocks-overlap": ("the last key of a block is read again in the next", _Flash(spans=_overlapping)),
    "mixture-in-f16": ("the mixture is kept as float16 between blocks", _Flash(store=in_f16)),
}  # fmt: skip
_WINDOWED = {
    **_EITHER,
    "masked-block-is-nan": ("a query that has seen no key yet subtracts -inf from -inf", _Flash(shift=_unchanged)),
    "reads-every-block": ("blocks that no query sees are read all the same", _Flash()),
}


def _causal(name: str, fault: str, faulty: _Flash) -> None:
    @mutant(f"flash-{name}", of="flash_attention", fault=fault, into=MUTANTS)
    def _(q: Floats, k: Floats, v: Floats, scale: float, block: int) -> Floats:
        return faulty.attend(q, k, v, scale, distance(q, k) >= 0, block)


def _windowed(name: str, fault: str, faulty: _Flash) -> None:
    @mutant(f"flash-window-{name}", of="flash_window_attention", fault=fault, into=MUTANTS)
    def _(q: Floats, k: Floats, v: Floats, scale: float, window: int, block: int) -> Floats:
        away = distance(q, k)
        return faulty.attend(q, k, v, scale, (away >= 0) & (away < window), block)


for _name, (_fault, _faulty) in _CAUSAL.items():
    _causal(_name, _fault, _faulty)
for _name, (_fault, _faulty) in _WINDOWED.items():
    _windowed(_name, _fault, _faulty)
