"""How items are cut into groups."""

from __future__ import annotations

import itertools
import random

from pv.elsewhere.groups import cut


def test_every_item_is_in_one_group_in_order_and_no_group_leaves_its_contract() -> None:
    draw = random.Random(1)  # noqa: S311  test data
    for _ in range(200):
        homes = sorted(draw.choice("abcd") for _ in range(draw.randrange(40)))
        seconds = [draw.choice([None, 0.0, draw.random() * 100]) for _ in homes]
        groups = cut(homes, seconds, draw.randrange(5))
        assert list(itertools.chain(*groups)) == list(range(len(homes)))
        assert all(len({homes[place] for place in group}) == 1 for group in groups)


def test_what_takes_long_is_handed_out_by_itself() -> None:
    assert cut(["a"] * 6, [1.0, 1.0, 500.0, 1.0, 1.0, 1.0], 1) == [(0, 1), (2,), (3, 4, 5)]


def test_without_durations_all_count_alike() -> None:
    assert [len(group) for group in cut(["a"] * 64, [None] * 64, 2)] == [4] * 16


def test_what_is_not_known_counts_as_the_median() -> None:
    seconds = [10.0, 10.0, 90.0, None, None, None]
    assert cut(["a"] * 6, seconds, 1) == [(0,), (1,), (2,), (3,), (4,), (5,)]
    assert cut(["a"] * 6, [0.1, 0.1, 90.0, None, None, None], 1) == [(0, 1), (2,), (3, 4, 5)]
