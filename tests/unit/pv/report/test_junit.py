from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from pv.report.junit import as_junit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.status import Report

INDEPENDENT = {"*": {"level": "independent"}}
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def parsed(report: Report) -> ET.Element:
    return ET.fromstring(as_junit(report))  # noqa: S314  our own text


def case(report: Report, name: str) -> ET.Element:
    (found,) = [one for one in parsed(report).iter("testcase") if one.get("name") == name]
    return found


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({}, None, ""),
        ({"verdict": "refuted", "message": "off"}, "failure", "refuted: off"),
        ({"verdict": "error", "message": "it broke"}, "error", "it broke"),
        ({"verdict": "inconclusive", "reason": "no model"}, "skipped", "no model"),
        ({"stale": "model m has changed since"}, "skipped", "stale: model m has changed since"),
        (None, "skipped", "not run: mutant-head-shifted"),
    ],
)
def test_a_claim_comes_out_as_it_is(
    of_rows: Callable[..., Report], change: dict[str, Any] | None, kind: str | None, words: str
) -> None:
    report = of_rows(
        INDEPENDENT | ({"PARITY-002/mutant-head-shifted": None} if change is None else {"PARITY-002": change})
    )
    found = case(report, "PARITY-002")
    assert found.get("classname") == "x-v1"
    results = [one for one in found if one.tag in COUNTED.values()]
    assert [one.tag for one in results] == ([kind] if kind else [])
    if kind:
        assert results[0].get("message") == words


def test_a_missed_mutant_is_no_pass_and_no_skip(of_rows: Callable[..., Report]) -> None:
    report = of_rows(
        INDEPENDENT | {"PARITY-001/16-mutant-norm-gain": {"verdict": "survived", "message": "let through"}}
    )
    (failure,) = case(report, "PARITY-001").findall("failure")
    assert failure.get("message") == "inconclusive: mutant survived: [16-mutant-norm-gain] let through"
    assert "1 mutant survived: norm-gain" in (failure.text or "")


def test_expected_refutations_pass_and_their_absence_fails(of_rows: Callable[..., Report]) -> None:
    assert not case(of_rows(INDEPENDENT), "PARITY-003").findall("failure")
    found = case(of_rows(INDEPENDENT | {"PARITY-003": {"verdict": "discharged"}}), "PARITY-003")
    assert len(found.findall("failure")) == 1


def test_an_overstated_contract_fails_by_a_case_of_its_own(of_rows: Callable[..., Report]) -> None:
    assert not list(case(of_rows(INDEPENDENT), "status"))
    (failure,) = case(of_rows({"*": {"level": "authored"}}), "status")
    assert failure.get("message") == "declared ACTIVE_RUNTIME above effective ACTIVE_ALGORITHM_LEVEL"
    assert "PARITY-002: level authored reached, independent asked" in (failure.text or "")


def test_a_contract_without_claims_is_no_green_suite(maker: Any) -> None:
    head, _, _ = maker.format.replace("status: PARTIAL_ALGORITHM_LEVEL\n", "").partition("falsification_tests")
    (found,) = parsed(maker.report(maker.status(head, "x-v1"))).iter("testcase")
    assert [one.tag for one in found] == ["skipped"]


def test_counts_are_those_of_the_cases(sample: Report) -> None:
    root = parsed(sample)
    assert root.tag == "testsuites"
    for level in (root, *root.iter("testsuite")):
        cases = list(level.iter("testcase"))
        assert int(level.get("tests", "")) == len(cases)
        for name, tag in COUNTED.items():
            assert int(level.get(name, "")) == sum(len(one.findall(tag)) for one in cases)
    assert {one.get("name") for one in root} == {one.contract.name for one in sample.contracts} | {"ledger"}
    assert sum(float(one.get("time", "")) for one in root) == pytest.approx(float(root.get("time", "")), abs=1e-2)


# the shape of the common schema (junit-10.xsd as Jenkins and Surefire read it): what may stand where, in which order
CHILDREN = {
    "testsuites": ["testsuite*"],
    "testsuite": ["properties?", "testcase*", "system-out?", "system-err?"],
    "properties": ["property*"],
    "property": [],
    "testcase": ["skipped?", "error*", "failure*", "system-out*", "system-err*"],
    "skipped": [],
    "error": [],
    "failure": [],
    "system-out": [],
}
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors", "skipped"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "skipped": {"message"},
    "error": {"message", "type"},
    "failure": {"message", "type"},
    "system-out": set(),
}


def test_its_shape_is_that_of_the_common_schema(sample: Report) -> None:
    for element in parsed(sample).iter():
        pattern = "".join(f"(?:{name.rstrip('*?')},){name[-1]}" for name in CHILDREN[element.tag])
        assert re.fullmatch(pattern, "".join(f"{child.tag}," for child in element)), element.tag
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        if element.tag == "testsuite":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.get("timestamp", "2026-01-01T00:00:00"))


def test_what_xml_cannot_hold_is_left_out(maker: Any, of_rows: Callable[..., Report]) -> None:
    message = f"{maker.hostile}\x00\x07\ud800\ufffe"
    found = case(of_rows(INDEPENDENT | {"PARITY-002": {"verdict": "refuted", "message": message}}), "PARITY-002")
    said = found[0].get("message", "")
    assert "</script><img src=x" in said
    assert "]]>" in said
    assert "\x1b" not in said
    assert as_junit(of_rows({"PARITY-002": {"verdict": "refuted", "message": message}})).encode()


def test_a_changed_ledger_is_a_failure(maker: Any) -> None:
    report = maker.report(maker.status(maker.format, "x-v1"), broken=True, problems=("line 3 does not follow",))
    (failure,) = case(report, "chain").findall("failure")
    assert failure.text == "line 3 does not follow"


def test_a_contract_that_cannot_be_used_is_an_error(maker: Any) -> None:
    report = maker.report(maker.status(maker.format, "x-v1"), unusable=("contracts/y.yaml:1:5: error[PV003]: no YAML",))
    (error,) = case(report, "contracts/y.yaml:1:5").findall("error")
    assert error.get("message") == "contracts/y.yaml:1:5: error[PV003]: no YAML"
    assert parsed(report).get("errors") == "1"
