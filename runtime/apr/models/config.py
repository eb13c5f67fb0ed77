"""Hyper-parameters, read from a model file's metadata; none is guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apr.errors import UnsupportedModel, UnusableInput
from apr.ops.rope import Rope, Yarn

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile, RopeKind


@dataclass(frozen=True)
class Experts:
    """A mixture of experts.

    Attributes:
        count: experts in a layer.
        used: how many of them a position goes to.
        feed_forward: the width of one of them.
    """

    count: int
    used: int
    feed_forward: int


@dataclass(frozen=True)
class Config:
    """Hyper-parameters, as the model file states them.

    Attributes:
        architecture: as the file names it.
        n_layers, hidden, feed_forward, n_heads, n_kv_heads, head_dim, vocabulary: sizes.
        rope: the rotation of queries and keys.
        epsilon: of the RMS norms.
        context: positions the model was made for.
        experts: None for a dense model.
    """

    architecture: str
    n_layers: int
    hidden: int
    feed_forward: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    vocabulary: int
    rope: Rope
    epsilon: float
    context: int
    experts: Experts | None = None

    @property
    def q_width(self) -> int:
        """Columns of the query part of `qkv_matmul`."""
        return self.n_heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Columns of the key part of `qkv_matmul`; the value part is as wide."""
        return self.n_kv_heads * self.head_dim


class Reader:
    """Numbers from the metadata of a model file, each one checked to be there and in range.

    Args:
        file: the model.
        prefix: what the keys of its architecture begin with.
    """

    def __init__(self, file: ModelFile, prefix: str) -> None:
        self.file, self.prefix = file, prefix

    def key(self, name: str) -> str:
        """The whole key."""
        return f"{self.prefix}.{name}"

    def stated(self, name: str) -> bool:
        """Whether the file has the key."""
        return self.key(name) in self.file.metadata

    def size(self, name: str) -> int:
        """A whole number above 0.

        Raises:
            UnusableInput: missing, of another type, or not positive.
        """
        return int(self._positive(name, self.file.require(self.key(name), int)))

    def number(self, name: str) -> float:
        """A finite number above 0.

        Raises:
            UnusableInput: missing, of another type, not positive or not finite.
        """
        return self._positive(name, self.file.require(self.key(name), float))

    def number_or(self, name: str, default: float) -> float:
        """The same, or what the GGUF specification or llama.cpp takes where the file does not say."""
        return self.number(name) if self.stated(name) else default

    def refuse(self, problem: str, name: str) -> UnusableInput:
        """An error at a key, to be raised."""
        return UnusableInput(problem, where=f"{self.file.path}: metadata key {self.key(name)!r}")

    def unsupported(self, feature: str) -> UnsupportedModel:
        """An error about something that is not built, to be raised."""
        return UnsupportedModel(f"has {feature}, which is not built here", where=str(self.file.path))

    def _positive(self, name: str, value: float) -> float:
        if not np.isfinite(value) or value <= 0:
            raise self.refuse(f"is {value}, it must be positive", name)
        return value


def read_config(file: ModelFile, architecture: str, rope_kind: RopeKind, *, moe: bool = False) -> Config:
    """Hyper-parameters of a decoder.

    Two may be absent because the GGUF specification says what they are then: `attention.head_count_kv` (as many as
    query heads) and `attention.key_length` (hidden / heads). `rope.dimension_count` absent is `attention.key_length`.

    Args:
        file: the model.
        architecture: what its keys begin with.
        rope_kind: how GGUF files of the architecture order the rows of queries and keys; the file's own word comes first.
        moe: whether the feed-forward part is a mixture of experts.

    Raises:
        UnusableInput: a key is missing, of another type, or out of range.
        UnsupportedModel: a feature of the architecture that is not built here.
    """
    read = Reader(file, architecture)
    hidden, n_heads = read.size("embedding_length"), read.size("attention.head_count")
    n_kv_heads = read.size("attention.head_count_kv") if read.stated("attention.head_count_kv") else n_heads
    if not read.stated("attention.key_length") and hidden % n_heads:
        raise UnusableInput(f"{hidden} dimensions do not divide into {n_heads} heads", where=f"{file.path}: metadata")
    head_dim = read.size("attention.key_length") if read.stated("attention.key_length") else hidden // n_heads
    if n_heads % n_kv_heads:
        raise UnusableInput(
            f"{n_heads} query heads do not divide among {n_kv_heads} key heads", where=f"{file.path}: metadata"
        )
    _refuse_what_is_not_built(read, head_dim, moe=moe)
    n_layers = read.size("block_count")
    if n_layers > len(file.tensors):
        raise UnusableInput(
            f"announces {n_layers} layers, the file holds {len(file.tensors)} tensors",
            where=f"{file.path}: metadata key {read.key('block_count')!r}",
            hint="the file is incomplete",
        )
    if "token_embd.weight" not in file.tensors:
        raise UnusableInput(
            "is missing", where=f"{file.path}: tensor 'token_embd.weight'", hint="the file is incomplete"
        )
    context = read.size("context_length")
    return Config(
        architecture=architecture,
        n_layers=n_layers,
        hidden=hidden,
        feed_forward=read.size("feed_forward_length"),
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head_dim=head_dim,
        vocabulary=file.tensors["token_embd.weight"].shape[0],
        rope=_read_rope(read, file.rope_kind or rope_kind, head_dim, context),
        epsilon=read.number("attention.layer_norm_rms_epsilon"),
        context=context,
        experts=_read_experts(read) if moe else None,
    )


