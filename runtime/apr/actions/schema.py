"""The schema of a record, made into functions: `schema/action-trace-v1.schema.json` says which fields there are, nothing else does.

Trying every alternative of a `oneOf` is slow, and says "fits none of seven" where one field is wrong. So one definition is chosen by the
value that tells the alternatives apart (`kind` of a record, `type` of a block), and only that one is tried.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastjsonschema import JsonSchemaValueException

SCHEMA_FILE = "action-trace-v1.schema.json"
_A = {"object": "an object", "array": "an array", "integer": "an integer", "string": "a string", "boolean": "a boolean"}
_LONGEST = 60  # characters of a name or value in a message


class Fault(NamedTuple):
    """Where a record departs from the schema.

    Attributes:
        path: JSON path, `$` for the record itself.
        problem: one sentence without a final full stop.
        rule: `schema`, or what the schema's `x-rule` says at that place.
    """

    path: str
    problem: str
    rule: str


class _Choice:
    """Alternatives, of which the value of one field chooses.

    Args:
        field: which one.
        fits: its value -> what raises where an object of that kind does not fit.
        inner: its value -> fields that hold lists, and between what the elements of each choose.
    """

    def __init__(
        self, field: str, fits: dict[str, Callable[[Any], object]], inner: dict[str, list[tuple[str, _Choice]]]
    ) -> None:
        from fastjsonschema import JsonSchemaValueException  # noqa: PLC0415 - only what reads or writes traces pays for it

        self._field, self._fits, self._inner, self._misfit = field, fits, inner, JsonSchemaValueException

    def check(self, value: Any) -> Fault | None:
        """What is wrong with a value; the path is without `$`."""
        try:
            chosen = value[self._field]
            self._fits[chosen](value)
        except (KeyError, TypeError, IndexError):  # not there, unknown, unhashable, or no object at all
            return self._unknown(value)
        except self._misfit as error:
            return _fault(error)
        if chosen in self._inner:
            for name, choice in self._inner[chosen]:
                for index, element in enumerate(value[name]):
                    fault = choice.check(element)
                    if fault is not None:
                        return fault._replace(path=f".{name}[{index}]{fault.path}")
        return None

    def _unknown(self, value: Any) -> Fault:
        if not isinstance(value, dict):
            return Fault("", f"is {kind_of(value)}, not an object", "schema")
        if self._field not in value:
            return Fault("", f"lacks {_quoted(self._field)}", "schema")
        given, known = value[self._field], ", ".join(self._fits)
        if not isinstance(given, str):
            return Fault(f".{self._field}", f"is {kind_of(given)}, not a string", "schema")
        return Fault(f".{self._field}", f"is {_quoted(given)}; there are {known}", "schema")


def schema() -> dict[str, Any]:
    """The JSON Schema as it is published, draft 4."""
    text = resources.files("apr.actions").joinpath("schema", SCHEMA_FILE).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def check(record: object) -> Fault | None:
    """The first thing in which a record departs from the schema; None where it agrees.

    Args:
        record: plain data, as `json` reads it.
    """
    fault = checker()(record)
    return None if fault is None else fault._replace(path=f"${fault.path}")


@cache
def checker() -> Callable[[object], Fault | None]:
    """What `check` does, but for the `$` in front of the path; whoever reads many records asks for it once."""
    whole = schema()
    return _choice(whole["oneOf"], whole["definitions"]).check


def kind_of(value: object) -> str:
    """What JSON calls a value, with its article: `a string`."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {dict: "an object", list: "an array", str: "a string", int: "an integer", float: "a number with a fraction"}
    return names.get(type(value), type(value).__name__)


