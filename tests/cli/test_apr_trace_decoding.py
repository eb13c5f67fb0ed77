"""`apr trace` decodes weights through llama.cpp's library where there is one; what it writes is the same without."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from apr.engines.llama_cpp.providers import providers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.oracle
@pytest.mark.skipif(not providers(), reason="no llama.cpp library, whose quantiser makes K-quants")
@pytest.mark.parametrize("arithmetic", ["f32", "ggml"])
def test_a_trace_is_the_same_with_and_without_a_library(
    tiny_model: Callable[..., Path], tmp_path: Path, arithmetic: str
) -> None:
    model = tiny_model(weights="Q4_K", hidden=256, feed_forward=256, name="tiny.gguf")
    written: list[dict[Path, bytes]] = []
    for library in (str(tmp_path / "none.so"), ""):
        output = tmp_path / f"out{len(written)}"
        command = [sys.executable, "-m", "apr", "trace", str(model), "--tokens", "5 6 7", "--save-tensor", "all"]
        command += ["--save-tensor-layers", "all", "--arithmetic", arithmetic, "--output", str(output)]
        environment = os.environ | ({"APR_LLAMA_LIB": library} if library else {})
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        written.append({path.relative_to(output): path.read_bytes() for path in output.rglob("*.bin")})
    assert len(written[0]) > 20
    assert written[0] == written[1]
