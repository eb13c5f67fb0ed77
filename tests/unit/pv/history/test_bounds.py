"""A bound that lives in Python and was raised; bounds that honestly differ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pv.history.bounds import bound_remark, bounds_raised
from pv.remark import caps

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract

PLACE = {"stage": "ffn", "layer": 3, "position": 1}


def row(
    day: int, bound: Any = 1e-6, code: str = "a", where: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    worst = None if bound is None else {"distance": 1e-9, "bound": bound, "where": PLACE if where is None else where}
    return {
        "verdict": "discharged",
        "mutant": "",
        "fingerprint": "f",
        "started": f"2026-03-{day:02d}T12:00:00+00:00",
        "falsifier": {"path": "falsifiers/x.py", "sha256": code},
        "inputs": [{"kind": "model", "path": "m.gguf", "sha256": "m"}],
        "engines": [{"role": "oracle", "name": "llama.cpp", "build": code}],
        "worst": worst,
        **more,
    }


def texts(contract: Contract, *rows: dict[str, Any]) -> list[str]:
    return [one.text for one, _ in bounds_raised(contract.claims[0], rows)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(2, 1e-5, "b"), row(1)], "1e-06 -> 1e-05 at stage ffn, layer 3, since the run of 2026-03-01"),
        ([row(2, None, "b"), row(1)], "1e-06 -> none"),
        ([row(2, "nan", "b"), row(1)], "1e-06 -> nan"),
        ([row(2, "inf", "b"), row(1)], "1e-06 -> inf"),
        # a helper of the falsifier holds the bound
        ([row(2, 1e-5, inputs=[{"kind": "falsifiers", "path": "falsifiers", "sha256": "2"}]), row(1, inputs=[{"kind": "falsifiers", "path": "falsifiers", "sha256": "1"}])], "1e-05"),
        # raised little by little, and behind runs of the new code
        ([row(3, 1e-5, "b"), row(2, 1e-5, "b"), row(1)], "1e-06 -> 1e-05"),
        # beyond what a computed bound varies by
        ([row(3, 9e-6, "b"), row(2, 2e-6), row(1)], "-> 9e-06"),
        # no place is a place
        ([row(2, 1e-5, "b", {}), row(1, where={})], "F-1: bound 1e-06 -> 1e-05, since"),
        # a run that came to no verdict is no news
        ([row(4, verdict="error"), row(3, verdict="inconclusive"), row(2, 1e-5, "b"), row(1)], "1e-05"),
    ],
)  # fmt: skip
def test_a_raised_bound_is_seen(contract_of: Callable[..., Contract], rows: list[dict[str, Any]], words: str) -> None:
    contract = contract_of("falsification_tests: [{id: F-1, prediction: p, if_fails: q}]")
    found = texts(contract, *rows)
    assert found
    assert words in found[0]
    assert all(one.startswith("F-1: bound ") for one in found)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(1)],
        [row(2, 1e-6, "b"), row(1)],
        [row(2, 1e-7, "b"), row(1)],
        [row(2, 1.005e-6, "b"), row(1)],
        [row(2, 1e-5), row(1)],  # the same code: it computes its bound
        [row(3, 1.9e-6, "b"), row(2, 2e-6), row(1)],
        [row(2, 1e-5, "b", {"stage": "attention", "layer": 3}), row(1)],
        [row(2, 1e-5, "b", {"stage": "ffn", "layer": 4}), row(1)],
        [row(2, 1e-5, "b", inputs=[{"kind": "model", "path": "n.gguf", "sha256": "n"}]), row(1)],
        [row(2, 1e-5, "b", engines=[{"role": "oracle", "name": "transformers", "build": "1"}]), row(1)],
        [row(2, 1e-5, "b"), row(1, None)],
        [row(2, 1e-5, "b"), row(1, verdict="inconclusive")],
        [row(2, 1e-5, "b"), row(1, mutant="m")],
    ],
)
def test_bounds_that_honestly_differ(contract_of: Callable[..., Contract], rows: list[dict[str, Any]]) -> None:
    assert texts(contract_of("falsification_tests: [{id: F-1, prediction: p, if_fails: q}]"), *rows) == []


def told(contract_of: Callable[..., Contract], *entries: str) -> Contract:
    text = "falsification_tests: [{id: F-1, prediction: p, if_fails: q}]\nstatus: PROPOSED\nstatus_history:\n"
    note = "  - {date: '2026-01-01', to: PROPOSED}\n"
    return contract_of(
        text + note + "".join(f"  - {{date: '{one}', note: n, loosens: ['F-1: bound']}}\n" for one in entries)
    )


RAISED = [row(3, 1e-5, "b"), row(1)]


def test_an_entry_after_the_tighter_run_owns_up_to_it(contract_of: Callable[..., Contract]) -> None:
    contract = told(contract_of, "2026-03-02T10:00:00Z")
    remark = bound_remark(contract, contract.claims[0], RAISED)
    assert remark is not None
    assert (remark.grave, remark.caps, remark.until) == (False, True, datetime(2026, 3, 2, 10, tzinfo=UTC))
    assert caps([remark], datetime(2026, 3, 3, 12, tzinfo=UTC)) == ""


@pytest.mark.parametrize("entries", [(), ("2026-03-01T11:59:59Z",), ("soon",)])
def test_without_one_it_is_grave(contract_of: Callable[..., Contract], entries: tuple[str, ...]) -> None:
    contract = told(contract_of, *entries)
    remark = bound_remark(contract, contract.claims[0], RAISED)
    assert remark is not None
    assert (remark.grave, remark.caps, remark.until, remark.claim) == (True, True, None, "F-1")
    assert "loosens: ['F-1: bound']" in remark.help


def test_raised_again_asks_for_another_entry(contract_of: Callable[..., Contract]) -> None:
    again = [row(5, 1e-4, "c"), *RAISED]
    once, twice = (told(contract_of, *dates) for dates in (["2026-03-02"], ["2026-03-02", "2026-03-04"]))
    first, second = (bound_remark(one, one.claims[0], again) for one in (once, twice))
    assert first is not None
    assert first.grave
    assert "1e-05 -> 0.0001" in first.text
    assert second is not None
    assert (second.grave, second.until) == (False, datetime(2026, 3, 4, 23, 59, 59, 999999, tzinfo=UTC))


def test_nothing_raised_is_no_remark(contract_of: Callable[..., Contract]) -> None:
    contract = told(contract_of)
    assert bound_remark(contract, contract.claims[0], [row(1)]) is None


def test_a_row_that_does_not_say_when_it_was_is_covered_by_no_entry(contract_of: Callable[..., Contract]) -> None:
    contract = told(contract_of, "2026-03-02")
    remark = bound_remark(contract, contract.claims[0], [RAISED[0], row(1, started="yesterday")])
    assert remark is not None
    assert remark.grave
