"""Any other tool: its whole input, field by field as JSON; the order of fields says nothing.

1 is not 1.0, 0.0 not -0.0, null not absent, and numbers of any length are told apart. Nothing is known about such an input, so
that nothing in it is taken for a path.

Upstream: the same by sha256, but that whole numbers beyond 64 bits are rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import frozen

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place


def call(given: Mapping[str, Any], _place: Place, _ok: bool | None) -> tuple[Hashable, ...]:
    """The one part of the key."""
    return (frozen(given),)
