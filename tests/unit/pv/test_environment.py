"""What a row says of the machine, and that it is measured where it can be."""

from __future__ import annotations

import ctypes
import json
import mmap
import platform
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pv import environment as module
from pv.environment import environment, flushes_to_zero

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CPUINFO = """processor\t: 0
model name\t: A Processor 9000
flags\t\t: fpu mmx sse smep sse2 ht avx2 fma f16c lm avx512_bf16 amx_tile

processor\t: 1
model name\t: Another
flags\t\t: sse
"""


def test_it_says_what_decides_about_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    monkeypatch.setattr(module, "CPUINFO", str(tmp_path / "cpuinfo"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    found = environment()
    assert found["cpu"] == "A Processor 9000"
    assert found["cpu_features"] == ["amx_tile", "avx2", "avx512_bf16", "f16c", "fma", "sse", "sse2"]
    assert found["python"] == platform.python_version()
    assert found["implementation"] == platform.python_implementation()
    assert found["threads"]["OPENBLAS_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in found["threads"]
    assert (found["hash_seed"], found["kernels"]) == ("7", {"OPENBLAS_CORETYPE": "Haswell"})
    assert 1 <= found["cores_usable"] <= found["cpus"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_processor_that_nothing_describes_is_no_crash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "CPUINFO", str(tmp_path / "none"))
    assert environment()["cpu_features"] == []


def test_numpy_is_named_with_its_blas_only_where_it_is_loaded() -> None:
    code = (
        "import json, sys; from pv.environment import environment; before = environment(); "
        "loaded = 'numpy' in sys.modules; import numpy; print(json.dumps([loaded, before, environment()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, before, after = json.loads(done.stdout)
    assert not loaded
    assert (before["numpy"], before["blas"]) == (None, None)
    assert after["numpy"].count(".") >= 1
    assert any(character.isdigit() for character in after["blas"])


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="sets a register of x86")
@pytest.mark.skipif(sys.platform == "win32", reason="calls by the convention of System V")
@pytest.mark.parametrize(("bits", "flushes"), [(0x1F80, False), (0x9F80, True), (0x1FC0, True)])
def test_flushing_to_zero_is_measured_in_this_thread(bits: int, *, flushes: bool) -> None:
    # 0x8000 makes results zero, 0x0040 operands; the rest is what a process begins with
    seen: list[bool] = []

    def look() -> None:
        _set_mxcsr(bits)
        seen.append(flushes_to_zero())

    thread = threading.Thread(target=look)  # the register is the thread's own, so it is gone with it
    thread.start()
    thread.join()
    assert seen == [flushes]
    assert not flushes_to_zero()


def _set_mxcsr(bits: int) -> None:
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\x0f\xae\x17\xc3")  # ldmxcsr [rdi]; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    load: Callable[..., None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
    load(ctypes.addressof(ctypes.c_uint32(bits)))
