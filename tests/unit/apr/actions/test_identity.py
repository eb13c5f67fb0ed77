"""Names and times of sessions, against Python's own reading of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.actions.identity import milliseconds, now, rfc3339, uuid7
from apr.actions.schema import check
from tests.action_traces import STEADY, start

_moments = st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1), timezones=st.timezones())  # noqa: DTZ001 - bounds


@STEADY
@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_a_uuid_of_version_7(ms: int, random: bytes) -> None:
    made = uuid.UUID(uuid7(ms, lambda count: random[:count]))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == ms
    assert check(start(session_id=str(made))) is None
    bits = int.from_bytes(random, "big")
    assert (made.int >> 64) & 0xFFF == bits >> 68
    assert made.int & (2**62 - 1) == bits & (2**62 - 1)


def test_uuids_of_one_moment_differ_and_sort_by_time() -> None:
    assert len({uuid7(5) for _ in range(1000)}) == 1000
    assert uuid7(5) < uuid7(6) < uuid7(2**40)


@pytest.mark.parametrize("ms", [-1, 2**48])
def test_a_time_that_does_not_fit(ms: int) -> None:
    with pytest.raises(ValueError, match="do not fit into a UUID"):
        uuid7(ms)


@STEADY
@given(_moments)
def test_times_are_read_back(moment: datetime) -> None:
    written = rfc3339(moment)
    read = datetime.fromisoformat(written)
    assert read == moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
    assert milliseconds(moment) == milliseconds(read) == round(read.timestamp() * 1000)
    assert check(start(ts=written)) is None


def test_one_of_each() -> None:
    moment = datetime(2026, 1, 31, 1, 59, 59, 999_900, timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-01-30T23:59:59.999Z"
    assert milliseconds(datetime(1970, 1, 2, tzinfo=UTC)) == 86_400_000
    assert now().tzinfo is UTC
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=10)


def test_a_moment_without_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - what is refused
    with pytest.raises(ValueError, match="without a time zone"):
        rfc3339(naive)
    with pytest.raises(ValueError, match="without a time zone"):
        milliseconds(naive)
