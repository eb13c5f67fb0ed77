"""What the README shows of `pv validate` without its contract; its commands are run by test_docs_commands.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
CONTRACT = """\
metadata:
  version: "1.0.0"
  created: "2026-11-22"
  description: The softmax of a row
  references: ["Bridle 1990, Probabilistic Interpretation of Feedforward Classification Network Outputs"]
equations:
  softmax:
    formula: s_i = exp(x_i - max x) / sum_j exp(x_j - max x)
    domain: x of 1 to 4096 finite numbers
proof_obligations:
  - {type: invariant, property: the weights of a row sum to 1, tolerance: 1e-6, applies_to: softmax}
falsification_tests:
  - id: FALSIFY-SM-001
    prediction: the weights sum to 1
    if_fails: the maximum is not subtracted
    bind_to: softmax
    test: python check.py && echo PASS || echo FAIL
"""


def test_the_findings_of_the_readme_are_those_of_a_real_contract(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts/softmax-v1.yaml").write_text(CONTRACT)
    done = subprocess.run(
        [sys.executable, "-m", "pv", "validate", "--format", "text", "contracts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"```text\n{done.stdout}```" in README.read_text("utf-8")
