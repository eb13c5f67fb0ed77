"""Two rows of one case: what is a difference, and what only explains one."""

from __future__ import annotations

from typing import Any

import pytest

from pv.replay import COMPARED, compare

ROW: dict[str, Any] = {
    "verdict": "discharged",
    "reason": "",
    "message": "",
    "refuted": False,
    "level": "measured",
    "compared": {"numbers": 10},
    "skipped": [],
    "worst": {"distance": 1e-7, "bound": 1e-6, "where": {"stage": "q"}},
    "where": {},
    "distance": None,
    "bound": None,
    "counterexample": None,
    "engines": [{"role": "subject", "name": "a", "build": "1", "producer": "p"}],
    "reported": {"cosine": 0.5},
    "fingerprint": "f" * 64,
    "falsifier": {"path": "falsifiers/f.py", "sha256": "0" * 64},
    "inputs": [{"kind": "model", "path": "m", "sha256": "1" * 64}],
    "started": "then",
    "duration_s": 1.0,
    "run": "r1",
    "commit": "c1",
    "dirty": False,
}
CHANGES: dict[str, Any] = {
    "verdict": "refuted",
    "reason": "no model",
    "message": "off",
    "refuted": True,
    "level": "algorithm",
    "compared": {"numbers": 9},
    "skipped": [{"n": 1, "what": "x", "why": "y"}],
    "worst": {"distance": 2e-7, "bound": 1e-6, "where": {"stage": "q"}},
    "where": {"stage": "q"},
    "distance": 1.0,
    "bound": 1.0,
    "counterexample": [1],
    "engines": [],
    "reported": {"cosine": 0.25},
}


def test_every_field_that_is_compared_makes_a_difference() -> None:
    assert set(CHANGES) == set(COMPARED)
    for name, value in CHANGES.items():
        found = compare(ROW, ROW | {name: value})
        assert not found.same
        assert [one.field.partition(".")[0] for one in found.said] == [name]
        assert not found.inputs


def test_only_the_part_that_differs_is_named() -> None:
    found = compare(ROW, ROW | {"worst": CHANGES["worst"], "reported": {"n": 1}})
    assert [(one.field, one.then, one.now) for one in found.said] == [
        ("worst.distance", 1e-7, 2e-7),
        ("reported.cosine", 0.5, None),
        ("reported.n", None, 1),
    ]


def test_time_place_and_machine_are_shown_and_are_no_difference() -> None:
    later = ROW | {"started": "now", "duration_s": 2.0, "run": "r2", "commit": "c2", "dirty": True}
    found = compare(ROW, later, {"cpus": 2, "blas": "a"}, {"cpus": 4, "blas": "a"})
    assert found.same
    assert {one.field for one in found.beside} == {
        *("started", "duration_s", "run", "commit", "dirty"),
        "environment.cpus",
    }


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"fingerprint": "e" * 64}, "the claim"),
        ({"falsifier": {"path": "falsifiers/f.py", "sha256": "2" * 64}}, "falsifier falsifiers/f.py"),
        ({"inputs": [{"kind": "model", "path": "m", "sha256": "2" * 64}]}, "model m"),
        ({"inputs": []}, "model m"),
    ],
)
def test_a_changed_input_is_a_difference_of_its_own(change: dict[str, Any], name: str) -> None:
    found = compare(ROW, ROW | change)
    assert [one.field for one in found.inputs] == [name]
    assert not found.said
    assert not found.same


def test_folders_for_temporary_files_have_another_number_each_time() -> None:
    then, now = (
        ROW
        | {
            "message": f"/x/pytest-of-me/pytest-{n}/{worker}x0/out differs",
            "inputs": [{"kind": "fixture", "path": f"/x/pytest-of-me/pytest-{n}/x0/m.gguf", "sha256": "1" * 64}],
        }
        for n, worker in ((7, ""), (12, "popen-gw1/"))
    )
    assert compare(then, now).same
    assert not compare(then, now | {"message": "/x/pytest-of-me/pytest-12/y0/out differs"}).same
