"""Derives the schema of the records from the dataclasses that they are written from, descriptions from their docstrings.

`python -m apr.parity.schema.derive > runtime/apr/parity/schema/apr-parity-v1.schema.json` writes the published file again; a test
holds the two together. A change that makes old records invalid needs a new version.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
import sys
import types
from typing import Any, Literal, Union, get_args, get_origin

from apr.parity.codec import KEY, NOT_FINITE, hints
from apr.parity.null.base import Test
from apr.parity.ranges import DISTANCE, RANGES, Range
from apr.parity.records import APART, SCHEMA, VERDICT_NAMES
from apr.parity.result import Cell, Gate, Measurement, Rung, Verdict, Vote
from apr.stages import CANONICAL, StageKey

_ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*): (.*)$")
_STAGE = {
    "stage": {"enum": list(CANONICAL), "description": "name of the stage"},
    "layer": {"type": ["integer", "null"], "minimum": 0, "description": "null for stages of the whole model"},
}
_PROMPT = {"type": "integer", "minimum": 0, "description": "index of the prompt"}


def derive() -> dict[str, Any]:
    """The schema of one line, JSON Schema 2020-12."""
    defined = _Definitions()
    defined.known["number"] = {
        "description": "a float64; what JSON has no number for is a string",
        "anyOf": [{"type": "number"}, {"enum": list(NOT_FINITE)}],
    }
    defined.known["stage_key"] = _object(_STAGE, required=list(_STAGE))
    records = {
        "run": _run(defined),
        "gate": _record("gate", defined.fields(Gate), Gate),
        "missing": _of_stage(
            "missing",
            {"side": _text("`subject` or `oracle`"), "reason": _text("why it could not be compared")},
            "An expected stage that could not be compared.",
        ),
        "stage": _record("stage", defined.fields(Cell), Cell),
        "vote": _of_stage("vote", {"prompt": _PROMPT, **defined.fields(Vote)[0]}, _summary(Vote)),
        "ladder": _of_stage(
            "ladder",
            {
                "side": _text("`subject` or `oracle`"),
                "prompt": _PROMPT,
                "rungs": {"type": "array", "items": defined.of(Rung)},
            },
            "Where an engine's drift from float64 comes from.",
        ),
        "verdict": _verdict(defined),
    }
    # the bound follows from alpha and the number of tests; it is written for readers and drawn anew when a file is judged again
    test = defined.known[Test.__name__]
    test["properties"]["bound"] = {
        **_within({"$ref": "#/$defs/number"}, DISTANCE),
        "description": "the greatest value allowed, in the same units",
    }
    test["required"].append("bound")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA}",
        "title": SCHEMA,
        "description": "One line of what `apr parity --json` prints and `--save` keeps. First comes `run`, last `verdict`.",
        "oneOf": [{"$ref": f"#/$defs/record_{name}"} for name in records],
        "$defs": {f"record_{name}": content for name, content in records.items()} | defined.known,
    }


class _Definitions:
    """The schemas of dataclasses, each defined once."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def of(self, annotation: Any) -> dict[str, Any]:
        """The schema of a type, as `apr.parity.codec` writes its values."""
        simple: dict[Any, dict[str, Any]] = {
            float: {"$ref": "#/$defs/number"},
            int: {"type": "integer"},
            str: {"type": "string"},
            bool: {"type": "boolean"},
            type(None): {"type": "null"},
            StageKey: {"$ref": "#/$defs/stage_key"},
        }
        if annotation in simple:
            return simple[annotation]
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            return {"enum": list(inner)}
        if origin in {tuple, list}:
            return {"type": "array", "items": self.of(inner[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if origin in {Union, types.UnionType}:
            return {"anyOf": [self.of(kind) for kind in inner]}
        name = annotation.__name__
        if name not in self.known:
            properties, required = self.fields(annotation)
            self.known[name] = {"description": _summary(annotation), **_object(properties, required)}
        return {"$ref": f"#/$defs/{name}"}

    def fields(self, cls: Any) -> tuple[dict[str, Any], list[str]]:
        """Properties of a dataclass, and those that have no default."""
        said, typed = _descriptions(cls), hints(cls)
        properties: dict[str, Any] = {}
        required = []
        for field in dataclasses.fields(cls):
            names = list(_STAGE) if field.name == KEY else [field.name]
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                required += names
            if field.name == KEY:
                properties |= _STAGE
                continue
            content = self.of(typed[field.name])
            allowed = RANGES.get(cls.__name__, {}).get(field.name)
            properties[field.name] = dict(content if allowed is None else _within(content, allowed))
            if field.name in said:
                properties[field.name]["description"] = said[field.name]
        return properties, required


def _within(content: dict[str, Any], allowed: Range) -> dict[str, Any]:
    """A schema of numbers, or of lists or mappings of them, that may be in a range only; words for what is not finite are left alone."""
    for inner in ("items", "additionalProperties"):
        if inner in content:
            return {**content, inner: _within(content[inner], allowed)}
    if "anyOf" in content:
        return {**content, "anyOf": [_within(one, allowed) for one in content["anyOf"]]}
    if content.get("type") == "null":
        return content
    low, high = ("exclusiveMinimum", "exclusiveMaximum") if allowed.inside else ("minimum", "maximum")
    limits = {name: limit for name, limit in ((low, allowed.low), (high, allowed.high)) if math.isfinite(limit)}
    return {**content, **limits}


def _run(defined: _Definitions) -> dict[str, Any]:
    properties, required = defined.fields(Measurement)
    kept = {name: content for name, content in properties.items() if name not in APART}
    kept = {"schema": {"const": SCHEMA}, **kept}
    return _record("run", (kept, ["schema", *required]), Measurement)


def _verdict(defined: _Definitions) -> dict[str, Any]:
    properties, required = defined.fields(Verdict)
    renamed = {VERDICT_NAMES.get(name, name): content for name, content in properties.items()}
    return _record("verdict", (renamed, required), Verdict)


def _record(name: str, fields: tuple[dict[str, Any], list[str]], cls: type) -> dict[str, Any]:
    properties, required = fields
    return {"description": _summary(cls), **_object({"record": {"const": name}, **properties}, ["record", *required])}


def _of_stage(name: str, properties: dict[str, Any], description: str) -> dict[str, Any]:
    all_of_it = {"record": {"const": name}, **_STAGE, **properties}
    return {"description": description, **_object(all_of_it, list(all_of_it))}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _summary(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n", 1)[0]


def _descriptions(cls: type) -> dict[str, str]:
    """What the section `Attributes` of a docstring says about each of them."""
    _, _, section = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    said: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(section).splitlines():
        if found := _ATTRIBUTE.match(line):
            names = found[1].split(", ")
            said |= dict.fromkeys(names, found[2])
        elif line.startswith(" "):
            said |= {name: f"{said[name]} {line.strip()}" for name in names}
    return said


if __name__ == "__main__":
    json.dump(derive(), sys.stdout, indent=2)
    sys.stdout.write("\n")
