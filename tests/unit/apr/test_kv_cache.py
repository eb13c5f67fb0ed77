"""Passes that continue a text give what one pass over all of it gives, stage by stage; and faults of a cache are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.formats.gguf import read_gguf
from apr.models import KvCache, free_run, load
from apr.models import decoder as decoder_module
from apr.ops.arithmetic import ARITHMETICS, F64
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from apr.capture import Array
    from apr.models import Model
    from apr.ops.arithmetic import Arithmetic

TOKENS = np.array([4, 30, 77, 100, 5, 6, 200, 9, 9, 41, 250, 17])
STEPS = (1,) * len(TOKENS)
# how the text is cut, by lengths of the pieces
CUTS = {"step by step": STEPS, "prompt and steps": (7, 1, 1, 1, 1, 1), "chunks": (5, 4, 3), "at the end": (11, 1)}
ARCHITECTURES = ("llama", "qwen2", "qwen3", "qwen3moe")
HEAD = StageKey("lm_head", None)


def in_one(model: Model) -> dict[StageKey, Array]:
    return dict(free_run(model, TOKENS, np.arange(len(TOKENS))))


def in_pieces(model: Model, lengths: Iterable[int], restart: bool = False) -> dict[StageKey, Array]:
    """Every stage of every piece, put together; `restart` plants the fault of counting positions from 0 in each."""
    cache, start, pieces = KvCache(model.config.n_layers), 0, []
    for length in lengths:
        part = slice(start, start + length)
        positions = np.arange(length) if restart else np.arange(part.start, part.stop)
        assert len(cache) == start
        pieces.append(dict(free_run(model, TOKENS[part], positions, cache)))
        start += length
    assert len(cache) == len(TOKENS)
    return {key: np.concatenate([piece[key] for piece in pieces]) for key in model.stage_keys()}


def worst(ours: dict[StageKey, Array], theirs: dict[StageKey, Array]) -> tuple[float, StageKey]:
    """The first stage with the greatest relative difference, of the stage's own greatest number."""
    off = {key: np.abs(ours[key] - array).max() / np.abs(array).max() for key, array in theirs.items()}
    key = max(off, key=lambda key: off[key])
    return float(off[key]), key


def first_beyond(bound: float, ours: dict[StageKey, Array], theirs: dict[StageKey, Array]) -> StageKey | None:
    return next(
        (key for key, array in theirs.items() if np.abs(ours[key] - array).max() > bound * np.abs(array).max()), None
    )


def model_of(path: Path, arithmetic: Arithmetic) -> Model:
    return load(read_gguf(path), arithmetic)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pieces_are_the_whole_in_float64(tiny_model: Callable[..., Path], architecture: str, cut: str) -> None:
    """Sums have the same terms, at most 12 positions in another order: a few hundred roundings of 2**-53 in all."""
    model = model_of(tiny_model(architecture), F64)
    off, key = worst(in_pieces(model, CUTS[cut]), in_one(model))
    assert off < 1e-12, key


