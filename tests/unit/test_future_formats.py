"""docs/reference/versioning.md: a reader meets a version from the future, says which, and takes nothing of it for known."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from apr.ccpa.cli import main as ccpa
from apr.cli import main as apr
from given.apr_by_hand import ByHand
from pv.cli import main as pv

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
TRACE = ROOT / "fixtures/action-traces/0111-block-moved"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project."""
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """All that was printed, to both streams."""
    return "".join(capsys.readouterr())


def test_a_contract_with_a_key_that_is_not_known(
    here: Path, capsys: pytest.CaptureFixture[str], recorded: ModuleType
) -> None:
    (here / "contracts").mkdir()
    path = here / "contracts/x-v1.yaml"
    path.write_text(recorded.contract("F-1, forecast: later"))
    assert pv(["validate", "contracts"]) == 1
    assert "error[PV101]: unknown key 'forecast' in a claim" in said(capsys)
    path.write_text(f"{recorded.contract('F-1')}forecast: later\n")
    assert pv(["validate", "--strict", "contracts"]) == 1
    assert "warning[PV102]: nothing reads the block 'forecast'" in said(capsys)


def test_a_ledger(here: Path, capsys: pytest.CaptureFixture[str], recorded: ModuleType) -> None:
    project = recorded.RecordedProject(here / "p")
    project.commit()
    project.record()
    text = project.ledger.read_text().replace("pv-ledger-v2", "pv-ledger-v3")
    assert "pv-ledger-v3" in text
    project.ledger.write_text(text)
    assert pv(["verify", str(project.ledger)]) == 1
    told = "of pv-ledger-v3, which a newer pv has written"
    assert f"{project.ledger}:1: schema: {told} and this one cannot check; update pv" in said(capsys)
    done = project.pv("status")
    assert f":1: {told}; left aside: update pv to read it" in done.stdout + done.stderr
    assert "2 inconclusive (2 not run)" in done.stdout
    project.record()  # what is there is no hindrance to writing, and stays as it is
    after = project.ledger.read_text()
    assert after.startswith(text)
    assert "2 claims: 2 discharged" in project.pv("status").stdout
    assert pv(["verify", str(project.ledger)]) == 1
    newer, ours = text.count("\n"), after.count("\n")
    faults = re.findall(r"\.jsonl:(\d+): (\w+): ", said(capsys))
    assert {kind for line, kind in faults if int(line) <= newer} == {"schema"}
    assert {kind for line, kind in faults if newer < int(line) <= ours} == {
        "run"
    }  # made up; but chained to what is newer


@pytest.mark.parametrize(
    ("name", "told"),
    [("later", ""), ("pv-ledger-v1", "older schema"), ("pv-ledger-v02", "not a line of pv-ledger-v2")],
)
def test_other_names_of_a_schema_are_not_taken_for_newer(
    here: Path, recorded: ModuleType, name: str, told: str
) -> None:
    project = recorded.RecordedProject(here / "p")
    project.ledger.parent.mkdir()
    project.ledger.write_text(json.dumps({"schema": name}) + "\n")
    done = project.pv("status")
    assert "newer" not in done.stdout + done.stderr
    assert told in done.stdout + done.stderr


def test_a_stage_file_and_its_sidecar(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = struct.pack("<II", 0, 2) + struct.pack("<2f", 1, 2)
    (here / "a.bin").write_bytes(b"APRU" + head)
    (here / "b.bin").write_bytes(b"APRT" + head)
    assert apr(["diff", "--values", "a.bin", "b.bin"]) == 2
    assert "a.bin: header, offset 0x0: is no APRT stage file: it starts with b'APRU'" in said(capsys)
    (here / "d").mkdir()
    (here / "d/capture.json").write_text('{"schema": "apr-capture-v2", "provenance": {}, "files": []}')
    assert apr(["diff", "--values", "d", "d"]) == 2
    assert "d/capture.json: schema: is not 'apr-capture-v1'" in said(capsys)


def test_a_saved_parity_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "run").mkdir()
    (here / "run/measurement.jsonl").write_text('{"record": "run", "schema": "apr-parity-v2"}\n')
    assert apr(["parity", "--from", "run"]) == 2
    assert "run/measurement.jsonl:1: $.schema: 'apr-parity-v2' is not 'apr-parity-v1'" in said(capsys)


def test_model_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = ByHand()
    file.fields = {"major": 3}
    (here / "a.apr").write_bytes(file.bytes)
    assert apr(["inspect", "a.apr"]) == 2
    assert "a.apr: header, offset 0x4: is version 3.0; version 2.0 is supported" in said(capsys)
    (here / "a.gguf").write_bytes(struct.pack("<4sIQQ", b"GGUF", 4, 0, 0))
    assert apr(["inspect", "a.gguf"]) == 2
    assert "a.gguf: header, offset 0x4: is GGUF version 4; versions 2 and 3 are supported" in said(capsys)


def test_an_action_trace(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = TRACE.glob("teacher*.jsonl")
    (here / "t.jsonl").write_text(path.read_text().replace('"v":1', '"v":2').replace('"v": 1', '"v": 2'))
    assert ccpa(["validate", "t.jsonl"]) == 1
    assert "t.jsonl:1: $.v: is 2, not 1" in said(capsys)


def test_the_lock_and_the_project(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "contracts").mkdir()
    (here / "pv.lock").write_text('version = 2\n[[contract]]\npath = "a.yaml"\n')
    assert pv(["pin", "check"]) == 2
    assert "pv.lock" in said(capsys)
    (here / "pyproject.toml").write_text("[tool.pv]\nforecast = 1\n")
    assert pv(["validate"]) == 2
    assert "forecast" in said(capsys)
