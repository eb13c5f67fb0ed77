"""The published schema of the ledger and the check that pv itself makes of each row refuse the same rows."""

from __future__ import annotations

import copy
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from pv.ledger.kinds import fault
from pv.ledger.line import environment_name
from pv.row import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads(resources.files("pv").joinpath("schema/ledger.schema.json").read_text("utf-8"))
VALIDATOR = Draft7Validator(SCHEMA)
OF_KIND = {
    kind: Draft7Validator({"$ref": f"#/definitions/{kind}", "definitions": SCHEMA["definitions"]})
    for kind in ("run", "environment", "begin", "case", "end")
}

DATA = {"python": "3.11", "threads": None}
RUN: dict[str, Any] = {
    "schema": "pv-ledger-v2",
    "kind": "run",
    "run": "1" * 32,
    "started": "2026-01-02T03:04:05.678901+00:00",
    "commit": "a" * 40,
    "dirty": False,
    "pv": "1",
    "python": "3.11.7",
    "arguments": ["-m", "falsify"],
    "shard": "2/5",
    "plan": "0123abcd",
}
ENVIRONMENT = {
    "schema": "pv-ledger-v2",
    "kind": "environment",
    "run": "1" * 32,
    "environment": environment_name(DATA),
    "data": DATA,
}
END = {"schema": "pv-ledger-v2", "kind": "end", "run": "1" * 32, "cases": 3, "exit": 1}
CASE: dict[str, Any] = {
    "schema": "pv-ledger-v2",
    "kind": "case",
    "run": "1" * 32,
    "contract": "c",
    "claim": "F-1",
    "params": '{"n":1}',
    "mutant": "",
    "label": "1",
    "node": "contracts/c.yaml::F-1[1]",
    "fingerprint": "0" * 64,
    "expect": "discharged",
    "verdict": "discharged",
    "ok": True,
    "refuted": False,
    "reason": "",
    "message": "",
    "where": {"stage": "q", "layer": 1, "extra": ["x", 1.5]},
    "distance": 0.5,
    "bound": "inf",
    "worst": {"distance": "nan", "bound": 1e-6, "where": None},
    "level": "authored",
    "compared": {"x": 1, "y": 0},
    "skipped": [{"n": 2, "what": "x", "why": "y"}],
    "inputs": [{"kind": "data", "path": "d", "sha256": "0" * 64}],
    "engines": [{"role": "oracle", "name": "n", "build": "b", "producer": "p"}],
    "falsifier": {"path": "falsifiers/f.py", "sha256": "0" * 64, "line": 3, "qualname": "f"},
    "reported": {"cosine": 0.5},
    "counterexample": {"x": [1]},
    "seed": 7,
    "examples": {"kept": None, "properties": [{"seed": 7, "first": ["AA=="]}, {"seed": "s", "first": []}]},
    "environment": "0123456789abcdef",
    "started": "2026-01-02T03:04:05Z",
    "duration_s": 0.25,
    "commit": None,
    "dirty": None,
}
EXPECTED = {"refuted": True, "stage": "q", "layer": 1}
KILLED = CASE | {"mutant": "m", "verdict": "killed", "expected": EXPECTED}
BEGUN = CASE | {"kind": "begin", "verdict": "error", "compared": {}, "falsifier": None}
GOOD = [RUN, ENVIRONMENT, END, CASE, KILLED, BEGUN, CASE | {"verdict": "inconclusive"}, CASE | {"level": "algorithm"}]

# What takes the place of a value: one of each kind of JSON, and the words and hashes that the schema knows. A whole number with an
# exponent is not among them: to a schema it is the same as one without.
ODD = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        0.5,
        10**400,
        1 << 63,
        "",
        "x",
        [],
        ["x"],
        [1],
        {},
        {"x": 1},
        {"x": 0},
        {"x": -1},
    ),
    *("0" * 64, "0" * 63, "0" * 40, "0" * 32, "0" * 16, "G" * 64, "A" * 64, "2/5", "0/5", "2/", "2026-01-02", "nan"),
    *("2026-01-02T03:04:05+01:00", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05Z"),
    *(
        "discharged",
        "refuted",
        "inconclusive",
        "error",
        "killed",
        "survived",
        "mislocalised",
        "begin",
        "case",
        "run",
        "end",
    ),
    *("algorithm", "authored", "measured", "independent", "pv-ledger-v1", "pv-ledger-v2", EXPECTED),
]


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside `value`."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (key,)
        for rest in places(entry):
            yield (key, *rest)


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """A good row with one or two of its values changed, taken away or added."""
    row: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(sorted(places(row), key=str)))
        inside: Any = row
        for step in path[:-1]:
            inside = inside[step]
        what = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if what == "remove":
            del inside[path[-1]]
        elif what == "add" and isinstance(inside, dict):
            inside[draw(st.sampled_from(["x", "expected", "prev ", "shard"]))] = copy.deepcopy(
                draw(st.sampled_from(ODD))
            )
        else:
            inside[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return row


def accepts(row: dict[str, Any]) -> bool:
    """What the schema says. Every part of it asks for its own kind, so that only the part for the row's kind need be asked."""
    kind = row.get("kind")
    return isinstance(kind, str) and kind in OF_KIND and OF_KIND[kind].is_valid({"prev": "0" * 64, **row})


# What JSON Schema cannot say: two values of a row that must be equal, or what a level asks of engines and inputs together.
UNSAYABLE = (
    "killed, and found elsewhere than expected",
    "says measured, but ",
    "says independent, but ",
    "its data is of another environment",
)


@pytest.mark.parametrize("row", GOOD)
def test_good_rows_are_good_for_both(row: dict[str, Any]) -> None:
    assert fault(row) == ""
    assert accepts(row)
    assert VALIDATOR.is_valid({"prev": "0" * 64, **row})
    assert not VALIDATOR.is_valid(row)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changed())
def test_a_changed_row_is_refused_by_both_or_by_none(row: dict[str, Any]) -> None:
    wrong = fault(row)
    if wrong.startswith(UNSAYABLE):
        return
    assert accepts(row) == VALIDATOR.is_valid({"prev": "0" * 64, **row}) == (wrong == ""), wrong


def test_every_single_change_is_refused_by_both_or_by_none() -> None:
    told = 0
    for good in (RUN, ENVIRONMENT, END, KILLED):
        for path in [*places(good), ("x",), ("expected",)]:
            for odd in [*(ODD if len(path) == 1 else ODD[::4]), "gone"]:
                row = copy.deepcopy(good)
                inside: Any = row
                for step in path[:-1]:
                    inside = inside[step]
                if odd != "gone":
                    inside[path[-1]] = copy.deepcopy(odd)
                elif path[-1] in (inside if isinstance(inside, dict) else range(len(inside))):
                    del inside[path[-1]]
                wrong = fault(row)
                told += bool(wrong)
                if not wrong.startswith(UNSAYABLE):
                    assert accepts(row) == (wrong == ""), (path, odd, wrong)
    assert told > 2000


@pytest.mark.parametrize("time", ["2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z", "2026-01-02T25:04:05Z"])
def test_a_time_that_is_none_is_refused_by_us_and_by_whoever_checks_formats(time: str) -> None:
    assert fault(CASE | {"started": time}) == "started is no time of RFC 3339"
    assert SCHEMA["definitions"]["time"]["format"] == "date-time"


def test_the_schema_is_a_schema_and_knows_every_key_that_a_case_may_have() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert set(SCHEMA["definitions"]["of_a_case"]["properties"]) == KEYS | {"prev"}
