from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.config import Config
from pv.digest import sha256
from pv.fold import CaseEvidence, Folded, Outcome, fold
from pv.ledger import Ledger
from pv.matrix import Cell, Fate
from pv.parse import Case, Mutant
from pv.report.console import Paint
from pv.report.status_data import as_json
from pv.report.status_markdown import as_markdown
from pv.report.status_text import as_text
from pv.report.summary import headline
from pv.status import Report, compute, effective
from pv.words import Effective, Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.parse import Claim, Contract

TWO = """\
status: ACTIVE_RUNTIME
falsification_tests:
  - {id: A, prediction: p, if_fails: q, params: {n: [1, 2]}, mutants: [{id: m, stage: s}], level: measured}
  - {id: B, prediction: p, if_fails: q, mutants: [{id: k, stage: s}]}
"""
INVERTED = """\
falsification_tests: [{id: A, prediction: p, if_fails: q, expect: refuted, mutants: [{id: m, stage: s}]}]
"""


def config_of(root: Path) -> Config:
    return Config(root, (root / "contracts",), (root / "falsifiers",), root / "l.jsonl")


def rows_for(contract: Contract, root: Path, **change: Any) -> list[dict[str, Any]]:
    """A good row for each case of each claim; `change` alters those whose key is `claim/params/mutant`."""
    falsifier = root / "falsifiers" / "f.py"
    falsifier.parent.mkdir(exist_ok=True)
    data = root / "d.bin"
    for path in (falsifier, data):
        if not path.exists():
            path.write_text("x")
    rows = []
    for claim in contract.claims:
        for case in claim.cases():
            mutant = case.mutant.id if case.mutant else ""
            key = "_".join([claim.id, *map(str, case.params.values()), *([mutant] if mutant else [])])
            good = "killed" if mutant else str(claim.expect)
            rows.append(
                {
                    "contract": contract.name,
                    "claim": claim.id,
                    "params": case.key,
                    "mutant": mutant,
                    "verdict": good,
                    "level": "measured",
                    "engines": [
                        {"role": "subject", "name": "ours", "build": "1", "producer": "us"},
                        {"role": "oracle", "name": "theirs", "build": "1", "producer": "them"},
                    ],
                    "compared": {"x": 1},
                    "fingerprint": claim.fingerprint,
                    "falsifier": {"path": "falsifiers/f.py", "sha256": sha256(falsifier)},
                    "inputs": [
                        {"kind": "data", "path": "d.bin", "sha256": sha256(data)},
                        {"kind": "falsifiers", "path": "falsifiers", "sha256": sha256(falsifier.parent)},
                    ],
                    **change.get(key, {}),
                }
            )
    return [row for row in rows if row["verdict"]]


@pytest.mark.parametrize(
    ("change", "word", "outcomes"),
    [
        ({}, Effective.ACTIVE_RUNTIME, ["discharged", "discharged"]),
        ({"A_1": {"level": "authored"}}, Effective.ACTIVE_ALGORITHM_LEVEL, ["discharged", "discharged"]),
        ({"B": {"level": "algorithm"}}, Effective.ACTIVE_RUNTIME, ["discharged", "discharged"]),
        ({"A_1": {"verdict": "refuted"}}, Effective.REFUTED, ["refuted", "discharged"]),
        ({"A_2": {"verdict": "inconclusive"}}, Effective.PARTIAL_ALGORITHM_LEVEL, ["inconclusive", "discharged"]),
        ({"A_1": {"verdict": "error"}}, Effective.PARTIAL_ALGORITHM_LEVEL, ["error", "discharged"]),
        ({"A_1_m": {"verdict": "survived"}}, Effective.PARTIAL_ALGORITHM_LEVEL, ["inconclusive", "discharged"]),
        ({"A_1_m": {"verdict": "mislocalised"}}, Effective.PARTIAL_ALGORITHM_LEVEL, ["inconclusive", "discharged"]),
        ({"A_1_m": {"verdict": "error"}}, Effective.PARTIAL_ALGORITHM_LEVEL, ["error", "discharged"]),
        ({"A_1_m": {"verdict": "inconclusive"}}, Effective.PARTIAL_ALGORITHM_LEVEL, ["inconclusive", "discharged"]),
        ({"A_1_m": {"verdict": ""}}, Effective.PARTIAL_ALGORITHM_LEVEL, ["inconclusive", "discharged"]),
        ({"A_2": {"verdict": ""}}, Effective.PARTIAL_ALGORITHM_LEVEL, ["inconclusive", "discharged"]),
        ({"A_2": {"verdict": ""}, "B": {"verdict": ""}}, Effective.PROPOSED, ["inconclusive", "inconclusive"]),
    ],
)
def test_the_fold(
    contract_of: Callable[..., Contract],
    tmp_path: Path,
    change: dict[str, Any],
    word: Effective,
    outcomes: list[str],
) -> None:
    contract = contract_of(TWO)
    (status,) = compute([contract], Ledger.of(rows_for(contract, tmp_path, **change)), config_of(tmp_path))
    assert status.effective is word
    assert [one.outcome for one in status.claims] == outcomes
    assert status.overstated is (word is not Effective.ACTIVE_RUNTIME)
    assert bool(status.lacking) is status.overstated


