"""Faults of a loader of .apr files: what an opened file says or holds is changed before a model is built from it.

Most are silent fallbacks that loaders of this format had: a default for what was not understood, zeros or ones for what was
not found.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

    Change = Callable[[ModelFile], ModelFile]


@dataclass(frozen=True)
class LoadingMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found; a tensor's or a hyper-parameter's name where no stage was run.
        change: makes the file as the faulty loader sees it; the sound one stays as it is.
        kinds: as of `apr.mutants.planting.Mutant`.
    """

    name: str
    fault: str
    stage: str
    layer: int | None
    change: Change
    kinds: tuple[str, ...] = field(default=(), kw_only=True)


def _saying(**values: Any) -> Change:
    """Other metadata; keys of the architecture, with `__` for a full stop."""

    def change(file: ModelFile) -> ModelFile:
        faulty = copy.copy(file)
        own = {f"{file.architecture}.{key.replace('__', '.')}": value for key, value in values.items()}
        faulty.metadata = {**file.metadata, **own}
        return faulty

    return change


def _rotating(kind: Any) -> Change:
    """Another kind of rotation than the file says."""

    def change(file: ModelFile) -> ModelFile:
        faulty = copy.copy(file)
        faulty.rope_kind = kind
        return faulty

    return change


def _holding(name: str, of: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Change:
    """Other bytes for one tensor."""

    def change(file: ModelFile) -> ModelFile:
        faulty, sound = copy.copy(file), file.raw

        def raw(wanted: str) -> NDArray[np.uint8]:
            return of(sound(wanted)) if wanted == name else sound(wanted)

        faulty.raw = raw  # type: ignore[assignment,method-assign] # the point of a mutant
        return faulty

    return change


def _ones(raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ones(raw.size // 4, "<f4").view(np.uint8).reshape(raw.shape)


def _zeros(raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.zeros_like(raw)


class _Filled(NamedTuple):
    """A tensor that the file does not hold."""

    name: str
    shape: tuple[int, ...]
    type_name: str
    nbytes: int


def _norms_of_ones(file: ModelFile) -> ModelFile:
    """Norms of single heads that are not in the file are taken to be ones."""
    faulty, sound = copy.copy(file), file.raw
    width = file.metadata[f"{file.architecture}.attention.key_length"]
    layers = file.metadata[f"{file.architecture}.block_count"]
    if not isinstance(width, int) or not isinstance(layers, int):
        raise TypeError("the sizes of the heads and the number of layers are whole numbers")
    names = [f"blk.{layer}.attn_{part}_norm.weight" for layer in range(layers) for part in "qk"]
    filled = {name: _Filled(name, (width,), "F32", 4 * width) for name in names if name not in file.tensors}
    faulty.tensors = {**file.tensors, **filled}

    def raw(wanted: str) -> NDArray[np.uint8]:
        return np.ones((1, width), "<f4").view(np.uint8) if wanted in filled else sound(wanted)

    faulty.raw = raw  # type: ignore[assignment,method-assign] # the point of a mutant
    return faulty


def _copy_believed(file: ModelFile) -> ModelFile:
    """A head that is said to repeat the embedding is not looked at."""
    faulty = copy.copy(file)
    vars(faulty)["_copy"] = None
    return faulty


def _merges_turned_round(file: ModelFile) -> ModelFile:
    faulty = copy.copy(file)
    merges = file.metadata["tokenizer.ggml.merges"]
    faulty.metadata = {
        **file.metadata,
        "tokenizer.ggml.merges": list(reversed(merges)) if isinstance(merges, list) else merges,
    }
    return faulty


_ALL = [
    LoadingMutant("apr-tensor-zero-filled", "a query projection is taken for missing and filled with zeros",
                  "blk.1.attn_q.weight", None, _holding("blk.1.attn_q.weight", _zeros)),
    LoadingMutant("apr-epsilon-hard-coded", "epsilon is 1e-5 whatever the file says", "epsilon", None,
                  _saying(attention__layer_norm_rms_epsilon=float(np.float32(3e-5)))),
    LoadingMutant("apr-theta-unread", "theta is a default instead of the file's", "rope", None,
                  _saying(rope__freq_base=12345.0)),
    LoadingMutant("apr-theta-default", "theta is what another model has", "q_post_rope", 0, _saying(rope__freq_base=500000.0), kinds=("rotation",)),
    LoadingMutant("apr-epsilon-default", "epsilon is 1e-6, which other models have", "attn_norm", 0,
                  _saying(attention__layer_norm_rms_epsilon=1e-6), kinds=("epsilon",)),
    LoadingMutant("apr-always-halves", "the file's word on rotation is ignored: halves always", "q_post_rope", 0, _rotating("neox"), kinds=("rotation",)),
    LoadingMutant("apr-norm-ones", "a norm is taken for missing and filled with ones", "attn_norm", 1,
                  _holding("blk.1.attn_norm.weight", _ones)),
    LoadingMutant("apr-down-zeros", "a down projection is taken for missing and filled with zeros", "ffn_out", 1,
                  _holding("blk.1.ffn_down.weight", _zeros)),
    LoadingMutant("apr-q-norm-ones", "a norm of query heads is taken for missing and filled with ones", "q_norm", 1,
                  _holding("blk.1.attn_q_norm.weight", _ones)),
    LoadingMutant("apr-k-norm-ones", "a norm of key heads is taken for missing and filled with ones", "blk.1.attn_k_norm.weight", None,
                  _holding("blk.1.attn_k_norm.weight", _ones)),
    LoadingMutant("apr-norms-optional", "norms of heads that are missing are taken for ones", "refusal", None, _norms_of_ones),
    LoadingMutant("copied-head-believed", "the copy that stands for a tied head is not compared", "output.weight", None, _copy_believed),
    LoadingMutant("apr-merges-turned-round", "the merges of the tokenizer are read backwards", "tokens", None, _merges_turned_round),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
