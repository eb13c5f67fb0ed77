"""The page of mutants is what was seen, and every mutant that lives has its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.mutation import __main__ as command
from tests.mutation import reasons, results
from tests.mutation.modules import MODULES, Module
from tests.mutation.page import PAGE, page
from tests.mutation.reasons import Reason
from tests.mutation.results import Result, Survivor
from tests.mutation.workspace import ROOT, folder_of

if TYPE_CHECKING:
    from pathlib import Path

LIVES = Survivor("pv/x.py", 7, "Thing.f", "return a < b", "return a <= b")
MODULE = Module("x", ("pv/x.py",), ())
ONE = "{file = 'f', function = 'g', was = 'a', now = 'b'}"
RESULT = Result("x", 100, 95, 2, "2026-01-02", "mutmut 3", "3.11", "0", (LIVES,))


def test_the_page_is_what_the_kept_results_say() -> None:
    assert PAGE.read_text("utf-8") == page(results.read()), "run `python -m tests.mutation --page`"


def test_every_kept_survivor_has_a_reason_and_enough_were_killed() -> None:
    kept = results.read()
    ran = [module for module in MODULES if module.name in kept]
    assert ran
    assert list(command._wrong(ran, kept)) == []
    assert all(one.killed + len(one.survivors) == one.mutants for one in kept.values())


def test_what_is_mutated_and_what_is_run_for_it_is_there() -> None:
    for module in MODULES:
        for name in (*module.files, *module.tests):
            assert (ROOT / name).is_file(), name
        for name in module.without:
            file, _, test = name.partition("::")
            assert file in module.tests
            assert f"def {test}(" in (ROOT / file).read_text("utf-8")
    assert len({name for module in MODULES for name in module.files}) == sum(len(one.files) for one in MODULES)


def test_links_to_packages_lie_outside_the_checkout_where_no_wheel_is_made_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder_of(MODULE).parents[2] == tmp_path / "pv-falsify"
    assert folder_of(MODULE).name == "x"
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "here"):  # a relative one would lie wherever it is run
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert folder_of(MODULE).parents[2] == tmp_path / ".cache" / "pv-falsify"
    ours = folder_of(MODULE)
    monkeypatch.setattr("tests.mutation.workspace.ROOT", tmp_path)
    assert folder_of(MODULE) != ours  # each checkout has its own


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of reasons, that of the one survivor in it."""
    path = tmp_path / "survivors.toml"
    mutant = 'file = "pv/x.py", function = "Thing.f", was = "return a < b", now = "return a <= b"'
    path.write_text(f"[[reason]]\nwhy = 'equal | things never meet'\nequivalent = true\nmutants = [{{ {mutant} }}]\n")
    monkeypatch.setattr(reasons, "FILE", path)
    return path


def test_a_survivor_without_a_reason_is_wrong_wherever_its_line_moves(told: Path) -> None:
    assert list(command._wrong([MODULE], {"x": RESULT})) == []
    moved = replace(RESULT, survivors=(replace(LIVES, line=70),))
    assert list(command._wrong([MODULE], {"x": moved})) == []
    other = replace(RESULT, survivors=(LIVES, replace(LIVES, line=8, now="return None")))
    (wrong,) = command._wrong([MODULE], {"x": other})
    assert wrong.startswith("pv/x.py:8: Thing.f: no test notices\n    was return a < b\n    now return None\n")
    told.write_text("")
    assert len(list(command._wrong([MODULE], {"x": RESULT}))) == 1


@pytest.mark.usefixtures("told")
def test_a_reason_for_what_is_killed_by_now_is_wrong() -> None:
    (wrong,) = command._wrong([MODULE], {"x": replace(RESULT, survivors=())})
    assert wrong.startswith("pv/x.py: Thing.f: 'return a <= b' does not live any more")
    elsewhere = replace(MODULE, files=("pv/y.py",))
    assert list(command._wrong([elsewhere], {"x": replace(RESULT, survivors=())})) == []