@pytest.mark.parametrize(
    ("verdict", "word", "red"),
    [
        ("refuted", Effective.ACTIVE_RUNTIME, False),
        ("discharged", Effective.REFUTED, True),
        ("inconclusive", Effective.PROPOSED, False),
        ("error", Effective.PROPOSED, True),
    ],
)
def test_the_fold_where_refutation_is_expected(
    contract_of: Callable[..., Contract], tmp_path: Path, verdict: str, word: Effective, red: bool
) -> None:
    contract = contract_of(INVERTED)
    (status,) = compute(
        [contract], Ledger.of(rows_for(contract, tmp_path, A={"verdict": verdict})), config_of(tmp_path)
    )
    assert status.effective is word
    assert Report((status,), tmp_path, ledger_exists=True).red is red


def test_made_up_input_never_makes_a_contract_active_at_runtime(
    contract_of: Callable[..., Contract], tmp_path: Path
) -> None:
    contract = contract_of()
    (status,) = compute(
        [contract],
        Ledger.of(rows_for(contract, tmp_path, **{"FALSIFY-B-001": {"level": "authored"}})),
        config_of(tmp_path),
    )
    assert status.effective is Effective.ACTIVE_ALGORITHM_LEVEL


def test_the_reasons_name_the_case(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    contract = contract_of(TWO)
    change = {"A_2": {"verdict": ""}, "A_1_m": {"verdict": ""}}
    (status,) = compute([contract], Ledger.of(rows_for(contract, tmp_path, **change)), config_of(tmp_path))
    assert (status.claims[0].reason, status.claims[0].detail) == ("not run", "2, 1-mutant-m")
    gone = {"A_1_m": {"verdict": "survived", "message": "let through"}}
    (status,) = compute([contract], Ledger.of(rows_for(contract, tmp_path, **gone)), config_of(tmp_path))
    assert (status.claims[0].reason, status.claims[0].detail) == (
        "vacuous",
        "it kills none of its mutants: 1 of 1 missed: [1-mutant-m] let through",
    )
    assert status.claims[0].contradicts
    assert [one.fate for one in status.claims[0].cells] == ["survived"]


@pytest.mark.parametrize("what", ["prediction", "falsifier", "input", "missing", "row"])
def test_evidence_goes_stale(contract_of: Callable[..., Contract], tmp_path: Path, what: str) -> None:
    contract = contract_of(TWO)
    rows = rows_for(contract, tmp_path)
    words = {"prediction": "the claim has changed", "falsifier": "falsifier falsifiers/f.py has changed"}
    if what == "prediction":
        contract = contract_of(TWO.replace("prediction: p", "prediction: other"))
    elif what == "falsifier":
        (tmp_path / "falsifiers" / "f.py").write_text("yy")
    elif what == "input":
        (tmp_path / "d.bin").write_text("yy")
        words["input"] = "data d.bin has changed"
    elif what == "missing":
        (tmp_path / "d.bin").unlink()
        words["missing"] = "data d.bin is missing"
    else:
        rows = [{key: value for key, value in row.items() if key != "fingerprint"} for row in rows]
        words["row"] = "the claim has changed"
    (status,) = compute([contract], Ledger.of(rows), config_of(tmp_path))
    assert status.effective is Effective.PROPOSED
    assert [(one.outcome, one.reason, one.stale) for one in status.claims] == [
        (Outcome.INCONCLUSIVE, "stale", True),
        (Outcome.INCONCLUSIVE, "stale", True),
    ]
    assert words[what] in status.claims[0].detail


def test_the_newest_fresh_row_counts(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    contract = contract_of()
    good, killed = rows_for(contract, tmp_path)
    bad = {**good, "verdict": "refuted"}
    stale = {**bad, "fingerprint": "0"}
    outcomes = [
        compute([contract], Ledger.of([*rows, killed]), config_of(tmp_path))[0].claims[0].outcome
        for rows in ([bad, good], [good, bad], [good, stale], [stale], [])
    ]
    assert outcomes == ["discharged", "refuted", "discharged", "inconclusive", "inconclusive"]


def test_evidence_of_another_contract_counts_for_nothing(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    rows = rows_for(contract_of("", "one-v1"), tmp_path)
    (status,) = compute([contract_of("", "two-v1")], Ledger.of(rows), config_of(tmp_path))
    assert status.effective is Effective.PROPOSED


def test_no_claims_is_never_green() -> None:
    assert effective([]) is Effective.PROPOSED


words = st.sampled_from(["discharged", "refuted", "inconclusive", "error", None])
mutant_words = st.sampled_from(["killed", "survived", "mislocalised", "inconclusive", "error", None])


@given(st.lists(words, min_size=1, max_size=3), st.lists(mutant_words, max_size=3))
def test_discharged_only_if_everything_is(plain: list[str | None], mutants: list[str | None]) -> None:
    claim = claim_for(len(plain), len(mutants))
    cases = claim.cases()
    evidence = [
        CaseEvidence(case, None if word is None else {"verdict": word})
        for case, word in zip(cases, [*plain, *mutants], strict=True)
    ]
    folded = fold(claim, evidence)
    everything = set(plain) == {"discharged"} and set(mutants) == {"killed"}
    assert (folded.outcome is Outcome.DISCHARGED) is everything
    assert folded.contradicts is bool({"refuted", "error", "survived", "mislocalised"} & {*plain, *mutants})


def claim_for(params: int, mutants: int) -> Claim:
    from pv.load import Document, load
    from pv.parse import parse
    from pv.source import Source

    values = ", ".join(map(str, range(params)))
    planted = ", ".join(f"{{id: m{n}, stage: s}}" for n in range(mutants))
    text = f"metadata: {{}}\nfalsification_tests:\n- {{id: A, params: {{n: [{values}]}}, mutants: [{planted}]}}\n"
    document = load(Source("c.yaml", text))
    assert isinstance(document, Document)
    return parse(document, "c").claims[0]


def report_on(contract: Contract, rows: list[dict[str, Any]], root: Path, *, exists: bool = True) -> Report:
    return Report(compute([contract], Ledger.of(rows), config_of(root)), root / "l.jsonl", exists, ())


def test_the_text_names_what_is_missing(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    contract = contract_of(TWO)
    worst = {"distance": 2e-7, "bound": 1e-6, "where": {"layer": 3, "stage": "q"}}
    change = {"A_1": {"verdict": "refuted", "message": "off\x1b[2J"}, "B": {"worst": worst}}
    text = as_text(report_on(contract, rows_for(contract, tmp_path, **change), tmp_path), Paint(on=False))
    assert "\x1b" not in text
    assert "base-v1.yaml:8:10: A: refuted: [1] off\\u{1b}[2J" in text
    assert "declared ACTIVE_RUNTIME above effective REFUTED: claims A" in text
    assert "2e-07 of 1e-06 at stage q, layer 3" in text
    assert text.splitlines()[-1] == "2 claims: 1 discharged, 1 refuted, 0 inconclusive, 2/2 mutants killed"


def test_no_ledger_is_said_clearly(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    report = report_on(contract_of(TWO), [], tmp_path, exists=False)
    assert "2 claims: 0 discharged, 0 refuted, 2 inconclusive (2 not run), 0/2 mutants killed" in as_text(
        report, Paint(on=False)
    )
    assert "nothing has been run" in as_text(report, Paint(on=False))
    assert "nothing has been run" in as_markdown(report)
    assert '"ledger_exists": false' in as_json(report)
    assert not report.red


def test_markdown_cells_cannot_break_out(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    contract = contract_of("", "base-v1")
    change = {"FALSIFY-B-001": {"verdict": "refuted", "message": "a | b <script>\n# c"}}
    text = as_markdown(report_on(contract, rows_for(contract, tmp_path, **change), tmp_path))
    assert "a \\| b &lt;script>\\n# c" in text


def test_the_headline_counts_by_reason() -> None:
    claim = claim_for(1, 0)
    dead = Cell(claim, Mutant("m", "s"), Fate.KILLED)
    folded = [
        Folded(claim, Outcome.INCONCLUSIVE, as_expected=False, reason="unbound"),
        Folded(claim, Outcome.INCONCLUSIVE, as_expected=False, reason="no oracle"),
        Folded(claim, Outcome.INCONCLUSIVE, as_expected=False, reason="no oracle"),
        Folded(claim, Outcome.DISCHARGED, as_expected=True, cells=(dead, dead)),
        Folded(claim, Outcome.REFUTED, as_expected=True),
        Folded(claim, Outcome.ERROR, as_expected=False),
    ]
    assert headline(folded) == (
        "6 claims: 1 discharged, 1 refuted (1 as expected), 3 inconclusive (2 no oracle, 1 unbound), 1 error, "
        "2/2 mutants killed"
    )
    assert headline([]) == "0 claims: 0 discharged, 0 refuted, 0 inconclusive"


def test_levels_are_ordered() -> None:
    assert [level.rank for level in Level] == [0, 1, 2, 3]
    assert Case({}, Mutant("m", "s")).label == "mutant-m"
