"""How cases are cut into shards."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.ledger import Key, Ledger, append
from pv.shards import Shard, cut, parts, plan, read_durations, recorded, shards_of
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random


def key(claim: str, params: str = "{}", mutant: str = "") -> Key:
    return ("x-v1", claim, params, mutant)


KEYS = st.builds(key, st.sampled_from("ABCDEFGH"), st.sampled_from(["1", "2"]), st.sampled_from(["", "", "m", "n"]))
TIMES = st.one_of(st.none(), st.floats(0, 100))
CASES = st.dictionaries(KEYS, TIMES, max_size=24)


@given(CASES, st.integers(1, 7))
def test_every_case_is_in_one_shard_and_the_plain_cases_of_a_claim_in_the_same(
    seconds: dict[Key, float | None], count: int
) -> None:
    shards = cut(seconds, count)
    assert shards.keys() == seconds.keys()
    assert all(1 <= number <= count for number in shards.values())
    for claim in {key[1] for key in seconds}:
        assert len({number for key, number in shards.items() if key[1] == claim and not key[3]}) <= 1


@given(CASES, st.integers(1, 7), st.randoms())
def test_a_cut_depends_on_nothing_but_the_durations(
    seconds: dict[Key, float | None], count: int, random: Random
) -> None:
    shuffled = list(seconds.items())
    random.shuffle(shuffled)
    assert cut(dict(shuffled), count) == cut(seconds, count)
    assert plan(cut(dict(shuffled), count), count) == plan(cut(seconds, count), count)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=7), st.integers(1, 3))
def test_the_longest_shard_is_within_the_bound_of_the_greedy_cut(seconds: list[int], count: int) -> None:
    claims = {key(f"F-{index}"): float(took) for index, took in enumerate(seconds)}
    loads = [0] * count
    for case, number in cut(claims, count).items():
        loads[number - 1] += int(claims[case])
    best = min(
        max(sum(took for took, chosen in zip(seconds, way, strict=True) if chosen == number) for number in range(count))
        for way in itertools.product(range(count), repeat=len(seconds))
    )
    assert 3 * count * max(loads) <= (4 * count - 1) * best


def test_the_longest_goes_first_to_the_shard_that_has_least_and_ties_go_by_name() -> None:
    seconds = {key("A"): 3.0, key("B"): 5.0, key("C"): 3.0, key("D"): 1.0}
    assert cut(seconds, 2) == {key("B"): 1, key("A"): 2, key("C"): 2, key("D"): 1}


def test_what_takes_an_unknown_time_counts_as_the_median_of_what_is_known() -> None:
    known: dict[Key, float | None] = {key("A"): 1.0, key("B"): 4.0, key("C"): 100.0}
    assert cut({**known, key("D"): None}, 3) == cut({**known, key("D"): 4.0}, 3)
    assert cut({key("A"): None, key("B"): None}, 2) == {key("A"): 1, key("B"): 2}


def test_only_a_claim_that_is_longer_than_a_shard_is_taken_apart() -> None:
    weights = {key("A"): 1, key("A", mutant="m"): 9, key("A", mutant="n"): 2, key("B"): 1, key("B", mutant="m"): 1}
    small = (key("B"), key("B", mutant="m"))
    assert parts(weights, 1) == [(key("A"), key("A", mutant="m"), key("A", mutant="n")), small]
    assert parts(weights, 2) == [(key("A"),), (key("A", mutant="m"),), (key("A", mutant="n"),), small]


def test_a_plan_is_another_as_soon_as_one_case_moves() -> None:
    one = {key("A"): 1, key("B"): 2}
    assert plan(one, 2) != plan({key("A"): 1, key("B"): 1}, 2)
    assert plan(one, 2) != plan(one, 3)
    assert len(plan(one, 2)) == 64


@pytest.mark.parametrize("text", ["0/5", "6/5", "a/b", "1/0", "1", "", "1/2/3", "-1/2", " 1/2", "1/99999", "²/2"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match="is no shard: write the second of five as 2/5"):
        Shard.parse(text)


def test_a_shard_is_written_as_it_is_read() -> None:
    assert str(Shard.parse("2/5")) == "2/5"
    assert Shard.parse("5/5") == Shard(5, 5)


def case(run: str, claim: str, seconds: object = 1.0, kind: str = "case") -> dict[str, object]:
    return {
        "kind": kind,
        "run": run,
        "contract": "x-v1",
        "claim": claim,
        "params": "{}",
        "mutant": "",
        "duration_s": seconds,
    }


def test_the_newest_case_row_says_how_long_it_took() -> None:
    ledger = Ledger.of(
        [
            case("r1", "A", 1.0),
            case("r2", "A", 2.5),
            case("r3", "A", 9.0, kind="begin"),
            case("r1", "B", 3),
            case("r3", "B", None),
            case("r4", "B", True),
        ]
    )
    assert recorded(ledger, [key("A"), key("B"), key("C")]) == {key("A"): 2.5, key("B"): 3.0}
    assert recorded(ledger, [key("A")], {"r2"}) == {key("A"): 1.0}


def test_shards_of_this_commit_are_known() -> None:
    runs = [
        {"kind": "run", "run": "r1", "commit": "a", "shard": "1/2"},
        {"kind": "run", "run": "r2", "commit": "b", "shard": "1/2"},
        {"kind": "run", "run": "r3", "commit": "a"},
    ]
    assert shards_of(Ledger.of(runs), "a") == {"r1"}


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"a": "1"}', '{"a": -1}', '{"a": NaN}', '{"a": true}', "{" * 9999, "\xff"]
)
def test_what_holds_no_durations_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "d.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageProblem, match=str(path)):
        read_durations(path)


def test_a_node_has_one_duration(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text('{"x.yaml::A": 2, "x.yaml::B": 1, "x.yaml::A": 2}')
    with pytest.raises(UsageProblem, match=r"d\.json: 'x\.yaml::A' stands there twice"):
        read_durations(path)


def test_durations_come_from_json_or_from_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"contracts/x.yaml::A": 2, "contracts/x.yaml::B": 0.5}))
    assert read_durations(path) == {"contracts/x.yaml::A": 2.0, "contracts/x.yaml::B": 0.5}
    append(tmp_path / "l.jsonl", [{"kind": "run", "run": "r"}])
    assert isinstance(read_durations(tmp_path / "l.jsonl"), Ledger)
    with pytest.raises(UsageProblem, match=r"none\.json: the durations cannot be read"):
        read_durations(tmp_path / "none.json")
