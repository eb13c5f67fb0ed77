"""`apr parity` over models whose numbers are odd: what is not a number agrees with nothing and diverges from nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from apr.engines.llama_cpp.providers import providers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not providers(), reason="no llama.cpp library was found"),
]


def test_nan_on_both_sides_is_inconclusive(fixture_model: Callable[[str], Path]) -> None:
    """numpy's and llama.cpp's NaN differ in their sign, which nobody promises."""
    model = fixture_model("llama-nan-f32")
    command = [sys.executable, "-m", "apr", "parity", "llama.cpp", "--against", "numpy:f64", model, "--tokens", "0,5", "--json"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    verdict = json.loads(done.stdout.splitlines()[-1])
    assert (verdict["outcome"], verdict["born"]) == ("inconclusive", [])
    assert "not finite on both sides" in verdict["reason"]
    assert done.returncode == 1
    assert "Warning" not in done.stderr, done.stderr
