"""Tests that are named but are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV407"
MODULE = """
import os
from elsewhere import taken
if os.name:
    def under_if(): ...
try:
    late = 1
finally:
    def at_last(): ...
def test_order(): ...
async def test_later(): ...
class TestBlocks:
    def test_nibbles(self): ...
class TestMore(TestBlocks): ...
"""


@pytest.fixture
def project(rule: Tried) -> Tried:
    """A project whose root is the folder of contracts, with a contract, a script and two modules."""
    rule.beside("pyproject.toml", "")
    rule.beside("base-v1.yaml", "")
    rule.beside("other-v1.yaml", "metadata: {version: 1}\nfalsification_tests: [{id: G-1}]")
    rule.beside("tests/test_a.py", MODULE)
    rule.beside("tests/open.py", "from tests.test_a import *\n")
    rule.beside("tests/broken.py", "def (:\n")
    rule.beside("falsifiers/a.py", "def order(): ...\n")
    rule.beside("scripts/check.sh", "")
    return rule


GOOD = [
    "tests/test_a.py::test_order",
    "./tests/test_a.py::test_later",
    "tests/test_a.py::TestBlocks::test_nibbles[16-a b]",
    "tests/test_a.py::TestMore::test_nibbles",
    "tests/test_a.py::taken",
    "tests/test_a.py::under_if",
    "tests/test_a.py::at_last",
    "tests/test_a.py::late",
    "tests/open.py::whatever",
    "tests/broken.py::whatever",
    "tests/test_a.py::test_order, tests/test_a.py::test_later",
    "tests/test_a.py::test_order (slow)",
    "falsifiers.a.order",
    "falsifiers/a.py::order",
    "scripts/check.sh",
    "bash scripts/check.sh --all",
    "./scripts/check.sh",
    "python3 tests/test_a.py",
    "pytest tests/test_a.py::test_order -q",
    "pytest -k nowhere.py",
    "cd sub && ./nowhere.sh",
    "bash $HOME/nowhere.sh",
    "/opt/nowhere.sh",
    "../nowhere.sh",
    "crates/nowhere.rs",
    "reader::tests::nowhere",
    "other-repo: scripts/nowhere.sh runs it",
    "other-v1.yaml::G-1",
    "contracts/base-v1.yaml::F-1[16]",
    f"{'x' * 300}.py",
]


@pytest.mark.parametrize("good", GOOD)
def test_good(project: Tried, tested: Callable[..., str], good: str) -> None:
    project.accepts(tested(good))


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        ("§tests/test_b.py::test_order", "no file 'tests/test_b.py'", Severity.WARNING),
        ("§tests/test_a.py::test_odrer", "defines no 'test_odrer'", Severity.ERROR),
        ("§tests/test_a.py::TestBlocks::test_bytes", "defines no 'TestBlocks::test_bytes'", Severity.ERROR),
        ("§falsifiers.a.odrer", "falsifiers/a.py defines no 'odrer'", Severity.ERROR),
        ("§falsifiers.b.order", "no file 'falsifiers/b.py'", Severity.WARNING),
        ("§falsifiers/a.py::odrer", "defines no 'odrer'", Severity.ERROR),
        ("§scripts/chekc.sh", "no file 'scripts/chekc.sh'", Severity.WARNING),
        ("§bash scripts/chekc.sh --all", "no file", Severity.WARNING),
        ("§pytest -q -x tests/test_b.py", "no file", Severity.WARNING),
        ("§timeout 60 ./scripts/chekc.sh", "no file", Severity.WARNING),
        ("§pytest tests/test_a.py::test_odrer -q", "defines no", Severity.ERROR),
        ("§tests/test_b.py::test_order (planned)", "no file", Severity.WARNING),
        ("§base-v1.yaml::F-2", "base-v1 has no claim 'F-2'", Severity.ERROR),
        ("§contracts/other-v1.yaml::G-2[16]", "other-v1 has no claim 'G-2'", Severity.ERROR),
        ("§contracts/third-v1.yaml::G-1", "no contract named 'third-v1'", Severity.WARNING),
    ],
)
def test_bad(project: Tried, tested: Callable[..., str], bad: str, words: str, severity: Severity) -> None:
    project.finds(tested(bad), words, severity)


def test_what_discharged_a_claim_is_looked_up(project: Tried) -> None:
    claim = "falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, evidence_discharged_by: "
    project.accepts(claim + "['tests/test_a.py::test_order (16 cases)', a long session on the host, 3, src/a.rs::b]}")
    project.finds(claim + "[tests/test_a.py, §tests/test_a.py::test_odrer]}", "defines no")
    project.finds(claim + "§tests/test_b.py}", "no file")


def test_without_a_root_nothing_is_said(rule: Tried, tested: Callable[..., str]) -> None:
    rule.beside("base-v1.yaml", "")
    rule.accepts(tested("tests/test_b.py::test_order"))


def test_names_begin_at_any_folder_up_to_the_root(rule: Tried, tested: Callable[..., str]) -> None:
    rule.beside(".git", "")
    rule.beside("part/contracts/base-v1.yaml", "")
    rule.beside("part/tests/test_a.py", MODULE)
    rule.accepts(tested("tests/test_a.py::test_order"))
    rule.accepts(tested("part/tests/test_a.py::test_order"))
    rule.finds(tested("§test_a.py::test_order"), "no file")
