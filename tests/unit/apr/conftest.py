"""What tests of the .apr format share."""

from __future__ import annotations

import pytest

from given.apr_by_hand import ByHand


@pytest.fixture(scope="session")
def by_hand() -> type[ByHand]:
    """Makes .apr files without the runtime's writer."""
    return ByHand
