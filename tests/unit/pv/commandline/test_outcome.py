"""Which exit statuses a text can have; those that a shell can be asked about are asked."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pv.commandline.outcome import Loss, outcome
from pv.commandline.shell import parse

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS_GOOD = [
    "p && echo PASS || echo FAIL",
    "p || true",
    "p || :",
    "p; true",
    "p; exit 0",
    "p\nexit 0",
    "echo PASS",
    "if p; then echo PASS; else echo FAIL; fi",
    "if p; then echo PASS; fi",
    "(p || true)",
    "{ p || true; }",
    "bash -c 'p || true'",
    "! false",
    "set -e; p || true",
    "p &",
    "x=$(p || true)",
    "export x=$(p)",
    "for f in a b; do p || true; done",
    "p || true | true",
    "x=1; p || x=0; exit 0",
]
ALWAYS_BAD = [
    "false",
    "p; exit 1",
    "! true",
    "p && exit 2 || exit 1",
    "out=$(p || true); rc=$?; [ $rc -ne 0 ]",
    'out=$(p || true)\nrc=$?\n[ "$rc" -ne 0 ] || { echo no >&2; exit 1; }\nq',
    "p || true; test $? -eq 3",
    "set -e; false; true",
    "p; echo done; [ $? -gt 0 ]",
]
EITHER = [
    "p",
    "p && q",
    "p | q",
    "p; rc=$?; [ $rc -ne 0 ]",
    'out=$(p)\nrc=$?\n[ "$rc" -ne 0 ] || exit 1\nq',
    "rc=0; p || rc=$?; [ $rc -eq 3 ]",
    "fail=0; p || fail=1; q || fail=1; exit $fail",
    "fail=0; for f in a b; do p || fail=1; done; exit $fail",
    "p && exit 1 || exit 0",
    "if p; then exit 0; else exit 1; fi",
    "! p || exit 1",
    "p || { echo no; exit 1; }",
    "set -e; p; true",
    "set -o pipefail; p | cat",
    "n=5; p || n=6; [ $n -eq 5 ]",
    "while p; do q; done",
    '[ -n "$A" ] && [ "$A" = "$B" ]',
    "read rc; [ $rc -ne 0 ]",
    "p || exit $?",
    "set -eu; p; echo done",
    "diff a b && exit 1 || exit 0",
    "if ! p; then exit 1; fi; echo ok",
    "p || set -e; false; q",
    "p && set -o pipefail; q | cat",
    "if p; then set -e; fi; q; true",
]


@pytest.mark.parametrize("text", ALWAYS_GOOD)
def test_cannot_fail(text: str) -> None:
    found = outcome(text)
    assert found is not None
    assert found.cannot_fail


@pytest.mark.parametrize("text", ALWAYS_BAD)
def test_cannot_pass(text: str) -> None:
    found = outcome(text)
    assert found is not None
    assert found.cannot_pass


@pytest.mark.parametrize("text", EITHER)
def test_can_do_both(text: str) -> None:
    found = outcome(text)
    assert found is not None
    assert found.statuses == {0, 1}


@pytest.mark.parametrize(
    "text",
    [
        "f() { p; }; f",
        "case a in b) p;; esac",
        "'",
        "((",
        "((x++)); [ $x -ne 0 ]",
        "",
        "a=(1 2)",
        "if p",
        ")",
        "fi",
        "&& p",
    ],
)
def test_not_understood(text: str) -> None:
    assert outcome(text) is None


@pytest.mark.parametrize(
    "text", ["(" * 2_000, "$(" * 2_000, "if " * 2_000, "{ " * 2_000, "! " * 5_000 + "p", "bash -c '" * 500]
)
def test_depth_is_no_trap(text: str) -> None:
    outcome(text)  # no RecursionError; most of these are not understood
    assert parse("(" * 2_000) is None


LOST = {
    'x=$(p || true); rc=$?; [ -n "$x" ] && p': [(Loss.CONSTANT, "$?")],
    "cargo test | tee log": [(Loss.PIPED, "tee")],
    "grep -r a src | wc -l": [(Loss.PIPED, "wc")],
    "cargo test | head -5 || exit 1": [(Loss.PIPED, "head")],
    "cargo test a\ncargo test b": [(Loss.UNREAD, "cargo")],
    "test -f a; p": [(Loss.UNREAD, "test")],
    "p | grep -q a": [],
    "cargo test | tee log; grep -q ok log": [],
    "cargo test | tee log && grep -q ok log": [],
    "set -o pipefail; cargo test | tee log": [],
    'x=$(cargo test | tail -1); [ "$x" = ok ]': [],
    "cargo test > log; grep -q ok log": [],
    "cargo test; rc=$?; exit $rc": [],
    "cargo test; if [ $? -ne 0 ]; then exit 1; fi": [],
    "set -e\ncargo test a\ncargo test b": [],
    "cargo test a && cargo test b": [],
    "cargo test | tee log; exit ${PIPESTATUS[0]}": [],
    "echo a | tee b": [],
    "mkdir -p a; p": [],
    "p || rc=$?; [ $rc -eq 3 ]": [],
    "while [ $i -lt 5 ]; do p; done": [],
    "if p; then rc=$?; q; fi": [],
}


@pytest.mark.parametrize("text", LOST)
def test_lost(text: str) -> None:
    found = outcome(text)
    assert found is not None
    assert [(lost.loss, lost.what) for lost in found.lost] == LOST[text]


SHELL = shutil.which("bash")


def run(text: str, folder: Path, good: dict[str, bool]) -> int:
    """What bash makes of it, where the programs p and q end as told."""
    defined = "".join(
        f"{name}() {{ return {0 if ends_well else 1}; }}; export -f {name}\n" for name, ends_well in good.items()
    )
    done = subprocess.run(
        [SHELL or "", "-c", defined + text],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=20,
        stdin=subprocess.DEVNULL,
    )
    return min(1, done.returncode)


@pytest.mark.skipif(SHELL is None, reason="no bash")
@pytest.mark.parametrize("text", [*ALWAYS_GOOD, *ALWAYS_BAD, *(one for one in EITHER if "while" not in one)])
def test_bash_agrees(text: str, tmp_path: Path) -> None:
    found = outcome(text)
    seen = {
        run(text, tmp_path, dict(zip("pq", ends, strict=True))) for ends in itertools.product((True, False), repeat=2)
    }
    assert found is None or seen <= found.statuses


PART = st.sampled_from(
    [
        "p",
        "q",
        "true",
        "false",
        "echo a",
        "x=$?",
        "[ $x -ne 0 ]",
        "[ $? -eq 0 ]",
        "y=$(p)",
        "y=$(p || true)",
        "exit $x",
        "exit 0",
        "set -e",
        "! p",
        "x=0",
        "x=3",
        "( q; exit 1 )",
        "{ p; x=$?; }",
        "p | q",
        "set -o pipefail",
        "if p; then x=1; else x=0; fi",
        "[ $x -eq 3 ]",
        "export z=$(q)",
    ]
)


@pytest.mark.skipif(SHELL is None, reason="no bash")
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(PART, st.sampled_from([" && ", " || ", "; ", "\n"])), min_size=1, max_size=7))
def test_bash_never_does_what_was_ruled_out(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, str]]
) -> None:
    text = "x=0; " + "".join(part + joint for part, joint in parts[:-1]) + parts[-1][0]
    found = outcome(text)
    assert found is not None
    folder = tmp_path_factory.getbasetemp()
    for ends in itertools.product((True, False), repeat=2):
        assert run(text, folder, dict(zip("pq", ends, strict=True))) in found.statuses
