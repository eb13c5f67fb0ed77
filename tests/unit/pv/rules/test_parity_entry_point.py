"""Entry points that are no names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV533"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "parity: {rows: [{entry_point: apr run --gpu}, {entry_point: apr run}]}",
        # printable ASCII goes from the blank to the tilde
        KIND + 'parity: {rows: [{entry_point: "a ~!"}]}',
        # upper and lower case are two names
        KIND + "parity: {rows: [{entry_point: apr}, {entry_point: APR}]}",
        # the shape is for another rule to report
        KIND + "parity: {rows: [{entry_point: [a]}, {entry_point: {a: b}}, {entry_point: 3}]}",
        # other kinds have no rows
        'parity: {rows: [{entry_point: ""}]}',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "parity: {rows: [§{competitor: c}]}", "names no entry point"),
        (KIND + 'parity: {rows: [{entry_point: §""}]}', "names no entry point"),
        (KIND + "parity: {rows: [{entry_point: §}]}", "names no entry point"),
        (KIND + 'parity: {rows: [{entry_point: §"   "}]}', "names no entry point"),
        (KIND + "parity: {rows: [{entry_point: a}, {entry_point: §a}]}", "rows[0]"),
        (KIND + 'parity: {rows: [{entry_point: §" a"}]}', "write 'a'"),
        (KIND + 'parity: {rows: [{entry_point: §"a "}]}', "write 'a'"),
        (KIND + 'parity: {rows: [{entry_point: §"a\\nb"}]}', "U+000A"),
        (KIND + 'parity: {rows: [{entry_point: §"a\\tb"}]}', "U+0009"),
        (KIND + 'parity: {rows: [{entry_point: §"a\\x7f"}]}', "U+007F"),
        (KIND + 'parity: {rows: [{entry_point: §"a\\u2028b"}]}', "U+2028"),
        (KIND + "parity: {rows: [{entry_point: §é}]}", "U+00E9"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
