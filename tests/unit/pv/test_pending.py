"""What claims wait for: looked for in the world, and waiting that has lost its reason."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pv.config import Config
from pv.fold import CaseEvidence, Folded, fold
from pv.ledger import Ledger
from pv.pending import Condition, State, World, check, conditions
from pv.remark import Topic
from pv.status import compute
from pv.waiting import remarks, wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.parse import Claim, Contract

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
EXIT = (sys.executable, "-c", "import sys; sys.exit(int(sys.argv[1]))", "{}")


def config(root: Path, **probes: tuple[str, ...]) -> Config:
    return Config(root, (root / "contracts",), (root / "falsifiers",), root / "l.jsonl", probes)


def state(root: Path, kind: str, value: str, **probes: tuple[str, ...]) -> State:
    return check(Condition(kind, value), config(root, **probes), NOW).state


def test_a_file_is_looked_for_from_the_root_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, home = tmp_path / "[r]", tmp_path / "[h]"
    (root / "models").mkdir(parents=True)
    home.mkdir()
    (root / "models" / "a-q4.gguf").write_text("")
    (home / "b.gguf").write_text("")
    (root / "dangling.gguf").symlink_to(root / "nothing")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MODELS", str(home))
    monkeypatch.delenv("NONE", raising=False)
    there = [
        "models/a-q4.gguf",
        "models/*.gguf",
        "~/b.gguf",
        "${MODELS}/b.gguf",
        str(home / "b.gguf").replace("[h]", "[[]h]"),
    ]
    absent = ["models/c.gguf", "models/*.apr", "dangling.gguf", "~/c.gguf", "${NONE}/b.gguf", "b.gguf", "nowhere/*/x"]
    assert [state(root, "file", name) for name in there] == [State.MET] * len(there)
    assert [state(root, "file", name) for name in absent] == [State.UNMET] * len(absent)
    assert check(Condition("file", "${NONE}/b"), config(root), NOW).why == "${NONE} is not set"


def test_a_package_is_there_as_distribution_or_as_module_and_a_bare_folder_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onlyafolder").mkdir()
    (tmp_path / "amodule.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert state(tmp_path, "package", "pyyaml") is State.MET
    assert state(tmp_path, "package", "yaml") is State.MET
    assert state(tmp_path, "package", "amodule") is State.MET
    assert "amodule" not in sys.modules
    for absent in ("no_such_package", "no.such-package", "onlyafolder"):
        assert state(tmp_path, "package", absent) is State.UNMET


def test_programs_variables_and_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tool"
    program.write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert state(tmp_path, "program", "tool") is State.UNMET
    program.chmod(0o755)
    assert state(tmp_path, "program", "tool") is State.MET
    monkeypatch.setenv("SET", "1")
    monkeypatch.setenv("EMPTY", "")
    assert [state(tmp_path, "env", name) for name in ("SET", "EMPTY", "NOT_SET")] == [
        State.MET,
        State.UNMET,
        State.UNMET,
    ]
    days = ("2026-11-21", "2026-11-22", "2026-11-23", "soon")
    assert [state(tmp_path, "until", day) for day in days] == [
        State.MET,
        State.UNMET,
        State.UNMET,
        State.UNKNOWN,
    ]


@pytest.mark.parametrize(("code", "expected"), [("0", State.MET), ("1", State.UNMET), ("127", State.UNKNOWN)])
def test_a_probe_says_by_its_exit_code(tmp_path: Path, code: str, expected: State) -> None:
    assert state(tmp_path, "model", code, model=EXIT) is expected


def test_a_probe_gets_the_word_as_one_argument_and_never_as_an_option(tmp_path: Path) -> None:
    told = (sys.executable, "-c", "import sys; sys.exit(sys.argv[1:] != ['name=a b; c'])", "name={}")
    assert state(tmp_path, "model", "a b; c", model=told) is State.MET
    assert state(tmp_path, "model", "--help", model=told) is State.UNKNOWN


def test_what_cannot_be_asked_is_unknown(tmp_path: Path) -> None:
    checked = check(Condition("modell", "x"), config(tmp_path, model=EXIT), NOW)
    assert (checked.state, checked.why) == (
        State.UNKNOWN,
        "[tool.pv.probes] has no 'modell': did you mean 'model'?",
    )
    absent = check(Condition("model", "x"), config(tmp_path, model=("no-such-program", "{}")), NOW)
    assert absent.state is State.UNKNOWN
    assert "no-such-program cannot be run" in absent.why


@pytest.mark.parametrize("kind", ["file", "package", "program", "until", "model"])
def test_a_name_that_nothing_can_have_is_unknown_and_breaks_no_report(tmp_path: Path, kind: str) -> None:
    assert state(tmp_path, kind, "a\0b", model=EXIT) in {State.UNKNOWN, State.UNMET}


def test_a_probe_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    probes = config(tmp_path, model=("sh", "-c", "sleep 600 & echo $! > pid; wait", "{}"))
    checked = check(Condition("model", "x"), probes, NOW, seconds=1.0)
    assert (checked.state, checked.why) == (State.UNKNOWN, "sh did not end within 1 s")
    started = int((tmp_path / "pid").read_text())
    assert any(is_over(started) for _ in range(500))


def is_over(process: int) -> bool:
    """Whether a process has ended; whoever adopted it may not have taken note of that yet."""
    time.sleep(0.01)
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)  # noqa: S607  ps is where the shell finds it
    return found.stdout.strip()[:1] in {"", "Z"}


def test_a_report_looks_once(tmp_path: Path, contract_of: Callable[..., Contract]) -> None:
    script = "import pathlib, sys; open('asked', 'a').write('x')"
    world = World(config(tmp_path, model=(sys.executable, "-c", script, "{}")), NOW)
    claims = contract_of(
        "falsification_tests:\n"
        "  - {id: F-1, pending: [{model: m, note: one}]}\n  - {id: F-2, pending: [{model: m, note: two}]}\n"
    ).claims
    seen = [world.check(claim) for claim in claims]
    assert [(one.state, one.condition.note) for (one,) in seen] == [(State.MET, "one"), (State.MET, "two")]
    assert (tmp_path / "asked").read_text() == "x"


CLAIM = "falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], pending: [%s]}\n"
GOOD = {"": {"verdict": "discharged", "level": "algorithm"}, "m": {"verdict": "killed", "where": {"stage": "s"}}}
ABSENT, PRESENT = "{package: no_such_package}", "{package: yaml}"


def claim_of(contract_of: Callable[..., Contract], pending: str) -> Claim:
    (claim,) = contract_of(CLAIM % pending).claims
    return claim


def folded(claim: Claim, rows: dict[str, dict[str, Any]], stale: str = "") -> Folded:
    return fold(
        claim,
        [
            CaseEvidence(case, rows.get(case.mutant.id if case.mutant else ""), "" if rows else stale)
            for case in claim.cases()
        ],
    )


def test_a_claim_that_waits_says_for_what(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    claim = claim_of(contract_of, f"{ABSENT}, {PRESENT}, {{until: 2099-01-01}}")
    checked = World(config(tmp_path), NOW).check(claim)
    waiting = wait(folded(claim, {}), checked)
    assert (waiting.reason, waiting.detail) == ("pending", "package no_such_package, until 2099-01-01")
    assert waiting.pending == ("package no_such_package", "until 2099-01-01")
    assert wait(folded(claim, {}, "the claim has changed since"), checked).detail == (
        "package no_such_package, until 2099-01-01 (stale: the claim has changed since)"
    )


@pytest.mark.parametrize(
    "rows",
    [
        GOOD,
        {**GOOD, "": {"verdict": "refuted", "message": "off"}},
        {**GOOD, "": {"verdict": "error", "message": "broken"}},
        {**GOOD, "m": {"verdict": "survived", "message": "missed"}},
        {**GOOD, "": {"verdict": "green"}},
        {"": {"verdict": "inconclusive", "reason": "unbound", "message": "no falsifier is bound to it"}},
    ],
)
def test_waiting_hides_nothing_that_was_seen(
    contract_of: Callable[..., Contract], tmp_path: Path, rows: dict[str, dict[str, Any]]
) -> None:
    claim = claim_of(contract_of, ABSENT)
    plain = folded(claim, rows)
    assert wait(plain, World(config(tmp_path), NOW).check(claim)) == plain


@pytest.mark.parametrize(
    ("pending", "rows", "expected"),
    [
        (PRESENT, {}, [(True, "waits for package yaml, which is there: run it")]),
        (f"{PRESENT}, {{until: 2099-01-01}}", {}, [(True, "waits for package yaml, which is there: run it")]),
        (f"{PRESENT}, {ABSENT}", {}, [(False, "package yaml is there; still waits for package no_such_package")]),
        (ABSENT, {}, []),
        ("{until: 2026-11-22}", {}, []),
        ("{until: 2026-11-21}", {}, [(True, "waited until 2026-11-21, which is past: run it, or say why not")]),
        (
            f"{ABSENT}, {{until: 2026-11-21}}",
            {},
            [(True, "waited until 2026-11-21, which is past: run it, or say why not")],
        ),
        (
            "{modell: m}",
            {},
            [(True, "waits for modell m, which cannot be looked for: [tool.pv.probes] has no 'modell'")],
        ),
        (PRESENT, GOOD, [(False, "discharged, so it waits for nothing any more")]),
        (ABSENT, GOOD, []),
        ("{until: 2026-11-21}", GOOD, [(False, "discharged, so it waits for nothing any more")]),
    ],
)
def test_waiting_cannot_outlive_its_reason(
    contract_of: Callable[..., Contract],
    tmp_path: Path,
    pending: str,
    rows: dict[str, dict[str, Any]],
    expected: list[tuple[bool, str]],
) -> None:
    claim = claim_of(contract_of, pending)
    found = list(remarks(folded(claim, rows), World(config(tmp_path), NOW).check(claim)))
    assert [one.grave for one in found] == [grave for grave, _ in expected]
    assert all(one.text.startswith(text) for one, (_, text) in zip(found, expected, strict=True))
    assert all((one.topic, one.claim, one.caps) == (Topic.PENDING, "F-1", False) for one in found)


def test_entries_that_the_rules_refuse_are_no_conditions(contract_of: Callable[..., Contract]) -> None:
    claim = claim_of(contract_of, "{note: n}, {package: a, file: b}, {package: [a]}, {package: a, note: n}")
    assert conditions(claim) == (Condition("package", "a", "n"),)


def test_the_home_folder_is_a_pattern_only_where_it_begins(tmp_path: Path) -> None:
    assert os.environ.get("HOME")
    assert state(tmp_path, "file", "a~") is State.UNMET


def test_the_status_says_who_waits_and_who_waits_in_vain(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    contract = contract_of(
        "falsification_tests:\n"
        f"  - {{id: F-1, mutants: [{{id: m, stage: s}}], pending: [{ABSENT}]}}\n"
        f"  - {{id: F-2, mutants: [{{id: m, stage: s}}], pending: [{PRESENT}]}}\n"
    )
    (status,) = compute([contract], Ledger.of([]), config(tmp_path), now=NOW)
    assert [(one.reason, one.pending) for one in status.claims] == [
        ("pending", ("package no_such_package",)),
        ("not run", ()),
    ]
    assert [(one.claim, one.grave) for one in status.remarks] == [("F-2", True)]
    assert status.contradicted
