"""Sizes that follow from a model's hyper-parameters, and which hyper-parameters make no model, by the runtime's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from apr.errors import UnusableInput
from apr.formats.model_file import ModelFile
from apr.models.config import Config, read_config
from apr.ops.attention import repeat_heads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from apr.formats.model_file import Value

_ARCHITECTURE = "llama"
_EMBEDDING = "token_embd.weight"


class Said(NamedTuple):
    """A tensor of which a file says everything but holds no data."""

    name: str
    shape: tuple[int, ...]
    type_name: str = "F32"
    nbytes: int = 0


class Head(ModelFile):
    """The head of a model file that is on no disk: metadata and the list of tensors."""

    format = "gguf"
    rope_kind = None

    def __init__(self, metadata: Mapping[str, Value], tensors: Mapping[str, Said]) -> None:
        self.path = Path("a model of sizes alone")  # what messages show
        self.metadata, self.tensors = metadata, tensors

    def raw(self, name: str) -> NoReturn:
        """Refuses: there is no data."""
        raise UnusableInput("holds no data", where=f"{self.path}: tensor {name!r}")

    def release(self, name: str) -> None:
        """Nothing is held."""

    @property
    def sha256(self) -> str:
        """Refuses: there is no file."""
        raise UnusableInput("is no file", where=str(self.path))


def read(*, moe: bool = False, **said: Value) -> Config:
    """The hyper-parameters that the runtime's reader makes of some metadata.

    Args:
        moe: whether the feed-forward part is a mixture of experts.
        **said: keys of the architecture, `__` for a full stop, on top of those of a small sound model. A whole number of 0
            leaves the key out.

    Raises:
        UnusableInput: the reader refuses them.
    """
    sound: dict[str, Value] = {
        "embedding_length": 8, "attention__head_count": 2, "feed_forward_length": 8, "block_count": 1, "context_length": 8,
        "attention__layer_norm_rms_epsilon": 1e-5, "rope__freq_base": 1e4,
    }  # fmt: skip
    given = {**sound, **said}
    metadata = {
        f"{_ARCHITECTURE}.{key.replace('__', '.')}": value for key, value in given.items() if not _left_out(value)
    }
    tensors = {_EMBEDDING: Said(_EMBEDDING, (8, 8))}
    return read_config(Head(metadata, tensors), _ARCHITECTURE, "norm", moe=moe)


def _left_out(value: Value) -> bool:
    return isinstance(value, int) and value == 0


def config_widths(hidden: int, heads: int, kv_heads: int, key_length: int) -> NDArray[np.int64]:
    """Head width, columns of all queries, columns of all keys, and query heads a key head: [4] int64.

    Args:
        hidden: `embedding_length`.
        heads: `attention.head_count`.
        kv_heads: `attention.head_count_kv`; 0 where the file does not say.
        key_length: `attention.key_length`; 0 where the file does not say.

    Raises:
        UnusableInput: no model has these sizes.
    """
    config = read(embedding_length=int(hidden), attention__head_count=int(heads), attention__head_count_kv=int(kv_heads),
                  attention__key_length=int(key_length))  # fmt: skip
    group = config.n_heads // config.n_kv_heads
    return np.asarray([config.head_dim, config.q_width, config.kv_width, group], np.int64)


def config_is_read(
    hidden: int, heads: int, kv_heads: int, key_length: int, theta: float, epsilon: float
) -> NDArray[np.bool_]:
    """Whether a model of these sizes is read: [] bool.

    Args:
        hidden: `embedding_length`.
        heads: `attention.head_count`.
        kv_heads: `attention.head_count_kv`; 0 where the file does not say.
        key_length: `attention.key_length`; 0 where the file does not say.
        theta: base of the rotation; any number, NaN and infinities among them.
        epsilon: what the norms add; any number.
    """
    try:
        read(embedding_length=int(hidden), attention__head_count=int(heads), attention__head_count_kv=int(kv_heads),
             attention__key_length=int(key_length), rope__freq_base=float(theta),
             attention__layer_norm_rms_epsilon=float(epsilon))  # fmt: skip
    except UnusableInput:
        return np.asarray(False)  # the result itself
    return np.asarray(True)  # the result itself


def experts_are_read(count: int, used: int, feed_forward: int) -> NDArray[np.bool_]:
    """Whether a mixture of `count` experts, `used` a position, of `feed_forward` columns each, is read: [] bool."""
    try:
        read(
            moe=True, expert_count=int(count), expert_used_count=int(used), expert_feed_forward_length=int(feed_forward)
        )
    except UnusableInput:
        return np.asarray(False)  # the result itself
    return np.asarray(True)  # the result itself


def kv_head_of(heads: int, kv_heads: int) -> NDArray[np.int64]:
    """The key head that each query head reads: [heads] int64, as `apr.ops.attention.repeat_heads` copies them."""
    numbered = np.arange(kv_heads, dtype=np.float64).reshape(1, kv_heads, 1)
    return repeat_heads(numbered, heads).reshape(heads).astype(np.int64)
