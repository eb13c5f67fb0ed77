"""What breaks under a run of claims: files, processes, clocks, disks. The claim that it hits says so, and the others go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from apr.engines.llama_cpp.providers import providers
from pv.ledger.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]


def oracle(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that needs llama.cpp."""
    skip = pytest.mark.skipif(not providers(), reason="no llama.cpp library: pip install xllamacpp")
    marked: Callable[..., None] = pytest.mark.oracle(skip(test))
    return marked


@pytest.mark.parametrize(
    "how",
    ["other = path.with_name('o'); other.write_bytes(b'B' * 9); other.replace(path)", "path.write_bytes(b'B' * 9)"],
)
@pytest.mark.parametrize("body", ["evidence.compared(1, 'x')", "raise Refuted('off')", "raise Inconclusive('no')"])
def test_a_model_that_is_exchanged_under_a_run_is_an_error(project: Any, how: str, body: str) -> None:
    project.write("m.gguf", "A" * 9)
    project.contract("id: F-1", "id: F-2")
    project.falsifiers(f"""
        from pathlib import Path

        @falsifies("x-v1", "F-1")
        def one(evidence):
            path = Path("m.gguf")
            evidence.input("model", path)
            {how}
            {body}

        @falsifies("x-v1", "F-2")
        def two(evidence):
            evidence.compared(1, "x")
    """)
    project.run()
    row, other = project.rows()
    assert row["verdict"] == "error"
    assert row["message"] == "model m.gguf: replaced while the claim was run; run it again"
    assert other["verdict"] == "discharged"


def with_oracle(project: Any, model: Path, fault: str) -> dict[str, tuple[str, str]]:
    """Verdicts of a claim whose child of llama.cpp suffers a fault, and of one whose child does not."""
    project.contract("id: F-1", "id: F-2")
    project.falsifiers(f"""
        import os, resource, signal
        from pathlib import Path
        from apr.engines.llama_cpp.engine import LlamaCpp
        from apr.formats.gguf import read_gguf

        def run(evidence, fault):
            with LlamaCpp(read_gguf(Path({str(model)!r}))) as oracle:
                if fault:
                    child = oracle._child._process.pid
                    {fault}
                evidence.compared(oracle.logits([1, 2, 3] * 60).size, "logits")

        @falsifies("x-v1", "F-1")
        def one(evidence): run(evidence, True)

        @falsifies("x-v1", "F-2")
        def two(evidence): run(evidence, False)
    """)
    project.run()
    return {row["claim"]: (row["verdict"], row["message"]) for row in project.rows()}


@oracle
def test_a_crash_of_llama_cpp_is_an_error_and_the_run_goes_on(project: Any, tiny_llama: Callable[..., Path]) -> None:
    found = with_oracle(project, tiny_llama(), "os.kill(child, signal.SIGSEGV)")
    verdict, message = found["F-1"]
    assert verdict == "error"
    assert "crashed (SIGSEGV) while running" in message
    assert found["F-2"][0] == "discharged"


@oracle
@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are set on Linux only")
def test_an_oracle_without_memory_is_an_error_and_the_run_goes_on(
    project: Any, tiny_llama: Callable[..., Path]
) -> None:
    limit = "resource.prlimit(child, resource.RLIMIT_AS, (1 << 20, 1 << 20))"
    found = with_oracle(project, tiny_llama(), limit)
    verdict, message = found["F-1"]
    assert verdict == "error"
    assert "llama.cpp" in message
    assert found["F-2"][0] == "discharged"


def test_a_clock_that_goes_back_changes_no_order_and_no_duration(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import _pytest.timing

    project.contract("id: F-1, mutants: [{id: m, stage: s}]")
    body = """
        @falsifies("x-v1", "F-1")
        def one(evidence, mutant):
            evidence.compared(1, "x")
            if mutant or WRONG: raise Refuted("off", stage="s")
    """
    project.falsifiers("WRONG = False\n" + body.replace("\n        ", "\n"))
    project.run()
    start, calls = _pytest.timing.time(), iter(range(10_000))
    monkeypatch.setattr(
        _pytest.timing, "time", lambda: start - 86_400 - 60 * next(calls)
    )  # a minute back at every look
    project.falsifiers("WRONG = True\n" + body.replace("\n        ", "\n"))
    project.run()
    rows = [row for row in project.rows() if not row["mutant"]]
    first, second = (datetime.fromisoformat(row["started"]) for row in rows)
    assert second < first - timedelta(days=1)
    assert all(0 <= row["duration_s"] < 60 for row in project.rows())
    assert verify(project.ledger).faults == ()
    done = subprocess.run(
        [sys.executable, "-m", "pv", "status", "--format", "json"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    (claim,) = json.loads(done.stdout)["contracts"][0]["claims"]
    assert claim["outcome"] == "refuted"  # what was written last, not what was dated last


LIMITED = "import resource, sys; resource.setrlimit(resource.{kind}, ({n}, {n})); import {module}; sys.exit({module}.{main}(sys.argv[1:]))"


def limited(kind: str, n: int, module: str, main: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A program with a limit of the system set; without coverage, whose own file would be the first to be cut."""
    script = LIMITED.format(kind=kind, n=n, module=module, main=main)
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)


def test_a_full_disk_under_a_session_fails_it_and_keeps_whole_lines(project: Any) -> None:
    project.contract("id: F-1, params: {n: [1, 2, 3, 4, 5, 6, 7, 8, 9]}")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(n, evidence): evidence.compared(1, "x" * 500)
    """)
    options = ("-p", "no:cacheprovider", "-p", "no:randomly", "--import-mode=importlib")
    done = limited("RLIMIT_FSIZE", 8_000, "pytest", "main", *options, cwd=project.root)
    assert done.returncode == 1
    assert "pv: the ledger" in done.stdout
    assert "cannot be written: File too large" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    text = project.ledger.read_bytes()
    assert text.endswith(b"\n")
    assert len(text) <= 8_000
    assert verify(project.ledger).faults == ()
    assert 0 < len(project.rows()) < 9


def test_two_thousand_contracts_and_few_descriptors(project: Any) -> None:
    (project.root / "contracts").mkdir(exist_ok=True)
    for number in range(2_000):
        project.contract(f"id: F-{number}", name=f"c{number:04d}-v1")
    for command in (("validate", "--format=json"), ("status", "--format=json")):
        done = limited("RLIMIT_NOFILE", 256, "pv.cli", "main", *command, cwd=project.root)
        assert done.returncode in (0, 1, 2), done.stderr[-500:]
        assert "Too many open files" not in done.stderr
        told = json.loads(done.stdout)
        count = told["summary"]["contracts"] if "summary" in told else len(told["contracts"])
        assert count == 2_000, command


def test_many_contracts_are_collected_with_few_descriptors(project: Any) -> None:
    for number in range(80):
        project.contract(f"id: F-{number}", name=f"c{number:04d}-v1")
    options = ("-p", "no:cacheprovider", "-p", "no:randomly", "--import-mode=importlib", "-q")
    done = limited("RLIMIT_NOFILE", 48, "pytest", "main", *options, cwd=project.root)
    assert "80 skipped" in done.stdout, done.stdout[-500:] + done.stderr[-500:]
    assert len(project.rows()) == 80
