"""Falsifiers of `format-parity-v1`: files there and back, and encodings against their definitions, one value at a time."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from pv import Evidence

CONTRACT = "format-parity-v1"
EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)
F32 = np.float32


def _place(name: str) -> tuple[str, int | None]:
    _, block, rest = name.partition("blk.")
    layer, _, inner = rest.partition(".")
    return (inner, int(layer)) if block else (name, None)


@falsifies(CONTRACT, "FALSIFY-FP-001")
def rows_there_and_back(evidence: Evidence, conversion: Any) -> None:
    """Any heads, any even width, any bytes a row; the first move as llama.cpp's converter writes it down."""
    evidence.level("algorithm")

    @EXAMPLES
    @example(2, 3, 1, 0)
    @given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**32 - 1))
    def check(heads: int, half: int, width: int, seed: int) -> None:
        rows = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (heads * 2 * half, width), np.uint8)
        woven = conversion.reordered(rows, heads, "norm")
        evidence.compared(2 * len(rows), "rows")
        for head in range(heads):
            for i in range(half):
                for which in range(2):
                    at, of = (head * half + i) * 2 + which, (head * 2 + which) * half + i
                    if not np.array_equal(woven[at], rows[of]):
                        raise Refuted(f"row {at} of {heads} heads of {2 * half} is not row {of}", stage="norm")
        if not np.array_equal(conversion.reordered(woven, heads, "neox"), rows):
            raise Refuted(f"{heads} heads of {2 * half} do not come back", stage="neox")

    check()


@falsifies(CONTRACT, "FALSIFY-FP-002")
def nothing_is_lost_or_added(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path, model: str
) -> None:
    """Elements of every tensor, from the opened .apr file."""
    name, _, layout = model.partition("/")
    theirs = gguf_parts(source_model(name)).tensors
    path = conversion.to_apr(source_model(name), tmp_path / "x.apr", layout, keep_tied=True)
    problem = conversion.refusal(lambda: conversion.open(path))
    ours = {} if problem else conversion.open(path).tensors
    for tensor in sorted(theirs, key=lambda name: name != "output_norm.weight"):
        stage, layer = _place(tensor)
        evidence.compared(1, "tensors")
        if tensor not in ours:
            raise Refuted(f"{tensor} is missing: {problem}", stage=stage, layer=layer)
        if math.prod(ours[tensor].shape) != math.prod(theirs[tensor].shape):
            raise Refuted(f"{tensor} has {ours[tensor].shape} elements", stage=stage, layer=layer)
    more = sorted(set(ours) - set(theirs))
    if more:
        raise Refuted(f"{more[0]} was made up", stage=more[0])


@falsifies(CONTRACT, "FALSIFY-FP-003")
def there_and_back(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path, model: str
) -> None:
    """Every byte; what differs is named: a key, the order, a tensor."""
    name, _, layout = model.partition("/")
    source, back = source_model(name), tmp_path / "back.gguf"
    conversion.to_gguf(conversion.to_apr(source, tmp_path / "x.apr", layout), back)
    evidence.compared(source.stat().st_size, "bytes")
    if source.read_bytes() == back.read_bytes():
        return
    theirs, ours = gguf_parts(source), gguf_parts(back)
    for key in theirs.metadata:
        if ours.metadata.get(key) != theirs.metadata[key]:
            raise Refuted(f"{key} is {ours.metadata.get(key)}", stage=key.rpartition(".")[2])
    for tensor in theirs.tensors:
        if ours.tensors.get(tensor) != theirs.tensors[tensor]:
            stage, layer = _place(tensor)
            raise Refuted(f"{tensor} differs", stage=stage, layer=layer)
    if list(ours.tensors) != list(theirs.tensors):
        raise Refuted("tensors come in another order", stage="tensor order")
    raise Refuted("the files differ in what the gguf library does not show", stage="file")


