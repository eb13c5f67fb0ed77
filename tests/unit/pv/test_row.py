"""The shape of a ledger's row, and a fold that believes only the words it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pv.fold import CaseEvidence, Outcome, fold
from pv.judge import Word
from pv.ledger import append, read
from pv.load import Document, load
from pv.parse import Claim, parse
from pv.row import fault
from pv.source import Source

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {
    "schema": "pv-ledger-v2",
    "kind": "case",
    "run": "1" * 32,
    "contract": "c",
    "claim": "F-1",
    "params": "{}",
    "mutant": "",
    "verdict": "discharged",
    "fingerprint": "0" * 64,
    "level": "measured",
    "engines": [
        {"role": "subject", "name": "ours", "build": "1", "producer": "us"},
        {"role": "oracle", "name": "theirs", "build": "1", "producer": "them"},
    ],
    "compared": {"x": 1},
    "inputs": [{"kind": "data", "path": "d", "sha256": "0" * 64}],
    "falsifier": {"path": "falsifiers/f.py", "sha256": "0" * 64},
    "worst": {"distance": "nan", "bound": 1e-6, "where": {"stage": "q", "layer": 1}},
}


def _made_by(producer: str) -> list[dict[str, str]]:
    """Both sides from one producer."""
    return [one | {"producer": producer} for one in GOOD["engines"]]


KILLED = GOOD | {
    "mutant": "m",
    "verdict": "killed",
    "expected": {"refuted": True, "stage": "s", "layer": 2},
    "where": {"stage": "s", "layer": 2, "position": 7},
}


def test_a_good_row_has_no_fault() -> None:
    assert fault(GOOD) == ""
    assert fault(GOOD | {"mutant": "m", "verdict": "killed"}) == ""
    assert fault(KILLED) == ""
    assert fault(KILLED | {"expected": {"refuted": True, "stage": "s", "layer": None}}) == ""
    assert fault(KILLED | {"expected": {"refuted": False, "stage": "t", "layer": 2}, "where": {}}) == ""
    assert fault(KILLED | {"verdict": "mislocalised", "where": {}}) == ""
    assert fault(GOOD | {"level": "independent", "skipped": [{"n": 1, "what": "x", "why": "y"}]}) == ""
    # a refutation that nobody expected stands, and a mutant's row is no evidence of a level
    assert fault(GOOD | {"level": "independent", "engines": _made_by("us"), "verdict": "refuted"}) == ""
    assert fault(KILLED | {"level": "independent", "engines": []}) == ""
    model = {"kind": "model", "path": "m", "sha256": "0" * 64}
    assert fault(GOOD | {"engines": GOOD["engines"][:1], "inputs": [model]}) == ""
    properties = [{"seed": 2**60, "first": ["AAE="]}, {"seed": "a", "first": []}]
    assert fault(GOOD | {"examples": {"kept": ".pv/examples/x", "properties": properties}}) == ""
    assert fault(GOOD | {"examples": None}) == ""
    assert fault(GOOD | {"verdict": "inconclusive", "falsifier": None, "compared": {}, "worst": None}) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verdict": "dischargd"}, "its verdict is no known word"),
        ({"verdict": "Discharged"}, "its verdict is no known word"),
        ({"verdict": None}, "names no verdict"),
        ({"mutant": "m"}, "discharged is no verdict of a mutant"),
        ({"verdict": "survived"}, "survived is no verdict of no mutant"),
        ({"verdict": "killed"}, "killed is no verdict of no mutant"),
        ({"compared": {}}, "discharged, and nothing was compared"),
        ({"compared": {"x": 0}}, "discharged, and nothing was compared"),
        ({"compared": {"x": -1}}, "compared holds no counts"),
        ({"compared": {"x": True}}, "compared holds no counts"),
        ({"compared": {"x": 10**400}}, "compared holds no counts"),
        ({"compared": None}, "compared holds no counts"),
        ({"level": "certain"}, "its level is no known word"),
        ({"engines": []}, "says measured, but no engine was recorded"),
        ({"engines": GOOD["engines"][:1]}, "says measured, but no model file was recorded"),
        ({"engines": [{"role": "subject"}]}, "engines are no list"),
        ({"engines": {}}, "engines are no list"),
        ({"level": "independent", "engines": []}, "says independent, but no subject and no oracle was recorded"),
        ({"level": "independent", "engines": GOOD["engines"][:1]}, "says independent, but no oracle was recorded"),
        ({"level": "independent", "engines": _made_by("us")}, "says independent, but both sides come from us"),
        ({"level": "independent", "engines": _made_by("")}, "says independent, but nobody is said to have made the"),
        (
            {"level": "independent", "engines": _made_by("us"), "verdict": "refuted", "expect": "refuted"},
            "says independent, but both sides come from us",
        ),
        ({"skipped": {"x": 1}}, "skipped is no list"),
        ({"skipped": [{"n": 1, "what": "x"}]}, "skipped is no list"),
        ({"skipped": [{"n": -1, "what": "x", "why": "y"}]}, "skipped is no list"),
        ({"falsifier": None}, "names no falsifier"),
        ({"falsifier": "f.py"}, "names no falsifier"),
        ({"falsifier": {"path": "f.py"}}, "names no falsifier"),
        ({"inputs": None}, "inputs are no list"),
        ({"inputs": {}}, "inputs are no list"),
        ({"inputs": ["d"]}, "inputs are no list"),
        ({"inputs": [{"kind": "data", "path": 1, "sha256": "0" * 64}]}, "inputs are no list"),
        ({"fingerprint": 1}, "names no fingerprint"),
        ({"message": ["x"]}, "message is no text"),
        ({"worst": "bad"}, "worst is no distance with a place"),
        ({"worst": {"distance": 10**400}}, "worst is no distance with a place"),
        ({"worst": {"distance": [1]}}, "worst is no distance with a place"),
        ({"worst": {"distance": 1.0, "where": "abc"}}, "worst is no distance with a place"),
        ({"worst": {"distance": 1.0, "where": {"layer": 10**400}}}, "worst is no distance with a place"),
        ({"distance": 10**400}, "no distance with a place"),
        ({"where": [1]}, "no distance with a place"),
        (KILLED | {"where": {"stage": "s", "layer": 1}}, "killed, and found elsewhere than expected"),
        (KILLED | {"where": {"stage": "t", "layer": 2}}, "killed, and found elsewhere than expected"),
        (KILLED | {"where": None}, "killed, and found elsewhere than expected"),
        (KILLED | {"expected": "s"}, "expected is no place of a mutant"),
        (KILLED | {"expected": {"stage": "s"}}, "expected is no place of a mutant"),
        ({"expected": {"refuted": True}}, "expected is no place of a mutant"),
        ({"refuted": 1}, "refuted is no truth value"),
        ({"examples": []}, "examples are no list of properties"),
        ({"examples": {"kept": None, "properties": {}}}, "examples are no list of properties"),
        ({"examples": {"kept": None, "properties": [{"seed": 1}]}}, "examples are no list of properties"),
        ({"examples": {"kept": None, "properties": [{"seed": True, "first": []}]}}, "examples are no list of"),
        ({"examples": {"kept": None, "properties": [{"seed": 1, "first": [2]}]}}, "examples are no list of"),
        ({"examples": {"kept": 1, "properties": []}}, "examples are kept in no place"),
    ],
)
def test_a_row_of_another_shape_is_left_aside(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, [GOOD, GOOD | change])
    ledger = read(path)
    assert len(list(ledger.entries())) == 1
    (problem,) = ledger.problems
    assert problem.startswith(f"{path}:2: {words}")
    assert problem.endswith("; left aside")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1" * 5000])
def test_what_is_no_number_of_json_is_left_aside(tmp_path: Path, number: str) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, [GOOD | {"distance": "HERE"}])
    path.write_text(path.read_text().replace('"HERE"', number))
    ledger = read(path)
    assert list(ledger.entries()) == []
    assert "not JSON" in ledger.problems[0]


def test_a_begun_run_counts_until_the_same_run_says_how_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    begun = GOOD | {"verdict": "error", "kind": "begin"}
    orders = {
        "ended": [begun | {"run": "1" * 32}, GOOD | {"run": "1" * 32}],
        "another run": [begun | {"run": "1" * 32}, GOOD | {"run": "2" * 32}],
        "again": [begun | {"run": "1" * 32}, GOOD | {"run": "1" * 32}, begun | {"run": "1" * 32}],
        "another case": [begun | {"run": "1" * 32}, GOOD | {"run": "1" * 32, "params": '{"n":1}'}],
    }
    words = {}
    for name, rows in orders.items():
        path.unlink(missing_ok=True)
        append(path, rows)
        words[name] = [one.row["verdict"] for one in read(path).newest(("c", "F-1", "{}", ""))]
    assert words == {
        "ended": ["discharged"],
        "another run": ["discharged", "error"],
        "again": ["error", "discharged"],
        "another case": ["error"],
    }


def claim(extra: str = "") -> Claim:
    text = f"metadata: {{}}\nfalsification_tests:\n- {{id: A{extra}, mutants: [{{id: m, stage: s}}]}}\n"
    document = load(Source("c.yaml", text))
    assert isinstance(document, Document)
    return parse(document, "c").claims[0]


@pytest.mark.parametrize("extra", ["", ", expect: refuted"])
@pytest.mark.parametrize(
    ("plain", "mutant"),
    [("good", "killed"), ("", "killed"), ("killed", "killed"), ("discharged", "discharged"), ("discharged", "done")],
)
def test_the_fold_believes_no_other_word(extra: str, plain: str, mutant: str) -> None:
    one = claim(extra)
    evidence = [CaseEvidence(case, {"verdict": word}) for case, word in zip(one.cases(), (plain, mutant), strict=True)]
    folded = fold(one, evidence)
    assert (folded.outcome, folded.reason, folded.as_expected) == (Outcome.INCONCLUSIVE, "unreadable", False)
    assert all(word in list(Word) for word in ("discharged", "killed"))
