"""The quick half of validation: a JSON Schema made into one Python function that says yes or no.

It knows the part of draft-07 that the contract schema uses and refuses to compile anything else. What it says no to is
explained by `jsonschema`, which is slow to import and therefore left alone while every contract is as it should be
(`docs/decisions/0024`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Check: TypeAlias = "Callable[[Any], bool]"
Checks: TypeAlias = "dict[str, Check | None]"

_TYPES: dict[str, frozenset[type]] = {
    "object": frozenset([dict]),
    "array": frozenset([list]),
    "string": frozenset([str]),
    "integer": frozenset([int]),
    "number": frozenset([int, float]),
    "boolean": frozenset([bool]),
    "null": frozenset([type(None)]),
}
_SAYS_NOTHING = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "definitions"}
_SAYS_NOTHING |= {"markdownDescription", "defaultSnippets", "deprecationMessage"}  # what editors read


def compiled(schema: Mapping[str, Any]) -> Check:
    """A function that says whether plain data, as `pv.load` makes it, is valid.

    Raises:
        ValueError: the schema uses a keyword that this does not know.
    """
    return _Compiler(schema).check(schema) or _anything


def _anything(_value: object) -> bool:
    return True


def _nothing(_value: object) -> bool:
    return False


class _Compiler:
    """Compiles the parts of one schema; a definition is compiled once, and may refer to itself."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.definitions: dict[str, Check] = {}

    def check(self, schema: Any) -> Check | None:
        """The function for a schema; None where anything is valid."""
        if schema is True:
            return None
        if schema is False:
            return _nothing
        if "$ref" in schema:  # what stands beside it counts for nothing in draft-07
            return self._reference(schema["$ref"])
        unknown = set(schema) - _SAYS_NOTHING - set(_KEYWORDS) - {"type"}
        if unknown:
            raise ValueError(f"keywords that are not compiled: {', '.join(sorted(unknown))}")
        parts = [
            part
            for part in (
                make(self, schema) for make in dict.fromkeys(_KEYWORDS[key] for key in schema if key in _KEYWORDS)
            )
            if part
        ]
        wanted = schema.get("type")
        if wanted is None:
            return _all(parts)
        names = [wanted] if isinstance(wanted, str) else wanted
        typed = _typed(frozenset().union(*(_TYPES[name] for name in names)), _all(parts))
        if "integer" not in names or "number" in names:
            return typed
        return lambda value: typed(
            int(value) if value.__class__ is float and value.is_integer() else value
        )  # 1.0 is one

    def _reference(self, pointer: str) -> Check:
        if pointer not in self.definitions:
            found: Any = self.root
            for step in filter(None, pointer.removeprefix("#").split("/")):
                found = found[step]

            def later(value: Any) -> bool:  # a definition may refer to itself
                return self.definitions[pointer](value)

            self.definitions[pointer] = later
            self.definitions[pointer] = self.check(found) or _anything
        return self.definitions[pointer]

    def enum(self, schema: Mapping[str, Any]) -> Check:
        """One of a list of words."""
        words = frozenset(schema["enum"])
        if not all(isinstance(word, str) for word in words):
            raise ValueError("an enum of other things than words is not compiled")
        return lambda value: value.__class__ is str and value in words

    def const(self, schema: Mapping[str, Any]) -> Check:
        """This one word."""
        return self.enum({"enum": [schema["const"]]})

    def minimum(self, schema: Mapping[str, Any]) -> Check:
        """A number from here on."""
        least = schema["minimum"]
        return lambda value: value.__class__ not in _TYPES["number"] or value >= least

    def min_length(self, schema: Mapping[str, Any]) -> Check:
        """A text of at least so many characters."""
        least = schema["minLength"]
        return lambda value: value.__class__ is not str or len(value) >= least

    def pattern(self, schema: Mapping[str, Any]) -> Check:
        """A text in which the pattern is found."""
        search = re.compile(schema["pattern"]).search
        return lambda value: value.__class__ is not str or search(value) is not None

    def any_of(self, schema: Mapping[str, Any]) -> Check | None:
        """What one of several schemas accepts."""
        parts = [self.check(part) for part in schema["anyOf"]]
        some = [part for part in parts if part is not None]
        return (lambda value: any(part(value) for part in some)) if len(some) == len(parts) else None

    def all_of(self, schema: Mapping[str, Any]) -> Check | None:
        """What each of several schemas accepts."""
        return _all([part for part in map(self.check, schema["allOf"]) if part is not None])

    def condition(self, schema: Mapping[str, Any]) -> Check:
        """What `then` accepts where `if` does, and what `else` accepts elsewhere."""
        asked, then, other = (self.check(schema.get(key, True)) or _anything for key in ("if", "then", "else"))
        return lambda value: then(value) if asked(value) else other(value)

    def items(self, schema: Mapping[str, Any]) -> Check | None:
        """A list all of whose items are valid."""
        item = self.check(schema["items"])
        if item is None:
            return None
        return lambda value: value.__class__ is not list or all(map(item, value))

    def mapping(self, schema: Mapping[str, Any]) -> Check:
        """A mapping with what is required, every key known or of a known pattern, and every value valid."""
        known: Checks = {name: self.check(part) for name, part in schema.get("properties", {}).items()}
        rest = self._other_keys(schema)
        every = "patternProperties" in schema  # a pattern may fit a known key as well
        required = frozenset(schema.get("required", ()))

        def check(value: Any) -> bool:
            if value.__class__ is not dict:
                return True
            if not required <= value.keys():
                return False
            for key, below in value.items():
                if key in known:
                    part = known[key]
                    if (part is not None and not part(below)) or (every and not rest(key, below, True)):
                        return False
                elif not rest(key, below, False):
                    return False
            return True

        return check

    def _other_keys(self, schema: Mapping[str, Any]) -> Callable[[str, Any, bool], bool]:
        """What is asked of a key, its value, and whether it is known, besides what `properties` say of it."""
        other = self.check(schema.get("additionalProperties", True))
        patterns = [
            (re.compile(text).search, self.check(part)) for text, part in schema.get("patternProperties", {}).items()
        ]

        def rest(key: str, value: Any, known: bool) -> bool:
            for search, part in patterns:
                if search(key) is not None:
                    known = True
                    if part is not None and not part(value):
                        return False
            return known or other is None or other(value)

        return rest


_MAPPING = ("properties", "patternProperties", "additionalProperties", "required")
_KEYWORDS: dict[str, Callable[[_Compiler, Mapping[str, Any]], Check | None]] = {
    **dict.fromkeys(_MAPPING, _Compiler.mapping),
    "enum": _Compiler.enum,
    "const": _Compiler.const,
    "minimum": _Compiler.minimum,
    "minLength": _Compiler.min_length,
    "pattern": _Compiler.pattern,
    "anyOf": _Compiler.any_of,
    "allOf": _Compiler.all_of,
    **dict.fromkeys(("if", "then", "else"), _Compiler.condition),
    "items": _Compiler.items,
}


def _all(parts: Sequence[Check]) -> Check | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return lambda value: all(part(value) for part in parts)


def _typed(types: frozenset[type], rest: Check | None) -> Check:
    if rest is None:
        return lambda value: value.__class__ in types
    return lambda value: value.__class__ in types and rest(value)
