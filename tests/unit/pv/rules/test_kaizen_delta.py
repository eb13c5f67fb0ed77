"""Kaizen records without a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV515"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}\n'


@pytest.mark.parametrize(
    "good",
    [
        # less
        KIND + "baseline: {a: 1}\ntarget: {a: 0}",
        # more is a difference as well
        KIND + "baseline: {d2h: 0}\ntarget: {d2h: 9}",
        # one of several is enough
        KIND + "baseline: {a: 1, b: 2, c: prose}\ntarget: {a: 1, b: 3, c: prose}",
        # quantities in text
        KIND + 'baseline: {a: "12.5 ms"}\ntarget: {a: "11.9 ms"}',
        KIND + "baseline: {a: 30%}\ntarget: {a: 100%}",
        KIND + 'baseline: {a: 1000+}\ntarget: {a: "<5"}',
        KIND + "baseline: {a: 1_310_720}\ntarget: {a: 0}",
        KIND + "baseline: {a: 1 s}\ntarget: {a: 900 ms}",
        KIND + 'baseline: {a: 12}\ntarget: {a: "~10 us"}',
        # figures below figures
        KIND + "baseline: {gpu: {a: 1}}\ntarget: {gpu: {a: 0}}",
        KIND + "baseline: {before: {a: 1}, after: {a: 0}}",
        # what has no two sides is for other rules
        KIND + "baseline: {a: 1}\ntarget: {b: 1}",
        KIND + "target: {a: 1}",
        # other kinds may have other targets
        "baseline: {a: 1}\ntarget: {a: 1}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "baseline: {a: 3}\n§target: {a: 3}", "nothing changed: 'a'"),
        (KIND + "baseline: {a: 3}\n§target: {a: 3.0}", "nothing changed"),
        (KIND + "baseline: {a: 1 s}\n§target: {a: 1000 ms}", "nothing changed"),
        (KIND + "baseline: {a: 1 KiB}\n§target: {a: 1024 B}", "nothing changed"),
        (KIND + "baseline: {before: {a: 3}, §after: {a: 3}}", "nothing changed"),
        (KIND + "baseline: {a: slow}\n§target: {a: fast}", "quantity on both sides: 'a'"),
        (KIND + "baseline: {a: 3}\n§target: {a: fast}", "quantity on both sides"),
        (KIND + "baseline: {a: false}\n§target: {a: true}", "quantity on both sides"),
        (KIND + "baseline: {a: 2026-03-04}\n§target: {a: 2026-04-04}", "quantity on both sides"),
        (KIND + "baseline: {a: 3 ms}\n§target: {a: 4 MB}", "quantity on both sides"),
        (KIND + "baseline: {a: 1}\n§target: {a: .inf}", "quantity on both sides"),
        (KIND + 'baseline: {a: "131,072x"}\n§target: {a: 2 apples}', "quantity on both sides"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("40.34", (40.34, "")), ("<= 12", (12.0, "")), ("≥12", (12.0, "")), ("6 ms", (6.0, "ms")), ("-3", (-3.0, "")),
        ("1e-6", (1e-6, "")), (".5s", (0.5, "s")), ("2 GiB", (2.0, "GiB")), ("100%", (100.0, "%")), ("1000+", (1000.0, "+")),
        (9, (9.0, "")), ("", None), ("fp32", None), ("CUBLAS_COMPUTE_32F", None), ("2026-03-04", None), ("1 2", None),
        ("131,072x fewer bytes", None), (True, None), (None, None), ([1], None), (10**400, None), ("1e999", None), ("9" * 81, None),
    ],
)  # fmt: skip
def test_what_a_quantity_is(text: object, expected: tuple[float, str] | None) -> None:
    from pv.rules._kaizen import quantity

    assert quantity(text) == expected
