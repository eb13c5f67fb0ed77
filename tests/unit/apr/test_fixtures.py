"""The committed fixtures are what their script makes and what their manifest says."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_manifest_lists_every_file_with_its_hash() -> None:
    manifest = json.loads((FIXTURES / "MANIFEST.json").read_text(encoding="utf-8"))
    data = {path.name for path in FIXTURES.iterdir() if path.suffix not in (".py", ".json") and path.is_file()}
    assert manifest.keys() == data
    for name, entry in manifest.items():
        assert entry["sha256"] == sha256(FIXTURES / name)
        assert entry["bytes"] == (FIXTURES / name).stat().st_size
        assert entry["origin"]
        assert entry["licence"]


def test_the_script_makes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FIXTURES / "make.py", tmp_path], check=True, capture_output=True)
    made = sorted(tmp_path.iterdir())
    assert len(made) == 3
    for path in made:
        assert sha256(path) == sha256(FIXTURES / path.name), path.name
