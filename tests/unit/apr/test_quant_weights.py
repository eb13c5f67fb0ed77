"""Weights: what is decoded when, what is kept, and that large matrices are never held whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest

from apr.errors import UnsupportedModel
from apr.formats.gguf import GgufFile, read_gguf
from apr.quant import weights as module
from apr.quant.apr_blocks import APR_DECODERS, encode_apr_q4, encode_apr_q8
from apr.quant.blocks import Affine
from apr.quant.dequantise import by_gguf
from apr.quant.kept import Kept
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

UP = "blk.0.ffn_up.weight"
RNG = np.random.Generator(np.random.PCG64(12))


class Watched:
    """A model file that counts what is released."""

    def __init__(self, file: GgufFile) -> None:
        self._file, self.released = file, list[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def release(self, name: str) -> None:
        self.released.append(name)


def written(path: Path, **tensors: tuple[NDArray[Any], str]) -> GgufFile:
    """A file of tensors, each in a type."""
    writer = gguf.GGUFWriter(path, "llama")
    for name, (array, type_name) in tensors.items():
        kind = gguf.GGMLQuantizationType[type_name]
        writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read_gguf(path)


def joined(pieces: list[tuple[slice, Any]], rows: int) -> NDArray[Any]:
    """All rows, each exactly once and in order."""
    assert [row for part, _ in pieces for row in range(rows)[part]] == list(range(rows))
    return np.concatenate([piece for _, piece in pieces])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a tiny matrix of 96 rows of 64 exceeds: parts of seven rows."""
    monkeypatch.setattr(module, "_WHOLE", 64 * 96 * 4 - 1)
    monkeypatch.setattr(module, "_PART", 64 * 7 * 4 + 5)
    monkeypatch.setattr(module, "_PAGES", 0)
    monkeypatch.setattr(module, "_FILE", 0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["Q4_1", "Q8_0", "F32"])
def test_a_large_matrix_is_decoded_in_parts_and_not_kept(tiny_llama: Callable[..., Path], kind: str) -> None:
    file = Watched(read_gguf(tiny_llama(kind)))
    decoded: list[int] = []

    def counting(raw: NDArray[np.uint8], type_name: str) -> NDArray[np.float32]:
        decoded.append(len(raw))
        return by_gguf(raw, type_name)

    weights = Weights(file, counting)  # type: ignore[arg-type] # a stand-in
    expected = Weights(read_gguf(tiny_llama(kind))).raw(UP)
    pieces = list(weights.matrix(UP))
    assert (joined(pieces, 96) == by_gguf(expected, kind)).all()
    assert decoded == [7] * 13 + [5]
    assert file.released == [UP] * 14
    apart = list(weights.affine(UP))
    total = np.concatenate(
        [a.scaled + (0 if a.minimum is None else np.repeat(a.minimum, 32, axis=1)) for _, a in apart]
    )
    assert (total == by_gguf(expected, kind)).all()
    assert decoded == 2 * ([7] * 13 + [5]), "a matrix above the limit was kept"


