"""The published JSON Schema of the records, one line each: `apr-parity-v1.schema.json` beside this file."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def published() -> dict[str, Any]:
    """The schema as it is in the package."""
    text = resources.files("apr.parity.schema").joinpath("apr-parity-v1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
