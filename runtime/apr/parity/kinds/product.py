"""Errors of a product y = x W^T: of its weights, of what it leaves out, of how its input was rounded.

Two things are never computed that would be too much: the products of single input elements [T, K, C], whose sums over T and C are
two matrix products; and all of a large W, of which some hundred rows say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.parity.kinds.look import Explanation, Look, worth
from apr.parity.kinds.values import to_bits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Real = NDArray[np.float64]

_ROWS = 4  # positions from which one weight can be told from another
_EXACT = 0.02  # how near to -1 the factor of something that was left out has to be: its input may have been rounded
_TRIED = 8  # blocks for which the exact product is computed
_LARGE = 1e-2  # of sum(y^2): below it, no weights were transposed
_BITS = {"float16": 11, "bfloat16": 8}


def explanations(look: Look) -> Iterator[Explanation]:
    """All of this file's that apply; nothing for stages that are no product."""
    if look.inputs is None or look.weight is None:
        return
    yield from _one_weight(look, look.inputs)
    yield from _one_row(look, look.inputs)
    yield from _left_out(look, look.inputs)
    yield from _input_rounded(look, look.inputs)
    yield from _weights_transposed(look, look.inputs)


def _one_weight(look: Look, x: Real) -> Iterator[Explanation]:
    """One weight (row c, column k) is off: d[:, c] = change x[:, k]."""
    rows, channels = look.shape
    if rows < _ROWS:
        return
    c = int(np.argmax(look.by_channel))
    d, w = look.d[:, c], look.w[:, c]
    above, below = (w * d) @ x, w @ (x * x)
    gone = np.divide(above**2, below, out=np.zeros_like(below), where=below > 0)
    k = int(np.argmax(gone))
    change = float(above[k] / below[k]) if below[k] else 0.0
    detail = f"the weight of row {c}, column {k} is off by {change:.6g}"
    yield Explanation(
        "weight element", detail, look.energy - float(gone[k]), worth(1, float(channels) * len(gone)),
        look.share(change * x[:, k], (slice(None), c)),
    )  # fmt: skip


def _one_row(look: Look, x: Real) -> Iterator[Explanation]:
    """One block of one row has another scale or another minimum.

    Without minima d[:, c] = change (x_b . w_b). With them w = scale code + minimum, so that a scale that is off adds
    change (x_b . w_b - minimum sum(x_b)), and a minimum that is off change sum(x_b).
    """
    rows, channels = look.shape
    if rows < _ROWS or look.weight is None:
        return
    c = int(np.argmax(look.by_channel))
    row, block = look.weight(np.array([c], np.intp))
    scaled = x * np.asarray(row, np.float64)[0]
    d, w = look.d[:, c], look.w[:, c]
    for size in sorted({block, 32, 16} - {1}):
        if x.shape[1] % size or size > block or x.shape[1] == size:
            continue
        products, sums = (one.reshape(rows, -1, size).sum(axis=-1) for one in (scaled, x))
        choices = 9.0 * channels * products.shape[1]

        def place(b: int, size: int = size) -> str:
            return f"row {c}, block {b} of {size} (columns {b * size} to {(b + 1) * size - 1})"

        for what, blocks in (("scale", products), ("minimum", sums)):
            above, below = (w * d) @ blocks, w @ (blocks * blocks)
            gone = np.divide(above**2, below, out=np.zeros_like(below), where=below > 0)
            b = int(np.argmax(gone))
            change = float(above[b] / below[b]) if below[b] else 0.0
            told = f"{1 + change:.9g} times what it should be" if what == "scale" else f"off by {change:.6g}"
            yield Explanation(
                "weight block", f"{place(b)}: the {what} is {told}", look.energy - float(gone[b]),
                worth(1, choices), look.share(change * blocks[:, b], (slice(None), c)),
            )  # fmt: skip
        b, change, gone_there, predicted = _two(d, w, products, sums)
        yield Explanation(
            "weight block", f"{place(b)}: the scale is {1 + change:.9g} times what it should be, the minimum is right",
            look.energy - gone_there, worth(2, choices), look.share(predicted, (slice(None), c)),
        )  # fmt: skip


def _two(d: Real, w: Real, products: Real, sums: Real) -> tuple[int, float, float, Real]:
    """Fits d = change products_b + other sums_b for each block b: the best one, its change, what it takes away, and d.

    Normal equations of two unknowns, for all blocks at once; blocks in which the two are parallel are left out.
    """
    pp, ss, ps = w @ (products * products), w @ (sums * sums), w @ (products * sums)
    dp, ds = (w * d) @ products, (w * d) @ sums
    det = pp * ss - ps * ps
    ok = det > 1e-9 * pp * ss
    safe = np.where(ok, det, 1.0)
    change, other = (dp * ss - ds * ps) / safe, (ds * pp - dp * ps) / safe
    gone = np.where(ok, change * dp + other * ds, 0.0)
    b = int(np.argmax(gone))
    return b, float(change[b]), float(gone[b]), change[b] * products[:, b] + other[b] * sums[:, b]


