"""`ccpa validate` as a user meets it: what is wrong with traces, and where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests import pages
from tests.action_traces import as_bytes, end, plain, prompt, save, start, with_calls

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = with_calls([("Read", {"file_path": "x"}), ("Bash", {"command": "ls"})], [("Bash", {"command": "ls"})])


def ccpa(folder: Path, *args: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "apr.ccpa", "validate", *args],
        input=given, capture_output=True, timeout=60, check=False, cwd=folder,
    )  # fmt: skip
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def said(folder: Path, *args: str, given: bytes = b"") -> tuple[int, str, str]:
    done = ccpa(folder, *args, given=given)
    return done.returncode, done.stdout, done.stderr


def bash(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-c", script], capture_output=True, text=True, check=False, timeout=60, cwd=folder
    )


def test_a_valid_trace(tmp_path: Path) -> None:
    save(tmp_path / "a", plain())
    save(tmp_path / "b", TOOLS)
    assert said(tmp_path, "a") == (
        0,
        "1 file, 4 records, 0 findings; valid, text-only: it says nothing about tools\n",
        "",
    )
    assert said(tmp_path, "b") == (0, "1 file, 9 records, 0 findings; valid, with 3 tool calls\n", "")
    assert said(tmp_path, "a", "b", "a") == (
        0, "3 files, 17 records, 0 findings; valid: 1 with tool calls, 2 text-only\n", ""
    )  # fmt: skip


def test_what_is_wrong_is_told_by_file_line_and_path(tmp_path: Path) -> None:
    save(tmp_path / "a", [start(v=2), prompt(), *plain()[2:]])
    (tmp_path / "b").write_bytes(as_bytes(plain()) + b'{"a":1}{}\n')
    save(tmp_path / "c", plain())
    assert said(tmp_path, "a", "b", "c") == (
        1,
        (
            "a:1: $.v: is 2, not 1 [schema]\n"
            "b:5: $: something stands behind the record, at character 8 [json]; one record a line, and lines end with \\n\n"
            "3 files, 11 records, 2 findings; valid: 0 with tool calls, 1 text-only\n"
        ),
        "",
    )
    assert said(tmp_path, "a")[1].splitlines()[-1] == "1 file, 3 records, 1 finding"


def test_every_file_is_told_about_and_2_beats_1(tmp_path: Path) -> None:
    save(tmp_path / "bad", plain()[1:])
    save(tmp_path / "good", plain())
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    code, out, err = said(tmp_path, "missing", "bad", "pipe", "empty", "good")
    assert code == 2
    assert out.splitlines() == [
        "bad:1: $: the first record is user_prompt, not session_start [bracketing]",
        "5 files, 7 records, 1 finding, 3 unreadable; valid: 0 with tool calls, 1 text-only",
    ]
    assert sorted(err.splitlines()) == [
        "ccpa: error: empty: holds no *.ccpa-trace.jsonl; name the file itself",
        "ccpa: error: missing: cannot be read: No such file or directory",
        "ccpa: error: pipe: is no regular file; name a trace; `-` reads standard input",
    ]


def test_a_folder_is_searched(tmp_path: Path) -> None:
    for name in ("0002-b", "0001-a"):
        (tmp_path / "all" / name / "before").mkdir(parents=True)
        save(tmp_path / "all" / name / "teacher.ccpa-trace.jsonl", plain())
        save(tmp_path / "all" / name / "student.ccpa-trace.jsonl", TOOLS)
        save(tmp_path / "all" / name / "other.jsonl", [])
    save(tmp_path / "all" / "0001-a" / "before" / "x.ccpa-trace.jsonl", [])
    code, out, err = said(tmp_path, "all")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "all/0001-a/before/x.ccpa-trace.jsonl:0: $: holds no record [bracketing]",
        "5 files, 26 records, 1 finding; valid: 2 with tool calls, 2 text-only",
    ]
    listed = [one["path"] for one in json.loads(said(tmp_path, "all", "--json")[1])["files"]]
    assert listed == sorted(listed)


def test_standard_input(tmp_path: Path) -> None:
    assert said(tmp_path, "-", given=as_bytes(plain()))[0] == 0
    assert said(tmp_path, "-", given=b"") == (
        1,
        "-:0: $: holds no record [bracketing]\n1 file, 0 records, 1 finding\n",
        "",
    )
    code, out, err = said(tmp_path, "-", "-")
    assert (code, out, err) == (2, "", "ccpa: error: standard input can be read once; name files\n")
    closed = bash(tmp_path, f'"{sys.executable}" -m apr.ccpa validate - <&-')
    assert closed.returncode == 2
    assert closed.stderr == "ccpa: error: standard input: is closed\n"


def test_a_pipe_of_the_shell(tmp_path: Path) -> None:
    save(tmp_path / "a", plain())
    script = f'"{sys.executable}" -m apr.ccpa validate <(cat a)'
    done = bash(tmp_path, script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 file, 4 records, 0 findings; valid")


def test_so_many_findings_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"?\n" * 250)
    lines = said(tmp_path, "a")[1].splitlines()
    assert len(lines) == 102
    assert lines[99:] == [
        "a:100: $: is no JSON: a value was expected at character 1 [json]",
        "a: and 150 more; see them with --max-findings 250",
        "1 file, 0 records, 250 findings",
    ]
    assert len(said(tmp_path, "a", "--max-findings", "250")[1].splitlines()) == 251
    assert said(tmp_path, "a", "--max-findings", "0")[1].splitlines()[0].startswith("a: and 250 more")
    content = json.loads(said(tmp_path, "a", "--max-findings", "2", "--json")[1])
    assert (content["files"][0]["findings_total"], len(content["files"][0]["findings"])) == (250, 2)
    for wrong in ("-1", "x", "", "²"):
        code, out, err = said(tmp_path, "a", f"--max-findings={wrong}")
        assert (code, out) == (2, "")
        assert "is no number of findings" in err


def test_json(tmp_path: Path) -> None:
    save(tmp_path / "good", TOOLS)
    save(tmp_path / "bad", [start(), prompt(), end(1, "error", elapsed_ms=-1)])
    code, out, err = said(tmp_path, "good", "bad", "missing", "--json")
    assert (code, err) == (2, "")
    content: Any = json.loads(out)
    assert content["schema"] == "ccpa-validate-v1"
    good, bad, missing = content["files"]
    assert good == {
        "path": "good", "state": "valid", "problem": None, "records": 9, "tool_calls": 3, "text_only": False,
        "findings_total": 0, "findings": [],
    }  # fmt: skip
    assert bad == {
        "path": "bad", "state": "invalid", "problem": None, "records": 2, "tool_calls": 0, "text_only": True,
        "findings_total": 1,
        "findings": [
            {"line": 3, "path": "$.elapsed_ms", "rule": "schema", "problem": "is -1; the minimum is 0", "hint": ""}
        ],
    }  # fmt: skip
    assert (missing["state"], missing["problem"]) == (
        "unreadable",
        "missing: cannot be read: No such file or directory",
    )
    assert content["totals"] == {
        "files": 3, "valid": 1, "invalid": 1, "unreadable": 1, "records": 11, "findings": 1, "text_only": 0
    }  # fmt: skip


def test_the_page_has_every_key(tmp_path: Path) -> None:
    save(tmp_path / "bad", [start(), prompt(), end(1, "error", elapsed_ms=-1)])
    content: Any = json.loads(said(tmp_path, "bad", "--json")[1])
    (file,) = content["files"]
    (finding,) = file["findings"]
    assert pages.keys("ccpa-validate-v1.md") == [list(one) for one in (content, file, finding, content["totals"])]
    content = json.loads(said(tmp_path, "bad", "--json", "--compat", "upstream")[1] or "{}")
    assert content == {}
    save(tmp_path / "good", plain())
    content = json.loads(said(tmp_path, "good", "--json", "--compat", "upstream")[1])
    assert content == {"schema": "ccpa-validate-v1", "compat": "upstream", "records": {"good": 4}}


def test_nothing_steers_the_terminal(tmp_path: Path) -> None:
    save(tmp_path / "a\x1b[2J", [start(**{"\x1b]0;x\x07\u202e": 1}), *plain()[1:]])
    code, out, err = said(tmp_path, "a\x1b[2J", "b\x1b")
    assert code == 2
    assert "\x1b" not in out + err
    assert "\u202e" not in out + err
    assert r"a\x1b[2J:1: $[" in out
    assert r"b\x1b: cannot be read" in err


def test_as_the_upstream_does(tmp_path: Path) -> None:
    odd = [start(v=7, session_id="x", extra=1), *plain()[1:3]]
    save(tmp_path / "odd", odd)
    assert said(tmp_path, "odd")[0] == 1
    assert said(tmp_path, "odd", "--compat", "upstream") == (
        0,
        "ccpa validate: 3 record(s) — schema-roundtrip OK\n",
        "",
    )
    save(tmp_path / "bad", [{"v": 1, "kind": "x"}])
    code, out, err = said(tmp_path, "bad", "--compat", "upstream")
    assert (code, out) == (2, "")
    assert err.startswith("ccpa: error: ")
    assert said(tmp_path, "-", "--compat", "upstream") == (
        2, "", "ccpa: error: --compat upstream reads no standard input; name files\n"
    )  # fmt: skip
    (tmp_path / "empty").mkdir()
    code, _, err = said(tmp_path, "empty", "--compat", "upstream")
    assert (code, err) == (2, "ccpa: error: empty: holds no *.ccpa-trace.jsonl; name the file itself\n")


@pytest.mark.parametrize("args", [(), ("--compat", "downstream", "x"), ("--strict", "x")])
def test_a_command_line_that_means_nothing(tmp_path: Path, args: tuple[str, ...]) -> None:
    code, out, err = said(tmp_path, *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("ccpa: error: ")


def test_without_the_extra(tmp_path: Path) -> None:
    save(tmp_path / "a", plain())
    script = "import sys; sys.modules['fastjsonschema'] = None; from apr.ccpa.cli import main; sys.exit(main(['validate', 'a']))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ccpa: error: the package fastjsonschema is not installed; pip install 'pv-falsify[ccpa]'\n"
