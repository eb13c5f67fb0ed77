"""ggml's own functions, with every provider that is installed: our arithmetic against theirs, and theirs kept from crashing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants

from apr.engines.llama_cpp import dequantise as fast_module
from apr.engines.llama_cpp.dequantise import ProvedDequantiser
from apr.engines.llama_cpp.kernels import Kernels, open_kernels, packed, quantise
from apr.engines.llama_cpp.providers import Provider, providers
from apr.errors import OracleAbsent, OracleError, UsageError
from apr.formats.gguf import GgufFile, read_gguf
from apr.ops.linear import linear_ggml, round_activations
from apr.quant.activations import BLOCK_ROUNDINGS, PLAIN_ROUNDINGS
from apr.quant.blocks import FORMATS
from apr.quant.dequantise import by_gguf
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FOUND = providers()
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not FOUND, reason="no llama.cpp library: pip install xllamacpp"),
]
MULTIPLIED = sorted(set(FORMATS) - {"F32"})


@pytest.fixture(scope="module", params=FOUND, ids=lambda provider: provider.name)
def kernels(request: pytest.FixtureRequest) -> Kernels:
    provider: Provider = request.param
    return open_kernels(provider)


def normal(rows: int, columns: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal((rows, columns)).astype(np.float32)


def rows_of(kernels: Kernels, name: str, rows: int, columns: int) -> NDArray[np.uint8]:
    """Weights of a type: quantised normal numbers, or, where ggml prepares for seconds to quantise, random codes.

    Blocks of those types start with a float16 scale, but for IQ1_M, which has it in the upper halves of its last four
    16-bit words.
    """
    if not name.startswith(("IQ1", "IQ2", "IQ3")):
        return kernels.quantise(normal(rows, columns) / np.float32(32), name)
    size, nbytes = kernels.block(name)
    blocks = np.random.Generator(np.random.PCG64(4)).integers(0, 256, (rows * columns // size, nbytes), np.uint8)
    if name == "IQ1_M":
        blocks[:, -1] = 0x20 | blocks[:, -1] & 15
    else:
        blocks[:, :2] = normal(len(blocks), 1).astype("<f2").view(np.uint8)
    return blocks.reshape(rows, -1)


def test_every_type_meets_the_rounding_that_we_think(kernels: Kernels) -> None:
    assert {name: kernels.rounding(name) for name in MULTIPLIED} == {
        name: FORMATS[name].rounding for name in MULTIPLIED
    }


@pytest.mark.parametrize("rounding", [*BLOCK_ROUNDINGS, *PLAIN_ROUNDINGS])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4, 1e-30, 1e-38, 1e-42, 1e30])
def test_activations_are_rounded_bit_for_bit(kernels: Kernels, rounding: str, scale: float) -> None:
    x = normal(64, 1024) * np.float32(scale)
    x[0] = 0
    # codes that lie half way between two integers, in blocks whose scale is a power of two
    x[1:8] = np.float32(scale) * np.resize([127, -126.5, 0.5, 1.5, -2.5, 63.5, 64.5], (7, 1024)).astype(np.float32)
    x[8, ::2] = -x[8, 1::2]
    theirs = kernels.round_activations(x, rounding)
    if rounding in PLAIN_ROUNDINGS:
        ours = PLAIN_ROUNDINGS[rounding](x)
        assert (ours.view(np.uint32) == kernels.dequantise(theirs, rounding).view(np.uint32)).all()
    else:
        assert (packed(BLOCK_ROUNDINGS[rounding](x), rounding) == theirs).all()


@pytest.mark.parametrize("name", MULTIPLIED)
def test_gguf_and_ggml_dequantise_alike(kernels: Kernels, name: str) -> None:
    raw = rows_of(kernels, name, 40, 512)
    assert np.isfinite(kernels.dequantise(raw, name)).all()
    assert (kernels.dequantise(raw, name).view(np.uint32) == by_gguf(raw, name).view(np.uint32)).all()


@pytest.mark.parametrize("name", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16", "F16"])
def test_gguf_and_ggml_quantise_alike_but_for_ties(kernels: Kernels, name: str) -> None:
    x = normal(40, 512)
    theirs = kernels.quantise(x, name)
    ours = quants.quantize(x, GGMLQuantizationType[name]).view(np.uint8)
    # gguf rounds codes by other means: a few that lie next to half way may be one off
    assert (ours != theirs).mean() < 1e-3


@pytest.mark.parametrize("name", MULTIPLIED)
def test_products_are_within_the_rounding_of_their_sums(kernels: Kernels, name: str, tmp_path: Path) -> None:
    """|ours - theirs| <= (m + 1) u sum |terms| for each element (Higham 2002, 3.1), u = 2^-24.

    m counts the roundings that a term may go through in the kernel: one in the product of scales, one where an integer sum
    becomes float32, one addition for each block of the row (for each 8 columns of F16 and BF16, which have no blocks), and
    at most 6 where lanes, accumulators and minima come together. Ours are exact but for one last rounding. IQ1 adds its
    deltas apart: its terms count for 9/7 of what they end in, (1 + 1/8) / (1 - 1/8).
    """
    columns, x = 1024, normal(6, 1024, seed=2)
    raw = rows_of(kernels, name, 24, columns)
    file = one_matrix(tmp_path / "one.gguf", raw, name)
    weights = Weights(file)
    ours, theirs = linear_ggml(x, weights, "w"), kernels.linear(x, raw, name)
    rounded = round_activations(x, FORMATS[name])
    _, parts = next(weights.affine("w"))
    terms = np.abs(rounded.values) @ np.abs(parts.scaled).astype(np.float64).T
    if parts.minimum is not None and rounded.sums is not None:
        terms += np.abs(rounded.sums) @ np.abs(parts.minimum).astype(np.float64).T
    block, _ = kernels.block(name)
    m = 2 + columns // (block if block > 1 else 8) + 6
    bound = (m + 1) * 2.0**-24 * terms * (9 / 7 if name.startswith("IQ1") else 1)
    assert (np.abs(ours.astype(np.float64) - theirs) <= bound).all()
    # and the bound is no wider than a fault: weights of the row before are far outside
    assert (np.abs(np.roll(ours, 1, axis=1).astype(np.float64) - theirs) > bound).mean() > 0.99


def one_matrix(path: Path, raw: NDArray[np.uint8], name: str, *more: tuple[str, NDArray[np.uint8], str]) -> GgufFile:
    writer = gguf.GGUFWriter(path, "llama")
    for tensor, rows, kind in (("w", raw, name), *more):
        writer.add_tensor(tensor, rows, raw_dtype=GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read_gguf(path)


def test_quantising_stacks_of_matrices(kernels: Kernels) -> None:
    stack = normal(6, 256).reshape(2, 3, 256)
    assert kernels.quantise(stack, "Q6_K").shape == (2, 3, 210)
    assert (kernels.quantise(stack, "Q6_K")[1, 2] == kernels.quantise(stack[1, 2], "Q6_K")).all()
    assert (kernels.quantise(stack[:, ::2], "Q6_K")[1, 1] == kernels.quantise(stack[1, 2], "Q6_K")).all()
    assert kernels.quantise(stack[:0], "Q6_K").shape == (0, 3, 210)
    assert (quantise(stack, "Q4_K") == open_kernels().quantise(stack, "Q4_K")).all()


def test_importance_changes_what_is_kept(kernels: Kernels) -> None:
    x, weight = normal(4, 256), np.ones(256, np.float32)
    weight[:32] = 1000
    plain, weighed = (kernels.dequantise(kernels.quantise(x, "Q2_K", w), "Q2_K") for w in (None, weight))
    assert np.square(weighed - x)[:, :32].sum() < np.square(plain - x)[:, :32].sum()


def test_nobody_need_say_what_matters() -> None:
    x, equally = normal(2, 256), np.ones(256, np.float32)
    assert (quantise(x, "IQ2_XXS") == open_kernels().quantise(x, "IQ2_XXS", equally)).all()
    assert (quantise(x, "Q2_K") == open_kernels().quantise(x, "Q2_K")).all()
    with pytest.raises(UsageError, match="does not quantise"):
        quantise(x, "F32")


def test_dequantising_into_a_place(kernels: Kernels) -> None:
    raw, place = kernels.quantise(normal(3, 64), "Q8_0"), np.zeros((3, 64), np.float32)
    assert kernels.dequantise(raw, "Q8_0", place) is place
    assert (place == by_gguf(raw, "Q8_0")).all()


X, IMPORTANCE = normal(2, 256), np.ones(256, np.float32)
REFUSED = {
    "rows of 200 numbers cannot be": lambda k: k.quantise(normal(2, 200), "Q4_K"),
    "does not quantise to Q8_K": lambda k: k.quantise(X, "Q8_K"),
    "only finite": lambda k: k.quantise(np.full((1, 256), np.nan, np.float32), "Q4_K"),
    "only finite float32": lambda k: k.quantise(X.astype(np.float64), "Q4_K"),
    "one a column": lambda k: k.quantise(X, "Q4_K", IMPORTANCE[:-1]),
    "without the importance": lambda k: k.quantise(X, "IQ2_XXS"),
    "is no tensor type": lambda k: k.block("Q9_K"),
    "no whole blocks": lambda k: k.dequantise(np.zeros((1, 100), np.uint8), "Q4_K"),
    "no whole blocks of Q8_0": lambda k: k.dequantise(np.zeros((1, 34), np.int8), "Q8_0"),
    "must be contiguous": lambda k: k.dequantise(np.zeros((1, 34), np.uint8), "Q8_0", np.zeros((1, 33), np.float32)),
    "contiguous float32": lambda k: k.dequantise(np.zeros((1, 34), np.uint8), "Q8_0", np.zeros((1, 64), np.float32)[:, ::2]),
    "never rounded to Q4_0": lambda k: k.round_activations(X, "Q4_0"),
    "cannot be Q8_K": lambda k: k.round_activations(X[:, :32], "Q8_K"),
    "do not fit": lambda k: k.linear(X, np.zeros((2, 145), np.uint8), "Q4_K"),
    "do not fit activations": lambda k: k.linear(X[None], np.zeros((2, 144), np.uint8), "Q4_K"),
    "rows are needed": lambda k: k.quantise(np.float32(1).reshape(()), "Q8_0"),
}  # fmt: skip


@pytest.mark.parametrize("problem", REFUSED)
def test_what_would_make_c_abort_is_refused(kernels: Kernels, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        REFUSED[problem](kernels)


def test_types_without_kernels_are_refused(kernels: Kernels) -> None:
    with pytest.raises(OracleError, match="no kernels for type I32"):
        kernels.block("I32")
    with pytest.raises(OracleError, match="0 dot products for Q8_1"):
        kernels.rounding("Q8_1")


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    other = tmp_path / "libllama.so"
    other.write_bytes(b"not a library")
    with pytest.raises(OracleError, match="cannot be opened"):
        Kernels(other)
    import _ctypes

    with pytest.raises(OracleError, match="does not export ggml_type_name"):
        Kernels(type(tmp_path)(shutil.copy(_ctypes.__file__, tmp_path / "other.so")))


@pytest.fixture
def many_types(tmp_path: Path) -> GgufFile:
    x = normal(10, 256)
    raws = [(f"t{n}", quantise(x + n, kind), kind) for n, kind in enumerate(["Q4_K", "Q8_0", "Q4_K", "F16"])]
    return one_matrix(tmp_path / "many.gguf", quantise(x, "Q6_K"), "Q6_K", *raws)


def test_ggml_decodes_what_it_was_seen_to_decode_right(many_types: GgufFile) -> None:
    fast = ProvedDequantiser(many_types)
    fast_weights = Weights(many_types, fast)
    for name in many_types.tensors:
        assert (fast_weights.dequantised(name) == Weights(many_types).dequantised(name)).all()
    assert fast.refused == {}


class Wrong:
    """ggml with one number wrong, in the rows that the fault names."""

    def __init__(self, right: Kernels, row: NDArray[np.uint8]) -> None:
        self._right, self._row, self.calls = right, row, 0

    def dequantise(self, raw: NDArray[np.uint8], type_name: str) -> NDArray[np.float32]:
        self.calls += 1
        got = self._right.dequantise(raw, type_name)
        for n, row in enumerate(raw):
            if row.shape == self._row.shape and (row == self._row).all():
                got[n, -1] = np.nextafter(got[n, -1], np.float32(9))
        return got


@pytest.mark.parametrize(("tensor", "row"), [("t0", 0), ("t0", 3), ("t2", 9), ("t2", 6)])
def test_a_library_that_is_wrong_in_one_bit_is_not_used(many_types: GgufFile, tensor: str, row: int) -> None:
    wrong: Any = Wrong(open_kernels(), np.array(many_types.raw(tensor)[row]))
    fast = ProvedDequantiser(many_types, wrong)
    raw = many_types.raw("t0")
    assert (fast(raw, "Q4_K") == by_gguf(raw, "Q4_K")).all()
    assert fast.refused == {"Q4_K": "differs from the gguf library in 1 of 1024 numbers"}
    asked = wrong.calls
    assert (fast(raw, "Q4_K") == by_gguf(raw, "Q4_K")).all()
    assert wrong.calls == asked, "it was asked again"
    assert (fast(many_types.raw("t1"), "Q8_0") == by_gguf(many_types.raw("t1"), "Q8_0")).all()
    assert "Q8_0" not in fast.refused


def test_rows_between_the_ends_are_tried_too(many_types: GgufFile) -> None:
    wrong: Any = Wrong(open_kernels(), np.array(many_types.raw("t1")[5]))
    samples = list(ProvedDequantiser(many_types, wrong)._samples("Q8_0"))
    assert [len(rows) for rows in samples] == [4, 4] + [1] * 12
    assert len({row.tobytes() for rows in samples for row in rows}) > 8


def test_without_a_library_numpy_decodes(many_types: GgufFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Kernels:
        raise OracleAbsent("no llama.cpp library was found")

    monkeypatch.setattr(fast_module, "open_kernels", absent)
    fast = ProvedDequantiser(many_types)
    raw = many_types.raw("t0")
    assert (fast(raw, "Q4_K") == by_gguf(raw, "Q4_K")).all()
    assert fast.refused == {"Q4_K": "no llama.cpp library was found"}


def test_what_the_library_or_the_file_lacks_numpy_decodes(many_types: GgufFile) -> None:
    fast = ProvedDequantiser(many_types)
    raw = quantise(normal(2, 256), "Q5_K")
    assert (fast(raw, "Q5_K") == by_gguf(raw, "Q5_K")).all()
    assert "no rows of this type" in fast.refused["Q5_K"]
    plain = normal(2, 8)
    assert (fast(plain.view(np.uint8), "F32") == plain).all()
    with pytest.raises(NotImplementedError):
        fast(raw, "AprQ4")

    class Lacking:
        def dequantise(self, raw: NDArray[np.uint8], type_name: str) -> NDArray[np.float32]:
            raise OracleError(f"this build has no kernels for type {type_name} ({raw.shape})")

    lacking: Any = Lacking()
    fast = ProvedDequantiser(many_types, lacking)
    assert (fast(many_types.raw("t3"), "F16") == by_gguf(many_types.raw("t3"), "F16")).all()
    assert "no kernels for type F16" in fast.refused["F16"]
