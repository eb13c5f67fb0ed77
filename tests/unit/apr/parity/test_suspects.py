"""What somebody did wrong is told in words: planted faults of a model, each at its stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.engines.reference import Reference
from apr.formats.gguf import read_gguf
from apr.mutants import architectures, arithmetic, ties
from apr.mutants import model as faults
from apr.ops.arithmetic import GGML
from apr.parity.explain import look_closer
from apr.parity.null import null_of
from apr.parity.work.setting import Closer
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.capture import Capture
    from apr.parity.result import Kind

COUNT = 48
TOKENS = np.asarray([(7 * i + 3) % 250 for i in range(COUNT)])
PLACES = np.arange(COUNT)


class Bench:
    """A sound model with a capture of it."""

    def __init__(self, file: Any) -> None:
        self.sound = Reference(file, GGML)
        self.capture: Capture = self.sound.capture(TOKENS.tolist())

    def closer(self, key: StageKey, seen: Any, rows: slice = slice(0, COUNT), expected: Any = None) -> Kind | None:
        model, given = self.sound.model, self.capture.stages
        null = null_of(model, key, TOKENS, PLACES, given, self.capture[key], GGML.name)
        expected = self.capture[key] if expected is None else expected
        cut = null._replace(proxy=null.proxy[rows], rank=None if null.rank is None else null.rank[rows])
        return look_closer(
            Closer(
                model=model, key=key, seen=seen[rows], expected=expected[rows], null=cut, given=given, rows=rows,
                tokens=TOKENS, positions=PLACES, own=model.compute(key, TOKENS, PLACES, given)[rows],
            )
        )  # fmt: skip

    def of(self, fault: Any, rows: slice = slice(0, COUNT)) -> Kind | None:
        key = StageKey(fault.stage, fault.layer)
        seen = fault.plant(self.sound.model).compute(key, TOKENS, PLACES, self.capture.stages)
        return self.closer(key, seen, rows)


@pytest.fixture(scope="module")
def bench(maker: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bench]:
    """Benches by what their model is made of, each made once."""
    folder, made = tmp_path_factory.mktemp("suspects"), {}

    def get(**spec: Any) -> Bench:
        name = "-".join(f"{key}{value}" for key, value in spec.items())
        if name not in made:
            made[name] = Bench(read_gguf(maker.write_model(folder / f"{name}.gguf", maker.Spec(**spec))))
        return made[name]

    return get


DEEP: dict[str, Any] = {"weights": "Q4_1", "layers": 30, "hidden": 128, "theta": 100000.0}
TOLD = {
    "rope-theta-100001": ("rotation", "theta is 100001 in place of 100000"),
    "rope-theta-10000": ("rotation", "theta is 10000 in place of 100000"),
    "rope-halves-for-pairs": ("rotation", "halves rotate where neighbours should"),
    "rope-frequencies-in-f64": ("rotation", "as arithmetic f64 does"),
    "position-off-by-one": ("rotation", f"position {COUNT - 1}: the position is one too large"),
    "mask-off-by-one": ("mask", "also sees the position after its own"),
    "mask-missing": ("mask", "queries see all positions"),
    "scale-omitted": ("scale", "scores are not scaled"),
    "scale-head-dim-65": ("scale", "1 / sqrt(head_dim + 1)"),
    "scale-1.00001": ("scale", "1.00001 times"),
    "k-heads-swapped": ("permutation", "key heads 0 and 1 are swapped"),
    "heads-tiled": ("permutation", "tiled in place of repeated"),
    "cache-f16": ("rounding", "keys and values are rounded to float16"),
    "probabilities-f16": ("rounding", "attention weights are rounded to float16"),
    "head-gain-2e-4": ("head gain", "1.0002"),
    "block-scale-ulp": ("weight block", "the minimum is right"),
    "block-minimum-ulp": ("weight block", "the minimum is off by"),
    "nibble": ("weight element", "row"),
    "head-block-ulp": ("weight block", "the scale is"),
    "gate-up-swapped": ("wrong weights", "the weights of ffn_up are used"),
    "last-element-dropped": ("last element", "is left out"),
    "q-last-element-dropped": ("last element", "in q alone: input element 127 of 128 is left out"),
    "attn-out-gain": ("gain", "1.00001"),
    "ffn-out-f16": ("rounding", "float16"),
    "quiet-rows": ("position gain", f"positions 1 to {COUNT - 1}: 1.0001"),
    "logits-shifted": ("shift", "belongs before it"),
    "head-transposed": ("transposition", "the weights were read as"),
    "head-of-zeros": ("zeros", "everything is zero"),
    "epsilon-1.1": ("epsilon", "epsilon is 1.1"),
    "epsilon-1e-6": ("epsilon", "in place of 1e-05"),
    "norm-gain": ("channel", "channel 100: 1.0002"),
    "gelu-for-silu": ("activation", "GELU (tanh) in place of SiLU"),
    "residual-missing": ("missing term", "layer_input is missing"),
    "embedding-ulp": ("element", "position 47, channel 127"),
    "token-off-by-one": ("token", "at position 47"),
}


@pytest.mark.parametrize("name", TOLD)
def test_it_is_told_what_was_done(bench: Callable[..., Bench], name: str) -> None:
    found = bench(**DEEP).of(faults.MUTANTS[name])
    assert found is not None
    kind, words = TOLD[name]
    assert (found.name, words in found.detail) == (kind, True), found


@pytest.mark.parametrize("name", [name for name in faults.MUTANTS if name not in TOLD])
def test_every_fault_has_a_kind_that_describes_it(bench: Callable[..., Bench], name: str) -> None:
    fault = faults.MUTANTS[name]
    found = bench(**DEEP).of(fault)
    assert found is not None
    assert not fault.kinds or found.name in fault.kinds, found


def test_a_token_by_its_number(bench: Callable[..., Bench]) -> None:
    found = bench(**DEEP).of(faults.MUTANTS["token-off-by-one"])
    assert found is not None
    assert found.detail == f"token {TOKENS[-1] + 1} stands in place of {TOKENS[-1]} at position {COUNT - 1}"


@pytest.mark.parametrize(
    "stage", ["embedding", "attn_norm", "qkv_matmul", "q_post_rope", "attention", "ffn_silu", "ffn_out"]
)
def test_what_agrees_has_no_kind(bench: Callable[..., Bench], stage: str) -> None:
    at = bench(**DEEP)
    key = StageKey(stage, 0)
    assert at.closer(key, at.capture[key]) is None


def test_rows_that_are_not_compared_are_not_looked_at(bench: Callable[..., Bench]) -> None:
    fault = faults.MUTANTS["position-off-by-one"]  # at the last position
    at = bench(**DEEP)
    assert at.of(fault, slice(0, COUNT - 1)) is None
    found = at.of(fault, slice(COUNT - 8, COUNT))
    assert found is not None
    assert (found.name, found.detail) == ("rotation", f"position {COUNT - 1}: the position is one too large")


ROUNDINGS = {
    "f16-activations-kept": "activations are not rounded",
    "bf16-activations-cut": "activations are cut off to BF16",
    "q8_0-scale-in-f32": "scales of activations are not stored in float16",
    "q8_0-rounded-down": "activations are rounded down",
    "q8_1-sums-of-values": "minima meet the sums of the rounded activations",
    "q8_1-sums-in-f32": "sums of activations are not stored in float16",
    "q8_1-sums-of-stored-scale": "sums of the rounded activations, stored in float16",
    "q8_1-sums-of-activations": "minima meet the sums of the activations",
    "q8_k-per-32": "in blocks of 32, not of 256",
    "q8_k-scale-in-f16": "scales of activations are rounded to float16",
    "q8_k-not-rounded": "activations are not rounded",
    "q8_k-towards-zero": "activations are cut off, not rounded",
}


@pytest.mark.parametrize("name", ROUNDINGS)
def test_another_rounding_of_activations_is_told(bench: Callable[..., Bench], name: str) -> None:
    fault = arithmetic.MUTANTS[name]
    found = bench(weights=fault.weights, layers=2, hidden=256).of(fault)
    assert found is not None
    assert (found.name, ROUNDINGS[name] in found.detail) == ("rounding", True), found


@pytest.mark.parametrize("part", "qkv")
def test_an_input_that_one_projection_leaves_out(bench: Callable[..., Bench], part: str) -> None:
    at, key = bench(**DEEP), StageKey("qkv_matmul", 3)
    model, x = at.sound.model, np.array(at.capture[StageKey("attn_norm", 3)])
    x[:, -1] = 0
    less = model.compute(key, TOKENS, PLACES, {StageKey("attn_norm", 3): x})
    q, k = model.config.q_width, model.config.kv_width
    start, stop = {"q": (0, q), "k": (q, q + k), "v": (q + k, q + 2 * k)}[part]
    seen = np.array(at.capture[key])
    seen[:, start:stop] = less[:, start:stop]
    found = at.closer(key, seen)
    assert found is not None
    assert (found.name, found.detail) == ("last element", f"in {part} alone: input element 127 of 128 is left out")


def test_which_way_ties_go(bench: Callable[..., Bench]) -> None:
    at, key = bench(weights="Q8_0", layers=2, hidden=256), StageKey("qkv_matmul", 0)
    # activations halfway between two codes, as random models have none
    x = np.random.default_rng(2).integers(-200, 200, (COUNT, 256)).astype(np.float32) / 2
    x[:, ::32] = 127
    given = {StageKey("attn_norm", 0): x}
    model = at.sound.model
    seen, expected = (
        one.compute(key, TOKENS, PLACES, given) for one in (ties.MUTANTS["activations-half-away"].plant(model), model)
    )
    null = null_of(model, key, TOKENS, PLACES, given, expected, GGML.name)
    found = look_closer(
        Closer(
            model=model, key=key, seen=seen, expected=expected, null=null, given=given, rows=slice(0, COUNT),
            tokens=TOKENS, positions=PLACES, own=expected,
        )
    )  # fmt: skip
    assert found is not None
    assert (found.name, found.detail) == ("rounding", "ties of activations are rounded away from zero")


def test_one_weight_is_told_by_row_and_column(bench: Callable[..., Bench]) -> None:
    found = bench(weights="Q8_0", layers=2, hidden=256).of(arithmetic.MUTANTS["q8_0-code"])
    assert found is not None
    assert (found.name, "row 0, column 0 is off by" in found.detail) == ("weight element", True)


ARCHITECTURES = {
    "q-norm-missing": ("qwen3", "missing term", "the norm itself is missing"),
    "k-norm-missing": ("qwen3", "missing term", "the norm itself is missing"),
    "q-norm-over-all-heads": ("qwen3", "wrong weights", "all heads are normalised at once"),
    "k-norm-with-q-gains": ("qwen3", "wrong weights", "the gains of q_norm"),
    "scale-of-hidden": ("qwen3", "scale", "1 / sqrt(hidden / heads)"),
    "bias-dropped": ("qwen2", "missing term", "the bias is missing"),
    "head-of-the-embedding": ("qwen3moe", "wrong weights", "the embedding is used"),
    "moe-not-normalised": ("qwen3moe", "missing term", "not divided by their sum"),
    "moe-all-alike": ("qwen3moe", "wrong weights", "counts the same"),
    "moe-indices-in-order": ("qwen3moe", "permutation", "the right experts stand in another order"),
    "moe-next-slice": ("qwen3moe", "wrong weights", "the expert after the chosen one"),
    "moe-ranks-swapped": ("qwen3moe", "wrong weights", "get each other's weights"),
    "moe-first-only": ("qwen3moe", "wrong weights", "only the likeliest expert counts"),
    "moe-position-lost": ("qwen3moe", "dropped block", f"position {COUNT - 1}"),
}


@pytest.fixture(scope="module")
def fixtures_of(pytestconfig: pytest.Config) -> Callable[[str], Bench]:
    """Benches of the fixtures by architecture, each made once."""
    made: dict[str, Bench] = {}

    def get(name: str) -> Bench:
        if name not in made:
            made[name] = Bench(read_gguf(pytestconfig.rootpath / "fixtures" / "models" / f"{name}-q4_k_m.gguf"))
        return made[name]

    return get


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_faults_of_other_architectures_are_told(fixtures_of: Callable[[str], Bench], name: str) -> None:
    model, kind, words = ARCHITECTURES[name]
    found = fixtures_of(model).of(architectures.MUTANTS[name])
    assert found is not None
    assert (found.name, words in found.detail) == (kind, True), found


@pytest.mark.parametrize("name", ["scale-1.00001", "heads-tiled", "last-element-dropped", "gate-up-swapped", "nibble"])
def test_an_oracles_fault_is_told_as_the_oracles_own(bench: Callable[..., Bench], name: str) -> None:
    at, fault = bench(**DEEP), faults.MUTANTS[name]
    key = StageKey(fault.stage, fault.layer)
    faulty = fault.plant(at.sound.model).compute(key, TOKENS, PLACES, at.capture.stages)
    mine, found = at.closer(key, faulty), at.closer(key, at.capture[key], expected=faulty)
    assert mine is not None
    assert found is not None
    assert (found.name, found.detail) == (mine.name, f"of the oracle: {mine.detail}")


def test_a_faulty_oracle_does_not_hide_what_the_subject_does(bench: Callable[..., Bench]) -> None:
    at, key = bench(**DEEP), StageKey("ffn_up", 3)
    oracles = np.array(at.capture[key])
    oracles[:, 7] *= 1.5
    found = at.closer(key, at.capture[key] * np.float32(1.0078125), expected=oracles)
    assert found is not None
    assert (found.name, "1.00781" in found.detail) == ("gain", True), found


def test_a_wide_product_is_judged_by_some_rows(bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apr.parity.suspects._WIDE", 100)
    at = bench(**DEEP)
    found = at.of(faults.MUTANTS["gate-up-swapped"])
    assert found is not None
    assert (found.name, found.detail) == ("wrong weights", "the weights of ffn_up are used")
