"""The commands of docs/how-to/other-kernels.md, as they stand there."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "other-kernels.md").read_text(encoding="utf-8")


def command(subject: str) -> list[str]:
    (line,) = re.findall(rf"^    (pytest .*--subject kernels={re.escape(subject)})$", PAGE, re.MULTILINE)
    return shlex.split(line)[1:]


def run(subject: str, ledger: Path, *more: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """The command of the page, in the repository; what it saw goes elsewhere."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *command(subject), f"--pv-ledger={ledger}", *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    return done, {row["claim"]: row["verdict"] for row in rows if row["kind"] == "case"}


def test_wrong_kernels_are_refuted_with_a_counterexample_and_a_suspect(tmp_path: Path) -> None:
    done, verdicts = run("examples.wrong_kernels", tmp_path / "ledger.jsonl", "--hypothesis-profile=ci")
    assert done.returncode == 1
    refuted = {claim for claim, verdict in verdicts.items() if verdict == "refuted"}
    assert {"FALSIFY-SOFTMAX-001", "FALSIFY-SILU-001"} <= refuted
    # what a wrong kernel does right is said as well
    assert "discharged" in verdicts.values()
    assert re.search(r"= counterexample: m = 1; n = 1; x = \[\[\d+", done.stdout)
    assert "= suspect: another base, another precision inside" in done.stdout
    assert "run as it is written" in done.stdout


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_torchs_kernels_are_judged(tmp_path: Path) -> None:
    _, verdicts = run("examples.torch_kernels", tmp_path / "ledger.jsonl", "--hypothesis-profile=ci")
    assert verdicts["FALSIFY-SOFTMAX-001"] == verdicts["FALSIFY-SILU-001"] == "discharged"


def test_without_torch_nothing_is_said_of_its_kernels(tmp_path: Path) -> None:
    if importlib.util.find_spec("torch") is not None:
        pytest.skip("torch is installed")
    done, verdicts = run("examples.torch_kernels", tmp_path / "ledger.jsonl", "-rs")
    assert set(verdicts.values()) == {"inconclusive"}
    assert "there is no torch" in done.stdout
