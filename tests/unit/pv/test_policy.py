"""Which findings count, and how much."""

from __future__ import annotations

import pytest

from pv.policy import Policy
from pv.types import Diagnostic, Severity, Span


def finding(code: str) -> Diagnostic:
    return Diagnostic("a.yaml", Span(1, 1), code, Severity.WARNING, "m")


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        (Policy(), ["PV003", "PV201", "PV208", "PV301"]),
        (Policy(select=("PV2",)), ["PV003", "PV201", "PV208"]),
        (Policy(ignore=("PV2",)), ["PV003", "PV301"]),
        (Policy(select=("PV208",), ignore=("PV2",)), ["PV003", "PV208"]),
        (Policy(select=("PV2",), ignore=("PV208",)), ["PV003", "PV201"]),
        (Policy(select=("PV2",), ignore=("PV2",)), ["PV003"]),
        (Policy(severity={"PV2": "off"}), ["PV003", "PV301"]),
        (Policy(severity={"PV2": "off", "PV208": "error"}), ["PV003", "PV208", "PV301"]),
        # what cannot be read is told, whatever is asked for
        (Policy(ignore=("PV",), severity={"PV003": "off"}), ["PV003"]),
    ],
)
def test_the_longest_beginning_decides_and_ignore_wins_a_tie(policy: Policy, kept: list[str]) -> None:
    found = policy.judge(map(finding, ("PV003", "PV201", "PV208", "PV301")))
    assert [one.code for one in found] == kept


def test_a_project_weighs_findings_as_it_likes() -> None:
    policy = Policy(severity={"PV20": "note", "PV208": "error"})
    weighed = {one.code: one.severity for one in policy.judge(map(finding, ("PV003", "PV201", "PV208", "PV301")))}
    assert weighed == {
        "PV003": Severity.WARNING,
        "PV201": Severity.NOTE,
        "PV208": Severity.ERROR,
        "PV301": Severity.WARNING,
    }


def test_a_command_line_selects_instead_and_ignores_beside() -> None:
    ours = Policy(select=("PV2",), ignore=("PV208",), severity={"PV3": "error"})
    assert ours.and_also([], ["PV201"]) == Policy(("PV2",), ("PV208", "PV201"), {"PV3": "error"})
    # who asks for a rule by name gets it, though the project leaves it out
    assert ours.and_also(["PV208"], []) == Policy(("PV208",), (), {"PV3": "error"})
    assert Policy(severity={"PV3": "error"}).codes == ("PV3",)
