"""How serde makes typed records of values: what it accepts for an integer, an enum, a struct, a tagged union."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from apr.meter.upstream.content import Pairs, Refused

Decoder: TypeAlias = Callable[[Any], Any]
_REQUIRED = object()


def integer(low: int, high: int) -> Decoder:
    """Integers of a range; 1.0, "1" and true are none."""

    def decode(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise Refused(f"expected an integer from {low} to {high}, found {value!r:.60}")
        return value

    return decode


def of(kind: type) -> Decoder:
    """Values of exactly this type."""

    def decode(value: Any) -> Any:
        if type(value) is not kind:
            raise Refused(f"expected a {kind.__name__}, found {value!r:.60}")
        return value

    return decode


def anything(value: Any) -> Any:
    """Every value, as it is."""
    return value


def optional(inner: Decoder) -> Decoder:
    """Null, or what `inner` takes."""
    return lambda value: None if value is None else inner(value)


def listed(inner: Decoder) -> Decoder:
    """A list of what `inner` takes."""

    def decode(value: Any) -> list[Any]:
        if not isinstance(value, list) or isinstance(value, Pairs):
            raise Refused(f"expected a list, found {value!r:.60}")
        return [inner(one) for one in value]

    return decode


def _is_empty_object(value: Any) -> bool:
    return isinstance(value, Pairs) and not value


def one_of(*names: str) -> Decoder:
    """A variant without content: its name, or an object of its name alone with nothing behind it."""

    def decode(value: Any) -> str:
        name = value
        if isinstance(value, Pairs):
            if len(value) != 1 or not (value[0][1] is None or _is_empty_object(value[0][1])):
                raise Refused("expected an object with one variant, and null or an empty object behind it")
            name = value[0][0]
        if type(name) is not str or name not in names:
            raise Refused(f"unknown variant {name!r:.60}, expected one of {', '.join(names)}")
        return name

    return decode


@dataclass(frozen=True)
class Field:
    """A field of a struct; without a default it is required."""

    name: str
    decode: Decoder
    default: Any = _REQUIRED


@dataclass(frozen=True)
class Struct:
    """Fields by name, in an object, or by place, in an array."""

    fields: tuple[Field, ...]

    def __call__(self, value: Any) -> dict[str, Any]:
        """The fields.

        Raises:
            Refused: one is missing, there twice, or of a wrong type.
        """
        if isinstance(value, Pairs):
            return self._by_name(value)
        if isinstance(value, list):
            return self._by_place(value)
        raise Refused(f"expected an object, found {value!r:.60}")

    def _by_name(self, pairs: Pairs) -> dict[str, Any]:
        known = {field.name: field for field in self.fields}
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name not in known:
                continue
            if name in found:
                raise Refused(f"duplicate field {name!r}")
            found[name] = known[name].decode(value)
        return {field.name: self._filled(field, found) for field in self.fields}

    @staticmethod
    def _filled(field: Field, found: dict[str, Any]) -> Any:
        value = found.get(field.name, field.default)
        if value is _REQUIRED:
            raise Refused(f"missing field {field.name!r}")
        return value

    def _by_place(self, values: list[Any]) -> dict[str, Any]:
        if len(values) > len(self.fields):
            raise Refused(f"expected {len(self.fields)} values, found {len(values)}")
        found = {field.name: field.decode(value) for field, value in zip(self.fields, values, strict=False)}
        return {field.name: self._filled(field, found) for field in self.fields}


@dataclass(frozen=True)
class Tagged:
    """A union whose variant a field names (an object), or the first value (an array).

    Attributes:
        tag: the field.
        variants: in the upstream's order.
        by_number: whether a variant may be meant by its number: so inside a record, not at its top.
    """

    tag: str
    variants: dict[str, Struct]
    by_number: bool = False

    def __call__(self, value: Any) -> tuple[str, dict[str, Any]]:
        """The variant's name and its fields.

        Raises:
            Refused: an unknown variant, no tag, or two.
        """
        if isinstance(value, Pairs):
            tags = [inner for name, inner in value if name == self.tag]
            if len(tags) != 1:
                raise Refused(f"{'duplicate' if tags else 'missing'} field {self.tag!r}")
            rest: list[Any] = Pairs(pair for pair in value if pair[0] != self.tag)
            variant = self._variant(tags[0])
        elif isinstance(value, list) and value:
            variant, rest = self._variant(value[0]), value[1:]
        else:
            raise Refused(f"expected an object with {self.tag!r}, found {value!r:.60}")
        return variant, self.variants[variant](rest)

    def _variant(self, tag: Any) -> str:
        names = list(self.variants)
        if self.by_number and type(tag) is int and 0 <= tag < len(names):
            return names[tag]
        if type(tag) is not str or tag not in self.variants:
            raise Refused(f"unknown variant {tag!r:.60}, expected one of {', '.join(names)}")
        return tag
