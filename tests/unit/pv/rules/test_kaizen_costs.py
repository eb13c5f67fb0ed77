"""Kaizen records written the wrong way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV516"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}\n'


@pytest.mark.parametrize(
    "good",
    [
        # costs fall
        KIND + "baseline: {alloc_per_step: 1, heap_bytes: 9}\ntarget: {alloc_per_step: 0, heap_bytes: 0}",
        # a cost is traded for another
        KIND + "baseline: {sync_points: 1, heap_bytes: 9}\ntarget: {sync_points: 2, heap_bytes: 0}",
        # costs hold
        KIND + "baseline: {sync_points: 1, rate: 9}\ntarget: {sync_points: 1, rate: 10}",
        # what is no cost may rise
        KIND + "baseline: {d2h_per_block: 0}\ntarget: {d2h_per_block: 9}",
        KIND + "baseline: {batch_size: 4, steps: 1}\ntarget: {batch_size: 1, steps: 4}",
        KIND + "baseline: {cache_hit_rate: 0.1, total_mse: 3}\ntarget: {cache_hit_rate: 0.9, total_mse: 4}",
        KIND
        + "baseline: {async_copies: 0, preallocated: 1, gpu_used: 1}\ntarget: {async_copies: 2, preallocated: 3, gpu_used: 2}",
        # in another unit it is less
        KIND + "baseline: {overhead: 6 ms}\ntarget: {overhead: 500 us}",
        # what cannot be compared says nothing
        KIND + "baseline: {alloc: none}\ntarget: {alloc: 3}",
        # other kinds may have other targets
        "baseline: {alloc: 0}\ntarget: {alloc: 1}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (
            KIND + "baseline: {alloc_per_backward: 0}\ntarget: {alloc_per_backward: §1}",
            "'alloc_per_backward'",
            Severity.WARNING,
        ),
        (KIND + "baseline: {transfer_bytes: 0}\ntarget: {transfer_bytes: §1}", "'transfer_bytes'", Severity.WARNING),
        (KIND + "baseline: {heap_churn: 0}\ntarget: {heap_churn: §1}", "'heap_churn'", Severity.WARNING),
        (KIND + "baseline: {kernel_launches: 0}\ntarget: {kernel_launches: §1}", "'kernel_launches'", Severity.WARNING),
        (KIND + "baseline: {total_overhead: 0}\ntarget: {total_overhead: §1}", "'total_overhead'", Severity.WARNING),
        (KIND + "baseline: {syncs_per_step: 0}\ntarget: {syncs_per_step: §1}", "'syncs_per_step'", Severity.WARNING),
        (KIND + "baseline: {wasted: 0}\ntarget: {wasted: §1}", "'wasted'", Severity.WARNING),
        (KIND + "baseline: {forward_us: 0}\ntarget: {forward_us: §1}", "'forward_us'", Severity.WARNING),
        (KIND + "baseline: {step_ms: 0}\ntarget: {step_ms: §1}", "'step_ms'", Severity.WARNING),
        (
            KIND + "baseline: {cuMemAlloc_per_forward: 0}\ntarget: {cuMemAlloc_per_forward: §1}",
            "'cuMemAlloc_per_forward'",
            Severity.WARNING,
        ),
        (
            KIND + "baseline: {a_ms: 1, b_ms: 2, rate: 5}\ntarget: {rate: 1, b_ms: §3, a_ms: 1}",
            "holds or rises: 'b_ms'",
            Severity.WARNING,
        ),
        (
            KIND + "baseline: {before: {transfer_bytes: 1024}, after: {transfer_bytes: §134217728}}",
            "changed places",
            Severity.WARNING,
        ),
        (KIND + "baseline: {overhead: 500 us}\ntarget: {overhead: §6 ms}", "'overhead'", Severity.WARNING),
        (KIND + "baseline: {gpu: {alloc: 0}}\ntarget: {gpu: {alloc: §2}}", "'gpu.alloc'", Severity.WARNING),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
