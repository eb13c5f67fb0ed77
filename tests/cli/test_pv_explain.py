"""`pv explain` and `pv schema` as a user runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import pv as package
from pv.report.manual import FAMILIES, families, mends
from pv.rules import all_rules, codes


def pv(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pv", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FORCE_COLOR": ""},
    )


def test_a_page_says_why_how_it_looks_and_what_to_do() -> None:
    done = pv("explain", "pv101")
    assert done.returncode == 0
    assert done.stdout.startswith("A key that its block does not know (PV101).\n\nA misspelt key is silently dropped")
    assert (
        '\nBad:\n\n    falsification_tests:\n      - id: FALSIFY-A-001\n        prediction: "the sum is 1"\n'
        in done.stdout
    )
    assert "Upstream:" in done.stdout
    assert "\nSeverity: error. To let one finding stand" in done.stdout
    assert "\n    # pv: ignore[PV101] why it may stand\n" in done.stdout
    assert 'severity = {PV101 = "note"}' in done.stdout
    prose = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert max(map(len, prose)) <= 100


def test_what_cannot_be_ignored_is_not_said_to_be() -> None:
    page = pv("explain", "PV003").stdout
    assert "It cannot be ignored" in page
    assert "pv: ignore[PV003]" not in page


def test_the_list_is_by_what_rules_are_about() -> None:
    blocks = pv("explain").stdout.split("\n\n")
    heads = [block.splitlines()[0] for block in blocks]
    assert heads[:3] == ["reading a file", "keys and spelling", "structure"]
    assert "PV101  error    A key that its block does not know" in blocks[1].splitlines()
    listed = re.findall(r"^(PV\d+)  (?:error|warning|note) ", "\n".join(blocks), re.MULTILINE)
    assert sorted(listed) == codes()
    assert set(families(all_rules())) <= set(FAMILIES.values())
    assert pv("explain", "pv0").stdout.startswith("reading a file\nPV001  error    A file that cannot be opened\n")


def test_as_json() -> None:
    report = json.loads(pv("explain", "--json").stdout)
    assert [rule["code"] for rule in report["rules"]] == codes()
    (rule,) = json.loads(pv("explain", "--json", "PV101").stdout)["rules"]
    page = rule.pop("page")
    assert rule == {
        "code": "PV101",
        "severity": "error",
        "family": "keys and spelling",
        "title": "A key that its block does not know",
        "fixable": mends(next(rule for rule in all_rules() if rule.CODE == "PV101")),
    }
    assert page.startswith("A misspelt key")


@pytest.mark.parametrize(
    ("code", "words"),
    [("PV1019", "did you mean 'PV101'?"), ("PV4O1", "did you mean 'PV401'?"), ("spelling", "`pv explain` lists")],
)
def test_no_such_code(code: str, words: str) -> None:
    done = pv("explain", code)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"no rule has the code {code!r}" in done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("name", ["contract", "ledger", "status", "findings"])
def test_a_schema_is_printed_as_shipped(name: str) -> None:
    shipped = Path(package.__file__).parent / "schema" / f"{name}.schema.json"
    text = pv("schema", name).stdout
    assert text == shipped.read_text(encoding="utf-8")
    jsonschema.Draft7Validator.check_schema(json.loads(text))
    assert name != "contract" or text == pv("schema").stdout