@falsifies(CONTRACT, "FALSIFY-FP-004")
def decoded_exactly(
    evidence: Evidence,
    conversion: Any,
    gguf_parts: Any,
    gguf_numbers: Any,
    source_model: Any,
    tmp_path: Path,
    model: str,
) -> None:
    """Every tensor that became F32, against the gguf library."""
    source = source_model(model)
    ours = conversion.open(conversion.to_apr(source, tmp_path / "x.apr", dequantise=True))
    changed = 0
    for name, tensor in sorted(gguf_parts(source).tensors.items(), key=lambda item: item[0] != "blk.0.ffn_down.weight"):
        if tensor.type_name == ours.tensors[name].type_name:
            continue
        changed += 1
        numbers = ours.raw(name).view("<f4").reshape(ours.tensors[name].shape)
        expected = gguf_numbers(tensor)
        evidence.compared(expected.size, "numbers, bit by bit")
        if ours.tensors[name].type_name != "F32" or not np.array_equal(
            numbers.view(np.uint32), expected.view(np.uint32)
        ):
            stage, layer = _place(name)
            raise Refuted(f"{name} holds other numbers", stage=stage, layer=layer)
    assert changed, "the model has no type that layout hf does not have"


def _away_from_zero(quotient: Any, low: int, high: int) -> int:
    """Rounded half away from zero and clamped."""
    magnitude = math.floor(abs(float(quotient)) + 0.5)
    return max(low, min(high, -magnitude if quotient < 0 else magnitude))


def _apr_q8(values: NDArray[np.float32]) -> tuple[bytes, list[float]]:
    """Bytes and decoded numbers, one value at a time."""
    greatest = max(abs(F32(value)) for value in values)
    scale = F32(1) if greatest == 0 else F32(greatest) / F32(127)
    codes = [_away_from_zero(F32(value) / scale, -127, 127) for value in values]
    return struct.pack(f"<f{len(codes)}b", scale, *codes), [float(scale * F32(code)) for code in codes]


def _apr_q4(values: NDArray[np.float32]) -> tuple[bytes, list[float]]:
    encoded, decoded = b"", []
    for start in range(0, len(values), 32):
        block = values[start : start + 32]
        greatest = max(abs(F32(value)) for value in block)
        scale = F32(1) if greatest == 0 else F32(greatest) / F32(7)
        codes = [_away_from_zero(F32(value) / scale, -8, 7) for value in block]
        nibbles = [code + 8 for code in codes] + [0] * (32 - len(codes))
        encoded += np.float16(scale).astype("<f2").tobytes()
        encoded += bytes(nibbles[2 * i] | nibbles[2 * i + 1] << 4 for i in range(16))
        decoded += [float(F32(np.float16(scale)) * F32(code)) for code in codes]
    return encoded, decoded


# on a grid of half steps, where ties are: 7 * 2 halves are 14, and 127 * 2 are 254; the explicit ones are there in every run
_TIES = ([14.0, 1.0, 3.0, 5.0, -1.0, -3.0, -5.0], [254.0, 1.0, 3.0, 5.0, -1.0, -3.0, -253.0])
_VALUES = st.one_of(
    st.lists(st.integers(-14, 14).map(float), min_size=1, max_size=100),
    st.lists(st.integers(-254, 254).map(float), min_size=1, max_size=100),
    st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=100),
)


def _hold_definition(
    evidence: Evidence, conversion: Any, kind: str, define: Callable[[NDArray[np.float32]], tuple[bytes, list[float]]]
) -> None:
    evidence.level("authored")

    @EXAMPLES
    @example(_TIES[0])
    @example(_TIES[1])
    @given(_VALUES)
    def check(drawn: list[float]) -> None:
        values = np.array(drawn, F32)
        # a scale below float16's normal range counts as 0 when it is decoded, which is another claim
        values[np.abs(values) < 2.0**-6] = 0
        # both ends of the grid, so that one step is one half
        values = np.concatenate([values, np.array([np.abs(values).max()], F32)])
        encoded, decoded = define(values)
        evidence.compared(len(values), "values")
        raw = conversion.encode(kind, values)
        if raw.tobytes() != encoded:
            raise Refuted(f"{values.tolist()} becomes {raw.tobytes().hex()}, not {encoded.hex()}", stage=kind)
        found = conversion.decode(kind, raw, len(values))
        if found.tolist() != decoded:
            raise Refuted(f"{values.tolist()} comes back as {found.tolist()}", stage=kind)

    check()


@falsifies(CONTRACT, "FALSIFY-FP-005")
def apr_q8_is_its_definition(evidence: Evidence, conversion: Any) -> None:
    """Any values, among them ties."""
    _hold_definition(evidence, conversion, "AprQ8", _apr_q8)


@falsifies(CONTRACT, "FALSIFY-FP-006")
def apr_q4_is_its_definition(evidence: Evidence, conversion: Any) -> None:
    """Any values, among them ties and a last block that is not full."""
    _hold_definition(evidence, conversion, "AprQ4", _apr_q4)
