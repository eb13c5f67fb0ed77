"""`--pv-scheduler`: a real scheduler of dask.distributed, and workers that are processes of their own, on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import verify
from tests.mortal import mortal
from tests.programs import LEAN

pytest.importorskip("distributed", reason="the extra [distributed] is not installed")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ["pytester"]

_LONG = 120  # seconds after which a test that waits has failed


class OnLoopback:
    """A scheduler, and the workers that it was given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address: str = json.loads(file.read_text())["address"]

    @contextlib.contextmanager
    def worker(self, name: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker with this name, until the end of a `with`."""
        options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(self._folder))
        one = self._start("worker", self.address, "--name", name, *options, **environment)
        try:
            yield one
        finally:
            one.kill()
            one.wait()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, what: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{what}{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                mortal(sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments),
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
            )
        self._processes.append(process)
        return process


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + _LONG
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnLoopback]:
    one = OnLoopback(tmp_path_factory.mktemp("dask"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def two_workers(scheduler: OnLoopback) -> Iterator[OnLoopback]:
    with (
        scheduler.worker("alice", CI="true"),
        scheduler.worker("bob", GITLAB_CI="1"),
    ):  # where Hypothesis has another profile
        yield scheduler


CLAIMS = (
    "id: F-1, params: {n: [1, 2]}, mutants: [{id: m, stage: s, layer: 1}, {id: k, stage: s}]",
    "id: F-2",
    "id: F-3",
    "id: F-4, expect: refuted, mutants: [{id: m, stage: s}]",
    "id: F-5",
    "id: F-6",
    "id: F-7",
)
FALSIFIERS = """
    import random, warnings
    from hypothesis import given, strategies as st

    @pytest.fixture(scope="session")
    def number():
        return 42

    @falsifies("x-v1", "F-1")
    def one(mutant, n, evidence, number):
        evidence.compared(n, "x")
        evidence.input("data", "data.bin")
        evidence.report(drawn=random.random(), number=number)
        if mutant and mutant.id == "m": raise Refuted("off", stage="s", layer=1)
    @falsifies("x-v1", "F-2")
    def two(): raise Refuted("off", stage="s", distance=1.0, bound=0.5)
    @falsifies("x-v1", "F-3")
    def three(): raise Inconclusive("no oracle")
    @falsifies("x-v1", "F-4")
    def four(mutant, evidence):
        evidence.compared(1, "x")
        assert mutant
    @falsifies("x-v1", "F-5")
    def five():
        print("said by five")
        raise OSError("broken")
    @falsifies("x-v1", "F-7")
    @given(n=st.integers())
    def seven(evidence, n):
        evidence.compared(1, "x")
        assert n < 1000
"""
# a worker waits with its first item until the other has one as well
BOTH = """
    import os, pathlib, time, pytest
    @pytest.fixture(scope="session", autouse=True)
    def both(request):
        pathlib.Path(f"{os.getpid()}.begun").touch()
        while hasattr(request.config, "workerinput") and len(list(pathlib.Path().glob("*.begun"))) < 3:
            time.sleep(0.02)
"""
OF_A_RUN = ("prev", "run", "started", "duration_s")


def fill(project: Any) -> None:
    project.write("data.bin", "abc")
    project.contract(*CLAIMS)
    project.contract("id: G-1, params: {n: [1, 2, 3]}", name="y-v1")
    project.falsifiers(FALSIFIERS)
    project.falsifiers("@falsifies('y-v1', 'G-1')\ndef one(n, evidence): evidence.compared(n, 'x')\n", name="y")
    project.write("conftest.py", BOTH)


def seen(project: Any) -> list[dict[str, Any]]:
    """What the rows of the ledger say, but for when it was."""
    return [{key: value for key, value in row.items() if key not in OF_A_RUN} for row in project.rows()]


def kept(project: Any) -> dict[str, bytes]:
    top = project.root / ".pv" / "examples"
    return {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}


def test_two_workers_give_what_one_process_gives(project: Any, two_workers: OnLoopback) -> None:
    fill(project)
    common = ("-m", "falsify", "-p", "randomly", "--randomly-seed", "7", "-p", "no:cacheprovider")
    outcomes = []
    for options in ((), ("--pv-scheduler", two_workers.address, "--junitxml", "j.xml")):
        shutil.rmtree(project.root / ".pv", ignore_errors=True)
        result = project.run_apart(*common, *options)
        summary = [line for line in result.outlines if line.startswith(("pv: 8 claims", "FAILED", "SKIPPED"))]
        outcomes.append((result.ret, summary, seen(project), kept(project)))
        result.stdout.fnmatch_lines(["*said by five*"])
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][2]) == 14
    assert outcomes[0][3] != {}
    assert len([line for line in outcomes[0][1] if line.startswith("pv: 8 claims")]) == 1
    result.stdout.fnmatch_lines([f"pv: 14 items run by 2 workers of {two_workers.address}"])
    assert {'value="alice"', 'value="bob"'} <= set((project.root / "j.xml").read_text().replace("/>", " ").split())


def test_a_death_costs_another_try_and_no_verdict_and_x_stops_where_one_process_does(
    project: Any, two_workers: OnLoopback
) -> None:
    project.contract(*(f"id: F-{number}, params: {{n: [1]}}" for number in range(1, 5)))
    project.falsifiers("""
        import os, pathlib, time
        @falsifies("x-v1", "F-1")
        def one(n, evidence):
            evidence.compared(1, "x")
            died = pathlib.Path("worker-died")
            if os.environ.get("DOOMED"):
                died.touch()
                os.kill(os.getppid(), 9)
                time.sleep(600)
            while not died.exists():
                time.sleep(0.02)
        @falsifies("x-v1", "F-2")
        def two(n, evidence):
            one(n, evidence)
            tried = pathlib.Path("tried")
            if not tried.exists():
                tried.touch()
                os._exit(3)
        @falsifies("x-v1", "F-3")
        def three(n, evidence):
            one(n, evidence)
            os.abort()
        @falsifies("x-v1", "F-4")
        def four(n, evidence): one(n, evidence)
    """)
    with two_workers.worker("carol", DOOMED="1") as doomed:
        result = project.run_lean("-p", "no:randomly", "-x", "--pv-scheduler", two_workers.address)
        assert doomed.wait(_LONG) == -signal.SIGKILL
    rows = {row["claim"]: row for row in project.rows()}
    assert len(rows) == len(project.rows()) == 4
    words = {claim: row["reason"] or row["verdict"] for claim, row in rows.items()}
    # F-4 has been run, and is told no more than one process would tell of it
    assert words == {"F-1": "discharged", "F-2": "discharged", "F-3": "error", "F-4": "interrupted"}
    assert rows["F-3"]["message"] == "it was begun 3 times, and what ran it died each time"
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["it was begun 3 times*", "*on worker *, signal 6", "pv: 3 items * once more because*"])
    assert not verify(project.ledger).faults


def test_a_worker_whose_evidence_rests_on_other_files_is_refused(
    project: Any, two_workers: OnLoopback, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.write("data.bin", "abc")
    project.contract("id: F-1, params: {n: [1, 2, 3]}")
    project.falsifiers("""
        import os, pathlib, time
        @falsifies("x-v1", "F-1")
        def one(n, evidence):
            evidence.input("model", "data.bin")
            evidence.compared(1, "x")
            asked = pathlib.Path(os.environ.get("ASKED", "asked"))
            if "ASKED" in os.environ:
                asked.touch()
            while not asked.exists():
                time.sleep(0.02)
    """)
    other = tmp_path_factory.mktemp("other") / "project"
    shutil.copytree(project.root, other)
    (other / "data.bin").write_text("other")
    with two_workers.worker("dave", PV_CHECKOUT=str(other), ASKED=str(project.root / "asked")):
        result = project.run_lean("-p", "no:randomly", "--pv-scheduler", two_workers.address)
    assert result.ret == pytest.ExitCode.OK
    assert [row["verdict"] for row in project.rows()] == ["discharged"] * 3
    assert len({entry["sha256"] for row in project.rows() for entry in row["inputs"] if entry["kind"] == "model"}) == 1
    told = [
        "pv: worker dave (*) is refused: its evidence rests on other files",
        "  model data.bin is d9298a10d1b0 there, expected ba7816bf8f01",
    ]
    result.stdout.fnmatch_lines(told, consecutive=True)


def test_a_worker_that_judges_with_other_code_is_refused(
    project: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.contract("id: F-1")
    project.falsifiers("@falsifies('x-v1', 'F-1')\ndef one(evidence): evidence.compared(1, 'x')\n")
    other = tmp_path_factory.mktemp("other") / "project"
    shutil.copytree(project.root, other)
    with (other / "falsifiers" / "x.py").open("a") as file:
        file.write("# weaker\n")
    with (
        contextlib.closing(OnLoopback(tmp_path_factory.mktemp("alone"))) as alone,
        alone.worker("carol", PV_CHECKOUT=str(other)),
    ):
        result = project.run_lean("--pv-scheduler", alone.address)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = [
        "ERROR: --pv-scheduler: no worker can run this session",
        f"worker carol (*) is refused: {other} is not what this process has",
        "  falsifiers is *, expected *",
        "  falsifiers/x.py is *, expected *",
    ]
    result.stderr.fnmatch_lines(told, consecutive=True)
    assert not project.ledger.exists()


def test_an_interrupt_ends_what_was_begun_and_leaves_a_whole_ledger(project: Any, two_workers: OnLoopback) -> None:
    project.contract("id: F-1, params: {n: [1, 2, 3]}")
    project.falsifiers("""
        import os, pathlib, time
        @falsifies("x-v1", "F-1")
        def one(n, evidence):
            evidence.compared(1, "x")
            pathlib.Path(f"process-{n}").write_text(str(os.getpid()))
            pathlib.Path(f"begun-{n}").touch()
            while n > 1:
                time.sleep(0.02)
    """)
    with (project.root / "out.txt").open("wb") as out:
        session = subprocess.Popen(
            mortal(sys.executable, "-m", "pytest", "-p", "no:randomly", "--pv-scheduler", two_workers.address),
            cwd=project.root,
            env={**os.environ, **LEAN},
            stdout=out,
            stderr=out,
        )
        until(lambda: all((project.root / f"begun-{n}").exists() for n in (2, 3)))
        session.send_signal(signal.SIGINT)
        assert session.wait(_LONG) == pytest.ExitCode.INTERRUPTED
    assert [(row["verdict"], row["reason"]) for row in project.rows()] == [
        ("discharged", ""),
        ("inconclusive", "interrupted"),
        ("inconclusive", "interrupted"),
    ]
    assert not verify(project.ledger).faults
    assert project.all_rows()[-1]["kind"] == "end"
    processes = [Path("/proc") / (project.root / f"process-{n}").read_text() for n in (2, 3)]
    until(lambda: not any(process.exists() for process in processes))


def test_without_a_worker_it_says_what_to_do(project: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.contract("id: F-1")
    with contextlib.closing(OnLoopback(tmp_path_factory.mktemp("alone"))) as alone:
        result = project.run_lean("--pv-scheduler", alone.address, "--pv-scheduler-timeout", "1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = f"ERROR: --pv-scheduler: no worker was ready within 1 s; start one with `dask worker {alone.address}` where this project is*"
    result.stderr.fnmatch_lines([told])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not project.ledger.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("-n", "2"),
            "ERROR: --pv-scheduler and -n: both would run the items, each with workers of its own; leave one *",
        ),
        (("--pdb",), "ERROR: --pv-scheduler and --pdb: no item is run in this process, *"),
        (("--pv-scheduler-timeout", "-3"), "*'-3' is no number of seconds above 0"),
    ],
)
def test_what_does_not_go_with_it_is_refused(project: Any, options: tuple[str, ...], told: str) -> None:
    fill(project)
    result = project.run("--pv-scheduler", "tcp://127.0.0.1:1", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_collecting_asks_no_scheduler(project: Any) -> None:
    fill(project)
    result = project.run("--collect-only", "-q", "--pv-scheduler", "tcp://127.0.0.1:1")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["14 tests collected*"])


def test_a_session_without_it_loads_nothing_of_it(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("""
        import sys
        @falsifies("x-v1", "F-1")
        def one(evidence): evidence.compared(1, str(sorted({"distributed", "pv.elsewhere"} & set(sys.modules))))
    """)
    project.run_lean()
    assert [row["compared"] for row in project.rows()] == [{"[]": 1}]
