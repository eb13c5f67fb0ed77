"""What changed since another commit: as a comparison of statuses, and in a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pv.base import since
from pv.config import find_config
from pv.corpus import read_all
from pv.fold import Folded, Outcome
from pv.git import GitProblem
from pv.ledger import read
from pv.since import compare
from pv.status import ContractStatus, compute
from pv.words import Effective

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import ModuleType

    from pv.changes import ClaimRef, Since
    from pv.parse import Contract

GOOD = (Outcome.DISCHARGED, True, "")
BAD = (Outcome.REFUTED, False, "")
UNEXPECTED = (Outcome.DISCHARGED, False, "")
EXPECTED = (Outcome.REFUTED, True, "")
BROKEN = (Outcome.ERROR, False, "")
UNKNOWN = (Outcome.INCONCLUSIVE, False, "no model")
OLD = (Outcome.INCONCLUSIVE, False, "stale")
Known = tuple[Outcome, bool, str]


def status(contract: Contract, *known: Known, effective: Effective = Effective.PROPOSED) -> ContractStatus:
    claims = tuple(
        Folded(claim, outcome, as_expected, reason)
        for claim, (outcome, as_expected, reason) in zip(contract.claims, known, strict=True)
    )
    return ContractStatus(contract, claims, effective)


def ids(found: Sequence[ClaimRef]) -> list[str]:
    return [one.claim for one in found]


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (GOOD, BAD, "newly_refuted"),
        (UNKNOWN, BAD, "newly_refuted"),
        (OLD, BAD, "newly_refuted"),
        (BROKEN, BAD, "newly_refuted"),
        (EXPECTED, UNEXPECTED, "newly_refuted"),
        (UNEXPECTED, BAD, "newly_refuted"),
        (GOOD, EXPECTED, "newly_refuted"),
        (BAD, BAD, None),
        (UNEXPECTED, UNEXPECTED, None),
        (EXPECTED, EXPECTED, None),
        (BAD, EXPECTED, None),
        (GOOD, GOOD, None),
        (BAD, GOOD, "newly_discharged"),
        (UNKNOWN, GOOD, "newly_discharged"),
        (OLD, GOOD, "newly_discharged"),
        (GOOD, OLD, "newly_stale"),
        (BAD, OLD, "newly_stale"),
        (GOOD, UNKNOWN, "newly_inconclusive"),
        (OLD, UNKNOWN, None),
        (UNKNOWN, OLD, None),
        (GOOD, BROKEN, "newly_in_error"),
        (BROKEN, BROKEN, None),
    ],
)
def test_a_claim_that_moved_is_named_once(
    contract_of: Callable[..., Contract], before: Known, now: Known, found: str | None
) -> None:
    contract = contract_of("falsification_tests:\n  - {id: A}\n  - {id: B}\n")
    # B was measured on both sides, so that there is something to compare with
    changes = compare([status(contract, before, GOOD)], [status(contract, now, GOOD)], ref="main", commit="c")
    lists = ("newly_refuted", "newly_discharged", "newly_stale", "newly_inconclusive", "newly_in_error")
    assert changes.measured
    assert {name: ids(getattr(changes, name)) for name in lists} == {
        name: ["A"] if name == found else [] for name in lists
    }
    assert (changes.added, changes.removed) == ((), ())


def test_claims_come_and_go_and_new_ones_that_fail_are_new(contract_of: Callable[..., Contract]) -> None:
    before = contract_of("status: PROPOSED\nfalsification_tests:\n  - {id: A}\n  - {id: B}\n")
    now = contract_of("status: ACTIVE\nfalsification_tests:\n  - {id: B}\n  - {id: C}\n")
    changes = compare(
        [status(before, GOOD, GOOD, effective=Effective.ACTIVE_RUNTIME)],
        [status(now, GOOD, BAD, effective=Effective.REFUTED)],
        ref="main",
        commit="c",
    )
    assert (ids(changes.added), ids(changes.removed)) == (["C"], ["A"])
    assert ids(changes.newly_refuted) == ["C"]
    assert (changes.removed[0].before, changes.removed[0].now) == ("discharged", "")
    assert (changes.newly_refuted[0].before, changes.newly_refuted[0].now) == ("", "refuted")
    assert [(one.what, one.before, one.now) for one in changes.moved] == [
        ("declared", "PROPOSED", "ACTIVE"),
        ("effective", "ACTIVE_RUNTIME", "REFUTED"),
    ]


def test_the_same_id_in_another_contract_is_another_claim(contract_of: Callable[..., Contract]) -> None:
    claims = "falsification_tests: [{id: A}]\n"
    changes = compare(
        [status(contract_of(claims, "x-v1"), BAD)], [status(contract_of(claims, "y-v1"), BAD)], ref="main", commit="c"
    )
    assert [one.contract for one in changes.newly_refuted] == ["y-v1"]
    assert [one.contract for one in changes.removed] == ["x-v1"]


@pytest.mark.parametrize("before", [UNKNOWN, OLD, BROKEN, None])
def test_with_nothing_measured_before_nothing_is_called_new(
    contract_of: Callable[..., Contract], before: Known | None
) -> None:
    contract = contract_of("falsification_tests: [{id: A}]\n")
    changes = compare([status(contract, before)] if before else [], [status(contract, BAD)], ref="main", commit="c")
    assert not changes.measured
    assert changes.why_not == ("no claim there was measured" if before else "no claim was there")
    assert not changes.newly_refuted


# in a repository


def found(project: Any, ref: str = "main", *, base_ledger: Path | None = None, selected: Sequence[Path] = ()) -> Since:
    config = find_config(project.root)
    contracts = [one.contract for one in read_all(selected or config.contracts, config.root) if one.contract]
    ledger = read(project.ledger)
    now = compute(contracts, ledger, config)
    other = read(base_ledger) if base_ledger else None
    return since(ref, now, config, ledger, base_ledger=other, selected=selected)


def branch(project: Any) -> str:
    """A commit of main where both claims hold, and a branch on which a source has changed."""
    main: str = project.commit()
    project.record()
    project.git("switch", "-q", "-c", "work")
    project.write("falsifiers/helper.py", "x = 1\n")
    project.commit()
    return main


def test_each_side_is_judged_in_its_own_tree(project: Any) -> None:
    main = branch(project)
    stale = found(project)
    assert (stale.commit, stale.measured, ids(stale.newly_stale)) == (main, True, ["F-1", "F-2"])
    project.record({"F-2": "refuted"})
    changes = found(project)
    assert (ids(changes.newly_refuted), changes.newly_discharged, changes.newly_stale) == (["F-2"], (), ())
    assert [(one.before, one.now) for one in changes.moved] == [("ACTIVE_RUNTIME", "REFUTED")]
    project.git("merge", "-q", "--ff-only", "work")
    assert list(project.root.parent.iterdir()) == [project.root], "nothing is left beside the project"


def test_what_was_refuted_before_is_not_new(project: Any) -> None:
    project.commit()
    project.record({"F-2": "refuted"})
    project.git("switch", "-q", "-c", "work")
    project.write("falsifiers/helper.py", "x = 1\n")
    project.commit()
    project.record({"F-1": "refuted", "F-2": "refuted"})
    assert ids(found(project).newly_refuted) == ["F-1"]


def test_the_base_is_where_the_branch_was_left(project: Any) -> None:
    """What main learnt afterwards is not held against the branch."""
    main = branch(project)
    project.record()
    project.git("switch", "-q", "main")
    project.write("contracts/y-v1.yaml", (project.root / "contracts/x-v1.yaml").read_text())
    project.commit()
    project.git("switch", "-q", "work")
    changes = found(project)
    assert (changes.commit, changes.removed, changes.newly_refuted) == (main, (), ())


@pytest.mark.parametrize("how", ["dirty", "unknown", "later", "none"])
def test_rows_that_are_no_evidence_of_the_base_do_not_count(project: Any, how: str) -> None:
    """The cheat: a refutation is called old by a row that only the branch, or an unknown tree, has written."""
    project.commit()
    if how in ("dirty", "unknown"):
        project.record({"F-1": "refuted"}, dirty={"dirty": True, "unknown": None}[how])
    project.git("switch", "-q", "-c", "work")
    project.write("README", "x")
    project.commit()
    project.record({"F-1": "refuted"})
    changes = found(project)
    assert not changes.measured
    assert "give the one of its own run by --base-ledger" in changes.why_not
    project.git("switch", "-q", "main")  # the honest twin: a clean run of main
    project.record({"F-1": "refuted"})
    project.git("switch", "-q", "work")
    assert found(project).measured


def test_another_ledger_holds_the_evidence_of_the_base(project: Any) -> None:
    project.commit()
    other = project.root / ".pv" / "main.jsonl"
    project.record({"F-2": "refuted"}, ledger=other)
    project.git("switch", "-q", "-c", "work")
    project.write("falsifiers/helper.py", "x = 1\n")
    project.commit()
    project.record({"F-1": "refuted", "F-2": "refuted"})
    assert not found(project).measured
    assert ids(found(project, base_ledger=other).newly_refuted) == ["F-1"]
    mine = found(project, base_ledger=project.ledger)
    assert not mine.measured, "the branch's own rows are no evidence of the base, whatever the file is called"
    assert str(project.ledger) in mine.why_not


def test_what_git_ignores_is_the_one_of_now(project: Any) -> None:
    model = project.write("models/m.gguf", "weights")
    project.commit()
    project.record(inputs=("models/m.gguf",))
    project.git("switch", "-q", "-c", "work")
    project.write("falsifiers/helper.py", "x = 1\n")
    project.commit()
    assert found(project).measured
    model.write_text("other weights")
    assert not found(project).measured


def test_a_contract_that_is_gone_or_was_not_readable(project: Any, recorded: ModuleType) -> None:
    project.write("contracts/y-v1.yaml", recorded.contract("F-3"))
    project.write("contracts/z-v1.yaml", "metadata: [\n")
    project.commit()
    project.record()
    project.git("switch", "-q", "-c", "work")
    (project.root / "contracts/y-v1.yaml").unlink()
    project.write("contracts/z-v1.yaml", recorded.contract("F-4"))
    project.commit()
    changes = found(project)
    assert [(one.contract, one.claim) for one in changes.removed] == [("y-v1", "F-3")]
    assert [(one.contract, one.claim) for one in changes.added] == [("z-v1", "F-4")]


def test_chosen_contracts_are_compared_with_themselves(project: Any, recorded: ModuleType) -> None:
    project.write("contracts/y-v1.yaml", recorded.contract("F-3"))
    project.commit()
    project.record()
    project.git("switch", "-q", "-c", "work")
    project.write("README", "x")
    project.commit()
    chosen = found(project, selected=[project.root / "contracts/x-v1.yaml"])
    assert (chosen.measured, chosen.removed, chosen.added) == (True, (), ())


def test_a_project_below_the_top_of_its_repository(recorded: ModuleType, tmp_path: Path) -> None:
    top = recorded.RecordedProject(tmp_path / "top")
    below = recorded.RecordedProject(top.root / "sub" / "project")
    (below.root / ".git").rename(tmp_path / "unused")
    top.commit()
    below.record()
    top.git("switch", "-q", "-c", "work")
    below.write("falsifiers/helper.py", "x = 1\n")
    top.commit()
    below.record({"F-1": "refuted"})
    assert ids(found(below).newly_refuted) == ["F-1"]


def test_a_commit_is_not_compared_with_itself(project: Any) -> None:
    project.commit()
    project.record({"F-1": "refuted"})
    changes = found(project)
    assert not changes.measured
    assert "main has all that is checked out, so nothing can be new" in changes.why_not
    project.write("falsifiers/x_v1.py", "# changed\n")  # but the tree may differ from it
    project.record(dirty=True)
    assert ids(found(project).newly_discharged) == ["F-1"]


@pytest.mark.parametrize("what", ["no repository", "no commit", "no such branch", "an option"])
def test_what_cannot_be_compared_is_said(project: Any, what: str) -> None:
    if what == "no repository":
        (project.root / ".git").rename(project.root.parent / "away")
    elif what != "no commit":
        project.commit()
    ref = {"no such branch": "nope", "an option": "--all"}.get(what, "main")
    with pytest.raises(GitProblem):
        found(project, ref)


def test_a_base_without_the_project_or_with_an_unusable_one(project: Any) -> None:
    project.write("pyproject.toml", "[tool.pv]\nnope = 1\n")
    project.commit()
    project.git("switch", "-q", "-c", "work")
    project.write("pyproject.toml", "[tool.pv]\n")
    project.commit()
    project.record()
    changes = found(project)
    assert (changes.measured, changes.why_not.partition(":")[0]) == (False, "no claim was there")
    assert ids(changes.added) == ["F-1", "F-2"]


def test_a_changed_expectation_does_not_hide_a_refutation(project: Any, recorded: ModuleType) -> None:
    project.commit()
    project.record()
    project.git("switch", "-q", "-c", "work")
    project.write("contracts/x-v1.yaml", recorded.contract("F-1, expect: refuted", "F-2"))
    project.commit()
    project.record({"F-1": "refuted"})
    changes = found(project)
    assert [(one.claim, one.before, one.now) for one in changes.newly_refuted] == [("F-1", "discharged", "refuted")]
