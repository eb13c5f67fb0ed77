"""`pv gate` as a pipeline runs it: for each reason to stop the case that must stop it, and the honest one that must not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from types import ModuleType

    from tests.recorded_project import RecordedProject

AT = "contracts/x-v1.yaml:4:10: "  # the first claim
TABLE = """\
metadata: {version: "1.0.0", description: d, references: [r], kind: registry, registry: true}
equations: {f: {formula: x}}
falsification_tests: []
"""


def check(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The exit code, each of these words in what was printed, and one line of summary at its end."""
    assert done.returncode == code, done.stdout + done.stderr
    for word in words:
        assert word in done.stdout + done.stderr
    if done.stdout:
        verdict = {0: "gate passed: ", 1: "gate failed (", 2: "gate not measured ("}[code]
        assert [line for line in done.stdout.splitlines() if line.startswith("gate ")] == [done.stdout.splitlines()[-1]]
        assert done.stdout.splitlines()[-1].startswith(verdict)


@pytest.fixture
def measured(project: RecordedProject) -> RecordedProject:
    """Committed, and every claim as it should be."""
    project.commit()
    project.record()
    return project


def test_open_where_everything_came_out_as_declared(measured: RecordedProject) -> None:
    check(measured.pv("gate"), 0, "2 claims: 2 discharged, 0 refuted, 0 inconclusive, 2/2 mutants killed")


# exit 1, one by one


@pytest.mark.parametrize(
    ("claim", "outcomes", "mutants", "words"),
    [
        ("F-1", {"F-1": "refuted"}, {}, "refuted: F-1: "),
        (
            "F-1, expect: refuted",
            {"F-1": "discharged"},
            {},
            "discharged against expectation: F-1: expected to be refuted",
        ),
        ("F-1", {"F-1": "error"}, {}, "error: F-1: "),
        ("F-1", {}, {"F-1": "survived"}, "mutant missed: F-1: mutant m survived"),
        ("F-1", {}, {"F-1": "mislocalised"}, "mutant missed: F-1: mutant m mislocalised"),
        ("F-1", {}, {"F-1": "error"}, "error: F-1: "),
    ],
)
def test_a_claim_that_contradicts_shuts_it(
    project: RecordedProject,
    recorded: ModuleType,
    claim: str,
    outcomes: dict[str, str],
    mutants: dict[str, str],
    words: str,
) -> None:
    project.write("contracts/x-v1.yaml", recorded.contract(claim, "F-2"))
    project.commit()
    project.record(outcomes, mutants)
    check(project.pv("gate"), 1, AT + words)
    project.record()  # the honest twin: as its author expects
    check(project.pv("gate"), 0)


def test_declared_above_effective_shuts_it(project: RecordedProject, recorded: ModuleType) -> None:
    project.write("contracts/x-v1.yaml", recorded.contract("F-1", "F-2", status="ACTIVE_RUNTIME"))
    project.commit()
    project.record({"F-2": ""})
    done = project.pv("gate")
    check(done, 1, "contracts/x-v1.yaml:2:9: declared above effective: x-v1: declared ACTIVE_RUNTIME")
    assert "effective PARTIAL_ALGORITHM_LEVEL: claims F-2" in done.stdout
    project.record()
    check(project.pv("gate"), 0, "1 of 1 contract with a status declare no more than is effective")


def test_a_ledger_that_was_changed_shuts_it(measured: RecordedProject) -> None:
    text = measured.ledger.read_text()
    measured.ledger.write_text(text.replace('"claim":"F-1"', '"claim":"F-9"', 1))
    check(measured.pv("gate"), 1, "ledger.jsonl:1:1: ledger changed: ")
    measured.ledger.write_text(text)
    check(measured.pv("gate"), 0)


def test_a_grave_remark_shuts_it(project: RecordedProject, recorded: ModuleType) -> None:
    """A promotion that quotes evidence which nobody has."""
    text = recorded.contract("F-1", "F-2", status="ACTIVE_RUNTIME")
    history = 'status_history:\n  - {date: "2026-01-01", from: PROPOSED, to: ACTIVE_RUNTIME, evidence: ["%s"]}\n'
    project.write("contracts/x-v1.yaml", text + history % ("ab" * 32))
    project.commit()
    project.record()
    check(project.pv("gate"), 1, "contracts/x-v1.yaml:8:5: grave: x-v1: the promotion to ACTIVE_RUNTIME of 2026-01-01")
    project.write("contracts/x-v1.yaml", text)
    check(project.pv("gate"), 1, "history rewritten")  # taking the entry out again is no way out


