"""Pins: the order of drifts counts, and what differs first is said."""

from __future__ import annotations

from apr.meter.pins import differing_drifts


def test_the_same_drifts_in_another_order_are_others() -> None:
    assert differing_drifts(["a", "b"], ("a", "b")) == []
    assert differing_drifts([], ()) == []
    assert differing_drifts(["a", "b"], ("b", "a")) == ["drift 1 is a, expected b (2 drifts, expected 2)"]
    assert differing_drifts(["a", "b"], ("a",)) == ["drift 2 is b, expected none (2 drifts, expected 1)"]
    assert differing_drifts(["a"], ("a", "a")) == ["drift 2 is none, expected a (1 drifts, expected 2)"]
