"""Tests that pass where they cannot run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV412"


@pytest.mark.parametrize(
    "good",
    [
        "command -v ollama || exit 77\n./compare.sh",
        "command -v ollama || { echo missing; exit 1; }\n./compare.sh",
        "if command -v ollama; then ./compare.sh; fi",
        "apr check m.apr || exit 0\napr list",
        "diff a b && exit 1 || exit 0",
        "[ $n -eq 3 ] || exit 0\napr check m.apr",
        "[ -f m.apr ] && exit 0\napr check m.apr",
        "[ ! -f m.apr ] || exit 0\napr check m.apr",
        "! [ ! -f m.apr ] && exit 0\napr check m.apr",
        "if [ -f m.apr ]; then exit 0; fi\napr check m.apr",
        "if [ ! -f m.apr ]; then exit 2; fi\napr check m.apr",
        '[ -z "$MODEL" ] || exit 0\napr check $MODEL',
        "if ! command -v ollama; then echo missing; exit 2; fi\n./compare.sh",
        "echo which || exit 0; apr check m.apr",
    ],
)
def test_good(rule: Tried, tested: Callable[..., str], good: str) -> None:
    contract = rule.read(tested(good)).contract
    assert contract
    assert contract.claims[0].test.strip() == good.strip()
    rule.accepts(tested(good))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("§command -v ollama >/dev/null || exit 0\n./compare.sh", "'command -v ollama'"),
        ("§command -v ollama || { echo skipped; exit 0; }\n./compare.sh", "pending"),
        ("§[ -f model.apr ] || exit 0; apr check model.apr", "'[ -f model.apr ]'"),
        ("§if ! which nvidia-smi; then echo none; exit 0; fi\n./compare.sh", "'which nvidia-smi'"),
        ('§test -n "$MODEL" || exit 0\napr check $MODEL', "counts as held"),
        ("§if [ ! -f model.apr ]; then echo none; exit 0; fi\napr check model.apr", "'[ ! -f model.apr ]'"),
        ("§[ ! -x ./apr ] && exit 0\n./apr check m.apr", "'[ ! -x ./apr ]'"),
        ("§! command -v ollama && exit 0\n./compare.sh", "'command -v ollama'"),
        ('§if [ -z "$MODEL" ]; then exit 0; fi\napr check $MODEL', "counts as held"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)