@pytest.mark.parametrize(
    ("word", "rows", "code", "words"),
    [
        ("independent", {}, 0, ""),
        (
            "independent",
            {"level": "algorithm"},
            1,
            AT + "below what is required: F-1: evidence of level algorithm; inde",
        ),
        ("algorithm", {"level": "algorithm"}, 0, ""),
        ("ACTIVE_RUNTIME", {}, 0, ""),
        ("active_runtime", {}, 0, ""),
        (
            "ACTIVE_RUNTIME",
            {"level": "algorithm"},
            1,
            "x-v1: effective ACTIVE_ALGORITHM_LEVEL, required ACTIVE_RUNTIME",
        ),
        ("ACTIVE_ALGORITHM_LEVEL", {"level": "algorithm"}, 0, ""),
    ],
)
def test_what_is_required_must_be_reached(
    project: RecordedProject, word: str, rows: dict[str, Any], code: int, words: str
) -> None:
    project.commit()
    project.record(**rows)
    check(project.pv("gate", "--require", word), code, words)


@pytest.mark.parametrize("word", ["algorithm", "ACTIVE_ALGORITHM_LEVEL"])
def test_what_is_not_known_reaches_nothing_that_is_required(project: RecordedProject, word: str) -> None:
    project.commit()
    project.record({"F-2": "inconclusive"})
    check(project.pv("gate", "--require", word), 1, "below what is required")
    check(project.pv("gate"), 0, "note: x-v1: 1 of 2 claims unknown")


@pytest.mark.parametrize("word", ["algorithm", "PARTIAL_ALGORITHM_LEVEL"])
def test_a_contract_without_claims_reaches_nothing_that_is_required(measured: RecordedProject, word: str) -> None:
    measured.write("contracts/y-v1.yaml", TABLE)
    check(measured.pv("gate", "--require", word), 1, "contracts/y-v1.yaml:1:1: below what is required: y-v1: ")
    check(measured.pv("gate"), 0, "note: y-v1: it has no claims")


# exit 2, one by one


def test_without_a_ledger_nothing_was_measured(project: RecordedProject, recorded: ModuleType) -> None:
    project.write("contracts/x-v1.yaml", recorded.contract("F-1", "F-2", status="ACTIVE_RUNTIME"))
    project.commit()
    done = project.pv("gate")
    check(done, 2, "ledger.jsonl:1:1: no ledger: ")
    assert "declared above effective" not in done.stdout, "nobody has looked"
    check(project.pv("gate", "--ledger", "nowhere.jsonl"), 2, "no such ledger")
    project.record()
    check(project.pv("gate"), 0)


@pytest.mark.parametrize("rows", [{"F-1": "inconclusive", "F-2": "inconclusive"}, {"F-1": "", "F-2": ""}, "stale"])
def test_where_everything_is_inconclusive_nothing_was_measured(project: RecordedProject, rows: Any) -> None:
    project.commit()
    project.record({} if rows == "stale" else rows)
    project.ledger.parent.mkdir(exist_ok=True)
    project.ledger.touch()
    if rows == "stale":
        project.write("falsifiers/helper.py", "x = 1\n")
    check(project.pv("gate"), 2, "contracts/x-v1.yaml:1:1: nothing measured: x-v1: 0 of 2 claims: 2 ")
    project.record()
    check(project.pv("gate"), 0)


def test_no_claims_and_no_contracts_are_nothing_measured(measured: RecordedProject) -> None:
    x = measured.root / "contracts" / "x-v1.yaml"
    text = x.read_text()
    x.write_text(TABLE)
    check(measured.pv("gate"), 1, "F-1: removed, not committed yet", "contracts/x-v1.yaml:1:1: no claims: x-v1")
    x.unlink()
    check(measured.pv("gate"), 2, "no contract found")
    x.write_text(text)
    check(measured.pv("gate"), 0)


def test_a_contract_that_cannot_be_read_is_not_measured(measured: RecordedProject) -> None:
    broken = measured.write("contracts/y-v1.yaml", "metadata: {\n")
    check(measured.pv("gate"), 2, "unusable: contracts/y-v1.yaml:")
    measured.record({"F-1": "refuted"})
    check(measured.pv("gate"), 1, "unusable: contracts/y-v1.yaml:", "refuted: F-1")
    broken.unlink()
    measured.record()
    check(measured.pv("gate"), 0)


