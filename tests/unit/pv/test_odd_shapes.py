"""Any value where the schema wants another: rules and parser say so and never break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.corpus import read
from pv.load import load
from pv.rules import check
from pv.rules._schema import schema
from pv.source import Source
from pv.types import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.parse import Contract

ODD = ["5", "1.5", "true", "~", "''", "[5]", "[[]]", "{a: 5}", "[{}]", "[{a: {}}]", "[~, {id: [1]}]", "[]", "{}"]
CLAIM = [
    "id",
    "rule",
    "prediction",
    "if_fails",
    "binds_to",
    "level",
    "expect",
    "mutants",
    "params",
    "tolerance",
    "domain",
]
BLOCKS = sorted(set(schema()["properties"]) - {"$schema"})


@pytest.mark.parametrize("value", ODD)
def test_any_block_may_hold_anything(contract_of: Callable[..., Contract], value: str) -> None:
    for block in BLOCKS:
        found = check(contract_of(f"{block}: {value}"))
        assert all(one.code.startswith("PV") for one in found)


@pytest.mark.parametrize("value", ODD)
def test_any_key_of_a_claim_or_a_mutant_may_hold_anything(contract_of: Callable[..., Contract], value: str) -> None:
    good = {"id": "F-1", "prediction": "p", "if_fails": "q"}
    for key in CLAIM:
        body = ", ".join(f"{name}: {text}" for name, text in (good | {key: value}).items())
        contract = contract_of(f"falsification_tests:\n  - {{{body}}}")
        assert all(one.code.startswith("PV") for one in check(contract))
    for key in ("id", "stage", "layer", "note"):
        planted = ", ".join(f"{name}: {text}" for name, text in ({"id": "m", "stage": "s"} | {key: value}).items())
        text = f"falsification_tests:\n  - {{id: F-1, prediction: p, if_fails: q, mutants: [{{{planted}}}]}}"
        assert all(one.code.startswith("PV") for one in check(contract_of(text)))


EXECUTABLE = {
    "equation": {
        "formula": "y",
        "formal": "2 * x",
        "kernel": "f(x)",
        "let": "{h: x}",
        "plot": "{t: [0, 1], curves: {a: t}}",
        "domain": "{n: 1..2, x: {dtype: f32, shape: [n], range: [0, 1]}}",
    },
    "obligation": {
        "id": "O-1",
        "type": "equivalence",
        "applies_to": "f",
        "property": "p",
        "formal": "y > 0",
        "let": "{z: y}",
        "forall": "{n: 1..1}",
        "where": "n > 0",
        "between": "[0, 1]",
        "to": "x",
        "oracle": "o",
        "tolerance": "u",
        "in": "x",
        "direction": "increasing",
        "through": "y",
        "under": "shift",
        "axis": "0",
        "result": "odd",
        "along": "n",
        "alpha": "0.5",
    },
    "input": {
        "dtype": "f32",
        "shape": "[n]",
        "range": "[0, 1]",
        "values": "[1]",
        "nonfinite": "true",
        "bits": "any",
        "distinct": "true",
        "n": "1..2",
    },
}


@pytest.mark.parametrize("value", [*ODD, "1..", "n..1..2", "x +", "['x', ~]", "{x: {dtype: f32, shape: 1}}", "{1: 2}"])
@pytest.mark.parametrize("place", EXECUTABLE)
def test_any_key_of_what_is_executable_may_hold_anything(
    contract_of: Callable[..., Contract], place: str, value: str
) -> None:
    for key in EXECUTABLE[place]:
        for whole in (True, False):  # beside all other keys, and beside those alone that it needs
            said = {name: dict(keys) for name, keys in EXECUTABLE.items()}
            if not whole:
                said["obligation"] = {name: said["obligation"][name] for name in ("id", "applies_to", "property")}
            said[place][key] = value
            flow = {name: ", ".join(f"{key}: {text}" for key, text in keys.items()) for name, keys in said.items()}
            if place == "input":
                flow["equation"] = f"formula: y, domain: {{x: {{{flow['input']}}}}}"
            contract = contract_of(
                f"subject: {value}\nequations:\n  f: {{{flow['equation']}}}\n"
                f"proof_obligations:\n  - {{{flow['obligation']}}}\n"
                "falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, obligation: O-1, mutants: [{id: m, stage: f}]}\n"
            )
            assert all(one.code.startswith("PV") for one in check(contract))
            assert contract.claims[0].fingerprint
            assert contract.claims[0].property is None or contract.claims[0].property.equation.name == "f"


def test_mutants_that_are_no_list_are_a_finding(contract_of: Callable[..., Contract]) -> None:
    found = check(contract_of("falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, mutants: 5}"))
    assert [one.code for one in found if one.severity is not Severity.NOTE] == ["PV103"]


@pytest.mark.parametrize(
    ("fragment", "code", "words"),
    [
        ("params: {a: [1, '1-2'], b: [2-3, 3]}", "PV307", "read '1-2-3'"),
        ("params: {a: [x, x-mutant-m]}, mutants: [{id: m, stage: s}]", "PV307", "read 'x-mutant-m'"),
        ("params: {a: ['']}", "PV307", "has an empty value"),
        (f"params: {{a: {list(range(101))}, b: {list(range(100))}}}", "PV307", "make 10100 cases"),
        ("id: 'F 1'", "PV308", "'F 1' cannot be part of a test's name"),
        ("id: 'F::1'", "PV308", "cannot be part"),
        ("id: 'F[1'", "PV308", "cannot be part"),
        ("id: 'F]'", "PV308", "cannot be part"),
        ('id: "F\\e[31m"', "PV308", "cannot be part"),
        ("id: ''", "PV308", "cannot be part"),
    ],
)
def test_cases_and_ids_that_make_no_names(
    contract_of: Callable[..., Contract], fragment: str, code: str, words: str
) -> None:
    name = "" if fragment.startswith("id:") else "id: F-1, "
    found = check(contract_of(f"falsification_tests:\n  - {{{name}prediction: p, if_fails: q, {fragment}}}"))
    told = [(one.code, words in one.message) for one in found if one.severity is not Severity.NOTE]
    assert told == [(code, True)]


@pytest.mark.parametrize("digits", ["0x" + "f" * 998, "1" * 1000, "0o" + "7" * 998])
def test_long_integers_are_read_up_to_a_thousand_digits(tmp_path: Path, digits: str) -> None:
    path = tmp_path / "a.yaml"
    text = 'metadata: {version: "1", description: d, references: [r]}\nequations: {f: {formula: x}}\n'
    text += "falsification_tests: [{id: F-1, prediction: p, if_fails: q, tolerance: %s, params: {n: [%s]}}]\n"
    path.write_text(text % (digits, digits))
    assert read(path).errors == ()
    longer = load(Source("a.yaml", f"a: {digits}0\n"))
    assert isinstance(longer, Diagnostic)
    assert longer.message == "an integer of 1001 digits"


def test_the_lines_of_a_file_are_split_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import pv.source

    calls = 0
    pattern = pv.source._LINE_END

    class Counting:
        def split(self, text: str) -> list[str]:
            nonlocal calls
            calls += 1
            return pattern.split(text)

    monkeypatch.setattr(pv.source, "_LINE_END", Counting())
    source = Source("a", "one\r\ntwo\u2028three\n")
    assert [source.line(number) for number in (0, 1, 2, 3, 4, 5)] == ["", "one", "two", "three", "", ""]
    assert calls == 1
    assert [Source("b", "one\ntwo\n").line(number) for number in (1, 2, 3)] == ["one", "two", ""]
