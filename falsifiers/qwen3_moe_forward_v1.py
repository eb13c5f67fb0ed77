"""Falsifiers of `qwen3-moe-forward-v1`: what is refused, what is generated, and every stage against two other runtimes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from given.judging import hold_within
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv import Claim, Evidence

CONTRACT = "qwen3-moe-forward-v1"
POSITIONS = 32
PROMPT = "the experts of a mixture"
NEW_TOKENS = 12
DENSE = ("ffn_gate.weight", "ffn_up.weight", "ffn_down.weight")


@falsifies(CONTRACT, "FALSIFY-QW3-MOE-FORWARD-001")
def the_dense_path_refuses(evidence: Evidence, apr: Any, experts_called_dense: Path) -> None:
    """The real program on a file whose metadata says qwen3 and whose tensors are experts."""
    evidence.level("algorithm")
    done = apr("trace", experts_called_dense, "--payload")
    evidence.compared(1, "runs")
    said = done.stderr
    named = all(name in said for name in ("'blk.0.ffn_gate.weight'", "'blk.0.ffn_gate_exps.weight'"))
    if done.returncode != 2 or not named or "Traceback" in said or len(said.splitlines()) != 1:
        raise Refuted(f"exit code {done.returncode}: {said.strip() or done.stdout.strip()}", stage="refusal")


@falsifies(CONTRACT, "FALSIFY-QW3-MOE-FORWARD-002")
def the_refusal_is_structured(
    evidence: Evidence, refusal_of_experts: Callable[[], Any], small_file: Any, model: str
) -> None:
    """Its lists against the file's own index."""
    evidence.level("algorithm")
    file = small_file(model)
    layers = file.metadata["qwen3moe.block_count"]
    expected = {f"blk.{layer}.{part}" for layer in range(layers) for part in DENSE}
    packed = {name for name in file.tensors if name.endswith("_exps.weight")}
    refusal = refusal_of_experts()
    evidence.compared(len(expected) + len(packed), "tensor names")
    if refusal is None:
        raise Refuted("the weights were taken", stage="refusal")
    if set(refusal.missing) != expected or set(refusal.found) != packed:
        raise Refuted(f"missing {refusal.missing}, found {refusal.found}", stage="refusal")


@falsifies(CONTRACT, "FALSIFY-QW3-MOE-FORWARD-003")
def tokens_are_those_of_llama_cpp(evidence: Evidence, apr: Any, small_path: Any, small_oracle: Any) -> None:
    """Greedy generation against the likeliest tokens of llama.cpp, which runs the whole text anew for each."""
    model = "qwen3moe-f32"
    evidence.level("authored")
    oracle = small_oracle(model)
    done = apr(
        "run",
        small_path(model),
        "--prompt",
        PROMPT,
        "--greedy",
        "--max-tokens",
        str(NEW_TOKENS),
        "--ignore-eos",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    tokens = oracle.tokenize(PROMPT)
    if said["prompt_tokens"] != tokens:
        raise Refuted(f"the prompt is {said['prompt_tokens']}, for llama.cpp {tokens}", stage="generation", position=0)
    if len(said["tokens"]) != NEW_TOKENS:
        raise Refuted(f"{len(said['tokens'])} tokens instead of {NEW_TOKENS}", stage="generation")
    for position, token in enumerate(said["tokens"]):
        likeliest = int(oracle.logits(tokens)[-1].argmax())
        evidence.compared(1, "tokens")
        if token != likeliest:
            raise Refuted(f"token {token}, for llama.cpp {likeliest}", stage="generation", position=position)
        tokens.append(token)


@falsifies(CONTRACT, "FALSIFY-QW3-MOE-FORWARD-004")
def every_stage_is_llama_cpps(claim: Claim, evidence: Evidence, measure_small: Any, model: str) -> None:
    """Isolated, over positions that exercise every expert."""
    measurement = measure_small(model, POSITIONS)
    evidence.level("independent")
    hold_within(claim, evidence, measurement)


@falsifies(CONTRACT, "FALSIFY-QW3-MOE-FORWARD-005")
def every_stage_is_that_of_transformers(claim: Claim, evidence: Evidence, measure_transformers: Any) -> None:
    """Isolated, from transformers' own inputs."""
    measurement = measure_transformers("qwen3moe", POSITIONS)
    evidence.level("independent")
    hold_within(claim, evidence, measurement)
