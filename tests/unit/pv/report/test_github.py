from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pv.report import status_github
from pv.report.status_github import append_summary, as_github
from pv.report.status_markdown import as_compact, as_markdown
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.status import Report

INDEPENDENT = {"*": {"level": "independent"}}
COMMAND = re.compile(r"::(error|warning|notice) file=([^,:]*),line=(\d+),col=(\d+),title=([^,:]*)::(.*)")


def commands(report: Report) -> list[tuple[str, ...]]:
    lines = [line for line in as_github(report).split("\n") if line.startswith("::")]
    found = [COMMAND.fullmatch(line) for line in lines]
    assert all(found), lines
    return [match.groups() for match in found if match]


def test_every_line_is_a_command_at_a_place_but_the_headline(sample: Report) -> None:
    lines = as_github(sample).split("\n")
    assert lines[-1].startswith("23 claims: ")
    assert len(commands(sample)) == len(lines) - 1
    kinds = [one[0] for one in commands(sample)]
    assert kinds == sorted(
        kinds, key=("error", "warning", "notice").index
    )  # GitHub shows the first ten of a kind; errors come first


def test_what_is_an_error_and_what_a_warning(of_rows: Callable[..., Report], maker: Any) -> None:
    assert commands(of_rows(INDEPENDENT)) == []
    refuted = commands(of_rows(INDEPENDENT | {"PARITY-002": {"verdict": "refuted", "message": "off"}}))
    assert refuted[1] == (
        "error", "contracts/x-v1.yaml", "13", "10", "PARITY-002 is refuted", "off%0Asuspect: look at the head",
    )  # fmt: skip
    assert refuted[0][4] == "x-v1 is overstated"
    absent = {"FORMAT-001": {"verdict": "inconclusive", "reason": "no model"}}
    assert [one[0] for one in commands(maker.report(maker.status(maker.format, "x-v1", absent)))] == ["warning"]
    undeclared = maker.format.replace("status: PARTIAL_ALGORITHM_LEVEL\n", "")
    assert [one[0] for one in commands(maker.report(maker.status(undeclared, "x-v1", absent)))] == ["notice"]


def test_no_text_ends_a_command_or_begins_another(maker: Any, of_rows: Callable[..., Report]) -> None:
    hostile = f"{maker.hostile}\n::add-mask::x\r\n::stop-commands::y"
    found = commands(of_rows(INDEPENDENT | {"PARITY-002": {"verdict": "refuted", "message": hostile}}))
    assert "%0A::add-mask::x\\r%0A::stop-commands::y" in found[1][5]
    assert "%250A" in found[1][5]
    assert "\x1b" not in found[1][5]
    name = maker.parity.replace("PARITY-002", "'a,b: c%::error::'")
    (one,) = [
        line
        for line in as_github(
            maker.report(maker.status(name, "x-v1", INDEPENDENT | {"a,b: c%::error::": {"verdict": "refuted"}}))
        ).split("\n")
        if "is refuted" in line
    ]
    assert "title=a%2Cb%3A c%25%3A%3Aerror%3A%3A is refuted::" in one


def test_the_summary_is_appended(sample: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    append_summary(sample)
    path = tmp_path / "summary.md"
    path.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    append_summary(sample)
    text = path.read_text()
    assert text.startswith("# before\n**23 claims: ")
    assert "| bad-v1 | ACTIVE_RUNTIME | REFUTED (overstated) |" in text
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(UsageProblem, match="GITHUB_STEP_SUMMARY"):
        append_summary(sample)


def test_a_summary_too_long_for_github_is_shortened(
    maker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    report = maker.many(50)
    long, short = len(as_markdown(report)), len(as_compact(report))
    for most, words in ((2 * long + 10, "<details>"), (2 * long, "contract-0049-v1"), (2 * short, "500 claims: ")):
        monkeypatch.setattr(status_github, "_MOST", most)
        path.unlink(missing_ok=True)
        append_summary(report)
        text = path.read_text()
        assert words in text
        assert len(text) <= most // 2
    assert text.count("\n") == 1


def test_paths_are_those_of_the_checkout(
    of_rows: Callable[..., Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    from pv.report.sarif import as_sarif

    (tmp_path / "deep/project").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep/project")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    report = of_rows(INDEPENDENT | {"PARITY-002": {"verdict": "refuted", "message": "off"}})
    assert {one[1] for one in commands(report)} == {"deep/project/contracts/x-v1.yaml"}
    (result, *_) = json.loads(as_sarif(report))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "deep/project/contracts/x-v1.yaml", "uriBaseId": "SRCROOT"}
