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


def shape_of(data: Any) -> Shape:
    """What a file with this data is; the same order of questions as upstream's."""
    if not isinstance(data, dict):
        return Shape.OTHER
    if "metadata" in data:
        return Shape.CONTRACT
    if str(data.get("schema") or data.get("$schema") or "").startswith("external-corpora"):
        return Shape.CORPORA
    if "bindings" in data and "target_crate" in data:
        return Shape.BINDINGS
    if "model_id" in data and "provenance" in data:
        return Shape.MANIFEST
    # one with claims wants to be a contract, and is told what it lacks: as a record its claims would be lost
    if "kaizen" in data and not {"falsification_tests", "falsification_conditions"} & data.keys():
        return Shape.KAIZEN
    return Shape.OTHER
