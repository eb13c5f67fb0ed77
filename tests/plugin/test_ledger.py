"""The ledger of whole sessions: two at once, a worker that dies, a disk that takes no writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import Kind, read, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester"]

SOUND = "@falsifies('x-v1', 'F-1')\ndef one(n, evidence): evidence.compared(1, 'x')\n"


def test_a_run_says_what_it_is_and_that_it_ended(project: Any) -> None:
    project.contract("id: F-1, params: {n: [1, 2]}")
    project.falsifiers(SOUND)
    project.run("-m", "falsify")
    first, *_, last = project.all_rows()
    assert (first["kind"], last["kind"]) == ("run", "end")
    assert first["arguments"][-2:] == ["-m", "falsify"]
    assert first["started"].endswith("+00:00")
    assert (last["cases"], last["exit"]) == (2, 0)
    assert {row["run"] for row in project.all_rows()} == {first["run"]}
    assert verify(project.ledger).faults == ()


def test_an_environment_is_written_once_a_run_and_found_by_its_name(project: Any) -> None:
    project.contract("id: F-1, params: {n: [1, 2]}")
    project.falsifiers(SOUND)
    for _ in range(2):
        project.run()
    kinds = [row["kind"] for row in project.all_rows()]
    assert (kinds.count("environment"), kinds.count("case")) == (2, 4)
    ledger = read(project.ledger)
    for entry in ledger.newest(("x-v1", "F-1", '{"n":1}', "")):
        data = ledger.environment(entry.row["environment"])
        assert data
        assert data["python"] == sys.version.split()[0]
    assert ledger.environment("0" * 16) is None


def test_two_sessions_at_once_do_not_mix(project: Any) -> None:
    numbers = list(range(20))
    project.contract(f"id: F-1, params: {{n: {numbers}}}")
    project.falsifiers(SOUND)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    sessions = [subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE) for _ in range(2)]
    for session in sessions:
        session.communicate(timeout=120)
        assert session.returncode == 0
    found = verify(project.ledger)
    assert (found.faults, found.notes, found.runs, found.cases) == ((), (), 2, 40)
    assert [len(list(read(project.ledger).newest(("x-v1", "F-1", f'{{"n":{n}}}', "")))) for n in numbers] == [2] * 20


@pytest.mark.parametrize("death", ["os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_worker_that_dies_loses_nothing_and_its_case_is_an_error_by_node(project: Any, death: str) -> None:
    project.contract("id: F-1, params: {n: [1, 2, 3, 4, 5, 6]}")
    project.falsifiers(SOUND)
    project.run()
    before = project.ledger.read_bytes()
    project.falsifiers(f"""
        import os, signal
        @falsifies("x-v1", "F-1")
        def one(n, evidence):
            evidence.compared(1, "x")
            if n == 3: {death}
    """)
    result = project.run_lean("-p", "no:randomly", "-n", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.ledger.read_bytes().startswith(before)
    found = verify(project.ledger)
    assert (found.faults, found.notes, found.runs, found.cases) == ((), (), 2, 12)
    rows = [row for row in project.rows() if row["run"] == project.all_rows()[-1]["run"]]
    names = {
        row["environment"]
        for row in project.all_rows()
        if row["kind"] == "environment" and row["run"] == rows[0]["run"]
    }
    assert {row["environment"] for row in rows if row["verdict"] != "error"} == names
    assert len(names) == 1  # the workers sent the data, and it was written once
    assert {row["node"].split("::")[1]: row["verdict"] for row in rows} == {
        f"F-1[{n}]": "error" if n == 3 else "discharged" for n in range(1, 7)
    }


def test_a_session_that_is_killed_ends_nowhere_and_what_it_began_is_an_error(project: Any) -> None:
    project.contract("id: F-1, params: {n: [1, 2]}")
    project.falsifiers("""
        import os, signal
        @falsifies("x-v1", "F-1")
        def one(n, evidence):
            evidence.compared(1, "x")
            if n == 2: os.kill(os.getpid(), signal.SIGKILL)
    """)
    project.run_lean("-p", "no:randomly")
    found = verify(project.ledger)
    assert found.faults == ()
    assert [(one.number, one.kind) for one in found.notes] == [(1, Kind.UNENDED)]
    first, second = ([*read(project.ledger).newest(("x-v1", "F-1", f'{{"n":{n}}}', ""))] for n in (1, 2))
    assert [one.row["verdict"] for one in first] == ["discharged"]
    assert [(one.row["kind"], one.row["verdict"]) for one in second] == [("begin", "error")]


@pytest.fixture
def readonly(project: Any) -> Iterator[Any]:
    """The project after one sound session, with the folder of its ledger on a disk that takes no more writes."""
    project.contract("id: F-1, params: {n: [1]}")
    project.falsifiers(SOUND)
    folder = project.ledger.parent
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a disk")
    if subprocess.run([mount, "-t", "tmpfs", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    project.run().assert_outcomes(passed=1)
    subprocess.run([mount, "-o", "remount,ro", str(folder)], check=True)
    yield project
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607  it stands beside mount


def test_a_ledger_on_a_disk_that_takes_no_writes_fails_the_session(readonly: Any) -> None:
    before = readonly.ledger.read_bytes()
    result = readonly.run_lean("-p", "no:randomly", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["pv: the ledger */.pv/ledger.jsonl cannot be written: Read-only file system"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert readonly.ledger.read_bytes() == before
