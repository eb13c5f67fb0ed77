"""Measurements of a made-up run, with numbers as real runs have them, and the verdicts that belong to them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from apr.parity.histogram import histogram
from apr.parity.metrics import compare_arrays
from apr.parity.null.base import Test
from apr.parity.result import (
    Cell,
    Divergence,
    Gate,
    Kind,
    Measurement,
    Origin,
    Party,
    Power,
    Predictions,
    Rung,
    Verdict,
    View,
    Vote,
)
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Sequence

STAGES = (
    "attn_norm",
    "qkv_matmul",
    "q_post_rope",
    "k_post_rope",
    "attention",
    "attn_out",
    "post_attn_residual",
    "ffn_norm",
    "ffn_gate",
    "ffn_up",
    "ffn_silu",
    "ffn_swigl",
    "ffn_out",
    "post_ffn_residual",
)
# what a person may have named a model: markup, an escape sequence, a right-to-left override
HOSTILE = "<script>window.hacked=1</script>\x1b[31m\u202e&amp;'\"</script>.gguf"
TAU = 2e-7  # honest relative difference
WIDTH = 64
FAULT = StageKey("attn_out", 1)


def keys(layers: int, stages: Sequence[str] = STAGES) -> tuple[StageKey, ...]:
    """The stages of a model of so many layers, in forward order."""
    per_layer = [StageKey(stage, layer) for layer in range(layers) for stage in stages]
    return (StageKey("embedding", 0), *per_layer, StageKey("final_norm", None), StageKey("lm_head", None))


def cell(
    key: StageKey,
    view: View,
    *,
    prompt: int = 0,
    positions: int = 8,
    error: float = 0.3,
    gain: float = 0.0,
    seed: int = 0,
) -> Cell:
    """One comparison of two arrays that are `error` null units apart, the first multiplied by 1 + `gain` at position 5."""
    random = np.random.default_rng(seed)
    b = random.standard_normal((positions, WIDTH))
    a = b + random.standard_normal(b.shape) * TAU * error * np.abs(b)
    a[5 % positions] *= 1 + gain
    d, tau = a - b, TAU * np.abs(b)
    z = np.abs(d) / tau
    profile = np.sqrt((d**2).sum(1) / (b**2).sum(1))
    row, column = (int(index) for index in np.unravel_index(int(z.argmax()), z.shape))
    rows = np.sqrt((z**2).mean(1))
    tests = (
        Test("element", float(z.max()), 1, z.size, float(tau[row, column]), row, column),
        Test("position", float(rows.max()), WIDTH, positions, TAU, int(rows.argmax())),
        Test("stage", float(np.sqrt((z**2).mean())), z.size, 1, TAU),
        Test(
            "gain", float(abs((d * b / tau**2).sum()) / math.sqrt((b**2 / tau**2).sum())), 1, 1, TAU / math.sqrt(z.size)
        ),
    )
    judged = view != "accumulated"
    return Cell(
        prompt,
        key,
        view,
        compare_arrays(a, b, b.shape, limit=3),
        tuple(profile.tolist()),
        tests if judged else (),
        ("sums of 18 blocks in float32", "activations rounded to Q8_1") if judged else (),
        Kind("gain", f"{1 + gain:.4f} times the expected values", 0.998) if gain and judged else None,
        histogram(d, tau) if judged else None,
        Predictions(
            (1e-7,) * (positions - 1) + (3e-4,), (2,) if gain else (), 0.02, {"1": 0.0 if gain else 1.0, "10": 0.9}
        )
        if key.stage == "lm_head" and not judged
        else None,
    )


def measurement(
    layers: int = 3,
    prompts: int = 1,
    positions: int = 8,
    fault: StageKey | None = FAULT,
    model: str = "model.gguf",
) -> Measurement:
    """A run in which every stage from `fault` on differs, the fault's own operation by a gain."""
    expected = keys(layers)
    made = Measurement(
        Party("llama.cpp", "llama.cpp", "b9999", "ggml", "ggml", model, "ab" * 32, "cd" * 32, 2),
        Party("numpy:ggml", "numpy", "0.1.0", "ggml", None, model, "ab" * 32, "cd" * 32, 2),
        tuple(tuple(range(prompt, prompt + positions)) for prompt in range(prompts)),
        expected,
        gates=[
            Gate("subject", "deterministic", passed=True, detail="every byte"),
            Gate("subject", "harmless", passed=True, detail="lm_head with and without capture"),
            Gate("oracle", "harmless", passed=None, detail="it always captures"),
        ],
        notes=["accumulated differences in `ggml` arithmetic are chaotic and judge nothing"],
        origin=Origin(
            ("apr", "parity", "llama.cpp", "--against", "numpy:ggml", model, "--tokens", "1,2,3"),
            {"apr": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "llama.cpp": "b9999"},
            "Some Processor 9000",
            ("avx2", "fma", "f16c"),
            {"--layers": f"0..{layers}"},
            ("Once upon a time",),
        ),
    )
    drift = 1.0
    for prompt in range(prompts):
        for seed, key in enumerate(expected):
            wrong = fault is not None and key == fault
            after = fault is not None and key.order >= fault.order
            drift = 1.0 if seed == 0 else drift * 1.06
            gain = 2e-3 if wrong and prompt == 0 else 0.0
            about = {"prompt": prompt, "positions": positions, "seed": seed + 1000 * prompt}
            made.cells += [
                cell(key, "isolated", error=0.3, gain=gain, **about),
                cell(key, "subject", error=0.2, gain=gain, **about),
                cell(key, "oracle", error=0.2, **about),
                cell(key, "accumulated", error=drift + (4000 if after else 0), **about),
            ]
    if fault is not None:
        made.votes[0, fault] = Vote(
            "subject",
            "two of three agree",
            {"subject to oracle": 2e-3, "subject to numpy:f64": 2e-3, "oracle to numpy:f64": 3e-7},
        )
        made.ladders["subject", 0, fault] = (Rung("activation rounding", 0.04, 8e-5), Rung("operation", 0.96, 1.9e-3))
    return made


def verdict(made: Measurement, fault: StageKey | None = FAULT) -> Verdict:
    """The verdict on such a measurement, put together by hand."""
    tests = sum(len(one.tests) for one in made.cells)
    power = {key.stage: Power(1.2e-6, 3.4e-7, 5.6e-6, 7.8e-5) for key in made.expected}
    if fault is None:
        return Verdict(
            "agrees",
            "every stage is within what rounding explains",
            comparable=True,
            complete=True,
            alpha=1e-6,
            tests=tests,
            power=power,
        )
    wrong = next(one for one in made.cells if one.key == fault and one.view == "isolated")
    first = Divergence(
        0, fault, "isolated", 5, 17, "position", 2e-3, 1.1e-6, 1818.18, wrong.kind, "subject", "two of three agree"
    )
    other = replace(first, key=made.expected[-2], kind=None, excess=3.2, position=None, channel=None)
    return Verdict(
        "diverges",
        f"the sides part at {fault}",
        comparable=True,
        complete=True,
        alpha=1e-6,
        tests=tests,
        first=first,
        runner_up=other,
        born=(first, other),
        inherits=tuple(key for key in made.expected if key.order > fault.order and key != other.key),
        power=power,
    )
