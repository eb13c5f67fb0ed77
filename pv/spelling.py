"""The fields of a claim that have had other names, and an entry under the present ones.

The older names are those of upstream's earlier and later tools. Evidence outlives the change from one to the other, because a
claim's fingerprint is taken over the present names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# present name: older spellings that mean the same
OLDER: dict[str, tuple[str, ...]] = {
    "rule": ("description",),
    "prediction": ("expected",),
    "test": ("command",),
    "if_fails": ("fails_if",),
}
# in `falsification_conditions` and `invariants` these say it, the first that is there
_OF_OLD_BLOCKS: dict[str, tuple[str, ...]] = {
    "rule": ("rule", "description", "name", "title"),
    "prediction": ("prediction", "expected", "assertion", "summary", "statement"),
    "test": ("test", "command", "test_harness"),
    "if_fails": ("if_fails", "fails_if"),
}


def key(entry: Mapping[str, Any], field: str, *, old: bool = False) -> str:
    """The key under which `entry`, of an older block or not, gives `field`; the present name where it gives it under none."""
    names = _OF_OLD_BLOCKS.get(field, (field,)) if old else (field, *OLDER.get(field, ()))
    return next((name for name in names if name in entry), field)


def present(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of `falsification_tests` under the present names; where both spellings stand, the present one counts."""
    renamed = dict(entry)
    for name, older in OLDER.items():
        for other in older:
            if other in renamed and name not in renamed:
                renamed[name] = renamed.pop(other)
    return renamed


def present_of_old(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of an older block of claims under the present names, in which it may say the same with other words."""
    renamed = dict(entry)
    for name, others in _OF_OLD_BLOCKS.items():
        other = next((one for one in others if one in renamed), name)
        if other != name:
            renamed[name] = renamed.pop(other)
    return renamed
