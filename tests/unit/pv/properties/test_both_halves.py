"""What a builder says has parts, and each of them is looked at: every element, result, input, axis and factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pv.signals import Refuted

if TYPE_CHECKING:
    from collections.abc import Callable

F32 = np.float32
VECTOR = "{m: 1..3, n: 1..6, x: {dtype: f32, shape: [m, n], range: [-100, 100]}}"
MATRIX = "{m: 2..4, n: 1..6, x: {dtype: f32, shape: [m, n], range: [-100, 100]}}"
PAIR = "{n: 2..6, x: {dtype: f32, shape: [n], range: [-100, 100]}, z2: {dtype: f32, shape: [n], range: [-100, 100]}}"
TOKENS = "{n: 1..6, i: {dtype: i32, shape: [n], range: [0, 9]}, x: {dtype: f32, shape: [n], range: [0, 1]}}"
BF16 = "{n: 1..6, x: {dtype: bf16, shape: [n], range: [-100, 100]}}"


def writes_whole_numbers(i: Any, x: Any) -> Any:
    i[0] += 1
    return x


def square_in_bfloat16(x: Any) -> Any:
    """Rounded to bfloat16: off by up to 2^-8 of itself, `u` of that dtype, and 2^16 times float32's."""
    return (((x * x).view(np.uint32) + np.uint32(0x8000)) & np.uint32(0xFFFF0000)).view(F32)


def cubes_by_squares(x: Any) -> Any:
    """Homogeneous for factors of either sign, and no sum of parts."""
    wide = x.astype(np.float64)
    squares = (wide * wide).sum(-1, keepdims=True)
    return wide**3 / np.where(squares == 0, 1, squares)


# type, further keys, domain, a sound kernel, one whose fault lies in the part that is easily forgotten
CASES: list[tuple[str, str, str, Callable[..., Any], Callable[..., Any]]] = [
    ("bound", "between: [-1, 1]", VECTOR, lambda x: (np.tanh(x), np.tanh(x)), lambda x: (np.tanh(x), x)),
    ("equivalence", "to: x", VECTOR, lambda x: x, lambda x: (x, x)),
    ("equivalence", "oracle: other", VECTOR, lambda x: (x, -x), lambda x: (x, -x, x)),
    ("equivalence", "oracle: other, tolerance: 1e-3", VECTOR, lambda x: (x, -x), lambda x: (x, x)),
    ("equivalence", "to: x, tolerance: 1", VECTOR, lambda x: x + F32(0.5), lambda x: x + F32(1.5)),
    ("equivalence", "to: x, tolerance: 0 * x", VECTOR, lambda x: x, lambda x: x + F32(1)),
    ("equivalence", "to: x, tolerance: x * inf", VECTOR.replace("-100", "0"), lambda x: x, lambda x: x + F32(1) * (x == 0)),
    ("equivalence", "to: x * x, tolerance: u * abs(f) + smallest", BF16, square_in_bfloat16,
     lambda x: x * x * F32(1 + 2**-7)),
    ("monotonicity", "{}", MATRIX, lambda x: x, lambda x: np.where(np.arange(len(x))[:, None] == len(x) - 1, -x, x)),
    ("monotonicity", "tolerance: 8", VECTOR, lambda x: x - F32(7) * (x > 3), lambda x: x - F32(12) * (x > 3)),
    ("monotonicity", "{}", VECTOR, lambda x: x, lambda x: np.where(x > 3, np.nan, x)),
    ("independence", "along: m", MATRIX, lambda x: (x, x), lambda x: (x, x - x.max())),
    ("frame", "{}", TOKENS, lambda i, x: x + i, writes_whole_numbers),
    ("linearity", "tolerance: 1e-3 * (1 + abs(f))", VECTOR, lambda x: 3 * x, cubes_by_squares),
    ("symmetry", "under: permutation, axis: 0, result: equivariant", MATRIX, np.abs, lambda x: np.cumsum(np.abs(x), 0)),
    ("symmetry", "under: permutation, axis: 0, result: equivariant", MATRIX, lambda x: np.cumsum(x, -1), lambda x: x - x[:1]),
    ("symmetry", "under: negation, in: [x, z2]", PAIR, lambda x, z2: x * z2, lambda x, z2: np.abs(x) + z2),
]  # fmt: skip
OTHERS: dict[str, Callable[..., Any]] = {"other": lambda x: (x, -x)}


@pytest.mark.parametrize(("kind", "keys", "domain", "sound", "faulty"), CASES)
def test_the_other_half_is_looked_at_too(
    held: Callable[..., Any],
    kind: str,
    keys: str,
    domain: str,
    sound: Callable[..., Any],
    faulty: Callable[..., Any],
) -> None:
    held(kind, "" if keys == "{}" else keys, domain, sound, **OTHERS)
    with pytest.raises(Refuted):
        held(kind, "" if keys == "{}" else keys, domain, faulty, **OTHERS)


@pytest.mark.parametrize("after", ["itself", "another"])
def test_each_of_the_calls_that_are_compared_counts(held: Callable[..., Any], after: str) -> None:
    """A kernel that remembers its last input, and is wrong for one it has seen: right after it, or only after another one."""
    seen: set[bytes] = set()
    last = [b""]

    def kernel(x: Any) -> Any:
        now = x.tobytes()
        again = now in seen and x.flags.c_contiguous and (now == last[0]) == (after == "itself")
        seen.add(now)
        last[0] = now
        return x + F32(again)

    with pytest.raises(Refuted, match=r"y again against y|y after another call against y"):
        held("determinism", "", "{x: {dtype: f32, shape: [3], range: [-100, 100], distinct: true}}", kernel)


def test_a_result_that_later_calls_write_into_is_kept(held: Callable[..., Any]) -> None:
    memory: dict[tuple[int, ...], Any] = {}
    calls = [0]

    def kernel(x: Any) -> Any:
        calls[0] += 1
        room = memory.setdefault(x.shape, np.empty(x.shape, F32))
        room[...] = x + F32(calls[0])
        return room

    with pytest.raises(Refuted, match="y again"):
        held("determinism", "", VECTOR, kernel)
