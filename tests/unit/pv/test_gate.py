"""The gate's answer, held against what a status says is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.changes import ClaimRef, Since
from pv.fold import CaseEvidence, Outcome, fold
from pv.gate import Demand, judge, require
from pv.load import Document, load
from pv.parse import parse
from pv.remark import Remark, Topic
from pv.source import Source
from pv.status import ContractStatus, Report, effective
from pv.words import Effective, Level

if TYPE_CHECKING:
    from pv.parse import Contract

CASES = ["discharged", "refuted", "inconclusive", "error", None]
FATES = ["killed", "survived", "mislocalised", "inconclusive", "error", None]
CLAIM = st.tuples(st.sampled_from(["discharged", "refuted"]), st.sampled_from(CASES), st.sampled_from(FATES))
STATUS = st.sampled_from([None, *Effective])


def contract_of(name: str, status: str | None, expected: list[str]) -> Contract:
    claims = "".join(
        f"- {{id: {name}{index}, expect: {word}, mutants: [{{id: m, stage: s}}]}}\n"
        for index, word in enumerate(expected)
    )
    text = "metadata: {}\n" + (f"status: {status}\n" if status else "") + f"falsification_tests:\n{claims or '  []'}\n"
    document = load(Source(f"{name}.yaml", text))
    assert isinstance(document, Document)
    return parse(document, name)


def status_of(
    name: str, declared: str | None, claims: list[tuple[str, str | None, str | None]], *, grave: bool = False
) -> ContractStatus:
    contract = contract_of(name, declared, [expected for expected, _, _ in claims])
    folded = []
    for claim, (_, plain, mutant) in zip(contract.claims, claims, strict=True):
        words = [plain, mutant]
        rows = [None if word is None else {"verdict": word, "message": "", "level": "measured"} for word in words]
        folded.append(fold(claim, [CaseEvidence(case, row) for case, row in zip(claim.cases(), rows, strict=True)]))
    remarks = (Remark(Topic.HISTORY, "rewritten", grave=True),) if grave else ()
    return ContractStatus(contract, tuple(folded), effective(folded), remarks=remarks)


def report_of(
    *statuses: ContractStatus, since: Since | None = None, exists: bool = True, broken: bool = False
) -> Report:
    return Report(statuses, Path("l.jsonl"), exists, since=since, broken=broken)


@given(
    st.lists(st.tuples(STATUS, st.lists(CLAIM, max_size=3), st.booleans()), min_size=1, max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_shut_for_whatever_a_status_calls_wrong(
    contracts: list[tuple[str | None, list[tuple[str, str | None, str | None]], bool]], exists: bool, broken: bool
) -> None:
    statuses = [
        status_of("ab"[index], declared, claims, grave=grave)
        for index, (declared, claims, grave) in enumerate(contracts)
    ]
    report = report_of(*statuses, exists=exists, broken=broken)
    code = judge(report, Demand()).code
    looked = exists and any(one.outcome is not Outcome.INCONCLUSIVE for one in report.claims)
    if report.red:
        assert code == 1
    elif not looked:
        assert code == 2
    else:
        assert code == (1 if report.overstated else 0)


@given(st.lists(CLAIM, min_size=1, max_size=3), st.sampled_from([*Level, *Effective]), STATUS)
def test_to_ask_for_more_never_opens_it(
    claims: list[tuple[str, str | None, str | None]], more: Level | Effective, declared: str | None
) -> None:
    report = report_of(status_of("a", declared, claims))
    plain, asked = judge(report, Demand()), judge(report, Demand(more))
    assert set(plain.reasons) <= set(asked.reasons)
    assert asked.code != 0 or plain.code == 0


@given(st.lists(CLAIM, min_size=1, max_size=3), STATUS, st.lists(st.booleans(), min_size=3, max_size=3))
def test_what_is_excused_was_refuted_at_the_base(
    claims: list[tuple[str, str | None, str | None]], declared: str | None, new: list[bool]
) -> None:
    """With no new refutations asked for, what is let through is exactly what is against expectation and not new."""
    status = status_of("a", declared, claims)
    against = [
        one.claim.id
        for one in status.claims
        if one.outcome in (Outcome.DISCHARGED, Outcome.REFUTED) and not one.as_expected
    ]
    fresh = [name for name, is_new in zip(against, new, strict=False) if is_new]
    since = Since("main", "c", newly_refuted=tuple(ClaimRef("a", name, "a.yaml") for name in fresh))
    gate = judge(report_of(status, since=since), Demand(no_new_refutations=True))
    assert [one.claim.id for one in gate.old] == [name for name in against if name not in fresh]
    told = {one.claim for one in gate.reasons if one.kind in ("refuted", "discharged against expectation")}
    assert told == set(fresh)
    errors = any(one.outcome is Outcome.ERROR or one.survived for one in status.claims)
    assert not (fresh or errors) or gate.code == 1


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("measured", Level.MEASURED),
        ("MEASURED", Level.MEASURED),
        ("ACTIVE_RUNTIME", Effective.ACTIVE_RUNTIME),
        ("proposed", Effective.PROPOSED),
    ],
)
def test_what_can_be_required(word: str, found: Level | Effective) -> None:
    assert require(word) is found


@pytest.mark.parametrize("word", ["", "REFUTED", "refuted", "ACTIVE", "measured "])
def test_what_cannot_be_required(word: str) -> None:
    with pytest.raises(ValueError, match="is neither a level of evidence nor a status; one of algorithm, "):
        require(word)


def test_levels_and_statuses_share_no_word() -> None:
    assert not {str(one) for one in Level} & {one.lower() for one in Effective}