@pytest.mark.usefixtures("told")
def test_too_few_killed_and_not_run_are_wrong() -> None:
    assert list(command._wrong([MODULE], {"x": replace(RESULT, killed=90)})) == []
    assert list(command._wrong([MODULE], {"x": replace(RESULT, killed=89)})) == ["x: 89.0% killed, 90% are asked for"]
    assert list(command._wrong([MODULE], {})) == ["x: not run yet"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[[reason]]\nwhy = 'w'\nequivalent = true\nmutants = [{file = 'f', function = 'g', was = 'a'}]",
            "lacks 'now'",
        ),
        ("[[reason]]\nwhy = 'w'\nmutants = [{file = 'f', function = 'g', was = 'a', now = 'b'}]", "lacks 'equivalent'"),
        (
            "[[reason]]\nwhy = ' '\nequivalent = true\nmutants = [{file = 'f', function = 'g', was = 'a', now = 'b'}]",
            "has no text",
        ),
        (
            f"[[reason]]\nwhy = 'w'\nequivalent = true\nmutants = [{ONE}, {ONE}]",
            "has a reason above",
        ),
    ],
)
def test_a_reason_must_be_whole(told: Path, text: str, words: str) -> None:
    told.write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        reasons.read()
    assert str(caught.value).startswith("survivors.toml: reason 1: ")


@pytest.mark.usefixtures("told")
def test_the_page_tells_both_scores_and_every_survivor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.mutation.page.MODULES", (MODULE, replace(MODULE, name="y")))
    text = page({"x": RESULT})
    assert "| x | `pv/x.py` | 100 | 95 | 2 | 1 | 1 | 95.0% | 96.0% | 2026-01-02 |" in text
    assert "| y | `pv/x.py` | not run |" in text
    assert "With mutmut 3 on Python 3.11." in text
    assert "Equivalent: equal | things never meet" in text
    assert "| pv/x.py:7 | `Thing.f` | `return a < b` | `return a <= b` |" in text


def test_what_means_the_same_is_left_out_of_the_mutants_and_not_counted_as_killed() -> None:
    assert results.score_without(replace(RESULT, mutants=100, killed=50), 40) == pytest.approx(50 / 60)


@pytest.mark.parametrize(
    ("kept", "code", "said"),
    [
        (RESULT, 0, ""),
        (replace(RESULT, killed=89), 1, "x: 89.0% killed, 90% are asked for\n"),
        (replace(RESULT, survivors=()), 1, "pv/x.py: Thing.f: 'return a <= b' does not live any more; "),
        (None, 2, "Expecting value: line 1 column 1"),
    ],
)
@pytest.mark.usefixtures("told")
def test_what_is_wrong_is_told_and_is_the_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kept: Result | None,
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(results, "KEPT", tmp_path / "results.json")
    if kept is None:
        results.KEPT.write_text("no JSON", "utf-8")
    else:
        results.write({"x": kept}, ("x",))
    for place in ("tests.mutation.__main__", "tests.mutation.page"):
        monkeypatch.setattr(f"{place}.MODULES", (MODULE,))
    monkeypatch.setattr(command, "PAGE", tmp_path / "mutation.md")
    monkeypatch.setattr("sys.argv", ["mutation", "--page"])
    assert command.main() == code
    written = capsys.readouterr()
    assert written.err.startswith(said)
    assert bool(written.err) is bool(code)
    assert (tmp_path / "mutation.md").exists() is (code != 2)


def test_reasons_know_their_mutants_by_what_changed(told: Path) -> None:
    (one,) = reasons.read().values()
    assert one == Reason(
        "pv/x.py", "Thing.f", "return a < b", "return a <= b", "equal | things never meet", equivalent=True
    )
    assert one.key == LIVES.key
    assert told.name == "survivors.toml"


def test_a_result_is_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "KEPT", tmp_path / "results.json")
    assert results.read() == {}
    results.write({"x": RESULT, "gone": RESULT}, ("a", "x"))
    assert results.read() == {"x": RESULT}
