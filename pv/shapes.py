"""What a YAML file is: a contract, or one of the other kinds of file that stand beside contracts."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Shape(StrEnum):
    """What a file is, by the keys at its top."""

    CONTRACT = "contract"
    BINDINGS = "binding registry"
    CORPORA = "list of external corpora"
    MANIFEST = "publish manifest"
    KAIZEN = "kaizen record"
    OTHER = "no contract"


# the keys that tell what a file is, in the order in which they are asked for
_TELLING = (
    (Shape.BINDINGS, {"bindings", "target_crate"}),
    (Shape.MANIFEST, {"model_id", "provenance"}),
    (Shape.KAIZEN, {"kaizen"}),
)
# what has claims wants to be a contract, and is told what it lacks: as anything else its claims would be lost
_CLAIMS = {"falsification_tests", "falsification_conditions"}


def shape_of(data: Any) -> Shape:
    """What a file with this data is; the same order of questions as upstream's."""
    if not isinstance(data, dict):
        return Shape.OTHER
    if "metadata" in data:
        return Shape.CONTRACT
    if str(data.get("schema") or data.get("$schema") or "").startswith("external-corpora"):
        return Shape.CORPORA
    return next((shape for shape, keys in _TELLING if keys <= data.keys() and not _CLAIMS & data.keys()), Shape.OTHER)