@pytest.mark.parametrize("name", ["f32", "ggml"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pieces_choose_the_same_tokens(tiny_model: Callable[..., Path], architecture: str, name: str) -> None:
    """Each of 2 x 11 stages on the way to the logits adds its own rounding, at most 4e-7 (contract stage-parity-v1)."""
    model = model_of(tiny_model(architecture), ARITHMETICS[name])
    whole = in_one(model)
    for lengths in CUTS.values():
        pieces = in_pieces(model, lengths)
        assert (pieces[HEAD].argmax(-1) == whole[HEAD].argmax(-1)).all()
        off, key = worst(pieces, whole)
        assert off < 2 * 11 * 4e-7, key


def test_rounded_activations_choose_the_same_tokens(tiny_model: Callable[..., Path]) -> None:
    """Weights of 8 bits: a rounding that falls to the other side moves a product by a step of 1/254 of its greatest input.

    On 64 columns that is at most 1/254 of one term of 64, 1e-3 of a sum like sqrt(64); a few such flips may add up.
    """
    model = model_of(tiny_model("llama", "Q8_0"), ARITHMETICS["ggml"])
    whole = in_one(model)
    for lengths in CUTS.values():
        pieces = in_pieces(model, lengths)
        assert (pieces[HEAD].argmax(-1) == whole[HEAD].argmax(-1)).all()
        assert worst(pieces, whole)[0] < 1e-2


def test_a_cache_has_no_part_in_a_first_pass(tiny_model: Callable[..., Path]) -> None:
    model = model_of(tiny_model(), F64)
    whole = in_one(model)
    with_cache = dict(free_run(model, TOKENS, np.arange(len(TOKENS)), KvCache(model.config.n_layers)))
    assert all((with_cache[key] == array).all() for key, array in whole.items())


def test_two_texts_have_two_caches(tiny_model: Callable[..., Path]) -> None:
    """Rooms grow by doubling: what is given out of one cache is not overwritten by another, nor by what comes later."""
    model = model_of(tiny_model(), F64)
    a, b = KvCache(2), KvCache(2)
    first = dict(free_run(model, TOKENS[:5], np.arange(5), a))
    dict(free_run(model, TOKENS[5:], np.arange(7), b))
    kept = a.past(0)[StageKey("past_keys", 0)]
    assert (kept == first[StageKey("k_post_rope", 0)]).all()
    for position in range(5, 40):
        dict(free_run(model, TOKENS[:1], np.array([position]), a))
    assert len(a) == 40
    assert (a.past(0)[StageKey("past_keys", 0)][:5] == first[StageKey("k_post_rope", 0)]).all()
    assert a.past(1)[StageKey("past_positions", 1)].tolist() == list(range(40))


def test_positions_that_start_again_are_seen(tiny_model: Callable[..., Path]) -> None:
    model = model_of(tiny_model("qwen3"), F64)
    first = first_beyond(1e-3, in_pieces(model, CUTS["chunks"], restart=True), in_one(model))
    assert first == StageKey("q_post_rope", 0)


def rows_not_positions(query_positions: Any, key_positions: Any) -> Any:
    """A mask that takes the row of a query within its pass for its position in the text."""
    return np.arange(len(query_positions))[:, None] >= np.arange(len(key_positions))[None, :]


def own_pass_only(query_positions: Any, key_positions: Any) -> Any:
    """A mask that forgets the past."""
    past = len(key_positions) - len(query_positions)
    return (query_positions[:, None] >= key_positions) & (np.arange(len(key_positions)) >= past)


def looks_ahead(query_positions: Any, key_positions: Any) -> Any:
    """A mask that is right for single steps and lets the tokens of a chunk see each other."""
    return np.ones((len(query_positions), len(key_positions)), bool)


@pytest.mark.parametrize("mask", [rows_not_positions, own_pass_only, looks_ahead])
def test_a_wrong_mask_is_seen(tiny_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, mask: Any) -> None:
    model = model_of(tiny_model(), F64)
    whole = in_one(model)
    monkeypatch.setattr(decoder_module, "causal_mask", mask)
    assert first_beyond(1e-3, in_pieces(model, CUTS["chunks"]), whole) == StageKey("attention", 0)


class OtherLayer(KvCache):
    """Gives out the keys and values of the layer before."""

    def past(self, layer: int) -> dict[StageKey, Array]:
        return {key._replace(layer=layer): array for key, array in super().past(max(0, layer - 1)).items()}


class ValuesForKeys(KvCache):
    """Gives out the values where the keys belong."""

    def past(self, layer: int) -> dict[StageKey, Array]:
        found = super().past(layer)
        return found and found | {StageKey("past_keys", layer): found[StageKey("past_values", layer)]}


class Ahead(KvCache):
    """Counts the positions of the past from 2, so that the last one seems to be still to come."""

    def past(self, layer: int) -> dict[StageKey, Array]:
        found = super().past(layer)
        return {key: array + 2 * (key.stage == "past_positions") for key, array in found.items()}


@pytest.mark.parametrize(("cache", "layer"), [(OtherLayer, 1), (ValuesForKeys, 0), (Ahead, 0)], ids=str)
def test_a_mixed_up_cache_is_seen(
    tiny_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, cache: type[KvCache], layer: int
) -> None:
    model = model_of(tiny_model("qwen3moe"), F64)
    whole = in_one(model)
    monkeypatch.setitem(globals(), "KvCache", cache)
    assert first_beyond(1e-3, in_pieces(model, CUTS["step by step"]), whole) == StageKey("attention", layer)