def _read_experts(read: Reader) -> Experts:
    count, used = read.size("expert_count"), read.size("expert_used_count")
    if used > count:
        raise read.refuse(f"is {used}, there are only {count} experts", "expert_used_count")
    if read.stated("expert_weights_norm") and read.file.require(read.key("expert_weights_norm"), bool) is False:
        raise read.unsupported("expert weights that are not normalised")
    scale = read.number_or("expert_weights_scale", 1.0)
    if scale != 1.0:
        raise read.unsupported(f"expert weights scaled by {scale}")
    return Experts(count, used, read.size("expert_feed_forward_length"))


def _read_rope(read: Reader, kind: RopeKind, head_dim: int, context: int) -> Rope:
    """The rotation, scaled as `rope.scaling.*` says; a type that is absent is linear, as llama.cpp takes it."""
    dims = read.size("rope.dimension_count") if read.stated("rope.dimension_count") else head_dim
    if dims % 2 or dims != head_dim:
        raise UnusableInput(
            f"rope.dimension_count {dims} does not fit heads of {head_dim}", where=f"{read.file.path}: metadata"
        )
    rope = Rope(kind, read.number("rope.freq_base"), dims, divisors=_read_divisors(read, dims))
    stated = read.file.optional(read.key("rope.scaling.type"), str)
    attention = read.number_or("rope.scaling.attn_factor", 1.0)
    if stated != "yarn" and attention != 1.0:
        raise read.unsupported("rope scaling by rope.scaling.attn_factor")
    if stated == "none":
        return rope
    factor = _read_factor(read)
    if stated == "yarn":
        if rope.divisors is not None:
            raise read.unsupported("rope scaling 'yarn' beside rope_freqs.weight")
        if read.stated("rope.scaling.yarn_log_multiplier"):
            raise read.unsupported("rope.scaling.yarn_log_multiplier")
        return Rope(kind, rope.theta, dims, factor, None, _read_yarn(read, context, attention))
    if stated not in (None, "linear"):
        raise read.unsupported(f"rope scaling {stated!r}")
    return Rope(kind, rope.theta, dims, factor, rope.divisors)


# What llama.cpp takes for granted in these architectures: it reads no such key for them, so that a file with another value
# would be another model there.
_YARN_FIXED = {"yarn_beta_fast": 32.0, "yarn_beta_slow": 1.0, "yarn_ext_factor": 1.0, "yarn_attn_factor": 1.0}


def _read_yarn(read: Reader, context: int, attention: float) -> Yarn:
    for name, fixed in _YARN_FIXED.items():
        value = read.file.optional(read.key(f"rope.scaling.{name}"), float)
        if value not in (None, fixed):
            raise read.unsupported(f"rope.scaling.{name} {value} instead of {fixed:g}")
    stretched = "rope.scaling.original_context_length"
    return Yarn(read.size(stretched) if read.stated(stretched) else context, attention)


def _read_factor(read: Reader) -> float:
    """`rope.scaling.factor`, or its old name; 0 stands for none, as llama.cpp takes it."""
    for name in ("rope.scaling.factor", "rope.scale_linear"):
        value = read.file.optional(read.key(name), float)
        if value:
            if not math.isfinite(value) or value < 0:
                raise read.refuse(f"is {value}, it must be positive", name)
            return value
    return 1.0


def _read_divisors(read: Reader, dims: int) -> tuple[float, ...] | None:
    """`rope_freqs.weight`, where the file has it: what converters make of llama3's scaling."""
    name = "rope_freqs.weight"
    tensor = read.file.tensors.get(name)
    if tensor is None:
        return None
    if tensor.type_name != "F32" or tensor.shape != (dims // 2,):
        raise UnusableInput(
            f"is {tensor.type_name} {list(tensor.shape)}, F32 [{dims // 2}] is needed",
            where=f"{read.file.path}: tensor {name!r}",
        )
    values = np.ascontiguousarray(read.file.raw(name)).view("<f4").ravel()
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise UnusableInput("holds numbers that are not positive", where=f"{read.file.path}: tensor {name!r}")
    return tuple(values.tolist())


def _refuse_what_is_not_built(read: Reader, head_dim: int, *, moe: bool) -> None:
    """Features that some models have; running without them would be another model."""
    file = read.file
    value_dim = read.size("attention.value_length") if read.stated("attention.value_length") else head_dim
    features = {
        "attention that looks ahead": file.metadata.get(read.key("attention.causal"), True) is not True,
        "attention over a sliding window": bool(file.metadata.get(read.key("attention.sliding_window"), 0)),
        "heads whose values are not as wide as their keys": value_dim != head_dim,
        "a mixture of experts": not moe and bool(file.metadata.get(read.key("expert_count"), 0)),
        "layers that share experts": bool(file.metadata.get(read.key("expert_shared_count"), 0)),
    }
    for feature, present in features.items():
        if present:
            raise read.unsupported(feature)