def test_a_contradiction_counts_whatever_else_is_not_known(project: RecordedProject) -> None:
    project.commit()
    project.record({"F-1": "inconclusive", "F-2": "error"})
    check(project.pv("gate"), 1, "error: F-2")
    check(project.pv("gate", "--since", "nope"), 1, "error: F-2", "no base: ")


# since


def branch(project: RecordedProject, outcomes: dict[str, str] | None = None) -> None:
    """A main on which the claims came out so, and a branch that changes a source."""
    project.commit()
    project.record(outcomes)
    project.git("switch", "-q", "-c", "work")
    project.write("falsifiers/helper.py", "x = 1\n")
    project.commit()


NO_NEW = ("gate", "--no-new-refutations", "--since", "main")


def test_old_refutations_are_let_through_and_new_ones_are_not(project: RecordedProject, recorded: ModuleType) -> None:
    project.write("contracts/x-v1.yaml", recorded.contract("F-1", "F-2", status="ACTIVE_RUNTIME"))
    branch(project, {"F-2": "refuted"})
    project.record({"F-2": "refuted"})
    check(project.pv("gate"), 1, "refuted: F-2", "declared above effective")
    check(project.pv(*NO_NEW), 0, "note: x-v1: F-2: refuted at the base as well: let through", "0 newly refuted")
    project.record({"F-1": "refuted", "F-2": "refuted"})
    done = project.pv(*NO_NEW)
    check(done, 1, "refuted: F-1", "1 newly refuted")
    assert "refuted: F-2" not in done.stdout
    project.record({"F-2": "error"})
    check(project.pv(*NO_NEW), 1, "error: F-2")


def test_an_old_refutation_covers_no_higher_declaration(project: RecordedProject, recorded: ModuleType) -> None:
    project.write("contracts/x-v1.yaml", recorded.contract("F-1", "F-2", status="PARTIAL_ALGORITHM_LEVEL"))
    branch(project, {"F-2": "refuted"})
    project.record({"F-2": "refuted"})
    check(project.pv(*NO_NEW), 0)
    project.write("contracts/x-v1.yaml", recorded.contract("F-1", "F-2", status="ACTIVE_RUNTIME"))
    check(project.pv(*NO_NEW), 1, "declared above effective: x-v1: declared ACTIVE_RUNTIME, effective REFUTED")


def test_an_old_refutation_covers_no_other_lack(project: RecordedProject, recorded: ModuleType) -> None:
    project.write("contracts/x-v1.yaml", recorded.contract("F-1", "F-2", status="ACTIVE_RUNTIME"))
    branch(project, {"F-1": "", "F-2": "refuted"})
    project.record({"F-1": "", "F-2": "refuted"})
    check(project.pv(*NO_NEW), 1, "declared ACTIVE_RUNTIME, effective PARTIAL_ALGORITHM_LEVEL")


def test_what_is_required_is_required_of_the_others(project: RecordedProject) -> None:
    branch(project, {"F-2": "refuted"})
    project.record({"F-2": "refuted"})
    check(project.pv(*NO_NEW, "--require", "measured"), 0)
    check(project.pv(*NO_NEW, "--require", "ACTIVE_RUNTIME"), 0)
    check(project.pv("gate", "--require", "ACTIVE_RUNTIME"), 1, "effective REFUTED, required ACTIVE_RUNTIME")


@pytest.mark.parametrize("before", ["discharged", "refuted"])
@pytest.mark.parametrize("how", ["inconclusive", "", "stale"])
def test_a_claim_of_which_nothing_is_known_any_more_is_not_passed_over(
    project: RecordedProject, before: str, how: str
) -> None:
    branch(project, {"F-2": before})
    if how == "stale":
        project.record()
        project.git("switch", "-q", "main")
        project.git("switch", "-q", "work")
        project.write("falsifiers/other.py", "x = 1\n")
        project.commit()
        check(project.pv(*NO_NEW), 2, f"no longer measured: F-2: {before} at main, and now inconclusive: stale")
    else:
        project.record({"F-2": how})
        check(project.pv(*NO_NEW), 2, f"no longer measured: F-2: {before} at main, and now inconclusive")
        check(project.pv("gate"), 0, "note: x-v1: 1 of 2 claims unknown")
    project.record()
    check(project.pv(*NO_NEW), 0)


