"""The check for known vulnerabilities fails where one is known, and says so where nothing can be known."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

SAFE = {"name": "numpy", "version": "2.0", "vulns": []}
FAULTY = {"name": "x", "version": "1.0", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "y", "skip_reason": "not found"}


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", Path(__file__).parents[2] / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SAFE, UNKNOWN], 0, "0 known vulnerabilities in 1 of 2 packages that were looked up"),
        ([SAFE, FAULTY], 1, "x 1.0: CVE-2026-1, mended in 1.1"),
        ([UNKNOWN], 0, "not audited, the database of vulnerabilities cannot be asked: it knows none of the 1 packages"),
    ],
)
def test_what_is_known_decides(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    packages: list[Any],
    code: int,
    said: str,
) -> None:
    text = json.dumps({"dependencies": packages})
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], code, text, ""))
    assert audit.main() == code
    assert said in capsys.readouterr().out


def test_no_answer_is_said(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "Traceback\nConnectionError: no route\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert audit.main() == 0
    assert "cannot be asked: ConnectionError: no route" in capsys.readouterr().out

    def late(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("pip-audit", 120)

    monkeypatch.setattr(subprocess, "run", late)
    assert audit.main() == 0
    assert "no answer within 120 s" in capsys.readouterr().out
