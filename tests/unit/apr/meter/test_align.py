"""Alignment: as long as a naive table says, in order, always the same, and honest about what it does not know."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apr.meter import align as aligning
from apr.meter.align import align
from apr.meter.lcs import anchors, bits, edits, matches

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTS = st.lists(st.integers(0, 4), max_size=14)


def naive(teacher: Sequence[object], student: Sequence[object]) -> list[list[int]]:
    """Table of the longest common subsequences of all ends."""
    table = [[0] * (len(student) + 1) for _ in range(len(teacher) + 1)]
    for i in range(len(teacher) - 1, -1, -1):
        for j in range(len(student) - 1, -1, -1):
            same = teacher[i] == student[j]
            table[i][j] = table[i + 1][j + 1] + 1 if same else max(table[i + 1][j], table[i][j + 1])
    return table


def earliest(teacher: Sequence[object], student: Sequence[object]) -> list[tuple[int, int]]:
    """Of all longest ones the first, by trying every pair in order."""
    table = naive(teacher, student)
    found: list[tuple[int, int]] = []
    left, start = table[0][0], 0
    for i in range(len(teacher)):
        for j in range(start, len(student)):
            if left and teacher[i] == student[j] and table[i + 1][j + 1] == left - 1:
                found.append((i, j))
                left, start = left - 1, j + 1
                break
    return found


def check(teacher: Sequence[object], student: Sequence[object], pairs: list[tuple[int, int]]) -> None:
    assert all(teacher[i] == student[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))


@given(LISTS, LISTS)
@example([0, 1], [1, 0])
@settings(max_examples=400, deadline=None)
def test_each_exact_way_finds_as_many_as_the_table(teacher: list[int], student: list[int]) -> None:
    longest = naive(teacher, student)[0][0]
    ways = {
        "bits": bits.common(teacher, student),
        "halves": bits.common(teacher, student, kept=4),
        "matches": matches.common(teacher, student),
        "edits": edits.common(teacher, student, 28, 10**6).pairs or [],
        "all": list(align(teacher, student).pairs),
    }
    for name, pairs in ways.items():
        check(teacher, student, pairs)
        assert len(pairs) == longest, name
    assert ways["bits"] == earliest(teacher, student)
    assert edits.common(teacher, student, 28, 10**6).differences == len(teacher) + len(student) - 2 * longest
    found = align(teacher, student)
    assert (found.lower, found.upper, found.exact) == (longest, longest, True)
    swapped = align(student, teacher)
    assert swapped.lower == found.lower
    assert align(teacher, student) == found


@given(LISTS, LISTS, st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_what_differs_more_than_allowed_has_no_pairs_and_a_true_bound(
    teacher: list[int], student: list[int], most: int
) -> None:
    found = edits.common(teacher, student, most, 10**6)
    distance = len(teacher) + len(student) - 2 * naive(teacher, student)[0][0]
    assert (found.pairs is not None) == (distance <= most)
    assert found.differences == (distance if distance <= most else most + 1)


@given(LISTS, LISTS, st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_giving_up_early_leaves_a_true_bound(teacher: list[int], student: list[int], patience: int) -> None:
    found = edits.common(teacher, student, 28, patience)
    distance = len(teacher) + len(student) - 2 * naive(teacher, student)[0][0]
    assert found.differences <= distance
    assert found.pairs is None or found.differences == distance


def test_lists_that_repeat_themselves_are_given_up() -> None:
    teacher = [0, 1, 2] * 400
    student = [0, 2, 1] * 400
    assert edits.common(teacher, student, 600, 10**6).pairs is None
    assert edits.common([0] * 900, [0] * 890, 20, 100).pairs is None
    assert edits.common([0] * 900, [0] * 890, 20, 10**6).pairs is not None


def test_an_anchor_stands_once() -> None:
    assert sorted(anchors._once([5, 1, 2, 1, 3, 9], 1, 5, 1).values()) == [2, 4]
    assert sorted(anchors._once([1, 2, 1, 2, 3], 0, 5, 2).values()) == [1, 3]


def test_an_anchor_within_the_one_before_it_pairs_nothing_twice() -> None:
    found: list[tuple[int, int]] = []
    left = list(
        anchors._divide([1, 2, 3, 4], [1, 2, 3, 3, 4], (0, 4, 0, 5), 2, found)
    )  # 3 4 begins in the run of 1 2 3
    assert found == [(0, 0), (1, 1), (2, 2)]
    assert left == [(3, 4, 3, 5)]


def test_head_then_tail_then_the_earliest_of_the_rest() -> None:
    assert list(align("ab", "ba").pairs) == [(0, 1)]
    assert list(align("xa", "aa").pairs) == [(1, 1)]  # the tail goes before the earliest
    assert list(align("qabq", "qbaq").pairs) == [(0, 0), (1, 2), (3, 3)]
    assert list(align("xaby", "zaabw").pairs) == [(1, 1), (2, 3)]
    assert list(align("aaa", "aa").pairs) == [(0, 0), (1, 1)]
    assert align("", "").exact
    assert align("abc", "").upper == 0


def test_gaps_are_all_that_is_not_paired() -> None:
    found = align("xabyc", "abzzc")
    assert found.runs == ((1, 0, 2), (4, 4, 1))
    assert list(found.gaps(5, 5)) == [(0, 1, 0, 0), (3, 4, 2, 4)]
    assert list(align("abc", "abc").gaps(3, 3)) == []
    assert list(align("", "ab").gaps(0, 2)) == [(0, 0, 0, 2)]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_long_lists_take_every_way_and_none_lies(data: st.DataObject) -> None:
    """The limits are set so low that short lists go the way of long ones."""
    letters = data.draw(st.integers(1, 40))
    teacher = data.draw(st.lists(st.integers(0, letters), min_size=10, max_size=60))
    student = data.draw(st.one_of(st.permutations(teacher), st.lists(st.integers(0, letters), max_size=60)))
    limits = {
        "_SMALL": 0,
        "_LARGE": data.draw(st.sampled_from([0, 10**6])),
        "_FEW": data.draw(st.integers(0, 3)),
        "_MATCHES": data.draw(st.integers(0, 2)),
    }
    longest = naive(teacher, student)[0][0]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(aligning, name, value)
        patch.setattr(anchors, "_PIECE", 8)
        patch.setattr(
            anchors, "_SURE", data.draw(st.sampled_from([-20, 10]))
        )  # short rows stand on both sides by chance
        patch.setattr(anchors, "_MODULUS", data.draw(st.sampled_from([3, anchors._MODULUS])))  # and some share a mark
        found = align(teacher, student, bound=data.draw(st.integers(0, 10)))
    pairs = list(found.pairs)
    check(teacher, student, pairs)
    assert len(pairs) == found.lower <= longest <= found.upper
    if limits["_LARGE"]:
        assert found.exact


def test_a_block_moved_far_among_keys_that_stand_once() -> None:
    teacher = list(range(200_000))
    student = teacher[:1000] + teacher[60_000:] + teacher[1000:60_000]
    found = align(teacher, student)
    assert (found.lower, found.exact) == (200_000 - 59_000, True)


def test_few_differences_among_keys_that_repeat() -> None:
    rng = random.Random(7)  # noqa: S311 - for a list, not a key
    teacher = [rng.randrange(3) for _ in range(300_000)]
    student = list(teacher)
    for at in sorted((rng.randrange(300_000) for _ in range(40)), reverse=True):
        del student[at]
    found = align(teacher, student)
    assert (found.lower, found.exact) == (len(student), True)


def test_beyond_every_bound_the_answer_says_so() -> None:
    rng = random.Random(8)  # noqa: S311 - for a list, not a key
    teacher = [rng.randrange(3) for _ in range(100_000)]
    student = [rng.randrange(3) for _ in range(100_000)]
    found = align(teacher, student, bound=50)
    check(teacher, student, list(found.pairs))
    assert not found.exact
    assert 60_000 < found.lower < found.upper <= 100_000


@pytest.mark.parametrize("period", [1, 2, 7])
def test_lists_that_repeat_themselves_end(period: int) -> None:
    teacher = [at % period for at in range(400_000)]
    student = [(at + 3) % period for at in range(399_000)]
    found = align(teacher, student)
    assert found.exact
    assert found.lower >= 399_000 - 2 * period


def test_a_run_is_followed_to_its_very_end() -> None:
    for length in (15, 16, 17, 31, 48, 49, 100, 1000):
        for spoiled in range(max(0, length - 40), length):
            other = list(range(length))
            other[spoiled] = -1
            assert edits._follow(range(length), range(length), 0, 0) == length
            assert edits._follow(list(range(length)), other, 0, 0) == spoiled