def test_without_evidence_of_the_base_nothing_can_be_called_new(project: RecordedProject) -> None:
    project.commit()
    project.git("switch", "-q", "-c", "work")
    project.write("falsifiers/helper.py", "x = 1\n")
    project.commit()
    project.record()
    check(project.pv(*NO_NEW), 2, "no base: nothing can be called new since main: no claim there was measured")
    check(project.pv("gate", "--since", "main"), 0, "note: since main: no claim there was measured")
    project.record({"F-1": "refuted"})
    check(project.pv(*NO_NEW), 1, "no base: ", "refuted: F-1")
    project.record()
    other = project.root / "main.jsonl"
    project.git("switch", "-q", "main")
    project.record(ledger=other)
    project.git("switch", "-q", "work")
    check(project.pv(*NO_NEW, "--base-ledger", str(other)), 0, "since main (")
    check(project.pv(*NO_NEW, "--base-ledger", "nowhere"), 2, "no such ledger")


@pytest.mark.parametrize("ref", ["nope", "main"])
def test_a_base_that_is_not_there_or_is_the_same_is_none(measured: RecordedProject, ref: str) -> None:
    done = measured.pv("gate", "--no-new-refutations", "--since", ref)
    check(done, 2, f"no base: nothing can be called new since {ref}: ")
    measured.record({"F-1": "refuted"})
    check(measured.pv("gate", "--no-new-refutations", "--since", ref), 1, "refuted: F-1")


def test_to_compare_with_nothing_is_no_pass(measured: RecordedProject) -> None:
    check(measured.pv("gate", "--since", "nope"), 2, "no base: nothing can be called new since nope: 'nope' names no")
    done = measured.pv("status", "--since", "nope")
    assert done.returncode == 2
    assert "2 claims: 2 discharged" in done.stdout, "what is known is told all the same"
    assert "pv: --since nope: 'nope' names no commit" in done.stderr


def test_a_clone_that_is_cut_off_has_no_base(measured: RecordedProject, recorded: ModuleType) -> None:
    first = measured.git("rev-parse", "HEAD")
    measured.write("falsifiers/helper.py", "x = 1\n")
    measured.commit()
    measured.record()
    shallow = measured.root.parent / "shallow"
    measured.git("clone", "-q", "--depth", "1", f"file://{measured.root}", str(shallow))
    clone = recorded.RecordedProject.__new__(recorded.RecordedProject)
    clone.root, clone.ledger = shallow, shallow / ".pv" / "ledger.jsonl"
    clone.ledger.parent.mkdir()
    clone.ledger.write_bytes(measured.ledger.read_bytes())
    check(clone.pv("gate"), 0)
    check(clone.pv("gate", "--no-new-refutations", "--since", first), 2, "no base: ")
    check(measured.pv("gate", "--no-new-refutations", "--since", first), 0)


def test_a_refutation_that_is_expected_by_now_is_new(project: RecordedProject, recorded: ModuleType) -> None:
    branch(project)
    project.write("contracts/x-v1.yaml", recorded.contract("F-1, expect: refuted", "F-2"))
    project.record()
    done = project.pv(*NO_NEW)
    check(done, 1, AT + "newly refuted: F-1: discharged at main, and a refutation is expected now")


def test_a_contract_that_is_gone_takes_no_measured_claim_with_it(
    project: RecordedProject, recorded: ModuleType
) -> None:
    project.write("contracts/y-v1.yaml", recorded.contract("F-3"))
    branch(project)
    text = (project.root / "contracts/y-v1.yaml").read_text()
    (project.root / "contracts/y-v1.yaml").unlink()
    project.record()
    check(
        project.pv(*NO_NEW), 1, "contracts/y-v1.yaml:4:1: removed: F-3: discharged at main, and gone without an entry"
    )
    project.write("contracts/y-v2.yaml", text)  # it moved
    check(project.pv(*NO_NEW), 2, "removed: F-3")  # and nobody has looked there
    project.record()
    check(project.pv(*NO_NEW), 0)


def test_the_same_id_in_an_older_contract_is_no_move(project: RecordedProject, recorded: ModuleType) -> None:
    for name in ("y-v1", "z-v1"):
        project.write(f"contracts/{name}.yaml", recorded.contract("F-3"))
    branch(project)
    (project.root / "contracts/y-v1.yaml").unlink()
    project.record()
    check(project.pv(*NO_NEW), 1, "contracts/y-v1.yaml:4:1: removed: F-3", "contract y-v1: removed, not committed yet")


