"""Histories in real repositories: each cheat is seen and named, its honest twin is let through."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pv import git
from pv.history.examine import examine
from pv.remark import caps

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.pv.history.conftest import Repo

LAST = '  - {date: "2026-01-02", from: PROPOSED, to: PARTIAL_ALGORITHM_LEVEL, evidence: [4f1d0c52a3b96e78]}\n'
FIRST = '  - {date: "2026-01-01", from: NEW, to: PROPOSED, reason: written}\n'


def swapped(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def entry(loosens: str, date: str = "2026-03-02T10:00:00Z") -> str:
    there = "PARTIAL_ALGORITHM_LEVEL"
    return f'  - {{date: "{date}", from: {there}, to: {there}, reason: so it is, loosens: ["{loosens}"]}}\n'


LOOSENED = [
    ("tolerance: 1e-6", "tolerance: 1e-5", "F-1: tolerance", "F-1: tolerance 1e-06 -> 1e-05"),
    ("level: measured", "level: algorithm", "F-1: level", "F-1: level measured -> algorithm"),
    (", expect: refuted", "", "F-2: expect", "F-2: expect refuted -> discharged"),
    ("  - {id: F-2, prediction: p, if_fails: q, expect: refuted}\n", "", "F-2: removed", "F-2: removed"),
    ("id: F-2", "id: F-3", "F-2: removed", "F-2: removed (renamed to F-3)"),
    ("    mutants: [{id: nibble, stage: ffn, layer: 3}]\n", "", "F-1: mutant nibble", "F-1: mutant nibble removed"),
    ("[keyboard]", "[keyboard, mouse]", "out_of_scope: mouse", "out_of_scope: mouse added"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "text"), LOOSENED, ids=[one[2] for one in LOOSENED])
def test_a_bar_lowered_two_commits_ago_is_seen_behind_another_commit(
    repo: Repo, old: str, new: str, key: str, text: str
) -> None:
    repo.commit(repo.text)
    lower = swapped(repo.text, old, new)
    cheat = repo.commit(lower)
    repo.commit(lower.replace("\nstatus:", "\n\nstatus:"))
    (remark,) = repo.remarks()
    assert remark.text == f"{text}, in commit {cheat[:12]} of 2026-03-02, and no entry says so"
    assert (remark.grave, remark.caps, remark.until) == (True, True, None)
    assert "pv demote contracts/x-v1.yaml" in remark.help
    assert caps([remark], datetime(2099, 1, 1, tzinfo=UTC))
    assert [one.key for one in repo.examined().unrecorded[repo.name]] == [key]


@pytest.mark.parametrize(("old", "new", "key", "text"), LOOSENED, ids=[one[2] for one in LOOSENED])
@pytest.mark.parametrize("whole", [True, False])
def test_a_bar_lowered_with_its_own_entry_caps_until_newer_evidence(
    repo: Repo, old: str, new: str, key: str, text: str, whole: bool
) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, old, new) + entry(text if whole else key))
    (remark,) = repo.remarks()
    assert remark.text.startswith(f"{text}, as the entry of 2026-03-02T10:00:00Z says")
    assert (remark.grave, remark.caps) == (False, True)
    assert remark.until == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert caps([remark], None)
    assert caps([remark], datetime(2026, 3, 2, 9, 59, tzinfo=UTC))
    assert caps([remark], datetime(2026, 3, 2, 10, tzinfo=UTC))
    assert caps([remark], datetime(2026, 3, 2, 10, 0, 1, tzinfo=UTC)) == ""
    assert repo.examined().unrecorded[repo.name] == ()


def test_what_is_not_committed_yet_is_seen(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.write(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"))
    assert repo.grave() == ["F-1: tolerance 1e-06 -> 1e-05, not committed yet, and no entry says so"]
    repo.write(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5") + entry("F-1: tolerance"))
    assert repo.grave() == []
    assert [one.caps for one in repo.remarks()] == [True]


def test_an_entry_owns_up_to_what_came_with_or_before_it_not_to_what_comes_after(repo: Repo) -> None:
    first, second, third = (repo.text.replace("1e-6", bound) for bound in ("1e-6", "1e-5", "1e-4"))
    repo.commit(first)
    repo.commit(second)
    repo.commit(second + entry("F-1: tolerance"))
    assert repo.grave() == []
    cheat = repo.commit(third + entry("F-1: tolerance"))
    assert repo.grave() == [
        f"F-1: tolerance 1e-05 -> 0.0001, in commit {cheat[:12]} of 2026-03-04, and no entry says so"
    ]
    repo.commit(third + entry("F-1: tolerance") + entry("F-1: tolerance 1e-5 -> 1e-4", "2026-03-05T10:00:00Z"))
    (remark,) = repo.remarks()
    assert remark.until == datetime(2026, 3, 5, 10, tzinfo=UTC)


def test_an_entry_for_another_key_owns_up_to_nothing(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5") + entry("F-1: level"))
    assert len(repo.grave()) == 1


def test_an_entry_that_claims_to_be_older_than_its_commit_is_not_believed(repo: Repo) -> None:
    repo.commit(repo.text)
    lower = swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5")
    repo.commit(lower + entry("F-1: tolerance", "2026-01-15"))  # committed at noon of 2 March
    repo.commit(lower + entry("F-1: tolerance", "2026-01-15") + '  - {date: "2026-03-03", note: n}\n')
    assert [one.until for one in repo.remarks()] == [datetime(2026, 3, 2, 12, tzinfo=UTC)]


def test_an_entry_whose_date_cannot_be_read_caps_for_ever(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5") + entry("F-1: tolerance", "soon"))
    assert caps(repo.remarks(), datetime(2999, 1, 1, tzinfo=UTC))


def test_a_bar_that_was_put_back_is_forgotten(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"))
    repo.commit(repo.text)
    assert repo.remarks() == ()


@pytest.mark.parametrize(
    "between",
    ["metadata: [", "a: 1", ""],
    ids=["not YAML", "no contract", "empty"],
)
def test_a_version_that_cannot_be_read_hides_nothing(repo: Repo, between: str) -> None:
    repo.commit(repo.text)
    repo.commit(between)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"))
    assert len(repo.grave()) == 1


def test_deleting_and_adding_again_hides_nothing(repo: Repo) -> None:
    repo.commit(repo.text)
    (repo.root / repo.name).unlink()
    repo.commit()
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5").replace(FIRST, ""))
    assert len(repo.grave()) == 2


HONEST = [
    ("prediction: p\n", "prediction: other words\n"),
    ("tolerance: 1e-6", "tolerance: 1e-7"),
    ("level: measured", "level: independent"),
    ("[keyboard]", "[]"),
    ("falsification_tests:\n", "falsification_tests:\n  - {id: F-0, prediction: p, if_fails: q}\n"),
    ("{id: nibble, stage: ffn, layer: 3}", "{layer: 3, id: nibble, stage: ffn}, {id: more, stage: s}"),
    (FIRST, FIRST.replace(" {", "\n      {").replace('"2026-01-01"', "2026-01-01")),
    (LAST, LAST + '  - {date: "2026-02-01", note: reviewed}\n'),
    (LAST, LAST + '  - {date: "2026-02-01", from: PARTIAL_ALGORITHM_LEVEL, to: PROPOSED, reason: doubt}\n'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), HONEST)
def test_honest_work_is_let_through(repo: Repo, old: str, new: str) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, old, new))
    assert repo.remarks() == ()


def test_a_history_that_runs_backward_grows_at_its_top(repo: Repo) -> None:
    repo.commit(swapped(repo.text, FIRST + LAST, LAST + FIRST))
    note = '  - {date: "2026-02-01", note: reviewed}\n'
    repo.commit(swapped(repo.text, FIRST + LAST, note + LAST + FIRST))
    assert repo.remarks() == ()


REWRITTEN = [
    (FIRST, FIRST.replace("written", "it was always so"), "was changed (reason written -> it was always so)"),
    (FIRST, FIRST.replace("2026-01-01", "2025-01-01"), "was changed (date 2026-01-01 -> 2025-01-01)"),
    (FIRST, "", "was removed"),
    ("status_history:", "x-status_history:", "was removed"),
    (FIRST + LAST, LAST + FIRST, "stand in another order"),
    (LAST, LAST.replace("4f1d0c52a3b96e78", "91aa07e3c5d2f046"), "was changed (evidence ['4f1d"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), REWRITTEN)
@pytest.mark.parametrize("committed", [True, False])
def test_a_history_cannot_be_rewritten(repo: Repo, old: str, new: str, words: str, committed: bool) -> None:
    repo.commit(repo.text)
    text = swapped(repo.text, old, new)
    if committed:
        cheat = repo.commit(text)
        repo.commit(text + "x-more: 1\n" if text.endswith("\n") else text)
    else:
        repo.write(text)
    found = repo.grave()
    assert len(found) == (2 if "x-status" in new else 1)
    assert found[0].startswith("history rewritten: the entr")
    assert words in found[0]
    assert (f"in commit {cheat[:12]} of 2026-03-02" if committed else "not committed yet") in found[0]
    help_of = next(one.help for one in repo.remarks() if one.grave)
    assert f"git show {cheat[:12]}^:{repo.name}" in help_of if committed else f"git show HEAD:{repo.name}" in help_of


def test_a_rewritten_history_is_mended_by_putting_the_entry_back(repo: Repo) -> None:
    repo.commit(repo.text)
    over = LAST.replace("PROPOSED, to: PARTIAL_ALGORITHM_LEVEL", "PROPOSED, to: ACTIVE_RUNTIME")
    wrong = swapped(swapped(repo.text, LAST, over), "status: PARTIAL_ALGORITHM_LEVEL", "status: ACTIVE_RUNTIME")
    repo.commit(wrong)
    repo.commit(wrong + '  - {date: "2026-02-01", note: reviewed}\n')
    assert len(repo.grave()) == 1
    # what was written over the entry need not stay, what came later must
    repo.write(repo.text)
    assert ["was removed" in one for one in repo.grave()] == [True]
    repo.write(repo.text + '  - {date: "2026-02-01", note: reviewed}\n')
    assert repo.grave() == []
    repo.commit()
    assert repo.grave() == []


def test_a_status_raised_by_hand_is_seen(repo: Repo) -> None:
    repo.commit(repo.text)
    high = swapped(repo.text, "status: PARTIAL_ALGORITHM_LEVEL", "status: ACTIVE_RUNTIME")
    cheat = repo.commit(high)
    repo.commit(high + "  - {date: '2026-02-01', note: n}\n")
    told = (
        f"raised from PARTIAL_ALGORITHM_LEVEL to ACTIVE_RUNTIME without an entry, in commit {cheat[:12]} of 2026-03-02"
    )
    assert repo.grave() == [told]
    up = "  - {date: '2026-03-03', from: PARTIAL_ALGORITHM_LEVEL, to: ACTIVE_RUNTIME}\n"
    repo.write(high + "  - {date: '2026-02-01', note: n}\n" + up)
    assert repo.grave() == []


def test_a_status_cannot_be_lowered_and_raised_again_without_an_entry(repo: Repo) -> None:
    repo.commit(repo.text)
    down = "  - {date: '2026-02-01', from: PARTIAL_ALGORITHM_LEVEL, to: PROPOSED}\n"
    repo.commit(swapped(repo.text, "status: PARTIAL_ALGORITHM_LEVEL", "status: PROPOSED") + down)
    assert repo.grave() == []
    repo.commit(repo.text + down)
    assert ["raised from PROPOSED" in one for one in repo.grave()] == [True]


def test_a_contract_that_moved_keeps_its_history(repo: Repo) -> None:
    repo.commit(repo.text)
    (repo.root / "contracts" / "sub").mkdir()
    repo.git("mv", repo.name, "contracts/sub/y-v2.yaml")
    assert repo.examined().removed == ()  # git has not seen it yet, but it is the same file
    repo.commit()
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"), "contracts/sub/y-v2.yaml")
    assert ["F-1: tolerance" in one for one in repo.grave("contracts/sub/y-v2.yaml")] == [True]
    assert repo.examined().removed == ()


def test_a_contract_that_is_gone_is_told_of_until_an_entry_owns_up_to_it(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.commit(repo.text, "contracts/other-v1.yaml")
    repo.commit("a: 1", "contracts/data.yaml")
    for name in (repo.name, "contracts/data.yaml"):
        (repo.root / name).unlink()
    (told,) = repo.examined().removed
    assert (told.name, told.commit, told.recorded, told.remark.grave) == ("x-v1", "", False, True)
    gone = repo.commit()
    (told,) = repo.examined().removed
    assert (told.commit, told.remark.text) == (gone, f"contract x-v1: removed, in commit {gone[:12]}")
    repo.commit(repo.text + entry("x-v1: removed"), "contracts/other-v1.yaml")
    (told,) = repo.examined().removed
    assert (told.recorded, told.remark.grave) == (True, False)


def test_a_part_of_the_contracts_is_not_the_loss_of_the_others(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.commit(repo.text, "contracts/other-v1.yaml")
    one = [contract for contract in repo.contracts() if contract.name == "x-v1"]
    found = examine(one, repo.config)
    assert (list(found.remarks), found.removed) == ([repo.name], ())


def test_a_merge_brings_entries_of_both_sides_and_loses_none(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit(repo.text + "  - {date: '2026-02-01', note: from the side}\n")
    repo.git("checkout", "--quiet", "-")
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-7"))
    repo.git("merge", "--quiet", "--no-edit", "side")
    assert repo.remarks() == ()


@pytest.mark.parametrize("strategy", ["ours", "theirs"])
def test_a_merge_that_drops_a_side_is_seen(repo: Repo, strategy: str) -> None:
    repo.commit(repo.text)
    repo.git("checkout", "--quiet", "-b", "side")
    tight = swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-7") + "  - {date: '2026-02-01', note: tighter}\n"
    if strategy == "ours":
        repo.commit(tight)
        repo.git("checkout", "--quiet", "-")
        repo.git("merge", "--quiet", "--no-edit", "--strategy", "ours", "side")
    else:
        repo.commit()
        repo.git("checkout", "--quiet", "-")
        repo.commit(tight)
        repo.git("merge", "--quiet", "--no-commit", "--no-ff", "side")
        repo.commit(repo.text)
    found = repo.grave()
    assert len(found) == 2
    assert "'2026-02-01: tighter' was removed" in found[0]
    assert "F-1: tolerance 1e-07 -> 1e-06" in found[1]


def test_history_since_a_branch_begins_where_head_parted_from_it(repo: Repo) -> None:
    repo.commit(repo.text)
    lower = swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5")
    repo.commit(lower)
    repo.git("branch", "base")
    assert repo.grave(since="base") == []
    assert len(repo.grave()) == 1
    repo.commit(lower.replace(FIRST, "").replace("1e-5", "1e-4"))
    found = repo.grave(since="base")
    assert len(found) == 2
    assert "'2026-01-01: NEW to PROPOSED' was removed" in found[0]
    assert "1e-05 -> 0.0001" in found[1]
    with pytest.raises(git.GitProblem, match="names no commit"):
        repo.examined(since="nowhere")


def test_a_shallow_clone_says_that_it_is_one(repo: Repo, tmp_path: Path) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"))
    repo.git("clone", "--quiet", "--depth", "1", f"file://{repo.root}", str(tmp_path / "clone"))
    clone = type(repo)(tmp_path / "clone")
    (remark,) = clone.remarks()
    assert (remark.text, remark.grave) == (
        "history not checked: shallow clone, only what it holds was looked at",
        False,
    )
    assert "fetch-depth: 0" in remark.help
    clone.git("fetch", "--quiet", "--unshallow")
    assert [one.grave for one in clone.remarks()] == [True]


def test_where_there_is_nothing_to_look_at_it_is_said(repo: Repo, tmp_path: Path) -> None:
    repo.write(repo.text)
    assert [one.text for one in repo.remarks()] == ["history not checked: nothing is committed yet"]
    repo.commit()
    repo.write(repo.text, "contracts/new-v1.yaml")
    assert [one.text for one in repo.remarks("contracts/new-v1.yaml")] == [
        "history not checked: its file is not committed yet"
    ]
    outside = type(repo)(tmp_path / "outside")
    outside.write(outside.text)
    assert [one.text for one in outside.remarks()] == ["history not checked: no git repository"]
    (repo.root / "contracts" / "far").symlink_to(outside.root / "contracts")
    far = examine(outside.contracts(), repo.config)
    assert list(far.remarks) == [repo.name]


def test_a_contract_behind_a_link_has_the_history_of_its_file(repo: Repo) -> None:
    repo.commit(repo.text, "real/x-v1.yaml")
    (repo.root / "contracts").mkdir()
    (repo.root / repo.name).symlink_to("../real/x-v1.yaml")
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"), "real/x-v1.yaml")
    texts = [one.text for one in repo.remarks()]
    assert texts[0] == "history checked of real/x-v1.yaml, which its path is a link to"
    assert texts[1].startswith("F-1: tolerance")


def test_git_that_cannot_be_asked_is_said_and_no_clean_bill(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit(repo.text)
    monkeypatch.setenv("PATH", "/nowhere")
    (remark,) = repo.remarks()
    assert remark.text.startswith("history not checked: git cannot be run")
    with pytest.raises(git.GitProblem):
        repo.examined(since="HEAD")


def test_a_project_below_the_top_of_its_repository(repo: Repo) -> None:
    name = "deep/down/contracts/x-v1.yaml"
    repo.commit(repo.text, name)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"), name)
    inner = type(repo)(repo.root / "deep" / "down")
    (remark,) = inner.remarks()
    assert remark.grave
    assert remark.help.startswith("`pv demote contracts/x-v1.yaml")


ODD = "contracts/ö\n\"'$(x) *?[a]-v1.yaml"


def test_names_of_any_characters(repo: Repo) -> None:
    repo.commit(repo.text, ODD)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"), ODD)
    assert len(repo.grave(ODD)) == 1


def test_a_replaced_commit_shows_no_other_history(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"))
    tree = repo.git("rev-parse", "HEAD^{tree}").strip()
    repo.git("replace", "HEAD", repo.git("commit-tree", "-m", "no past", tree).strip())
    assert len(repo.grave()) == 1


def test_settings_of_the_user_change_nothing(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit(repo.text + "  - {date: '2026-02-01', note: from the side}\n")
    repo.git("checkout", "--quiet", "-")
    repo.git("merge", "--quiet", "--no-edit", "--no-ff", "--strategy", "ours", "side")
    for key, value in {
        "log.showSignature": "true",
        "log.diffMerges": "off",
        "diff.renames": "false",
        "core.quotePath": "true",
        "color.ui": "always",
        "log.showRoot": "false",
        "diff.noprefix": "true",
        "log.decorate": "full",
    }.items():
        repo.git("config", key, value)
    assert len(repo.grave()) == 1


def cache_of(repo: Repo) -> Path:
    return repo.root / ".git" / "pv" / "history.json"


def test_the_cache_says_what_git_says(repo: Repo) -> None:
    repo.commit(repo.text)
    lower = swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5")
    repo.commit(lower.replace(FIRST, ""))
    first = repo.remarks()
    kept = cache_of(repo).read_bytes()
    assert len(first) == 2
    assert repo.remarks() == first
    assert cache_of(repo).read_bytes() == kept
    repo.write(repo.text)  # another version of now is another question
    assert repo.remarks() == ()


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "null", '{"schema": "pv-history-v1"}', "nul\0", "\udcff", "[" * 100_000],
)
def test_a_damaged_cache_is_none(repo: Repo, damage: str) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"))
    first = repo.remarks()
    cache_of(repo).write_bytes(damage.encode("utf-8", "surrogateescape"))
    assert repo.remarks() == first
    assert json.loads(cache_of(repo).read_text("utf-8"))["schema"] == "pv-history-v1"


def test_a_damaged_version_in_the_cache_and_one_of_other_code_count_for_nothing(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"))
    first = repo.remarks()
    good = json.loads(cache_of(repo).read_text("utf-8"))
    (key,) = good["versions"]
    damaged: list[dict[str, Any]] = [
        {"versions": {key: [[], None]}},
        {"versions": {key: [[], None, 2, [["a", "b", "c", "d"]]]}},
    ]
    for bad in damaged:
        cache_of(repo).write_text(json.dumps(good | bad), "utf-8")
        assert repo.remarks() == first
    silent: dict[str, Any] = {"versions": {key: [[], None, 2, []]}}
    cache_of(repo).write_text(json.dumps(good | silent), "utf-8")
    assert repo.remarks() == ()  # it was read
    cache_of(repo).write_text(json.dumps(good | silent | {"code": "older"}), "utf-8")
    assert repo.remarks() == first
    cache_of(repo).write_text(json.dumps(good | silent), "utf-8")
    assert len(examine(repo.contracts(), repo.config, cache=False).remarks[repo.name]) == 1


def test_a_cache_that_cannot_be_written_is_no_matter(repo: Repo) -> None:
    repo.commit(repo.text)
    repo.commit(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"))
    (repo.root / ".git" / "pv").write_text("in the way", "utf-8")
    assert len(repo.grave()) == 1


def test_two_processes_are_enough_for_many_contracts(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        repo.write(repo.text, f"contracts/c{number}-v1.yaml")
    repo.commit()
    for number in range(20):
        repo.write(swapped(repo.text, "tolerance: 1e-6", "tolerance: 1e-5"), f"contracts/c{number}-v1.yaml")
    repo.commit()
    started = []
    real = subprocess.run

    def run(command: list[str], **options: object) -> object:
        started.append(command[command.index("-C") + 2])
        return real(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    found = repo.examined()
    assert sum(remark.grave for said in found.remarks.values() for remark in said) == 20
    assert sorted(started) == ["cat-file", "log", "rev-parse", "rev-parse"]
