from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from pv.report.formats import FORMATS, Output, outputs, render
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from pv.status import Report


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resources.files("pv").joinpath("schema/status.schema.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(found)
    return found


def test_every_format_is_written_and_ends_with_one_newline(sample: Report) -> None:
    for name in FORMATS:
        text = render(name, sample)
        assert "bad-v1" in text or name.startswith("badge"), name
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def test_the_end_of_a_name_tells_the_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {
        "report.html": "html",
        "status.json": "json",
        "a.sarif": "sarif",
        "a.sarif.json": "sarif",
        "b.badge.json": "badge-json",
        "badge.SVG": "badge",
        "junit.xml": "junit",
        "summary.md": "markdown",
        "status.txt": "text",
    }
    assert [(str(one.path), one.format) for one in outputs(list(names))] == list(names.items())
    assert [one.format for one in outputs(["github=annotations", "badge-json=x.json", "./odd=name.html"])] == [
        "github",
        "badge-json",
        "html",
    ]
    assert outputs(["json=-"]) == [Output("json", None)]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["report"], "does not tell the format"),
        (["-"], "does not tell the format"),
        (["hmtl=x.html"], "did you mean 'html'"),
        (["none/report.html"], "there is no folder none"),
        (["html="], "name a file"),
        (["html=."], "is a folder"),
        (["a.html", "html=./a.html"], "two reports go to"),
        (["json=-", "text=-"], "two reports go to standard output"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageProblem, match=words):
        outputs(asked)


def test_json_is_as_the_schema_says(sample: Report, schema: dict[str, Any]) -> None:
    data = json.loads(render("json", sample))
    jsonschema.validate(data, schema)
    by_name = {one["contract"]: one for one in data["contracts"]}
    bad, capped = by_name["bad-v1"], by_name["capped-v1"]
    assert bad["lacking"][1] == {"claim": "PARITY-002", "lacks": ["refuted: off by 3.1 % at lm_head"]}
    assert (bad["trend"]["discharged"], bad["trend"]["refuted"]) == (-1, 1)
    assert (capped["supported"], capped["effective"]) == ("ACTIVE_RUNTIME", "ACTIVE_ALGORITHM_LEVEL")
    assert capped["cap"] == "a bound was loosened"
    assert capped["remarks"][0]["caps"] is True
    stale = by_name["stale-v1"]["claims"][0]["evidence"][0]
    assert (stale["fresh"], stale["id"]) == (False, None)
    fresh = by_name["good-v1"]["claims"][0]["evidence"][0]
    assert (fresh["fresh"], fresh["line"], fresh["id"]) == (True, 7, "0123456789abcdef" * 4)
    assert data["counts"]["claims"] == 23
    assert sum(data["counts"][name] for name in ("discharged", "refuted", "inconclusive", "error")) == 23


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], "pv-status-v1"),
        (["more"], 1),
        (["contracts", 0, "effective"], "DONE"),
        (["contracts", 0, "claims", 0, "outcome"], "skipped"),
        (["contracts", 0, "claims", 0, "evidence", 0, "id"], "abc"),
        (["counts", "claims"], -1),
    ],
)
def test_the_schema_refuses_what_is_none(
    sample: Report, schema: dict[str, Any], path: list[Any], value: object
) -> None:
    data = json.loads(render("json", sample))
    owner = data
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema)
