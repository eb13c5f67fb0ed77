"""`pv show` as a user runs it: one claim whole, or a contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.recorded_project import RecordedProject

CONTRACT = """\
metadata: {version: "1.2.0", description: what it is about, references: [a paper]}
status: PROPOSED
equations:
  f: {formula: y = f(x), domain: all x, codomain: all y}
  g: {formula: z}
proof_obligations:
  - {id: OBL-1, type: bound, property: it is never far off, applies_to: f}
  - {id: OBL-2, type: invariant, property: of nobody, applies_to: h}
falsification_tests:
  - id: F-1
    rule: it holds
    prediction: |
      what is seen,
      in two lines
    if_fails: who did it
    binds_to: f
    domain: {n: [1, 2]}
    tolerance: 1e-6
    level: independent
    params: {n: [16, 128]}
    test: "cargo test -p x --lib one"
    hypothesis: H
    valid_for: 30d
    pending: [{package: no-such-package}]
    mutants: [{id: m, stage: s, layer: 1, note: a hint}]
  - {id: F-2, rule: r, prediction: p, if_fails: q, expect: refuted, mutants: [{id: m, stage: s, layer: 1}]}
"""
TEXT = """\
x-v1:F-1
  contracts/x-v1.yaml:10:9
  rule         it holds
  prediction   what is seen, in two lines
  if it fails  who did it
  equation     f: y = f(x)
  domain       all x
  codomain     all y
  claimed for  {"n": [1, 2]}
  tolerance    1e-06
  level        independent
  obligation   it is never far off (contracts/x-v1.yaml:7)
  param        n: 16, 128
  mutant       m at s, layer 1 (a hint): stale
  hypothesis   H
  waits for    package no-such-package
  valid for    30d
  test         cargo test -p x --lib one (cargo command)
  falsifier    falsifiers/x_v1.py:6 first
"""
WHOLE = """\
x-v1  kernel, version 1.2.0
  contracts/x-v1.yaml
  about        what it is about
  declared     PROPOSED
  effective    PROPOSED
  reference    a paper
  equation     f: y = f(x)
  domain       all x
  codomain     all y
  equation     g: z
  obligation   it is never far off
               of nobody

  claim  outcome                 at  rule
  F-1    inconclusive (pending)  10  it holds
  F-2    inconclusive (not run)  26  r
"""


@pytest.fixture
def written(project: RecordedProject) -> RecordedProject:
    project.write("contracts/x-v1.yaml", CONTRACT)
    project.commit()
    return project


def test_a_claim_whole(written: RecordedProject) -> None:
    written.record(started="2026-01-01T00:00:00Z")
    done = written.pv("show", "F-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(TEXT)
    rest = done.stdout[len(TEXT) :].splitlines()
    assert rest[0].startswith("  fingerprint  ")
    assert len(rest[0].split()[1]) == 64
    assert rest[1].startswith(
        "  outcome      inconclusive (pending: package no-such-package (stale: [16] expired: valid"
    )
    assert rest[2].startswith("  evidence     [16] discharged, independent, seen 2026-01-01T00:00:00Z at commit ")
    assert "stale: expired" in done.stdout


def test_without_evidence_it_is_not_run(written: RecordedProject) -> None:
    done = written.pv("show", "x-v1:F-2")
    assert done.returncode == 0
    assert "  outcome      inconclusive (not run: " in done.stdout
    assert "  expected     to be refuted\n" in done.stdout
    assert "  mutant       m at s, layer 1: not run\n" in done.stdout
    assert "evidence  " not in done.stdout
    assert "equation" not in done.stdout


def test_fresh_evidence_decides(written: RecordedProject) -> None:
    written.record()
    done = written.pv("show", "F-2", "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, told["outcome"], told["as_expected"]) == (0, "refuted", True)
    plain, mutant = told["evidence"]
    assert (plain["verdict"], plain["fresh"], plain["commit"]) == ("refuted", True, written.git("rev-parse", "HEAD"))
    assert (mutant["case"], mutant["verdict"]) == ("mutant-m", "killed")
    assert "  outcome      refuted, as expected\n" in written.pv("show", "F-2").stdout


def test_a_claim_without_a_falsifier_says_what_to_do(written: RecordedProject) -> None:
    written.write("falsifiers/x_v1.py", "")
    done = written.pv("show", "F-1")
    assert "  falsifier    none is bound to it: `pv missing contracts/x-v1.yaml` prints one\n" in done.stdout
    assert json.loads(written.pv("show", "F-1", "--json").stdout)["binding"] == "unbound"


@pytest.mark.parametrize("name", ["x-v1", "contracts/x-v1.yaml", "./contracts/x-v1.yaml"])
def test_a_contract(written: RecordedProject, name: str) -> None:
    done = written.pv("show", name)
    assert (done.returncode, done.stdout, done.stderr) == (0, WHOLE, "")


def test_a_contract_as_json(written: RecordedProject) -> None:
    told = json.loads(written.pv("show", "x-v1", "--json").stdout)
    assert (told["schema"], told["contract"], told["kind"], told["effective"]) == (
        "pv-show-v1",
        "x-v1",
        "kernel",
        "PROPOSED",
    )
    assert [one["equation"] for one in told["equations"]] == ["f", "g"]
    assert [(one["claim"], one["line"]) for one in told["claims"]] == [("F-1", 10), ("F-2", 26)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("F-11", "no claim and no contract is called F-11; did you mean 'F-1'?"),
        ("x-v2", "did you mean 'x-v1'?"),
        ("x-v1:F-22", "x-v1 has no claim F-22; did you mean 'F-2'?"),
        ("x-v1:quite-else", "`pv show x-v1` lists its claims"),
        ("quite-else", "`pv list` shows what there is"),
        ("y-v1:F-1", "did you mean 'F-1'?"),
        ("", "`pv list` shows what there is"),
        ("a\x1b[31m", "a\\u{1b}[31m"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(written: RecordedProject, name: str, words: str) -> None:
    done = written.pv("show", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_name_that_several_have_is_refused_with_all_of_them(written: RecordedProject) -> None:
    written.write("contracts/y-v1.yaml", CONTRACT)
    done = written.pv("show", "F-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "pv: 2 claims are called F-1; say which:",
        "  x-v1:F-1  contracts/x-v1.yaml:10:9",
        "  y-v1:F-1  contracts/y-v1.yaml:10:9",
    ]
    assert written.pv("show", "y-v1:F-1").stdout.startswith("y-v1:F-1\n")
    assert written.pv("show", "contracts/y-v1.yaml:F-1").stdout.startswith("y-v1:F-1\n")
    assert written.pv("show", "F-1", "contracts/y-v1.yaml").stdout.startswith("y-v1:F-1\n")


def test_a_broken_contract_is_named_where_the_claim_may_be_in_it(written: RecordedProject) -> None:
    written.write("contracts/y-v1.yaml", "metadata: {\n")
    assert written.pv("show", "F-1").returncode == 0
    done = written.pv("show", "Y-1")
    assert done.returncode == 2
    assert "not looked at: contracts/y-v1.yaml:" in done.stderr
