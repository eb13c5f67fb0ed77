"""`pv fix` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.cli import main
from pv.mend import Mending, Unsafe, mend

if TYPE_CHECKING:
    from pathlib import Path

    from pv.corpus import Reading
    from pv.source import Source

GOOD = 'metadata: {version: "1", description: d, references: [r]}\nequations: {f: {formula: x, domain: R}}\n'
OLD = f"{GOOD}falsification_tests:\n  - id: F-1   # why\n    expected: p\n    fails_if: no\n"
NEW = f'{GOOD}falsification_tests:\n  - id: F-1   # why\n    prediction: p\n    if_fails: "no"\n'
DONE = "2 keys renamed, 1 value quoted"


def pv(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pv", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )


def test_files_are_mended_and_the_rest_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OLD)
    (tmp_path / "b.yaml").write_text(NEW)
    (tmp_path / "c.yaml").write_text(OLD.replace("p\n", "p\n    predction: q\n"))
    done = pv(tmp_path, "fix", ".")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [f"a.yaml: {DONE}", f"c.yaml: {DONE}"]
    left = json.loads(pv(tmp_path, "validate", ".", "--format", "json").stdout)["summary"]
    assert left["fixable"] == 0
    count = left["errors"] + left["warnings"]
    what = "2 of 3 files mended: 4 keys renamed, 2 values quoted"
    assert done.stdout.splitlines()[2:] == [f"{what}; {count} findings need a person (`pv validate`)"]
    assert (tmp_path / "a.yaml").read_text() == (tmp_path / "b.yaml").read_text() == NEW
    again = pv(tmp_path, "fix", ".")
    assert again.returncode == 0
    assert again.stdout.startswith("0 of 3 files mended; ")


@pytest.mark.parametrize("options", [["--check"], ["--diff"], ["--diff", "--check"]])
def test_looking_writes_nothing(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "a.yaml").write_text(OLD)
    before = (tmp_path / "a.yaml").stat()
    done = pv(tmp_path, "fix", "a.yaml", *options)
    assert done.returncode == 1
    assert f"1 of 1 file would be mended: {DONE}" in done.stdout + done.stderr
    after = (tmp_path / "a.yaml").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert (tmp_path / "a.yaml").read_text() == OLD
    (tmp_path / "a.yaml").write_text(NEW)
    done = pv(tmp_path, "fix", "a.yaml", *options)
    assert done.returncode == 0
    assert "-" not in done.stdout.split("findings")[0]


@pytest.mark.parametrize("apply", [["git", "apply"], ["patch", "-p1", "--binary", "-s", "-i"]])
def test_the_diff_can_be_applied(tmp_path: Path, apply: list[str]) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pv]\ncontracts = ["."]\nschema = "s.json"\n')
    (tmp_path / "s.json").write_text("{}")
    raw = b"\xef\xbb\xbf" + OLD.replace("\n", "\r\n").replace("# why", "# 漢\t😀").rstrip().encode()
    (tmp_path / "a.yaml").write_bytes(raw)
    # as bytes: text would have `\n` for `\r\n`
    done = subprocess.run([sys.executable, "-m", "pv", "fix", "--diff"], cwd=tmp_path, capture_output=True, check=False)
    (tmp_path / "p.diff").write_bytes(done.stdout)
    subprocess.run([*apply, "p.diff"], cwd=tmp_path, check=True, capture_output=True)
    patched = (tmp_path / "a.yaml").read_bytes()
    (tmp_path / "a.yaml").write_bytes(raw)
    assert pv(tmp_path, "fix").returncode == 0
    assert (tmp_path / "a.yaml").read_bytes() == patched
    assert patched.startswith(b"\xef\xbb\xbf# yaml-language-server: $schema=s.json\r\nmetadata:")
    assert patched.endswith('id: F-1   # 漢\t😀\r\n    prediction: p\r\n    if_fails: "no"'.encode())


def test_links_are_followed_and_modes_kept(tmp_path: Path) -> None:
    real = tmp_path / "real" / "a.yaml"
    real.parent.mkdir()
    real.write_text(OLD)
    real.chmod(0o640)
    (tmp_path / "link.yaml").symlink_to(real)
    assert pv(tmp_path, "fix", "link.yaml").returncode == 0
    assert (tmp_path / "link.yaml").is_symlink()
    assert real.read_text() == NEW
    assert real.stat().st_mode & 0o777 == 0o640
    assert list(real.parent.iterdir()) == [real]


def test_only_what_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OLD)
    assert "a.yaml: 1 value quoted\n" in pv(tmp_path, "fix", "a.yaml", "--select", "PV107").stdout
    assert (tmp_path / "a.yaml").read_text() == OLD.replace(" no\n", ' "no"\n')
    (tmp_path / "pyproject.toml").write_text('[tool.pv]\ncontracts = ["."]\n[tool.pv.validate]\nignore = ["PV105"]\n')
    assert pv(tmp_path, "fix", "--check").returncode == 0
    assert pv(tmp_path, "fix", "--check", "--select", "PV105").returncode == 1


def test_one_broken_file_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n")
    (tmp_path / "b.yaml").write_text(OLD)
    done = pv(tmp_path, "fix", ".")
    assert done.returncode == 2
    assert done.stderr.startswith("pv: a.yaml:")
    assert "error[PV003]" in done.stderr
    assert "1 of 2 files mended" in done.stdout
    assert (tmp_path / "b.yaml").read_text() == NEW


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-"], "standard input is none"),
        (["gone.yaml"], "no such file"),
        (["a.yaml", "--select", "PV9999"], "no code begins with"),
        (["other.yaml"], "nothing was mended"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "a.yaml").write_text(OLD)
    (tmp_path / "other.yaml").write_text("a: 1\n")
    done = pv(tmp_path, "fix", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert (tmp_path / "a.yaml").read_text() == OLD


def test_a_file_that_changes_meanwhile_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(*arguments: Any, **others: Any) -> Mending:
        (tmp_path / "a.yaml").write_text("somebody: else\n")
        return mend(*arguments, **others)

    (tmp_path / "a.yaml").write_text(OLD)
    monkeypatch.setattr("pv.commands.fix.mend", slow)
    monkeypatch.chdir(tmp_path)
    assert main(["fix", "a.yaml"]) == 2
    out, err = capsys.readouterr()
    assert "changed meanwhile" in err
    assert "0 of 1 file mended" in out
    assert (tmp_path / "a.yaml").read_text() == "somebody: else\n"


def test_a_rule_that_would_spoil_a_file_is_our_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoiling(reading: Reading, source: Source, **others: Any) -> Mending:
        if reading.name == "a.yaml":
            raise Unsafe("'p' would become 'q'")
        return mend(reading, source, **others)

    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(OLD)
    monkeypatch.setattr("pv.commands.fix.mend", spoiling)
    monkeypatch.chdir(tmp_path)
    assert main(["fix", "."]) == 3
    out, err = capsys.readouterr()
    assert err.startswith(
        "pv: a.yaml: left as it is, for mending it would change more: 'p' would become 'q'; this is a bug in pv"
    )
    assert "1 of 2 files mended" in out
    assert [(tmp_path / name).read_text() for name in ("a.yaml", "b.yaml")] == [OLD, NEW]