def test_a_claim_that_is_gone_is_told_of_in_the_history(project: RecordedProject, recorded: ModuleType) -> None:
    """The cheat: a claim that could have been refuted is taken out."""
    branch(project)
    project.write("contracts/x-v1.yaml", recorded.contract("F-1"))
    project.record()
    done = project.pv(*NO_NEW)
    assert done.returncode in (1, 2), "1 where a remark on the history is grave"
    assert "contracts/x-v1.yaml:5:1: removed: F-2: discharged at main, and gone without an entry" in done.stdout
    entry = 'status_history:\n  - {date: "2026-01-01", from: PROPOSED, to: PROPOSED, reason: F-2 said nothing}\n'
    project.write("contracts/x-v1.yaml", recorded.contract("F-1", status="PROPOSED") + entry)
    assert "removed: F-2" not in project.pv(*NO_NEW).stdout


FALSIFIERS = """\
from pv import Refuted, falsifies

HOLDS = True


@falsifies("x-v1", "F-1")
def first(evidence, mutant):
    evidence.compared(1, "value")
    if mutant is not None or not HOLDS:
        raise Refuted("off", stage="s", layer=1)
"""


def test_what_runs_have_written_is_told_apart_as_well(project: RecordedProject, recorded: ModuleType) -> None:
    """Not a ledger made for the test: two real runs, one of main and one of the branch."""
    project.write("contracts/x-v1.yaml", recorded.contract("F-1"))
    module = project.write("falsifiers/x_v1.py", FALSIFIERS)
    project.write(".gitignore", ".pv/\n__pycache__/\n.pytest_cache/\n.hypothesis/\n")
    project.commit()
    assert project.pytest() == 0
    check(project.pv("gate"), 0, "1/1 mutants killed")
    project.git("switch", "-q", "-c", "work")
    module.write_text(FALSIFIERS.replace("HOLDS = True", "HOLDS = False"))
    project.commit()
    check(project.pv(*NO_NEW), 2, "no longer measured: F-1: discharged at main, and now inconclusive: stale")
    assert project.pytest() == 1
    check(project.pv(*NO_NEW), 1, "refuted: F-1: off", "1 newly refuted")
    project.git("switch", "-q", "-c", "later")  # for whom it is old
    module.write_text(module.read_text() + "\n# a comment\n")
    project.commit()
    assert project.pytest() == 1
    check(project.pv("gate", "--no-new-refutations", "--since", "work"), 0, "let through", "0 newly refuted")
    check(project.pv(*NO_NEW), 1, "refuted: F-1: off")


# what it is asked and how it answers


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-new-refutations"], "--no-new-refutations needs --since"),
        (["--require", "REFUTED"], "--require: 'REFUTED' is neither a level of evidence nor a status"),
        (["--require", "much"], "one of algorithm, authored, measured, independent, PROPOSED,"),
        (["--base-ledger", "x"], "--base-ledger holds the evidence of the commit that --since names"),
        (["--since", "--all"], "expected one argument"),
        (["nowhere.yaml"], "nowhere.yaml: no such file or folder"),
    ],
)
def test_usage(measured: RecordedProject, arguments: list[str], words: str) -> None:
    done = measured.pv("gate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_as_json(project: RecordedProject) -> None:
    branch(project, {"F-2": "refuted"})
    project.record({"F-1": "refuted", "F-2": "refuted"})
    done = project.pv(*NO_NEW, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == told["exit"] == 1
    assert (told["schema"], told["verdict"], told["contracts"]) == ("pv-gate-v1", "failed", 1)
    assert [(one["kind"], one["path"], one["line"], one["claim"]) for one in told["reasons"]] == [
        ("refuted", "contracts/x-v1.yaml", 4, "F-1")
    ]
    assert told["old_refutations"] == [{"contract": "x-v1", "claim": "F-2"}]
    assert (told["since"]["ref"], told["since"]["measured"]) == ("main", True)
    assert (told["counts"]["claims"], told["counts"]["as_expected"], told["counts"]["refuted"]) == (2, 0, 2)
    project.record()
    told = json.loads(project.pv(*NO_NEW, "--json").stdout)
    assert (told["exit"], told["verdict"], told["reasons"]) == (0, "passed", [])


def test_status_tells_what_changed_too(project: RecordedProject) -> None:
    branch(project)
    project.record({"F-1": "refuted"})
    told = json.loads(project.pv("status", "--since", "main", "--format", "json").stdout)
    assert "F-1" in json.dumps(told["since"])
    assert project.pv("status", "--since", "nope").returncode == 2
