"""The runner: a process each, a time limit, a failure that hides nothing, results and documents, exit codes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import run as runner
from catalogue import CATALOGUE, Benchmark
from figures import Sheet
from results import Ran

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks"
GOOD = {
    "figures": [{"name": "x", "what": "an x", "ours": 1.0, "unit": "s", "at_most": 2.0, "holds": True}],
    "not_measured": [],
}


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Ran]:
    def made(text: str, seconds: int = 60) -> Ran:
        (tmp_path / "one.py").write_text(text)
        return runner.run(Benchmark("one", "one", seconds), quick=False, folder=tmp_path)

    return made


def test_every_script_is_in_the_catalogue_and_every_row_is_a_script() -> None:
    scripts = {path.stem for path in FOLDER.glob("*.py") if "told(" in path.read_text() and path.stem != "figures"}
    assert {one.name for one in CATALOGUE} == scripts
    told_of = (FOLDER / "README.md").read_text()
    assert [one.name for one in CATALOGUE if f"| `{one.name}` |" not in told_of] == []


def test_figures_come_back_from_a_process_of_its_own(script: Callable[[str], Ran]) -> None:
    ran = script(f"import json, os\nassert os.environ['OPENBLAS_NUM_THREADS'] == '1'\nprint(json.dumps({GOOD!r}))")
    assert ran.measured
    assert [one.name for one in ran.figures] == ["x"]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("raise SystemExit('no llama.cpp')", "failed: it ended with exit code 1 and gave no figures: no llama.cpp"),
        ("import sys; sys.exit(2)", "failed with exit code 2: "),
        ("print('not JSON')", "failed: it ended with exit code 0 and gave no figures: "),
        (
            f"import json, sys; print(json.dumps({GOOD!r})); sys.exit(1)",
            "failed: it found something that no figure says: ",
        ),
    ],
)
def test_a_failure_is_told(script: Callable[[str], Ran], text: str, outcome: str) -> None:
    assert script(text).outcome == outcome


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = f"import subprocess, sys\none = subprocess.Popen(['sleep', '600'])\nopen({str(note)!r}, 'w').write(str(one.pid))\none.wait()"
    (tmp_path / "one.py").write_text(child)
    ran = runner.run(Benchmark("one", "one", 3), quick=False, folder=tmp_path)
    assert ran.outcome == "timed out after 3 s"
    pid = int(note.read_text())
    for _ in range(200):  # until the kernel has let it die
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("what the benchmark started goes on")


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runner with results below a folder, and benchmarks that give one figure each: that of `status` is beyond its bound."""

    def run(one: Benchmark, *, quick: bool) -> Ran:
        sheet = Sheet(quick=quick)
        sheet.add("wall", one.about, 9.0, "s", at_most=8 if one.name == "status" else 10)
        return Ran(one.name, "measured", 1.0, tuple(sheet.figures))

    monkeypatch.setattr(runner, "run", run)
    monkeypatch.setattr(runner, "FOLDER", tmp_path / "results")
    return tmp_path


def test_results_are_kept_alone_and_a_missed_bound_is_exit_code_1(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (measured / "results").mkdir()
    (measured / "results" / "2020-01-01-old.json").write_text("{}")
    assert runner.main(["--json"]) == 1
    (kept,) = (measured / "results").iterdir()
    data = json.loads(kept.read_text())
    assert json.loads(capsys.readouterr().out) == data
    assert [one["name"] for one in data["benchmarks"]] == [one.name for one in CATALOGUE]
    assert {"cpu", "cores", "memory_gb", "kernel", "python", "packages"} <= data["machine"].keys()
    assert {len(one["commit"]) for one in data["benchmarks"]} <= {0, 40}
    assert data["benchmarks"][0]["date"] == kept.name[:10]
    assert runner.main(["--only", "validate", "--json"]) == 1  # status is kept, and still beyond its bound
    assert len(json.loads(capsys.readouterr().out)["benchmarks"]) == len(CATALOGUE)


@pytest.mark.parametrize("outcome", ["failed with exit code 3: x", "timed out after 3 s"])
def test_a_benchmark_that_failed_is_exit_code_1(
    measured: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: str
) -> None:
    assert measured.is_dir()
    assert runner.main(["--only", "validate"]) == 0
    monkeypatch.setattr(runner, "run", lambda one, **_: Ran(one.name, outcome, 3.0))
    assert runner.main(["--only", "validate"]) == 1
    assert f"not measured: validate: {outcome}" in capsys.readouterr().out


def test_what_is_run_again_alone_makes_no_other_figure_newer(measured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (7.04, 0.0, 0.0))
    for day, names in (("2026-01-02", ["validate", "status"]), ("2026-03-04", ["status"])):
        monkeypatch.setattr(runner, "today", lambda day=day: day)
        monkeypatch.setattr(runner, "commit", lambda day=day: (day[-1] * 40, False))
        assert runner.main(["--only", *names]) == 1
    (kept,) = (measured / "results").iterdir()
    assert kept.name.startswith("2026-03-04-")
    data = json.loads(kept.read_text())["benchmarks"]
    found = {one["name"]: (one["date"], one["commit"][:1], one["load"]) for one in data}
    assert found == {"validate": ("2026-01-02", "2", 7.0), "status": ("2026-03-04", "4", 7.0)}


def test_a_quick_run_keeps_nothing_and_judges_nothing(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--quick"]) == 0
    assert not (measured / "results").exists()
    assert f"0 of 0 bounds hold, {len(CATALOGUE)} benchmarks" in capsys.readouterr().out
    assert runner.main(["--quick", "--into", str(measured / "x.md")]) == 2


def test_documents_are_written_and_checked(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = measured / "page.md"
    page.write_text("<!-- bench:validate.wall -->1 s<!-- /bench -->\n")
    assert runner.main(["--only", "validate"]) == 0
    assert runner.main(["--fill", "--check", str(page)]) == 1
    assert "its figures are not those of the results" in capsys.readouterr().out
    assert runner.main(["--fill", "--into", str(page)]) == 0
    assert page.read_text() == "<!-- bench:validate.wall -->9 s<!-- /bench -->\n"
    assert runner.main(["--fill", "--check", str(page)]) == 0


def test_no_document_is_half_written(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = measured / "good.md", measured / "bad.md"
    good.write_text("<!-- bench:validate.wall -->1 s<!-- /bench -->\n")
    bad.write_text("<!-- bench:validate.nothing -->1 s<!-- /bench -->\n")
    assert runner.main(["--only", "validate"]) == 0
    assert runner.main(["--fill", "--into", str(good), str(bad)]) == 2
    assert "no benchmark gave a figure 'validate.nothing'" in capsys.readouterr().err
    assert "1 s" in good.read_text()
    assert runner.main(["--fill", "--into", str(measured / "missing.md")]) == 2


def test_the_plain_table_says_what_does_not_hold(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured.is_dir()
    assert runner.main(["--only", "status"]) == 1
    said = capsys.readouterr()
    assert "asked for: at most 8 s: NO" in said.out
    assert "does not hold: status.wall" in said.out
    assert "[1/1] status" in said.err