def _choice(alternatives: list[dict[str, str]], definitions: Mapping[str, Any]) -> _Choice:
    """The alternatives of a `oneOf`, by the field of which each allows one word."""
    import fastjsonschema  # noqa: PLC0415 - only what reads or writes traces pays for it

    chosen = [_inlined(alternative, definitions) for alternative in alternatives]
    field = next(name for name, value in chosen[0]["properties"].items() if _one_word(value) is not None)
    fits: dict[str, Callable[[Any], object]] = {}
    inner: dict[str, list[tuple[str, _Choice]]] = {}
    for definition in chosen:
        properties: dict[str, Any] = dict(definition["properties"])
        word = _one_word(properties[field]) or ""
        properties[field] = {}  # whoever gets here has this word there
        for name, value in properties.items():
            if "oneOf" in value.get("items", {}):
                inner.setdefault(word, []).append((name, _choice(value["items"]["oneOf"], definitions)))
                properties[name] = {key: rest for key, rest in value.items() if key != "items"}
        draft = {"$schema": "http://json-schema.org/draft-04/schema#"}
        lean = _lean({**draft, **definition, "properties": properties})
        fits[word] = fastjsonschema.compile(lean, use_default=False, use_formats=False)
    return _Choice(field, fits, inner)


def _one_word(definition: Mapping[str, Any]) -> str | None:
    words = definition.get("enum", [])
    return words[0] if len(words) == 1 and isinstance(words[0], str) else None


def _lean(definition: Any) -> Any:
    """A definition without what is asked twice: words are strings, so where some are listed the type needs no look."""
    if not isinstance(definition, dict):
        return definition
    twice = "enum" in definition and all(isinstance(word, str) for word in definition["enum"])
    return {key: _lean(value) for key, value in definition.items() if not (key == "type" and twice)}


def _inlined(definition: Any, definitions: Mapping[str, Any]) -> Any:
    """A definition with what it refers to in its place, but for alternatives: a call for each reference would cost more than the check."""
    if not isinstance(definition, dict):  # lists hold names or alternatives
        return definition
    if "$ref" in definition:
        return _inlined(definitions[definition["$ref"].rpartition("/")[2]], definitions)
    return {key: value if key == "oneOf" else _inlined(value, definitions) for key, value in definition.items()}


def _fault(error: JsonSchemaValueException) -> Fault:
    """What an exception of fastjsonschema says, in our words."""
    path = (error.name or "data").removeprefix("data")
    value, asked, definition = error.value, error.rule_definition, error.definition or {}
    rule = "schema" if error.rule == "type" else definition.get("x-rule", "schema")
    if error.rule == "additionalProperties":
        unknown = next(name for name in value if name not in definition["properties"])
        known = ", ".join(definition["properties"])
        return Fault(f"{path}{member(unknown)}", f"is a field that is not known here; there are {known}", rule)
    return Fault(path, _problem(error.rule or "", value, asked, definition), rule)


def _problem(rule: str, value: Any, asked: Any, definition: Mapping[str, Any]) -> str:
    if rule == "enum" and not isinstance(value, str) and isinstance(asked[0], str):
        rule, asked = "type", "string"
    match rule:
        case "required":
            said = f"lacks {', '.join(_quoted(name) for name in asked if name not in value)}"
        case "type":
            said = f"is {kind_of(value)}, not {_A[asked]}"
        case "enum":
            said = f"is {_quoted(value)}, not {' or '.join(map(str, asked))}"
        case "minimum" | "maximum":
            said = f"is {_quoted(value)}; the {rule} is {asked}"
        case "minItems":
            said = "is empty"
        case _:
            text: str = definition["description"].rstrip(".")
            said = f"is {_quoted(value)}, not {text[:1].lower()}{text[1:]}"
    return said


def member(name: str) -> str:
    """A field of an object as a JSON path has it: `.name`, or `['odd name']`."""
    return f".{name}" if name.isidentifier() and len(name) <= _LONGEST else f"[{_quoted(name)}]"


def _quoted(value: object) -> str:
    """A value as a message shows it: short, and in one line."""
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:56]}…{text[-1] if isinstance(value, str) else ''}"
