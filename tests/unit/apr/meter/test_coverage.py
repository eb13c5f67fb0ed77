"""Coverage by behaviour: what is declared counts only where its loss is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apr.meter import compare, coverage
from apr.meter.actions import actions_of
from apr.meter.compare import Settings
from apr.meter.coverage import Coverage, cover
from apr.meter.pairs import Pair, find_pairs
from apr.meter.rows import Feature, Row, load_rows

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = Path(__file__).resolve().parents[4] / "fixtures" / "action-traces"
PAIRS = {pair.name.partition("-")[2]: pair for pair in find_pairs(CORPUS)}
READ = Row("reading", "reads", "SHIPPED", (Feature("tool", "Read"),))
HOOKS = Row("hooks", "hooks fire", "SHIPPED", (Feature("hook", "*"),))
BOTH = Row("both", "reads, and hooks fire", "PARTIAL", (Feature("tool", "Read"), Feature("hook", "*")))


def declaring(slug: str, *rows: str) -> Pair:
    pair = PAIRS[slug]
    return replace(pair, meta=replace(pair.meta, covers=rows))


def found(rows: list[Row], *pairs: Pair, **settings: Any) -> Coverage:
    return cover(pairs, rows, Settings(**settings))


def test_the_corpus_covers_its_matrix() -> None:
    every = found(load_rows(CORPUS / "rows.yaml"), *PAIRS.values())
    assert every.findings == ()
    assert every.passes
    assert (every.count("covered"), every.wanted) == (21, 21)
    assert (every.count("out of scope"), every.count("missing"), every.count("uncovered")) == (2, 1, 0)
    assert {trial.outcome for row in every.rows for trial in row.trials} == {"noticed", "absent"}


def test_a_loss_that_is_noticed() -> None:
    one = found([READ], declaring("search-and-read", "reading"))
    (trial,) = one.rows[0].trials
    assert (trial.pair, trial.row, trial.outcome) == ("0004-search-and-read", "reading", "noticed")
    assert (trial.before, trial.after) == (1.0, 2 / 3)
    assert one.passes


def test_a_row_that_nobody_declares() -> None:
    one = found([READ, HOOKS], declaring("search-and-read", "reading"))
    assert [row.state for row in one.rows] == ["covered", "uncovered"]
    assert one.findings == ("hooks is not covered: no pair that declares it would notice the loss of hook *",)
    assert not one.passes


def test_a_row_of_two_features_needs_both_and_may_have_them_from_two_pairs() -> None:
    reads, fires = declaring("search-and-read", "both"), declaring("hooks-of-every-kind", "both")
    one = found([BOTH], reads)
    assert one.findings == ("both is not covered: no pair that declares it would notice the loss of hook *",)
    assert found([BOTH], reads, fires).passes


def test_a_declaration_of_what_the_trace_has_not() -> None:
    one = found([HOOKS], declaring("search-and-read", "hooks"), declaring("hooks-of-every-kind", "hooks"))
    assert one.rows[0].state == "covered"
    assert one.findings == ("0004-search-and-read declares hooks, and its student does nothing of the kind",)
    assert not one.passes, "all rows are covered, but a declaration is not borne out"


def test_a_loss_that_is_not_noticed() -> None:
    """The student's hook is extra: without it the student is no further from its teacher."""
    one = found([HOOKS], declaring("extra-hook-at-the-end", "hooks"))
    (trial,) = one.rows[0].trials
    assert (trial.before, trial.after, trial.outcome) == (0.5, 1.0, "unnoticed")
    assert one.findings[1] == "0100-extra-hook-at-the-end declares hooks, and would not notice the loss of hook *"


def test_what_is_vacuous_without_the_feature_is_not_lower() -> None:
    """The student's only action is one that the teacher did without."""
    one = found([READ], declaring("call-for-words", "reading"))
    (trial,) = one.rows[0].trials
    assert (trial.before, trial.after, trial.outcome) == (0.0, None, "unnoticed")


def test_a_row_is_covered_by_those_that_declare_it() -> None:
    twin = Row("twin", "reads, too", "SHIPPED", READ.features)
    one = found([READ, twin], declaring("search-and-read", "reading"))
    assert [row.state for row in one.rows] == ["covered", "uncovered"]
    assert one.rows[1].trials == ()


def test_nothing_to_be_covered_is_no_pass() -> None:
    outside = Row("keys", "keys", "SHIPPED", (), "they leave no trace")
    assert not found([outside], declaring("search-and-read")).passes


@pytest.mark.parametrize("slug", ["other-prompt", "other-tree"])
def test_pairs_without_a_score_cover_nothing(slug: str) -> None:
    one = found([READ], declaring(slug, "reading"))
    assert {trial.outcome for trial in one.rows[0].trials} == {"unscored"}
    assert [finding.partition(" ")[2] for finding in one.findings] == [
        "is not covered: no pair that declares it would notice the loss of tool Read",
        "declares reading, and has no score",
    ]


