"""What docs/how-to/kernel-contracts.md shows, done in an empty folder, in its order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/kernel-contracts.md"
WRONG = "python -m pytest -m falsify contracts/rms-norm-v1.yaml --subject kernels=wrong"


def run(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    python = shlex.quote(sys.executable)
    script = re.sub(r"^pv\b", f"{python} -m pv", line).replace("python -m pytest", f"{python} -m pytest")
    command = ["bash", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_from_nothing_to_a_claim_that_is_discharged_and_one_that_is_refuted(tmp_path: Path) -> None:
    told: dict[str, str] = {}
    for kind, text in re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        if kind == "python":
            name = text.split("\n", 1)[0].removeprefix("# ")
            with (tmp_path / name).open("a", encoding="utf-8") as file:
                file.write(f"\n\n{text.split(chr(10), 1)[1]}")
        elif kind == "yaml":
            (tmp_path / "contracts/rms-norm-v1.yaml").write_text(text, "utf-8")
        else:
            assert kind == "sh"
            for line in text.splitlines():
                done = run(tmp_path, line)
                told[line] = done.stdout + done.stderr
                assert done.returncode == (1 if line == WRONG else 0), (line, told[line])
    assert (
        "3 claims: 3 discharged, 0 refuted, 0 inconclusive, 5/5 mutants killed" in told["python -m pytest -m falsify"]
    )
    assert "obligation sums-to-one (conservation), contracts/softmax-v1.yaml:" in told["pv show FALSIFY-SOFTMAX-002"]
    own = told["python -m pytest -m falsify contracts/rms-norm-v1.yaml"]
    assert "1 claim: 1 discharged, 0 refuted, 0 inconclusive, 1/1 mutants killed" in own
    wrong = told[WRONG]
    assert "1 refuted" in wrong
    assert "the small number stands outside the root" in wrong
    assert re.search(r"x = \[\[.*\]\] \(float32\)", wrong)
    assert "0 warnings" in told["pv validate --strict contracts/rms-norm-v1.yaml"]


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE.read_text("utf-8")):
        assert (PAGE.parent / target).is_file(), target
