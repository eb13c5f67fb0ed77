"""Every fault that real runtimes had, and every one that small-fault figures are about, is planted and named by a claim."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from apr import mutants
from apr.mutants import harness, model
from apr.parity.kinds import KINDS

ROOT = Path(__file__).resolve().parents[3]

# What went wrong in real runtimes and harnesses, by what it went wrong in, and the faults here that are it.
REAL: dict[str, dict[str, tuple[str, ...]]] = {
    "layout": {
        "a product reads its matrix transposed": ("head-transposed",),
        "dimensions not reversed": ("dims-not-reversed", "apr-dims-reversed"),
        "data transposed on import": ("data-transposed", "head-turned-round"),
    },
    "types": {
        "a code that stands for two types": ("apr-type-by-code-alone", "apr-bf16-as-f16"),
        "an unknown type read as F32": ("apr-unknown-as-f32",),
        "Q5_K decoded as Q4_K": ("q5_k-as-q4_k", "decoded-q5_k-as-q4_k"),
        "the stride of Q5_K": ("q5_k-stride",),
        "scales of Q2_K and Q3_K": ("q2_k-scales-for-minima", "q3_k-scales-upper-bits", "decoded-q3_k-scales-in-order"),
        "float16 subnormals halved": ("f16-subnormals-halved",),
        "float16 cut instead of rounded": ("f16-cut",),
    },
    "names": {
        "`model.` once more in front": ("any-prefix", "model-prefix-twice"),
        "a missing tensor filled with zeros": ("apr-tensor-zero-filled", "apr-down-zeros", "tensor-zero-filled"),
        "a missing norm filled with ones": ("apr-norm-ones", "apr-q-norm-ones", "norm-of-ones"),
    },
    "attention": {
        "no norm of query and key heads": ("q-norm-missing", "k-norm-missing"),
        "neighbours rotate for halves, and halves for neighbours": ("neighbours-for-halves", "halves-for-neighbours"),
        "theta of another model": ("theta-default", "rope-theta-10000", "apr-theta-default"),
        "biases dropped": ("bias-dropped", "suspect-biases"),
        "scale omitted": ("scale-omitted",),
        "no causal mask": ("mask-missing", "mask-off-by-one"),
        "heads of hidden / heads": ("scale-of-hidden", "head-dim-dropped"),
    },
    "norm": {"epsilon of another model": ("epsilon-1e-6", "apr-epsilon-default", "epsilon-hard-coded")},
    "experts": {
        "weights not normalised": ("moe-not-normalised", "router-not-normalised"),
        "ties in another order": ("router-ties-to-the-higher",),
        "the kernel of Q4_K on Q6_K": ("moe-q6_k-as-q4_k",),
        "slices off": ("moe-slice-one-row-off", "moe-next-slice"),
        "experts swapped under the same weights": ("moe-experts-swapped",),
    },
    "head": {
        "untied or zero": ("head-of-the-embedding", "head-of-zeros", "head-zeroed"),
        "the number of heads guessed": ("heads-guessed", "heads-twice-as-many"),
    },
    "activations": {"an outlier crushes its block of 256": ("activations-crushed",)},
    "harness": {
        "all positions against the last": ("anything-compared", "positions-unchecked"),
        "the last position only": ("last-position-only",),
        "NaN lost in a minimum": ("nan-lost",),
        "the first token only": ("first-position-only",),
        "stop tokens forgotten": ("stop-tokens-forgotten",),
        "files of an earlier run": ("stale-files-read",),
        "held against itself": ("self-comparison",),
    },
}
# faults of engines that a parity run has to find, whose kind nobody asks for, and why
UNASKED = {
    "q-norm-over-all-heads": "it is told as `wrong weights: all heads are normalised at once`; the sentence is right and the name is not",
}
# what no fault can be planted for, and why
NOT_HERE = {
    "equal texts under a template that nobody pinned": "no claim here compares generated texts: stages and logits are compared",
}


@pytest.fixture(scope="module")
def planted() -> dict[str, Any]:
    return {
        name: fault
        for module in pkgutil.iter_modules(mutants.__path__)
        for name, fault in getattr(importlib.import_module(f"apr.mutants.{module.name}"), "MUTANTS", {}).items()
    }


@pytest.fixture(scope="module")
def killed_by() -> dict[str, list[str]]:
    """The claims that name each mutant."""
    claims: dict[str, list[str]] = {}
    for path in sorted((ROOT / "contracts").glob("*.yaml")):
        for claim in yaml.safe_load(path.read_text(encoding="utf-8"))["falsification_tests"]:
            for entry in claim.get("mutants", []):
                claims.setdefault(entry["id"], []).append(f"{path.stem}::{claim['id']}")
    return claims


@pytest.mark.parametrize("what", [what for part in REAL.values() for what in part])
def test_what_went_wrong_elsewhere_is_planted_here(
    planted: dict[str, Any], killed_by: dict[str, list[str]], what: str
) -> None:
    (names,) = (part[what] for part in REAL.values() if what in part)
    assert names
    for name in names:
        assert name in planted
        assert killed_by.get(name), f"no claim names {name}"


def test_what_is_not_planted_has_a_reason() -> None:
    assert all(NOT_HERE.values())
    assert not NOT_HERE.keys() & {what for part in REAL.values() for what in part}


def test_a_parity_run_is_held_to_sixty_faults(killed_by: dict[str, list[str]]) -> None:
    here = {name for name, claims in killed_by.items() if any(c.startswith("parity-localisation-v1::") for c in claims)}
    assert len(here) >= 60
    assert model.MUTANTS.keys() <= here
    assert harness.MUTANTS.keys() <= here


def test_the_small_faults_of_the_benchmark_are_planted(
    planted: dict[str, Any], killed_by: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("small_faults", ROOT / "benchmarks" / "small_faults.py")
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, bench)
    spec.loader.exec_module(bench)
    assert len(set(bench.OF_THE_MODEL)) == 38
    assert len(set(bench.OF_ONE_PRODUCT)) == 6
    for name in (*bench.OF_THE_MODEL, *bench.OF_ONE_PRODUCT):
        assert name in planted
        assert name in killed_by


def test_kinds_are_spelled_as_they_are_told(planted: dict[str, Any]) -> None:
    told = {kind for fault in planted.values() for kind in getattr(fault, "kinds", ())}
    assert told <= set(KINDS)
    assert len(told) > 10


def test_of_every_fault_that_a_parity_run_finds_the_kind_is_asked(
    planted: dict[str, Any], killed_by: dict[str, list[str]]
) -> None:
    here = {name for name, claims in killed_by.items() if any(c.startswith("parity-localisation-v1::") for c in claims)}
    engines = here - harness.MUTANTS.keys()
    assert {name for name in engines if not planted[name].kinds} == UNASKED.keys()
    vague = {name for name in engines if "scattered" in planted[name].kinds}
    at_one = {name for name in engines if getattr(planted[name], "position", None) is not None}
    contract = yaml.safe_load((ROOT / "contracts" / "parity-localisation-v1.yaml").read_text(encoding="utf-8"))
    told = [one["reason"] for one in contract["status_history"] if "faults of engines" in one["reason"]][-1]
    named = len(engines) - len(UNASKED) - len(vague)
    for count, what in (
        (len(engines), "faults of engines"), (named, "by a name"), (len(vague), "`scattered`"), (len(at_one), "one position"),
        (len(harness.MUTANTS), "faults of the harness"),
    ):  # fmt: skip
        assert re.search(rf"\b{count}\b[^,;.]*{re.escape(what)}", told), f"{count} {what}: {told}"


@pytest.mark.parametrize("name", model.MUTANTS)
def test_positions_are_within_the_text(name: str) -> None:
    where = model.MUTANTS[name].position
    for count in (2, 16, 48, 128, 300):
        assert where is None or 0 <= where(count) < count
