"""Falsifiers of `apr-vs-gguf-forward-parity-v1`: one model in two formats, compared from the bytes to the logits."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from given.judging import hold_within
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv import Claim, Evidence

CONTRACT = "apr-vs-gguf-forward-parity-v1"
PROSE = Path(__file__).resolve().parent.parent / "fixtures" / "prose.txt"
TOKENS = 16


@falsifies(CONTRACT, "FALSIFY-APR-GGUF-PARITY-001")
def weights_are_the_same_bytes(
    evidence: Evidence, small_file: Any, small_path: Any, imported: Any, load_apr: Any, model: str
) -> None:
    """Tensor by tensor, then both hashes."""
    evidence.level("algorithm")
    name, _, layout = model.partition("/")
    theirs, ours = small_file(name), load_apr(imported(small_path(name), layout).path)
    lonely = sorted(set(theirs.tensors) ^ set(ours.tensors))
    if lonely:
        raise Refuted(f"{lonely[0]} is in one file only", stage=lonely[0])
    for tensor in sorted(theirs.tensors):
        a, b = theirs.tensors[tensor], ours.tensors[tensor]
        evidence.compared(a.nbytes, "bytes")
        if (a.type_name, a.shape) != (b.type_name, b.shape):
            raise Refuted(f"{a.type_name} {a.shape} became {b.type_name} {b.shape}", stage=tensor)
        if not np.array_equal(theirs.raw(tensor), ours.raw(tensor)):
            raise Refuted("other bytes", stage=tensor)
    if theirs.weights_sha256 != ours.weights_sha256:
        raise Refuted("equal tensors hash to other weights", stage="weights_sha256")


@falsifies(CONTRACT, "FALSIFY-APR-GGUF-PARITY-002")
def hyper_parameters_are_the_same(
    evidence: Evidence, small_path: Any, imported: Any, run_apr: Any, run_gguf: Any, model: str
) -> None:
    """Field by field."""
    evidence.level("algorithm")
    name, _, layout = model.partition("/")
    theirs = run_gguf(small_path(name)).model.config
    ours = run_apr(imported(small_path(name), layout).path).model.config
    for field in fields(theirs):
        evidence.compared(1, "hyper-parameters")
        a, b = getattr(theirs, field.name), getattr(ours, field.name)
        if a != b:
            raise Refuted(f"{field.name} is {b}, in the GGUF file {a}", stage=field.name)


@falsifies(CONTRACT, "FALSIFY-APR-GGUF-PARITY-003")
def stages_are_the_same(
    evidence: Evidence, small_path: Any, imported: Any, run_apr: Any, run_gguf: Any, some_tokens: Any, model: str
) -> None:
    """Free runs in one arithmetic: nothing is summed in another order, so every bit has to be equal."""
    evidence.level("algorithm")
    name, _, layout = model.partition("/")
    tokens = some_tokens(name, TOKENS)
    theirs = run_gguf(small_path(name)).capture(tokens)
    ours = run_apr(imported(small_path(name), layout).path).capture(tokens)
    assert list(ours.stages) == list(theirs.stages), "other stages"
    for key in theirs.keys_in_order():
        a, b = theirs[key], ours[key]
        evidence.compared(a.size, "numbers, bit by bit")
        rows = np.flatnonzero((a.view(np.uint32) != b.view(np.uint32)).any(axis=1))
        if rows.size:
            raise Refuted(f"{key} differs", stage=key.stage, layer=key.layer, position=int(rows[0]))


@falsifies(CONTRACT, "FALSIFY-APR-GGUF-PARITY-004")
def llama_cpp_makes_the_same_of_the_gguf(
    claim: Claim,
    evidence: Evidence,
    small_path: Any,
    imported: Any,
    run_apr: Any,
    measure_against_llama_cpp: Callable[[Any, str, int], Any],
    model: str,
) -> None:
    """The subject reads .apr, the oracle .gguf; that they may be compared is seen from the hash of their weights."""
    name, _, layout = model.partition("/")
    subject = run_apr(imported(small_path(name), layout).path, "ggml")
    measurement = measure_against_llama_cpp(subject, name, TOKENS)
    evidence.level("independent")
    hold_within(claim, evidence, measurement)


@falsifies(CONTRACT, "FALSIFY-APR-GGUF-PARITY-005")
def tokens_are_the_same(
    evidence: Evidence, small_file: Any, small_path: Any, imported: Any, load_apr: Any, tokenizer_of: Any, model: str
) -> None:
    """A text that uses the merges."""
    evidence.level("algorithm")
    evidence.input("fixture", PROSE)
    text = PROSE.read_text(encoding="utf-8")
    name, _, layout = model.partition("/")
    theirs = tokenizer_of(small_file(name))
    ours = tokenizer_of(load_apr(imported(small_path(name), layout).path))
    a, b = theirs.encode(text), ours.encode(text)
    evidence.compared(len(a), "tokens")
    if a != b or theirs.special != ours.special:
        raise Refuted(f"{len(b)} tokens, of the GGUF file {len(a)}", stage="tokens")


@falsifies(CONTRACT, "FALSIFY-APR-GGUF-PARITY-006")
def it_holds_for_a_trained_model(
    claim: Claim,
    evidence: Evidence,
    model_path: Path,
    imported: Any,
    run_apr: Any,
    oracle: Any,
    sound_captures: Any,
    measure_isolated: Any,
) -> None:
    """SmolLM2-135M in GGUF's layout of .apr."""
    assert oracle is not None
    evidence.input("model", model_path)
    subject = run_apr(imported(model_path, "gguf").path, "ggml")
    measurement = measure_isolated(subject, sound_captures(TOKENS))
    evidence.level("independent")
    hold_within(claim, evidence, measurement)
