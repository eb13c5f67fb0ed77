"""Falsifiers of `tied-embeddings-v1`: the head against products made apart, against llama.cpp, and through an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from given.judging import hold_rows, hold_within
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pv import Claim, Evidence

CONTRACT = "tied-embeddings-v1"
TOKENS = 16


def _stages(capture: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """final_norm and lm_head."""
    norm, head = capture.keys_in_order()[-2:]
    assert (norm.stage, head.stage) == ("final_norm", "lm_head")
    return capture[norm], capture[head]


@falsifies(CONTRACT, "FALSIFY-TE-001")
def a_tied_head_is_the_embedding(
    claim: Claim, evidence: Evidence, small_subject: Any, some_tokens: Any, decoded: Any, model: str
) -> None:
    """The product with the embedding, decoded apart. The free run's own norm is the reference's, computed once more here."""
    evidence.level("algorithm")
    subject = small_subject(model, "f64")
    assert "output.weight" not in subject.file.tensors, "the model is not tied"
    _, logits = _stages(capture := subject.capture(some_tokens(model, TOKENS)))
    layer_output = capture[capture.keys_in_order()[-3]]
    mean = np.mean(layer_output**2, axis=1, keepdims=True)
    normed = layer_output / np.sqrt(mean + subject.model.config.epsilon) * decoded(model)("output_norm.weight")
    hold_rows(claim, evidence, logits, normed @ decoded(model)("token_embd.weight").T, "lm_head")


@falsifies(CONTRACT, "FALSIFY-TE-002")
def a_head_of_its_own_is_used(
    claim: Claim, evidence: Evidence, small_subject: Any, some_tokens: Any, decoded: Any, model: str
) -> None:
    """The product with output.weight, which must not be that with the embedding."""
    evidence.level("algorithm")
    subject = small_subject(model, "f64")
    norm, logits = _stages(subject.capture(some_tokens(model, TOKENS)))
    own, tied = (norm @ decoded(model)(name).T for name in ("output.weight", "token_embd.weight"))
    assert np.abs(own - tied).max() > 1, "the model does not tell the two apart"
    hold_rows(claim, evidence, logits, own, "lm_head")


@falsifies(CONTRACT, "FALSIFY-TE-003")
def llama_cpp_ties_the_same(claim: Claim, evidence: Evidence, measure_small: Any, model: str) -> None:
    """The head alone, from llama.cpp's own final norm."""
    evidence.level("independent")
    hold_within(claim, evidence, measure_small(model, TOKENS), ("lm_head",))


@falsifies(CONTRACT, "FALSIFY-TE-004")
def the_copy_is_the_tied_head(
    evidence: Evidence,
    small_path: Any,
    imported: Any,
    run_apr: Any,
    run_gguf: Any,
    refusal_of: Any,
    some_tokens: Any,
    tmp_path: Path,
    model: str,
) -> None:
    """The .apr beside its GGUF, then with a bit of the copy changed: the first, one in the middle, the last."""
    evidence.level("algorithm")
    tokens, copy = some_tokens(model, TOKENS), imported(small_path(model), "hf")
    subject = run_apr(copy.path)
    if "output.weight" in subject.file.tensors:
        raise Refuted("the copy counts as a head of its own", stage="output.weight")
    _, theirs = _stages(run_gguf(small_path(model)).capture(tokens))
    _, ours = _stages(subject.capture(tokens))
    evidence.compared(ours.size, "logits, bit by bit")
    if not np.array_equal(ours, theirs):
        raise Refuted("the imported model has other logits", stage="lm_head")
    extent = copy.extent("lm_head.weight")
    for place in (extent[0], extent[len(extent) // 2], extent[-1]):
        damaged, content = tmp_path / f"{place}.apr", bytearray(copy.path.read_bytes())
        content[place] ^= 1
        damaged.write_bytes(content)
        problem = refusal_of(damaged)
        evidence.compared(1, "damaged copies")
        if problem is None or "tied" not in problem:
            raise Refuted(f"a copy that differs is taken for the embedding: {problem}", stage="output.weight")
