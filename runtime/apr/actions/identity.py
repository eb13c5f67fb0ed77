"""What names a session and when it was: UUIDs of version 7 and times of RFC 3339."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

_LATEST = 1 << 48  # a UUID holds 48 bits of milliseconds


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, as `uuid7` wants them.

    Raises:
        ValueError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is no moment")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def uuid7(ms: int, random: Callable[[int], bytes] = os.urandom) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7), in lower case.

    Args:
        ms: milliseconds since 1970.
        random: gives as many random bytes as it is asked for.

    Raises:
        ValueError: the time does not fit into 48 bits.
    """
    if not 0 <= ms < _LATEST:
        raise ValueError(f"{ms} ms do not fit into a UUID")
    bits = int.from_bytes(random(10), "big")
    first, second = bits >> 68, bits & ((1 << 62) - 1)  # 12 bits and 62, the rest stays unused
    return str(UUID(int=ms << 80 | 7 << 76 | first << 64 | 0b10 << 62 | second))


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, with milliseconds: `2026-01-31T23:59:59.999Z`.

    Raises:
        ValueError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is no moment")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