def test_vacuous_pairs_cover_nothing() -> None:
    course = Row("course", "ends as it should", "SHIPPED", (Feature("course"),))
    one = found([course], declaring("words-alone", "course"))
    assert one.rows[0].state == "uncovered"
    assert "declares course, and has no score" in one.findings[1]


def test_rows_that_need_no_cover() -> None:
    outside = Row("keys", "keys", "SHIPPED", (), "they leave no trace")
    absent = Row("ears", "hears", "MISSING", (Feature("tool", "Listen"),))
    one = found([READ, outside, absent], declaring("search-and-read", "reading"))
    assert one.passes
    assert [row.state for row in one.rows] == ["covered", "out of scope", "missing"]
    pair = declaring("search-and-read", "reading", "keys", "ears", "ghosts")
    assert found([READ, outside, absent], pair).findings == (
        "0004-search-and-read declares keys, which is out of scope",
        "0004-search-and-read declares ears, which is missing",
        "0004-search-and-read declares ghosts, and there is no such row",
    )


def test_a_row_that_is_declared_twice_is_tried_once() -> None:
    one = found([READ], declaring("search-and-read", "reading", "reading"))
    assert len(one.rows[0].trials) == 1


def test_what_the_meter_leaves_out_is_not_covered() -> None:
    said = Row("said", "tools answer", "SHIPPED", (Feature("result", "content"),))
    pair = declaring("search-and-read", "said")
    assert found([said], pair).passes
    assert not found([said], pair, results="ok").passes


def all_but(kind: str) -> Callable[..., list[Any]]:
    return lambda *given: [action for action in actions_of(*given) if action.kind != kind]


@pytest.mark.parametrize(
    ("where", "name", "blind", "lost"),
    [
        (
            compare,
            "actions_of",
            all_but("hook"),
            {"hooks", "configuration-ladder", "session-management", "permission-modes"},
        ),
        (compare, "actions_of", all_but("skill"), {"skills", "slash-commands"}),
        (compare, "course_drifts", lambda _one, _two: [], {"non-interactive-mode"}),
        (compare, "mutation_drifts", lambda _one, _two: [], {"files-left-behind"}),
    ],
)
def test_a_meter_that_is_blind_loses_the_rows(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, blind: Any, lost: set[str]
) -> None:
    """By declaration all of them would still be covered."""
    monkeypatch.setattr(where, name, blind)
    every = found(load_rows(CORPUS / "rows.yaml"), *PAIRS.values())
    assert {row.row.id for row in every.rows if row.state == "uncovered"} == lost
    assert not every.passes


def test_a_meter_that_always_says_one_covers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = compare.compare

    def flattering(*given: Any) -> Any:
        return replace(
            honest(*given), matched=1, upper=1, teacher_actions=1, student_actions=1, course=0, files=0, drifts=()
        )

    monkeypatch.setattr(coverage, "compare", flattering)
    every = found(load_rows(CORPUS / "rows.yaml"), *PAIRS.values())
    assert every.count("covered") == 0


def test_progress_is_told_of_each_pair() -> None:
    told: list[None] = []
    cover([PAIRS["search-and-read"], PAIRS["words-alone"]], [READ], Settings(), lambda: told.append(None))
    assert len(told) == 2


def test_as_json() -> None:
    outside = Row("keys", "keys", "SHIPPED", (), "they leave no trace")
    content = found([BOTH, outside], declaring("search-and-read", "both")).as_json()
    assert content == {
        "schema": "ccpa-coverage-v1",
        "passes": False,
        "pairs": 1,
        "wanted": 1,
        "covered": 0,
        "missing": 0,
        "out_of_scope": 1,
        "rows": [
            {
                "id": "both",
                "about": "reads, and hooks fire",
                "status": "PARTIAL",
                "state": "uncovered",
                "reason": None,
                "features": [
                    {
                        "feature": "tool Read",
                        "noticed": True,
                        "trials": [
                            {"pair": "0004-search-and-read", "outcome": "noticed", "before": 1.0, "after": 2 / 3}
                        ],
                    },
                    {
                        "feature": "hook *",
                        "noticed": False,
                        "trials": [{"pair": "0004-search-and-read", "outcome": "absent", "before": 1.0, "after": None}],
                    },
                ],
            },
            {
                "id": "keys",
                "about": "keys",
                "status": "SHIPPED",
                "state": "out_of_scope",
                "reason": "they leave no trace",
                "features": [],
            },
        ],
        "findings": ["both is not covered: no pair that declares it would notice the loss of hook *"],
    }
