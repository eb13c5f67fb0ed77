"""Each rule's page carries a bad and a good example; the examples are run."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pv.corpus import read_all, read_text
from pv.index import Index
from pv.rules import all_rules, check, codes, page
from pv.rules._schema import schema
from pv.source import Source
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract
    from pv.rules import Rule
    from pv.types import Diagnostic

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
RULES = all_rules()
CHECKS = ("check", "check_across", "check_registry")
# of a file that cannot be read, is no contract, has a twin, or stands in a project that keeps the schema (test_modeline.py)
NO_TEXT = {"PV001", "PV002", "PV009", "PV010", "PV108"}


@pytest.fixture(autouse=True)
def the_day_for_which_examples_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pv.rules._today.today", lambda: date(2026, 11, 1))


def example(rule: Rule, word: str) -> str:
    found = re.search(rf"^{word}:\n\n((?:    .*\n|\n)+)", rule.__doc__ or "", re.MULTILINE)
    assert found, f"{rule.CODE} has no example headed {word}"
    return "\n".join(line[4:] for line in found[1].splitlines())


@pytest.fixture
def beside(tmp_path: Path) -> Index:
    """The contracts that the examples speak of."""
    softmax = """\
metadata: {version: "1", description: d}
equations: {softmax: {formula: f}, log_softmax: {formula: f}}
falsification_tests: [{id: FALSIFY-SM-001, prediction: p, if_fails: q}]
"""
    files = [tmp_path / f"{name}.yaml" for name in ("softmax-v1", "softmax-kernel-v1")]
    for file in files:
        file.write_text(softmax, "utf-8")
    return Index(lambda: files, str, subjects=("kernels",))


def said_of(text: str, index: Index) -> list[Diagnostic]:
    return list(read_text(Path("base-v1.yaml"), Source("base-v1.yaml", text), index=index).findings)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.CODE not in NO_TEXT], ids=lambda rule: rule.CODE)
def test_the_bad_example_is_found(rule: Rule, whole_of: Callable[[str], str], beside: Index) -> None:
    assert rule.CODE in {one.code for one in said_of(whole_of(example(rule, "Bad")), beside)}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.CODE not in NO_TEXT], ids=lambda rule: rule.CODE)
def test_the_good_example_is_clean(rule: Rule, whole_of: Callable[[str], str], beside: Index) -> None:
    found = said_of(whole_of(example(rule, "Good")), beside)
    assert [one for one in found if one.severity is not Severity.NOTE] == []


def test_codes_are_unique_and_each_has_a_page() -> None:
    assert len(set(codes())) == len(codes())
    assert all(page(code) for code in codes())
    assert all("Upstream:" in (rule.__doc__ or "") for rule in RULES)
    assert page("PV999") is None


def test_each_rule_that_checks_has_a_file_of_tests() -> None:
    names = {rule.__name__.rpartition(".")[2] for rule in RULES if any(hasattr(rule, one) for one in CHECKS)}
    tried = {file.stem.removeprefix("test_") for file in (Path(__file__).parent / "rules").glob("test_*.py")}
    assert names - tried == set()


CLAIM = "falsification_tests:\n  - {id: FALSIFY-B-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    ("fragment", "code", "words"),
    [
        (CLAIM + "§mutnts: []}", "PV101", "did you mean 'mutants'?"),
        (CLAIM + "mutants: [{id: a, stage: s, §layr: 1}]}", "PV101", "did you mean 'layer'?"),
        ("equations:\n  f: {§formla: x, formula: y}", "PV101", "did you mean 'formula'?"),
        ("§falsification_test: []", "PV102", "did you mean 'falsification_tests'?"),
        ("§kind: pattern", "PV102", "belongs under 'metadata'"),
        ("§zzz: 1", "PV102", "begin with 'x-'"),
        (CLAIM + "params: §[1]}", "PV103", "must be a mapping, not a list"),
        ('metadata: {version: "1", description: §3, references: [r]}', "PV103", "must be text, not 3"),
        ('metadata: {version: "1", description: d, kind: §patern}', "PV103", "did you mean 'pattern'?"),
        ("status_history: §{date: 2026-01-01}", "PV103", "a list of entries, as in"),
        ("status_history:\n  - §'2026-01-01: DRAFT'", "PV103", "a list of entries, as in"),
        ("proof_obligations:\n  - {type: §Bound, property: x}", "PV103", "did you mean 'bound'?"),
        (CLAIM + "pending: [{model: §[a]}]}", "PV103", "must be text"),
        (CLAIM + "pending: §torch}", "PV103", "must be a list"),
        (CLAIM + "valid_for: §[30d]}", "PV103", "must be text"),
    ],
)
def test_findings_point_at_the_word(contract_of: Callable[..., Contract], fragment: str, code: str, words: str) -> None:
    plain = fragment.replace("§", "")
    contract = contract_of(plain)
    source = contract.document.source
    expected = source.locate(source.text.index(plain) + fragment.index("§"))
    found = [one for one in check(contract) if one.code == code]
    assert [(one.span.line, one.span.col) for one in found] == [(expected.line, expected.col)]
    assert words in f"{found[0].message} {found[0].help}"


def test_the_severity_of_a_block_depends_on_how_near_it_is(contract_of: Callable[..., Contract]) -> None:
    severities = {
        name: [one.severity for one in check(contract_of(f"{name}: []")) if one.code == "PV102"]
        for name in ("equation", "Kani-Harness", "weights", "gates", "spec", "x-weights")
    }
    assert severities == {
        "equation": [Severity.ERROR],
        "Kani-Harness": [Severity.ERROR],
        "weights": [Severity.WARNING],
        "gates": [Severity.WARNING],
        "spec": [Severity.WARNING],
        "x-weights": [],
    }


def test_every_problem_of_a_file_is_reported_in_order(contract_of: Callable[..., Contract]) -> None:
    found = check(contract_of("status: nope\nzzz: 1\nfalsification_tests:\n  - {id: FALSIFY-B-001, prediktion: p}"))
    told = [one.code for one in found if one.severity is not Severity.NOTE]
    assert told == ["PV302", "PV102", "PV208", "PV209", "PV101"]


def test_the_schema_is_a_schema() -> None:
    from jsonschema import Draft7Validator

    Draft7Validator.check_schema(schema())
    assert json.dumps(schema()).count('"additionalProperties": false') >= 6


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real contracts is not here")
def test_real_contracts_are_read_and_judged() -> None:
    readings = read_all([CORPUS], CORPUS)
    assert len(readings) == 98
    assert sum(reading.contract is not None for reading in readings) == 97
    assert sum(len(reading.contract.claims) for reading in readings if reading.contract) == 531
    errors = {(reading.path.name, found.code) for reading in readings for found in reading.errors}
    assert errors == {  # read one by one: each of these is a table of data without equations, or lacks what is named
        ("kernel-fusion-v1.yaml", "PV201"),
        ("kernel-fusion-v1.yaml", "PV203"),
        ("kernel-fusion-v1.yaml", "PV210"),
        ("layer-parity-v1.yaml", "PV203"),
        ("quantized-dot-product-v1.yaml", "PV203"),
        ("tensor-layout-v1.yaml", "PV201"),
        ("tensor-layout-v1.yaml", "PV203"),
        # two versions, a history in two orders, and a step from 1.1.0 to 1.2.0 that nobody wrote down
        ("claude-code-parity-apr-v1.yaml", "PV310"),
        ("claude-code-parity-apr-v1.yaml", "PV311"),
        ("claude-code-parity-apr-v1.yaml", "PV312"),
        # ACTIVE_RUNTIME over thirteen gates that are PLANNED or OPEN, and a last change before the newest entry
        ("claude-code-parity-apr-v1.yaml", "PV318"),
        ("claude-code-parity-apr-v1.yaml", "PV319"),
    }
