"""Reading traces: what is valid is taken as it is, whatever else is said at its line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hypothesis import given

from apr.actions.reading import walk
from apr.actions.trace import Entry
from tests.action_traces import as_bytes, traces

if TYPE_CHECKING:
    from typing import Any


@given(traces())
def test_valid_traces_are_read_as_they_are(records: list[dict[str, Any]]) -> None:
    found = list(walk(io.BytesIO(as_bytes(records)), "x"))
    assert found == [Entry(line, record) for line, record in enumerate(records, 1)]
