"""Null models: by how much two correct implementations of a stage differ, from first principles, and what that leaves visible."""

from __future__ import annotations

from apr.parity.null.base import Null, Test
from apr.parity.null.limits import ALPHA, limit, power, split
from apr.parity.null.stages import looks_at, null_of
from apr.parity.null.testing import tests

__all__ = ["ALPHA", "Null", "Test", "limit", "looks_at", "null_of", "power", "split", "tests"]
