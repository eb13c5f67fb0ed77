"""Checks of values: NaN, dead and constant weights, scales of blocks, copies; and the pass over the data itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.checks import CHECKS, Outcome, Report, Verdict, blocks, decode, examine
from apr.checks.scan import Values, scan_tensors
from apr.convert import Import, ImportOptions, Quantise
from apr.formats import open_model
from apr.formats.apr import Dtype, read_apr, write_apr
from apr.formats.gguf import read_gguf, read_head
from apr.quant.apr_blocks import decode_apr_q4, decode_apr_q8
from apr.quant.dequantise import by_gguf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    Weights = dict[str, np.ndarray[Any, np.dtype[np.float32]]]

UP = "blk.1.ffn_up.weight"
DATA = frozenset(number for number, check in CHECKS.items() if check.reads_data)


def objecting(report: Report) -> list[tuple[int, Verdict]]:
    return [
        (check.number, outcome.verdict)
        for check, outcome in report.outcomes
        if outcome.verdict in {Verdict.FAIL, Verdict.WARN}
    ]


def outcome_of(report: Report, number: int) -> Outcome:
    return next(outcome for check, outcome in report.outcomes if check.number == number)


@pytest.fixture
def report_of(maker: ModuleType, tmp_path: Path) -> Callable[..., Report]:
    """A report on a tiny llama whose weights were changed."""

    def make(change: Callable[[Weights], object], *options: Any, **more: Any) -> Report:
        spec = maker.Spec(*options, **more)
        weights: Weights = maker.tensors(spec)
        change(weights)
        return examine(maker.write_model(tmp_path / "m.gguf", spec, weights), CHECKS)

    return make


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("weights", ["F32", "F16", "BF16"])
def test_a_value_that_is_no_number_is_placed(report_of: Callable[..., Report], value: float, weights: str) -> None:
    def plant(tensors: Weights) -> None:
        tensors[UP][7, 5] = tensors[UP][90, 1] = value

    report = report_of(plant, "llama", weights)
    assert objecting(report) == [(12, Verdict.FAIL)]
    (finding,) = outcome_of(report, 12).findings
    assert finding.tensor == UP
    assert finding.problem == "2 of 6144 values are NaN or infinite, first at [7, 5]"
    assert "the others hold values that are no numbers" in outcome_of(report, 13).seen


def test_a_bias_and_a_norm_are_looked_at_too(report_of: Callable[..., Report]) -> None:
    def plant(tensors: Weights) -> None:
        tensors["blk.0.attn_k.bias"][3] = tensors["output_norm.weight"][0] = math.nan

    report = report_of(plant, biased=True)
    assert {finding.tensor for finding in outcome_of(report, 12).findings} == {
        "blk.0.attn_k.bias",
        "output_norm.weight",
    }


def zeros(share: float) -> Callable[[Weights], None]:
    """Every row keeps some of its values."""

    def plant(tensors: Weights, name: str = UP) -> None:
        columns = tensors[name].shape[1]
        tensors[name][:, : round(columns * share)] = 0

    return plant


def embedding_zeros(tensors: Weights) -> None:
    tensors["token_embd.weight"][:, :32] = 0


def dead(*rows: int) -> Callable[[Weights], None]:
    def plant(tensors: Weights) -> None:
        tensors[UP][list(rows)] = 0

    return plant


def scaled(factor: float) -> Callable[[Weights], None]:
    def plant(tensors: Weights) -> None:
        tensors[UP] *= np.float32(factor / np.linalg.norm(tensors[UP]))

    return plant


def constant(tensors: Weights) -> None:
    tensors[UP][:] = 0.5


def silent_norm(tensors: Weights) -> None:
    tensors["blk.0.attn_norm.weight"][:] = 0


# rows of UP: 96, so a quarter is 24; rows 9, 48 and 86 stand at 10, 50 and 90 %
@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (zeros(0.8125), "81.2% of the values are zero; less than 80%"),
        (embedding_zeros, "50.0% of the values are zero; less than 50%"),
        (dead(*range(1, 9), *range(10, 26)), "24 of 96 rows are zero; less than 25%"),
        (dead(9), "the row at 10 % of the rows is zero"),
        (dead(48, 86), "the row at 50 % and 90 % of the rows is zero"),
        (scaled(0.9e-6), "its L2 norm is 9e-07"),
        (scaled(0), "its L2 norm is 0"),
        (constant, "all values are 0.5"),
        (silent_norm, "a norm of zeros silences its layer"),
    ],
)
def test_weights_that_do_not_look_like_weights(
    report_of: Callable[..., Report], plant: Callable[[Weights], None], message: str
) -> None:
    report = report_of(plant)
    assert objecting(report) == [(13, Verdict.FAIL)]
    (finding,) = outcome_of(report, 13).findings
    assert message in finding.problem


@pytest.mark.parametrize(
    "plant", [zeros(0.78), dead(*range(1, 9), *range(10, 25)), scaled(1.1e-6), dead(8, 10, 47, 49, 85, 87)]
)
def test_the_limits_are_where_they_are_said_to_be(
    report_of: Callable[..., Report], plant: Callable[[Weights], None]
) -> None:
    assert objecting(report_of(plant)) == []


def test_a_norm_before_training_is_a_warning(report_of: Callable[..., Report]) -> None:
    report = report_of(lambda tensors: tensors["output_norm.weight"].fill(1))
    assert objecting(report) == [(13, Verdict.WARN)]


def test_a_layer_written_twice_is_a_warning(report_of: Callable[..., Report]) -> None:
    report = report_of(lambda tensors: tensors.update({UP: tensors["blk.0.ffn_up.weight"]}))
    assert objecting(report) == [(16, Verdict.WARN)]
    (finding,) = outcome_of(report, 16).findings
    assert finding.tensor == UP
    assert finding.problem == "has the same bytes as 'blk.0.ffn_up.weight'"
    tied = report_of(lambda tensors: tensors.update({"output.weight": tensors["token_embd.weight"]}))
    assert objecting(tied) == []
    assert outcome_of(tied, 16).seen.endswith("the head repeats the embedding")


def test_a_tied_head_that_is_no_copy(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    path = Import(open_model(tiny_llama(tied=True))).write(tmp_path / "tied.apr").path
    assert objecting(examine(path, CHECKS)) == []
    head = read_apr(path).tensors["lm_head.weight"]
    content = bytearray(path.read_bytes())
    content[head.offset + 5] ^= 1
    path.write_bytes(content[:-4])
    report = examine(path, CHECKS)
    assert objecting(report) == [(16, Verdict.FAIL)]
    assert "the head's bytes are not the embedding's" in outcome_of(report, 16).findings[0].problem


# --- scales of blocks -------------------------------------------------------------------------------------------------

QUANTISED = [kind.name for kind, (values, _) in GGML_QUANT_SIZES.items() if values > 1]


@pytest.mark.parametrize("name", sorted(set(blocks.LAYOUTS) & set(QUANTISED)))
def test_the_table_of_scales_agrees_with_gguf(name: str) -> None:
    """Random blocks with sound scales decode to numbers; a NaN in any scale, and only there, spoils its block alone."""
    kind, layout = GGMLQuantizationType[name], blocks.LAYOUTS[name]
    values, nbytes = GGML_QUANT_SIZES[kind]
    assert layout.nbytes == nbytes
    rng = np.random.Generator(np.random.PCG64(1))
    raw = rng.integers(0, 256, (1, 6, nbytes), np.uint8)
    sound, nan = (np.array([0x01, 0x3C], np.uint8), np.array([0x01, 0x7E], np.uint8))
    if layout.kind == "u1":
        sound, nan = np.array([127], np.uint8), np.array([255], np.uint8)
    for at in layout.at:
        raw[..., at : at + sound.size] = sound
    assert blocks.bad_scales(raw.reshape(1, -1), name) == (0, None, 6)
    assert np.isfinite(gguf.quants.dequantize(raw.reshape(1, -1), kind)).all()
    for at in layout.at:
        spoiled = raw.copy()
        spoiled[:, [2, 4], at : at + nan.size] = nan
        assert blocks.bad_scales(spoiled.reshape(1, -1), name) == (2, 2, 6)
        if layout.kind == "u1":
            continue  # gguf takes exponent 255 for a number; the format says NaN
        finite = np.isfinite(gguf.quants.dequantize(spoiled.reshape(1, -1), kind)).reshape(6, values)
        assert finite[[0, 1, 3, 5]].all()
        assert not finite[2].all()
        assert not finite[4].all()


def test_types_without_a_place_for_the_scale_are_these() -> None:
    # two are activations, which no file holds; of the others the decoded values are looked at, if they can be decoded
    assert set(QUANTISED) - set(blocks.LAYOUTS) <= {"Q8_1", "Q8_K", "IQ1_M", "NVFP4", "Q1_0"}


@pytest.mark.parametrize("weights", ["Q4_0", "Q8_0", "Q4_1"])
def test_a_scale_that_is_no_number_is_placed(tiny_llama: Callable[..., Path], weights: str) -> None:
    path = tiny_llama(weights)
    info = read_gguf(path).tensors[UP]
    content = bytearray(path.read_bytes())
    size = blocks.LAYOUTS[weights].nbytes
    content[info.offset + 3 * size : info.offset + 3 * size + 2] = b"\x00\x7c"  # infinity
    path.write_bytes(content)
    report = examine(path, CHECKS)
    assert objecting(report) == [(15, Verdict.FAIL)]
    (finding,) = outcome_of(report, 15).findings
    assert finding.tensor == UP
    assert "scales of 1 blocks are NaN or infinite, first of block 3" in finding.problem


def test_blocks_of_the_second_expert_are_counted_on(fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "moe.gguf"
    path.write_bytes(fixture_model("qwen3moe-q4_k_m").read_bytes())
    name = "blk.0.ffn_up_exps.weight"
    info = read_gguf(path).tensors[name]
    content = bytearray(path.read_bytes())
    per_expert = info.shape[1] * info.shape[2] // 256
    at = info.offset + 144 * (per_expert + 5) + 2  # dmin
    content[at : at + 2] = b"\x00\xfc"
    path.write_bytes(content)
    (finding,) = outcome_of(examine(path, {15}), 15).findings
    assert f"first of block {per_expert + 5}" in finding.problem


@pytest.mark.parametrize("quantise", [Quantise.INT4, Quantise.INT8])
def test_the_scales_of_apr_s_own_types(tiny_llama: Callable[..., Path], tmp_path: Path, quantise: Quantise) -> None:
    options = ImportOptions(quantise=quantise)
    path = Import(open_model(tiny_llama()), options).write(tmp_path / "q.apr").path
    assert objecting(examine(path, CHECKS)) == []
    tensor = read_apr(path).tensors["model.layers.1.mlp.up_proj.weight"]
    content = bytearray(path.read_bytes()[:-4])
    content[tensor.offset : tensor.offset + 4] = (
        b"\x00\x00\xc0\x7f" if quantise is Quantise.INT8 else b"\x00\x7e\x88\x88"
    )
    path.write_bytes(content)
    report = examine(path, CHECKS)
    assert objecting(report) == [(15, Verdict.FAIL)]
    assert outcome_of(report, 15).findings[0].tensor == "model.layers.1.mlp.up_proj.weight"


# --- the pass over the data -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [32, 256, 4096, 1 << 20])
@pytest.mark.parametrize("weights", ["F32", "Q8_0", "int4", "int8"])
def test_pieces_of_any_size_say_the_same(
    tiny_llama: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, weights: str
) -> None:
    own = weights.startswith("int")
    path = tiny_llama("F32" if own else weights)
    if own:
        path = Import(open_model(path), ImportOptions(quantise=Quantise(weights))).write(tmp_path / "q.apr").path
    file = open_model(path)
    monkeypatch.setattr(decode, "VALUES", piece)
    seen = scan_tensors(file, by_gguf)
    assert list(seen) == list(file.tensors)
    for name, tensor in file.tensors.items():
        if tensor.type_name == "AprQ4":
            expected = decode_apr_q4(file.raw(name).reshape(-1), math.prod(tensor.shape))
        elif tensor.type_name == "AprQ8":
            expected = decode_apr_q8(file.raw(name).reshape(-1), math.prod(tensor.shape))
        else:
            expected = by_gguf(file.raw(name), tensor.type_name)
        whole = expected.reshape(tensor.shape).reshape(-1, tensor.shape[-1])
        values = seen[name]
        assert values.count == whole.size
        assert (values.minimum, values.maximum) == (whole.min(), whole.max())
        assert values.zeros == np.count_nonzero(whole == 0)
        assert values.l2 == pytest.approx(np.linalg.norm(whole.astype(np.float64)), rel=1e-5)
        assert (values.alive == whole.any(axis=1)).all()


def test_the_first_value_that_is_no_number_is_found_in_any_piece(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = maker.tensors(maker.Spec())
    weights[UP][[50, 70], 3] = math.nan
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec(), weights)
    for piece in (32, 64, 4096, 1 << 20):
        monkeypatch.setattr(decode, "VALUES", piece)
        values = scan_tensors(open_model(path), by_gguf)[UP]
        assert (values.first_non_finite, values.non_finite) == (50 * 64 + 3, 2)


def test_rows_are_alive_wherever_a_piece_ends() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    table = rng.standard_normal((40, 7)).astype(np.float32) * (rng.random((40, 1)) < 0.5)
    for size in (1, 3, 7, 10, 21, 280):
        values = Values("x", "F32", table.shape, alive=np.zeros(40, np.bool_))
        for at in range(0, table.size, size):
            values.add(table.reshape(-1)[at : at + size])
        assert (values.alive == table.any(axis=1)).all()
        assert values.dead_rows == 40 - np.count_nonzero(table.any(axis=1))


def test_padded_rows_count_without_their_padding(maker: ModuleType, tmp_path: Path) -> None:
    """Rows of 64 fill a quarter of a Q4_K block; what the rest decodes to is nobody's weight."""
    path = Import(open_model(maker.write_model(tmp_path / "m.gguf", maker.Spec()))).write(tmp_path / "m.apr").path
    file = read_apr(path)
    name = "model.layers.0.mlp.up_proj.weight"
    block = np.zeros((96, 144), np.uint8)
    block[:, :2] = [0x00, 0x3C]  # d = 1
    block[:, 4:8] = 1  # the scales of the first chunk of 64
    block[:, 16:48] = np.random.default_rng(1).integers(0, 256, (96, 32), np.uint8)
    tensors: list[Any] = [(t.name, t.dtype, t.shape, file.raw(t.name)) for t in file.tensors.values() if t.name != name]
    write_apr(tmp_path / "p.apr", file.metadata, [*tensors, (name, Dtype.Q4_K, (96, 64), block)], flags=file.flags)
    model = open_model(tmp_path / "p.apr")
    assert model.tensors["blk.0.ffn_up.weight"].type_name == "Q4_K padded"
    values = scan_tensors(model, by_gguf)["blk.0.ffn_up.weight"]
    assert values.count == 96 * 64
    assert values.zeros < 0.2 * values.count
    assert objecting(examine(tmp_path / "p.apr", CHECKS)) == []


