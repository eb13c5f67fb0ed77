"""The rotation in a Hugging Face config.json, as GGUF keys: `rope_parameters`, or `rope_theta` and `rope_scaling` before it.

Source: transformers 5.23, `modeling_rope_utils.py`, for what the keys mean and which may be absent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from apr.errors import UnsupportedModel, UnusableInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.formats.hf_json import Json
    from apr.formats.model_file import Value

# what a dictionary of each type may hold beside these; another key could change the rotation without anybody noticing
_COMMON = frozenset({"rope_type", "type", "rope_theta", "partial_rotary_factor"})
_KEYS = {
    "default": frozenset[str](),
    "linear": frozenset({"factor"}),
    "llama3": frozenset({"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}),
    "yarn": frozenset(
        {
            *("factor", "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow"),
            *("mscale", "mscale_all_dim", "truncate"),
        }
    ),
}
# what llama.cpp takes for granted in these architectures, and so what GGUF has no keys for
_YARN_FIXED = {"beta_fast": 32, "beta_slow": 1, "truncate": True}


def rope_keys(config: Json, head_dim: int) -> tuple[dict[str, Value], NDArray[np.float32] | None]:
    """The rotation under GGUF's keys, without the architecture's name in front.

    Args:
        config: the whole config.json.
        head_dim: of queries and keys.

    Returns:
        The keys, and what llama3's scaling divides each pair's frequency by ([head_dim / 2], GGUF's `rope_freqs.weight`).

    Raises:
        UnusableInput: a key is missing, out of range, or stated twice with two values.
        UnsupportedModel: another scaling, a key that this one does not have, a rotation of a part of each head.
    """
    stated = _stated(config)
    kind = _kind(stated)
    unknown = sorted(set(stated.content) - _COMMON - _KEYS[kind])
    if unknown:
        raise UnsupportedModel(f"is no key of rope type {kind!r}", where=stated.where(unknown[0]))
    for place in (stated, config):
        if place.get("partial_rotary_factor") not in (None, 1, 1.0):
            raise place.unsupported("partial_rotary_factor", "only whole heads are rotated here")
    keys: dict[str, Value] = {"rope.freq_base": _theta(config, stated), "rope.dimension_count": head_dim}
    if kind == "linear":
        return keys | {"rope.scaling.type": "linear", "rope.scaling.factor": stated.number("factor")}, None
    if kind == "llama3":
        return keys, _llama3(config, stated, head_dim)
    return keys | _yarn(config, stated) if kind == "yarn" else keys, None


def _stated(config: Json) -> Json:
    """The dictionary that says how to rotate, by its new or its old name; an empty one where there is none."""
    new, old = config.object("rope_parameters"), config.object("rope_scaling")
    if new is not None and old is not None and new.content != old.content:
        raise UnusableInput("differs from $.rope_parameters", where=config.where("rope_scaling"))
    stated = new or old
    if stated is None:
        return type(config)(config.path, {}, at=f"{config.at}.rope_parameters")
    if any(type(value) is dict for value in stated.content.values()):
        raise UnsupportedModel("layers rotate differently", where=f"{config.path}: {stated.at}")
    return stated


def _kind(stated: Json) -> str:
    names = {stated.text(key) for key in ("rope_type", "type") if stated.states(key)}
    if len(names) > 1:
        raise UnusableInput("differs from 'rope_type'", where=stated.where("type"))
    kind = names.pop() if names else "default"
    if kind not in _KEYS:
        key = "rope_type" if stated.states("rope_type") else "type"
        raise stated.unsupported(key, f"only {', '.join(_KEYS)} are built here")
    return kind


def _theta(config: Json, stated: Json) -> float:
    if not stated.states("rope_theta"):
        return config.number("rope_theta")
    theta = stated.number("rope_theta")
    if config.states("rope_theta") and config.number("rope_theta") != theta:
        raise UnusableInput(f"differs from {stated.at}.rope_theta", where=config.where("rope_theta"))
    return theta


def _original_context(config: Json, stated: Json) -> int:
    """Positions before the model was stretched; where nothing says it, `max_position_embeddings`, as transformers takes it."""
    key = "original_max_position_embeddings"
    found = {place.size(key) for place in (stated, config) if place.states(key)}
    if len(found) > 1:
        raise UnusableInput(f"differs from {stated.at}.{key}", where=config.where(key))
    return found.pop() if found else config.size("max_position_embeddings")


def _llama3(config: Json, stated: Json, head_dim: int) -> NDArray[np.float32]:
    """llama3's divisors from the keys that state them."""
    factor = stated.number("factor")
    low, high = stated.number("low_freq_factor"), stated.number("high_freq_factor")
    if high <= low:
        raise UnusableInput(f"is {high}, it must be above low_freq_factor", where=stated.where("high_freq_factor"))
    return llama3_divisors(head_dim, _theta(config, stated), factor, _original_context(config, stated), low, high)


def llama3_divisors(
    dims: int, theta: float, factor: float, original: int, low: float, high: float
) -> NDArray[np.float32]:
    """What llama3's scaling divides each pair's frequency by: [dims / 2].

    Waves shorter than `original / high` stay, longer ones than `original / low` are divided by the factor, and between the
    two the frequency is a mixture of both (Grattafiori et al. 2024, code of the model).

    Args:
        dims: how many dimensions of a head rotate.
        theta: base of the frequencies.
        factor: what the lowest frequencies are divided by.
        original: positions before the model was stretched.
        low: `low_freq_factor`, rotations over the original context below which a frequency is divided.
        high: `high_freq_factor`, rotations above which it stays; greater than `low`.
    """
    wavelengths = 2 * math.pi * theta ** (np.arange(0, dims, 2, dtype=np.float64) / dims)
    kept = np.clip((original / wavelengths - low) / (high - low), 0, 1)  # 1: the frequency stays, 0: it is divided
    divisors: NDArray[np.float32] = (1 / ((1 - kept) / factor + kept)).astype(np.float32)
    return divisors


def _yarn(config: Json, stated: Json) -> dict[str, Value]:
    """YaRN's keys. transformers states the whole factor of sine and cosine, GGUF what is beside `0.1 ln(factor) + 1`."""
    for key, fixed in _YARN_FIXED.items():
        if stated.get(key) not in (None, fixed):
            raise stated.unsupported(key, f"only {str(fixed).lower()} is built here")
    factor = stated.number("factor")
    keys: dict[str, Value] = {
        "rope.scaling.type": "yarn",
        "rope.scaling.factor": factor,
        "rope.scaling.original_context_length": _original_context(config, stated),
    }

    def magnitude(scale: float) -> float:
        return 0.1 * scale * math.log(factor) + 1 if factor > 1 else 1.0

    whole = magnitude(1)
    if stated.states("attention_factor"):
        whole = stated.number("attention_factor")
    elif stated.states("mscale") and stated.states("mscale_all_dim"):
        whole = magnitude(stated.number("mscale")) / magnitude(stated.number("mscale_all_dim"))
    if whole != magnitude(1):
        keys["rope.scaling.attn_factor"] = whole / magnitude(1)
    return keys
