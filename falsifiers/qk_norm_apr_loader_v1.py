"""Falsifiers of `qk-norm-apr-loader-v1`: the gains of single heads, from the file to the stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pv import Claim, Evidence

CONTRACT = "qk-norm-apr-loader-v1"
TOKENS = 16
LAYERS = 2  # of the tiny models


def _names(stored: str) -> list[str]:
    return [stored.format(layer=layer, part=part) for layer in range(LAYERS) for part in "qk"]


@falsifies(CONTRACT, "FALSIFY-QKN-LOAD-001")
def the_gains_are_loaded(
    evidence: Evidence, small_file: Any, small_path: Any, imported: Any, load_apr: Any, model: str
) -> None:
    """Bytes of both files."""
    evidence.level("algorithm")
    name, _, layout = model.partition("/")
    theirs, ours = small_file(name), load_apr(imported(small_path(name), layout).path)
    for tensor in _names("blk.{layer}.attn_{part}_norm.weight"):
        evidence.compared(theirs.tensors[tensor].nbytes, "bytes")
        if tensor not in ours.tensors or not np.array_equal(theirs.raw(tensor), ours.raw(tensor)):
            raise Refuted("not the gains of the GGUF file", stage=tensor)


@falsifies(CONTRACT, "FALSIFY-QKN-LOAD-002")
def nothing_is_made_up(
    evidence: Evidence, small_path: Any, imported: Any, refusal_of: Any, tmp_path: Path, model: str
) -> None:
    """Each norm left out in turn."""
    evidence.level("algorithm")
    whole = imported(small_path(model), "hf")
    for tensor in _names("model.layers.{layer}.self_attn.{part}_norm.weight"):
        problem = refusal_of(whole.without(tensor, tmp_path / f"{tensor}.apr"))
        evidence.compared(1, "files")
        _, _, _, layer, _, norm, _ = ("", *tensor.split("."))
        if problem is None or f"blk.{layer}.attn_{norm}" not in problem:
            raise Refuted(f"without {tensor}: {problem}", stage="refusal")


@falsifies(CONTRACT, "FALSIFY-QKN-LOAD-003")
def the_gains_are_applied(
    claim: Claim,
    evidence: Evidence,
    small_path: Any,
    imported: Any,
    run_apr: Any,
    some_tokens: Any,
    decoded: Any,
    model: str,
) -> None:
    """The formula in float64, over what the stage before made."""
    evidence.level("algorithm")
    name, _, layout = model.partition("/")
    subject = run_apr(imported(small_path(name), layout).path, "f64")
    config = subject.model.config
    capture = subject.capture(some_tokens(name, TOKENS))
    of = {(key.stage, key.layer): array for key, array in capture.stages.items()}
    widths = {"q": slice(0, config.q_width), "k": slice(config.q_width, config.q_width + config.kv_width)}
    for layer in range(config.n_layers):
        for part, columns in widths.items():
            heads = of["qkv_matmul", layer][:, columns].reshape(TOKENS, -1, config.head_dim)
            gains = decoded(name)(f"blk.{layer}.attn_{part}_norm.weight")
            mean = np.mean(heads**2, axis=2, keepdims=True)
            expected: NDArray[np.float64] = (heads / np.sqrt(mean + config.epsilon) * gains).reshape(TOKENS, -1)
            seen, stage = of[f"{part}_norm", layer], f"{part}_norm"
            distance = float(np.sqrt(np.mean((seen - expected) ** 2) / np.mean(expected**2)))
            evidence.compared(expected.size, "numbers")
            evidence.worst(distance, bound=claim.tolerance, stage=stage, layer=layer)
            if not distance <= claim.tolerance:
                raise Refuted(f"{distance:.2e} off the formula", stage=stage, layer=layer, distance=distance)
