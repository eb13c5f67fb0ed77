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
NO_TEXT = {"PV001", "PV002", "PV009", "PV010"}  # of a file that cannot be read, is no contract, or has a twin


@pytest.fixture(autouse=True)
def the_day_for_which_examples_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pv.rules._today.today", lambda: date(2026, 11, 1))


def example(rule: Rule, word: str) -> str:
    found = re.search(rf"^{word}:\n\n((?:    .*\n|\n)+)", rule.__doc__ or "", re.MULTILINE)
    assert found, f"{rule.CODE} has no example headed {word}"
    return "\n".join(line[4:] for line in found[1].splitlines())


def said_of(text: str) -> list[Diagnostic]:
    """What is said of a text that stands alone in its folder, wishes left out."""
    index = Index(list, str)
    found = read_text(Path("base-v1.yaml"), Source("base-v1.yaml", text), index=index).findings
    return [one for one in found if one.severity is not Severity.NOTE]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.CODE not in NO_TEXT], ids=lambda rule: rule.CODE)
def test_the_bad_example_is_found(rule: Rule, whole_of: Callable[[str], str]) -> None:
    text = whole_of(example(rule, "Bad"))
    found = read_text(Path("base-v1.yaml"), Source("base-v1.yaml", text), index=Index(list, str)).findings
    assert rule.CODE in {one.code for one in found}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.CODE not in NO_TEXT], ids=lambda rule: rule.CODE)
def test_the_good_example_is_clean(rule: Rule, whole_of: Callable[[str], str]) -> None:
    assert said_of(whole_of(example(rule, "Good"))) == []


def test_codes_are_unique_and_each_has_a_page() -> None:
    assert len(set(codes())) == len(codes())
    assert all(page(code) for code in codes())
    assert all("Upstream:" in (rule.__doc__ or "") for rule in RULES)
    assert page("PV999") is None


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
        ("proof_obligations:\n  - {type: §Bound, property: x}", "PV103", "did you mean 'bound'?"),
        (CLAIM + "level: §indepndent}", "PV305", "did you mean 'independent'?"),
        (CLAIM + "expect: §1}", "PV306", "one of discharged, refuted"),
        (CLAIM + "binds_to: §zz}", "PV301", "the equations are: f"),
        (CLAIM + "params: {§a b: [1]}}", "PV307", "no name that an argument can have"),
        (CLAIM + "params: {§mutant: [1]}}", "PV307", "no name that an argument can have"),
        (CLAIM + "params: {§a: [1, '1']}}", "PV307", "value twice"),
        (CLAIM + "params: {§a: [[1]]}}", "PV307", "no text, number or truth value"),
        (CLAIM + "mutants: [{id: a, stage: s}, §{id: a, stage: t}]}", "PV304", "stands twice"),
        ("status: §runing", "PV302", "unknown status"),
        (CLAIM + "pending: [{§packge: torch}]}", "PV320", "did you mean 'package'?"),
        (CLAIM + "pending: [§{package: torch, file: x}]}", "PV320", "names 2 things"),
        (CLAIM + "pending: [§{note: n}]}", "PV320", "waits for nothing"),
        (CLAIM + "pending: [{§model: ' '}]}", "PV320", "names no model"),
        (CLAIM + "pending: [{§until: 2026-02-30}]}", "PV320", "no day"),
        (CLAIM + "pending: [{§until: '20260201'}]}", "PV320", "no day"),
        (CLAIM + "pending: [{§file: /a/**/b}]}", "PV320", "searches whole disks"),
        (CLAIM + "pending: [{§env: A=1}]}", "PV320", "the name of no variable"),
        (CLAIM + "pending: [{model: §[a]}]}", "PV103", "must be text"),
        (CLAIM + "pending: §torch}", "PV103", "must be a list"),
        (CLAIM + "valid_for: §1 month}", "PV321", "P30D"),
        (CLAIM + "valid_for: §P1Y}", "PV321", "P30D"),
        (CLAIM + "valid_for: §[30d]}", "PV103", "must be text"),
        ("valid_for: §0d", "PV321", "P30D"),
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


def test_a_kernel_without_claims_is_an_error_and_data_without_claims_a_warning(
    contract_of: Callable[..., Contract],
) -> None:
    meta = 'metadata: {version: "1", description: d, references: [r]%s}\nfalsification_tests: []'
    by_kind = {
        kind: [one.severity for one in check(contract_of(meta % kind)) if one.code == "PV210"]
        for kind in ("", ", kind: tokenizer", ", kind: competitive-parity", ", registry: true")
    }
    assert by_kind == {
        "": [Severity.ERROR],
        ", kind: tokenizer": [Severity.WARNING],
        ", kind: competitive-parity": [Severity.ERROR],
        ", registry: true": [Severity.WARNING],
    }


HISTORY = """\
status: {status}
status_history:
  - {{date: "{first}", from: A, to: "{one} v1.0"}}
  - {{date: "2026-03-01", note: n}}
  - {{date: "{second}", from: B, to: {other}}}
"""


@pytest.mark.parametrize(
    ("first", "one", "second", "other", "good"),
    [
        ("2026-01-01", "PROPOSED", "2026-02-01", "ACTIVE_RUNTIME", True),
        ("2026-02-01", "PROPOSED", "2026-01-01", "ACTIVE_RUNTIME", False),
        ("2026-02-01", "ACTIVE_RUNTIME", "2026-01-01", "PROPOSED", True),
        ("2026-01-01", "PROPOSED", "2026-01-01", "ACTIVE_RUNTIME", True),
        ("2026-01-01", "ACTIVE_RUNTIME", "2026-01-01", "PROPOSED", False),
    ],
)
def test_the_newest_transition_decides(
    contract_of: Callable[..., Contract], first: str, one: str, second: str, other: str, good: bool
) -> None:
    text = HISTORY.format(status="ACTIVE_RUNTIME", first=first, one=one, second=second, other=other)
    assert ("PV303" not in {found.code for found in check(contract_of(text))}) is good


def test_every_problem_of_a_file_is_reported_in_order(contract_of: Callable[..., Contract]) -> None:
    found = check(contract_of("status: nope\nzzz: 1\nfalsification_tests:\n  - {id: FALSIFY-B-001, prediktion: p}"))
    assert [one.code for one in found] == ["PV302", "PV102", "PV208", "PV209", "PV101"]


def test_the_schema_is_a_schema() -> None:
    from jsonschema import Draft7Validator

    Draft7Validator.check_schema(schema())
    assert json.dumps(schema()).count('"additionalProperties": false') >= 6


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real contracts is not here")
def test_real_contracts_are_read_and_judged() -> None:
    readings = read_all([CORPUS], CORPUS)
    assert len(readings) == 98
    assert sum(reading.contract is not None for reading in readings) == 97
    assert sum(len(reading.contract.claims) for reading in readings if reading.contract) == 518
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
    }


@pytest.mark.parametrize(("newest_first", "good"), [(True, True), (False, False)])
def test_among_equal_dates_the_direction_of_the_file_decides(
    contract_of: Callable[..., Contract], newest_first: bool, good: bool
) -> None:
    moves = [("2026-02-01", "ACTIVE_RUNTIME"), ("2026-02-01", "PROPOSED"), ("2026-01-01", "DRAFT")]
    lines = [f"  - {{date: '{date}', to: {word}}}" for date, word in (moves if newest_first else moves[::-1])]
    text = "\n".join(
        ["status: ACTIVE_RUNTIME", "status_history:", *(lines if newest_first else [lines[0], lines[2], lines[1]])]
    )
    assert ("PV303" not in {found.code for found in check(contract_of(text))}) is good