def test_a_small_matrix_is_decoded_once(tiny_llama: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGES", 64 * 64)
    monkeypatch.setattr(module, "_FILE", 64 * 96 * 4)
    file = Watched(read_gguf(tiny_llama("Q8_0")))
    weights = Weights(file)  # type: ignore[arg-type] # a stand-in
    first, second = (next(weights.matrix(UP))[1] for _ in range(2))
    assert np.shares_memory(first, second)
    weights.dequantised("blk.0.attn_norm.weight")
    assert file.released == [UP], "pages of small tensors are not worth it, those of others are released once"


def test_pages_of_a_small_file_stay(tiny_llama: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGES", 0)
    file = Watched(read_gguf(tiny_llama("Q8_0")))
    assert len(list(Weights(file).matrix(UP))) == 1  # type: ignore[arg-type] # a stand-in
    assert file.released == []


@pytest.mark.parametrize("large", [True, False])
def test_float32_of_a_large_file_is_not_kept(
    tiny_llama: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    """What is kept of float32 would be pages of the file, which nothing would ever give back."""
    monkeypatch.setattr(module, "_PAGES", 0)
    monkeypatch.setattr(module, "_PART", 64 * 50 * 4)
    if large:
        monkeypatch.setattr(module, "_FILE", 0)
    file = Watched(read_gguf(tiny_llama()))
    weights = Weights(file)  # type: ignore[arg-type] # a stand-in
    seen = []
    for part, _ in weights.matrix(UP):
        seen.append((part, list(file.released)))
    assert seen == ([(slice(0, 50), []), (slice(50, 96), [UP])] if large else [(slice(0, 96), [])])
    assert file.released == ([UP, UP] if large else [])


def test_replaced_bytes_are_decoded_and_the_original_is_left_alone(tiny_llama: Callable[..., Path]) -> None:
    weights = Weights(read_gguf(tiny_llama("Q4_1")))
    gate = "blk.0.ffn_gate.weight"
    before, shared = next(weights.affine(UP))[1].scaled.copy(), next(weights.matrix(gate))[1]
    others = []
    for bit in (1, 2):
        raw = np.array(weights.raw(UP))
        raw[0, 4] ^= bit
        others.append(weights.with_raw(UP, raw))
    one, two = (next(other.affine(UP))[1].scaled for other in others)
    assert np.argwhere(one != before).tolist() == np.argwhere(two != before).tolist() == [[0, 0]]
    assert one[0, 0] != two[0, 0]
    assert (next(weights.affine(UP))[1].scaled == before).all()
    assert (others[0].dequantised(UP) != weights.dequantised(UP)).sum() == 1
    assert np.shares_memory(next(others[0].matrix(gate))[1], shared)


def test_both_forms_of_a_matrix_are_kept_side_by_side(tiny_llama: Callable[..., Path]) -> None:
    weights = Weights(read_gguf(tiny_llama("Q4_1")))
    for _ in range(2):
        whole, apart = next(weights.matrix(UP))[1], next(weights.affine(UP))[1]
        assert apart.minimum is not None
        assert (apart.scaled + np.repeat(apart.minimum, 32, axis=1) == whole).all()


def test_another_decoder_sees_nothing_that_was_kept(tiny_llama: Callable[..., Path]) -> None:
    weights = Weights(read_gguf(tiny_llama("Q8_0")))
    before = weights.dequantised(UP)
    doubled = weights.with_dequantiser(lambda raw, kind: 2 * by_gguf(raw, kind))
    assert (doubled.dequantised(UP) == 2 * before).all()
    assert (weights.dequantised(UP) == before).all()


@pytest.mark.parametrize("kind", ["F32", "Q8_0", "Q4_1"])
def test_one_expert_of_many(tmp_path: Path, kind: str) -> None:
    packed = RNG.standard_normal((5, 6, 64)).astype(np.float32)
    file = written(tmp_path / "experts.gguf", exps=(packed, kind), plain=(packed[0], kind))
    decoded: list[tuple[int, ...]] = []

    def counting(raw: NDArray[np.uint8], type_name: str) -> NDArray[np.float32]:
        decoded.append(raw.shape)
        return by_gguf(raw, type_name)

    weights = Weights(file, counting)
    whole = by_gguf(file.raw("exps"), kind).reshape(5, 6, 64)
    for index in (3, 0, 3):
        one = weights.expert("exps", index)
        assert one.shape("exps") == (6, 64)
        assert one.shape("plain") == (6, 64)
        assert (joined(list(one.matrix("exps")), 6) == whole[index]).all()
        assert (one.rows("exps", np.array([4, 1])) == whole[index, [4, 1]]).all()
    assert {shape[0] for shape in decoded} == {6, 2}, "more than one expert was decoded"
    assert [shape[0] for shape in decoded].count(6) == 2, "the third was decoded again"
    assert weights.shape("exps") == (5, 6, 64)
    both = weights.expert("exps", 1).with_raw("plain", np.array(file.raw("plain"))[::-1])
    assert (both.dequantised("exps") == whole[1]).all()
    for name, index in (("exps", 5), ("exps", -1), ("plain", 0)):
        with pytest.raises(ValueError, match="has no expert"):
            weights.expert(name, index)


class Encoded:
    """A model file of one tensor in one of .apr's own encodings."""

    def __init__(self, numbers: NDArray[np.float32], kind: str) -> None:
        encode = {"AprQ4": encode_apr_q4, "AprQ8": encode_apr_q8}[kind]
        self._raw = encode(numbers).reshape(1, -1)
        self.tensors = {"w": SimpleNamespace(name="w", shape=numbers.shape, type_name=kind, nbytes=self._raw.size)}
        self.path = "model.apr"

    def raw(self, name: str) -> NDArray[np.uint8]:
        assert name == "w"
        return self._raw


@pytest.mark.parametrize(("kind", "columns"), [("AprQ4", 64), ("AprQ4", 40), ("AprQ8", 40)])
@pytest.mark.parametrize("whole", [True, False])
def test_encodings_of_apr_are_decoded_in_parts_where_rows_are_whole_blocks(
    monkeypatch: pytest.MonkeyPatch, kind: str, columns: int, *, whole: bool
) -> None:
    numbers = RNG.standard_normal((9, columns)).astype(np.float32)
    file: Any = Encoded(numbers, kind)
    expected = APR_DECODERS[kind](file.raw("w").reshape(-1), numbers.size).reshape(9, columns)
    if not whole:
        monkeypatch.setattr(module, "_WHOLE", 0)
        monkeypatch.setattr(module, "_PART", 4 * columns * 2)
    pieces = list(Weights(file).matrix("w"))
    assert (joined(pieces, 9) == expected).all()
    assert len(pieces) == (1 if whole or (kind, columns) == ("AprQ4", 40) else 5)
    assert (Weights(file).rows("w", np.array([8, 0, 8])) == expected[[8, 0, 8]]).all()
    assert (Weights(file).dequantised("w") == expected).all()


def test_kept_matrices_make_room() -> None:
    kept, made = Kept(100), []

    def ask(key: str, columns: int, *, minimum: bool = False) -> Affine:
        def make() -> Affine:
            made.append(key)
            return Affine(np.zeros((1, columns), np.float32), np.zeros((1, 1), np.float32) if minimum else None)

        return kept.get(key, make)

    for key, columns in (("a", 10), ("b", 10), ("a", 10), ("c", 10), ("a", 10), ("b", 10)):
        ask(key, columns)
    assert made == ["a", "b", "c", "b"], "the least recently used one goes"
    made.clear()
    ask("huge", 26)
    ask("a", 10)
    ask("b", 10)
    ask("huge", 26)
    assert made.count("huge") == 2, "what is larger than the limit is not kept, and pushes nothing out"
    assert "b" not in made
    made.clear()
    ask("d", 20, minimum=True)
    ask("e", 4)
    ask("d", 20)
    assert made == ["d", "e"], "84 bytes with its minimum, and 16"
    ask("f", 5)
    ask("d", 20)
    assert made == ["d", "e", "f", "d"]


def test_ggml_arithmetic_refuses_types_it_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "ints.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("w", np.zeros((2, 32), np.int32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    weights = Weights(read_gguf(path))
    with pytest.raises(UnsupportedModel, match=r"ints\.gguf: arithmetic `ggml` does not cover weights of type I32"):
        weights.affine("w")
    with pytest.raises(UnsupportedModel, match="I32 cannot be dequantised here"):
        weights.dequantised("w")
