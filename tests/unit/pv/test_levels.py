"""A level is what was recorded, never what is said."""

from __future__ import annotations

from typing import Any

import pytest

from pv.judge import Word, judge
from pv.levels import lacks, producer_of
from pv.signals import Refuted
from pv.words import Expect

MODEL = [{"kind": "model", "path": "m.gguf", "sha256": "0"}]


def engine(role: str, name: str, build: str = "1", producer: str | None = None) -> dict[str, Any]:
    return {"role": role, "name": name, "build": build, "producer": producer or producer_of(name)}


@pytest.mark.parametrize(
    ("name", "producer"),
    [
        ("llama.cpp", "ggml-org"),
        ("ggml", "ggml-org"),
        ("xllamacpp", "ggml-org"),
        ("transformers", "huggingface"),
        ("numpy:ggml", "pv-falsify"),
        ("numpy over .apr", "pv-falsify"),
        ("Candle 0.9", "candle"),
        ("dir:/x/y", "dir"),
        ("", ""),
    ],
)
def test_who_makes_an_engine_follows_from_its_name(name: str, producer: str) -> None:
    assert producer_of(name) == producer


OURS, THEIRS = engine("subject", "numpy"), engine("oracle", "llama.cpp")


@pytest.mark.parametrize(
    ("level", "engines", "inputs", "words"),
    [
        ("algorithm", [], [], ""),
        ("authored", [], [], ""),
        ("measured", [], MODEL, "no engine was recorded"),
        ("measured", [OURS], [], "no model file was recorded"),
        ("measured", [OURS], [{"kind": "fixture"}], "no model file was recorded"),
        ("measured", [OURS], MODEL, ""),
        ("measured", [OURS, THEIRS], [], ""),  # what is worth more is worth this
        ("independent", [], MODEL, "no subject and no oracle was recorded"),
        ("independent", [OURS], MODEL, "no oracle was recorded"),
        ("independent", [THEIRS], MODEL, "no subject was recorded"),
        ("independent", [OURS, THEIRS], [], ""),
        ("independent", [engine("subject", "ggml"), THEIRS], MODEL, "both sides come from ggml-org"),
        ("independent", [OURS, engine("oracle", "numpy")], MODEL, "both sides come from pv-falsify"),
        # a third party beside them does not make the oracle another one
        ("independent", [OURS, THEIRS, engine("oracle", "numpy f64")], [], "both sides come from pv-falsify"),
        ("independent", [OURS, engine("oracle", "x", producer=" PV-Falsify ")], [], "both sides come from pv-falsify"),
        ("independent", [OURS, engine("oracle", "x", producer=" ")], [], "nobody is said to have made the oracle"),
        (
            "independent",
            [
                engine("subject", "a", "a 1 sha256:0123456789ab, AVX2", "one"),
                engine("oracle", "b", "sha256:0123456789ab", "two"),
            ],
            [],
            "both sides are the same build of b",
        ),
        ("independent", [OURS, engine("oracle", " ")], [], "nobody is said to have made the oracle"),
        (
            "independent",
            [engine("subject", "llama.cpp", "b1", "one"), engine("oracle", "llama.cpp", "b1", "another")],
            [],
            "both sides are the same build of llama.cpp",
        ),
        (
            "independent",
            [engine("subject", "llama.cpp", "b1", "one"), engine("oracle", "llama.cpp", "b2", "another")],
            [],
            "",
        ),
    ],
)
def test_what_a_level_lacks(level: str, engines: list[dict[str, Any]], inputs: list[Any], words: str) -> None:
    found = lacks(level, engines, inputs)
    assert (words in found) if words else found == ""
    assert not found or found.startswith(f"says {level}, but ")


def test_a_falsifier_that_says_more_than_it_recorded_is_an_error() -> None:
    how = "says independent, but both sides come from ggml-org"
    verdict = judge(None, compared=1, overstated=how)
    assert (verdict.word, verdict.ok, verdict.message) == (Word.ERROR, False, f"the falsifier {how}")
    expected = judge(Refuted("x"), compared=1, expect=Expect.REFUTED, overstated=how)
    assert expected.word is Word.ERROR
    surprise = judge(Refuted("x"), compared=1, overstated=how)  # the fault that it found is there, whatever its level
    assert surprise.word is Word.REFUTED
    assert judge(None, compared=0, overstated=how).reason == "vacuous"


def test_a_run_that_skipped_everything_is_vacuous_and_says_what() -> None:
    verdict = judge(None, compared=0, left_out="3 stages (no AVX2)")
    assert (verdict.word, verdict.reason) == (Word.INCONCLUSIVE, "vacuous")
    assert verdict.message == "nothing was compared; skipped: 3 stages (no AVX2)"
