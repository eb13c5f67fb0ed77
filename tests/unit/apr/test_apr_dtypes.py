"""Types of tensors in .apr files: what a code means depends on the bytes that the tensor takes and on who wrote the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.errors import AprError, UnsupportedModel, UnusableInput
from apr.formats.apr import Dtype, Layout, encoded_size, read_apr
from apr.formats.apr.dtypes import BLOCKS, GGML_CODES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROW_MAJOR, QUANTIZED = 0x0400, 0x0020


# GGML has no U8; of Q8_1 the package has an old size, ggml-common.h has two halves and 32 bytes
@pytest.mark.parametrize("dtype", [dtype for dtype in BLOCKS if dtype not in {"U8", "Q8_1"}])
def test_blocks_are_ggmls(dtype: Dtype) -> None:
    assert BLOCKS[dtype] == GGML_QUANT_SIZES[GGMLQuantizationType[dtype.type_name]]


def test_the_second_writers_codes_are_ggmls() -> None:
    assert {dtype.type_name: code for dtype, code in GGML_CODES.items()} == {
        kind.name: kind.value
        for kind in GGMLQuantizationType
        if kind.value in {0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 30}
    }


# code, dims as `apr import` stores them, bytes, type; every size written out by hand
NATIVE = [
    (0, (3, 5), 60, "F32"),
    (1, (3, 5), 30, "F16"),
    (3, (3, 5), 120, "F64"),
    (4, (3, 5), 60, "I32"),
    (5, (3, 5), 120, "I64"),
    (6, (3, 5), 15, "I8"),
    (7, (3, 5), 15, "U8"),
    (30, (3, 5), 30, "BF16"),
    (12, (2, 256), 288, "Q4_K"),
    (12, (2, 257), 576, "Q4_K"),  # rows are filled up: two blocks each
    (12, (3, 2, 10), 864, "Q4_K"),
    (14, (2, 300), 840, "Q6_K"),
    (14, (300,), 420, "Q6_K"),
    (128, (3, 11), 36, "AprQ4"),  # 33 values: blocks run across rows
    (129, (3, 11), 37, "AprQ8"),
    (8, (3, 11), 36, "AprQ4"),
    (9, (3, 11), 37, "AprQ8"),
    (9, (32,), 36, "AprQ8"),  # as many bytes as Q8_1 would take; this writer has no Q8_1
    (8, (2, 32), 68, "Q8_0"),
    (3, (2, 32), 40, "Q4_1"),
    (6, (2, 32), 44, "Q5_0"),
    (7, (2, 32), 48, "Q5_1"),
    (2, (2, 32), 36, "Q4_0"),
    (10, (2, 256), 168, "Q2_K"),
    (11, (2, 256), 220, "Q3_K"),
    (13, (2, 256), 352, "Q5_K"),
]
# dims as `--preserve-q4k` stores them: columns first
GGML = [
    (0, (5, 3), 60, "F32"),
    (1, (5, 3), 30, "F16"),
    (30, (5, 3), 30, "BF16"),
    (2, (32, 3), 54, "Q4_0"),
    (3, (32, 3), 60, "Q4_1"),
    (6, (32, 3), 66, "Q5_0"),
    (7, (32, 3), 72, "Q5_1"),
    (8, (32, 3), 102, "Q8_0"),
    (10, (256, 3), 252, "Q2_K"),
    (11, (256, 3), 330, "Q3_K"),
    (12, (256, 3), 432, "Q4_K"),
    (13, (256, 3), 528, "Q5_K"),
    (14, (256, 3), 630, "Q6_K"),
    (3, (5, 3), 120, "F64"),
    (9, (33,), 37, "AprQ8"),
]


@pytest.mark.parametrize(("code", "dims", "size", "expected"), NATIVE)
def test_types_of_the_first_writer(
    code: int, dims: tuple[int, ...], size: int, expected: str, by_hand: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.apr"
    path.write_bytes(by_hand(entries=[("model.layers.0.x", code, dims, bytes(size))]).bytes)
    tensor = read_apr(path).tensors["model.layers.0.x"]
    assert (tensor.type_name, tensor.shape, tensor.nbytes) == (expected, dims, size)
    path.write_bytes(by_hand(entries=[("model.layers.0.x", code, dims, bytes(size))], flags=0).bytes)
    assert read_apr(path).layout is Layout.APR  # older than the flag
    assert read_apr(path).tensors["model.layers.0.x"] == tensor


@pytest.mark.parametrize(("code", "dims", "size", "expected"), GGML)
def test_types_of_the_second_writer(
    code: int, dims: tuple[int, ...], size: int, expected: str, by_hand: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "b.apr"
    path.write_bytes(by_hand(entries=[("blk.0.x", code, dims, bytes(size))], flags=QUANTIZED).bytes)
    file = read_apr(path)
    tensor = file.tensors["blk.0.x"]
    assert (file.layout, tensor.type_name, tensor.shape, tensor.nbytes) == (Layout.GGML, expected, dims, size)


# code, dims, bytes, flags, kind of error, what it says
UNDECIDED = [
    (15, (256,), 292, ROW_MAJOR, UnsupportedModel, "type code 15 is not known"),
    (40, (2,), 8, ROW_MAJOR, UnsupportedModel, "type code 40 is not known"),
    (255, (2,), 8, ROW_MAJOR, UnsupportedModel, "type code 255 is not known"),
    (0, (3, 5), 64, ROW_MAJOR, UnusableInput, "64 bytes fits no type: F32 takes 60"),
    (12, (2, 257), 432, ROW_MAJOR, UnusableInput, "Q4_K takes 576"),  # rows not filled up
    (8, (2, 32), 64, ROW_MAJOR, UnusableInput, "AprQ4 takes 36 or Q8_0 takes 68"),
    (8, (3, 11), 100, ROW_MAJOR, UnusableInput, "AprQ4 takes 36 or Q8_0 has rows of whole blocks"),
    (8, (48, 2), 102, ROW_MAJOR, UnusableInput, "fits no type"),  # in the other writer's order of dimensions it would
    (9, (32,), 36, QUANTIZED, UnsupportedModel, "36 bytes may be AprQ8 or Q8_1"),
    (9, (64,), 72, ROW_MAJOR, UnsupportedModel, "type Q8_1 is not read"),
    (12, (128, 2), 144, QUANTIZED, UnusableInput, "Q4_K has rows of whole blocks"),
]


@pytest.mark.parametrize(("code", "dims", "size", "flags", "kind", "expected"), UNDECIDED)
def test_what_cannot_be_decided_is_refused(
    code: int,
    dims: tuple[int, ...],
    size: int,
    flags: int,
    kind: type[AprError],
    expected: str,
    by_hand: Callable[..., Any],
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(by_hand(entries=[("blk.0.x", code, dims, bytes(size))], flags=flags).bytes)
    with pytest.raises(AprError) as refusal:
        read_apr(path)
    assert type(refusal.value) is kind
    assert expected in str(refusal.value)
    assert f"{path}: tensor 'blk.0.x', offset 0x80" in str(refusal.value)


@pytest.mark.parametrize(
    ("names", "flags", "layout"),
    [
        (["blk.0.attn_q.weight", "token_embd.weight"], ROW_MAJOR, Layout.APR),  # what the file says counts
        (["blk.0.attn_q.weight", "token_embd.weight"], QUANTIZED, Layout.GGML),
        (["output_norm.weight"], QUANTIZED, Layout.GGML),
        (["layers.0.self_attn.q_proj.weight"], QUANTIZED, Layout.APR),
        (["0.q_proj.weight", "lm_head.weight"], 0, Layout.APR),
        (["bias", "weights"], 0, Layout.APR),
        (["blk.0.x", "model.layers.0.x"], QUANTIZED, None),
        (["blk.0.x", "0.q_proj.weight"], QUANTIZED, None),
        (["blk.0.x"], 0, None),
        (["blk.0.x"], QUANTIZED | 0x0200, None),
    ],
)
def test_which_writer_it_was(
    names: list[str], flags: int, layout: Layout | None, by_hand: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "x.apr"
    entries = [(name, 0, (1,), bytes(4)) for name in sorted(names)]
    path.write_bytes(by_hand(entries=entries, flags=flags).bytes)
    if layout is None:
        with pytest.raises(UnsupportedModel, match="tensor index, offset 0x80"):
            read_apr(path)
    else:
        assert read_apr(path).layout is layout


def test_sizes() -> None:
    assert encoded_size(Dtype.Q8_0, (4, 33), Layout.APR) is None
    assert encoded_size(Dtype.Q4_K, (4, 33), Layout.APR) == 4 * 144
    assert encoded_size(Dtype.Q4_K, (33, 4), Layout.GGML) is None
    assert encoded_size(Dtype.APR_Q4, (1, 1, 1), Layout.GGML) == 18
    assert encoded_size(Dtype.F64, (), Layout.APR) == 8
