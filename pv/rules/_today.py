"""The clock of the rules, in one place: tests put another `today` here."""

from __future__ import annotations

from datetime import UTC, date, datetime


def today() -> date:
    """The day it is, in UTC; call it as `_today.today()`, so that a test can put another in its place."""
    return datetime.now(UTC).date()