def test_what_cannot_be_decoded_is_said_and_not_passed(tiny_llama: Callable[..., Path]) -> None:
    path = tiny_llama("Q8_0")
    content = bytearray(path.read_bytes())
    entries = {entry.name: entry for entry in read_head(path).entries}
    for name, kind in ((UP, GGMLQuantizationType.Q8_1), ("output_norm.weight", GGMLQuantizationType.I32)):
        content[entries[name].type_at : entries[name].type_at + 4] = int(kind).to_bytes(4, "little")
    # Q8_1 takes more bytes than Q8_0; what follows is another tensor's, so only these checks are asked
    entry = entries[UP]
    content[entry.type_at - 8 : entry.type_at] = (48).to_bytes(8, "little")
    path.write_bytes(content)
    report = examine(path, {12, 13, 15})
    assert objecting(report) == [(12, Verdict.WARN), (13, Verdict.WARN), (15, Verdict.WARN)]
    assert "cannot be decoded here" in outcome_of(report, 12).findings[0].problem
    assert {finding.tensor for finding in outcome_of(report, 13).findings} == {UP, "output_norm.weight"}
    assert "is Q8_1, whose blocks are not known here" in outcome_of(report, 15).findings[0].problem


def test_values_tell_where_the_place_of_the_scale_is_not_known(tiny_llama: Callable[..., Path]) -> None:
    """IQ1_M keeps its scale in the upper nibbles of four fields behind the first 48 bytes."""
    path = tiny_llama(hidden=256, heads=4)
    entry = next(entry for entry in read_head(path).entries if entry.name == UP)
    content = bytearray(path.read_bytes())
    content[entry.type_at : entry.type_at + 4] = int(GGMLQuantizationType.IQ1_M).to_bytes(4, "little")
    at = read_gguf(path).tensors[UP].offset
    blocks_of_tensor = entry.dims[1]
    block = bytes(48) + bytes.fromhex("0000000000c00070")  # float16 infinity, nibble by nibble
    content[at : at + 56 * blocks_of_tensor] = bytes(56) * 5 + block + bytes(56) * (blocks_of_tensor - 6)
    path.write_bytes(content)
    report = examine(path, {15})
    assert objecting(report) == [(15, Verdict.FAIL)]
    assert f"first value {5 * 256}" in outcome_of(report, 15).findings[0].problem
