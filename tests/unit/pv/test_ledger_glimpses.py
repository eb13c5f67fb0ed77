"""What lines of a ledger say without being parsed, and how their bytes are fetched."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import Ledger, append, read
from pv.ledger.index import _BLOCK
from pv.ledger.line import chain, parse, verdict, write
from tests.ledger_rows import CASE, KEY

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = {**CASE, "kind": "begin", "verdict": "error", "falsifier": None}
OF_F = ("c", "F", "{}", "")
BEFORE = "0" * 64


def line(**said: Any) -> bytes:
    return chain(write({**CASE, **said}), BEFORE)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, ("case", "1" * 32, "discharged")),
        ({"kind": "begin", "verdict": "error", "run": "r-1"}, ("begin", "r-1", "error")),
        ({"run": "é"}, None),  # written with an escape
        ({"message": '"verdict":"refuted"', "reason": 'x","verdict":"killed"'}, ("case", "1" * 32, "discharged")),
        ({"verdict": "refuted", "reported": {"verdict": 1}}, None),  # which of the two?
        ({"reported": {"verdict": "refuted"}}, None),
        ({"counterexample": [{"verdict": "refuted"}]}, None),
        ({"verdict": "Refuted", "reported": {"verdict": "discharged"}}, None),
        ({"verdict": 7, "reported": {"verdict": "discharged"}}, None),
        ({"verdict": "not so"}, None),
        ({"verdict": None}, None),
        ({"kind": "run"}, None),
        ({"kind": "end"}, None),
    ],
)
def test_the_word_is_seen_where_it_stands_once(said: dict[str, Any], told: tuple[str, str, str] | None) -> None:
    seen = verdict(line(**said))
    assert seen == told
    if seen is not None:
        row = parse(line(**said))
        assert row is not None
        assert seen == (row["kind"], row["run"], row["verdict"])


@pytest.mark.parametrize("seed", range(20))
def test_they_are_those_of_newest(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)  # noqa: S311  the same each time
    rows = []
    for _ in range(40):
        run = f"{rng.randrange(6):032x}"
        word = rng.choice(["discharged", "refuted", "inconclusive", "error"])
        row = {**(BEGUN if rng.random() < 0.4 else {**CASE, "verdict": word}), "run": run}
        if rng.random() < 0.2:  # has to be parsed
            row["reported"] = {"verdict": "killed"}
        rows.append({**row, "claim": rng.choice(["F", "F-2"])})
    append(tmp_path / "ledger.jsonl", rows)
    for claim in ("F", "F-2", "F-3"):
        key = ("c", claim, "{}", "")
        expected = [
            (one.number, one.row["run"], one.row["verdict"]) for one in read(tmp_path / "ledger.jsonl").newest(key)
        ]
        assert list(read(tmp_path / "ledger.jsonl").glimpses(key)) == expected
        held = read(tmp_path / "ledger.jsonl")
        rows_held = list(held.newest(key))  # parsed already, and held
        assert list(held.glimpses(key)) == expected
        assert len(rows_held) == len(expected)
        assert (claim == "F-3") == (not expected)


def test_only_what_does_not_show_its_word_is_parsed_and_what_is_none_is_left_aside(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, [{**CASE, "reported": {"verdict": "killed"}}, {**CASE, "verdict": "green"}, {**CASE, "run": 7}, CASE])
    found = read(path)
    assert [(one.number, one.verdict) for one in found.glimpses(OF_F)] == [(4, "discharged"), (1, "discharged")]
    assert [one.partition(": ")[0] for one in found.problems] == [f"{path}:2", f"{path}:3"]
    assert [one.number for one in found.glimpses(OF_F)] == [4, 1]
    assert len(found.problems) == 2


def test_rows_in_no_file_are_seen_as_well() -> None:
    rows = Ledger.of([{**KEY, "run": "1", "verdict": "refuted"}, {**KEY, "run": "2", "verdict": "discharged"}])
    assert [one.verdict for one in rows.glimpses(OF_F)] == ["discharged", "refuted"]


def test_lines_of_any_length_come_as_they_stand(tmp_path: Path) -> None:
    """Shorter than a block, longer, at its edges, and across them."""
    path = tmp_path / "ledger.jsonl"
    rng = random.Random(3)  # noqa: S311  the same each time
    sizes = [0, _BLOCK - 900, _BLOCK, 3 * _BLOCK, *(rng.randrange(2 * _BLOCK) for _ in range(60)), *[5] * 200]
    append(path, [{**CASE, "message": f"{number} " + "x" * size} for number, size in enumerate(sizes)])
    written = path.read_bytes().splitlines()
    found = read(path)
    order = [*range(len(sizes)), *rng.sample(range(len(sizes)), len(sizes))]
    assert [found._line(index) for index in order] == [written[index] for index in order]
    assert [len(one.row["message"]) for one in found.entries()] == [
        len(f"{number} ") + size for number, size in enumerate(sizes)
    ]


def test_what_is_written_later_changes_nothing_of_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, [CASE])
    before = read(path)
    assert len(list(before.newest(OF_F))) == 1
    append(path, [CASE] * 50)
    assert len(list(before.newest(OF_F))) == 1
    assert len(list(read(path).newest(OF_F))) == 51
    del before  # the next one may have its descriptor
    assert len(list(read(path).newest(OF_F))) == 51