def _left_out(look: Look, x: Real) -> Iterator[Explanation]:
    """Input elements, or blocks of them, that count nothing or too much, at every output: d = change x_k w_k^T."""
    at = look.sample
    matrix, block = look.sampled
    d, w = look.d[:, at], look.w[:, at]
    outside = look.energy - float(look.by_channel[at].sum())
    # what is seen in a sample stands for the rest; nothing is said of channels outside it
    scale = look.energy / max(look.energy - outside, 1e-300)
    above = np.einsum("tk,tk->k", x, (w * d) @ matrix)
    below = np.einsum("tk,tk->k", x * x, w @ (matrix * matrix))
    inside = float(np.einsum("tc,tc,tc->", d, d, w))
    gone = np.divide(above**2, below, out=np.zeros_like(below), where=below > 0)
    last = len(gone) - 1
    for k in dict.fromkeys((last, 0, int(np.argmax(gone)))):
        change = float(above[k] / below[k]) if below[k] else 0.0
        dropped = abs(change + 1) < _EXACT
        name = {last: "last element", 0: "first element"}.get(k, "input element")
        told = "is left out" if dropped else f"counts {1 + change:.6g} times"
        yield _of_all(look, x[:, k : k + 1], matrix[:, k : k + 1], change, scale, inside, name if dropped else "input element",
                      f"input element {k} of {len(gone)} {told}", len(gone))  # fmt: skip
    size = block if block > 1 else 32
    if x.shape[1] % size == 0 and x.shape[1] > size:
        sums = np.add.reduceat(above, np.arange(0, len(above), size))
        widths = np.add.reduceat(below, np.arange(0, len(below), size))
        guess = np.divide(sums**2, widths, out=np.zeros_like(widths), where=widths > 0)
        for b in np.argsort(guess)[::-1][:_TRIED].tolist():
            columns = slice(b * size, (b + 1) * size)
            product = x[:, columns] @ matrix[:, columns].T
            wide = float(np.einsum("tc,tc,tc->", product, product, w))
            change = float(sums[b] / wide) if wide else 0.0
            dropped = abs(change + 1) < _EXACT
            told = "is left out" if dropped else f"counts {1 + change:.6g} times"
            yield _of_all(look, x[:, columns], matrix[:, columns], change, scale, inside,
                          "dropped block" if dropped else "input block",
                          f"input elements {columns.start} to {columns.stop - 1} (block {b} of {size}) {told}"
                          .replace(") is", "): all of it is").replace(") counts", "): all of it counts"),
                          len(guess))  # fmt: skip


def _of_all(
    look: Look, x: Real, matrix: Real, change: float, scale: float, inside: float, name: str, detail: str, choices: int
) -> Explanation:
    at = look.sample
    d, w = look.d[:, at], look.w[:, at]
    rest = d - change * (x @ matrix.T)
    left = float(np.einsum("tc,tc,tc->", rest, rest, w))
    squares = float(np.einsum("tc,tc->", d, d))

    def share() -> float:
        return max(0.0, 1 - float(np.einsum("tc,tc->", rest, rest)) / squares) if squares else 0.0

    return Explanation(name, detail, look.energy - (inside - left) * scale, worth(1, choices), share)


def _input_rounded(look: Look, x: Real) -> Iterator[Explanation]:
    """The input was rounded to fewer bits before it was multiplied: d = (round(x) - x) W^T."""
    matrix, _ = look.sampled
    d, w = look.d[:, look.sample], look.w[:, look.sample]
    inside = float(np.einsum("tc,tc,tc->", d, d, w))
    scale = look.energy / inside if inside else 1.0
    for told, bits in _BITS.items():
        error = to_bits(x, bits) - x
        if not error.any():
            continue
        yield _of_all(look, error, matrix, 1.0, scale, inside, "rounding",
                      f"the input was rounded to {told} before it was multiplied", len(_BITS))  # fmt: skip


def _weights_transposed(look: Look, x: Real) -> Iterator[Explanation]:
    """The weights' memory was read as [K, C] in place of [C, K]."""
    channels = look.shape[1]
    total = float(np.vdot(look.expected, look.expected))
    if look.weight is None or look.squares < _LARGE * total:
        return
    at = np.argsort(look.by_row)[::-1][:8]
    whole = np.asarray(look.weight(np.arange(channels))[0], np.float32)
    predicted = x[at].astype(np.float32) @ whole.reshape(x.shape[1], channels) - look.expected[at]
    rest = look.d[at] - predicted
    left = float(np.einsum("tc,tc,tc->", rest, rest, look.w[at]))
    inside = float(look.by_row[at].sum())
    scale = look.energy / inside if inside else 1.0

    def share() -> float:
        here = look.d[at]
        return max(0.0, 1 - float((rest * rest).sum() / (here * here).sum()))

    detail = f"the weights were read as [{x.shape[1]}, {channels}] in place of [{channels}, {x.shape[1]}]"
    yield Explanation("transposition", detail, look.energy - (inside - left) * scale, worth(0, 8), share)
