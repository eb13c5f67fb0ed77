"""Dataclasses to JSON and back, by their type annotations: exact, and strict about what comes in.

Floats keep every bit (Python prints the shortest decimal that reads back the same); those that JSON has no number for are the
strings "nan", "inf" and "-inf". A `StageKey` is an object of `stage` and `layer`; a dataclass's field `key` is these two among
its other fields.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import math
import types
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from apr.parity.ranges import RANGES
from apr.stages import CANONICAL, StageKey

if TYPE_CHECKING:
    from apr.parity.ranges import Range

# classes that annotations name under TYPE_CHECKING live in these
_HOMES = ("apr.parity.result", "apr.parity.metrics", "apr.parity.null.base", "apr.stages")
_OF_WORK = tuple(f"apr.parity.work.{name}" for name in ("unit", "models", "software", "storage"))
KEY = "key"
_WHOLE = 1 << 63
_EXACT = 1 << 53  # up to here float64 holds every whole number
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

Data = TypeVar("Data")


class BadRecord(ValueError):
    """A JSON value that is not what it should be.

    Args:
        path: JSON path of the value, `$.difference.cosine`.
        problem: what is wrong with it.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem


@functools.cache
def hints(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields, also of those that are imported for type checkers only."""
    known: dict[str, Any] = {}
    for home in (*_HOMES, *(_OF_WORK if cls.__module__.startswith("apr.parity.work.") else ())):
        known.update(vars(importlib.import_module(home)))
    return get_type_hints(cls, localns=known)


def encode(value: Any) -> Any:
    """The JSON value of dataclasses, named tuples of stages, containers of them, numbers, strings and None.

    Raises:
        TypeError: anything else.
    """
    match value:
        case None | bool() | str() | int():
            content: Any = value
        case float():
            content = value if math.isfinite(value) else _not_finite(value)
        case StageKey():
            content = {"stage": value.stage, "layer": value.layer}
        case tuple() | list():
            content = [encode(item) for item in value]
        case dict():
            content = {str(name): encode(item) for name, item in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            content = _encode_fields(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form here")
    return content


def _not_finite(value: float) -> str:
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _encode_fields(value: Any) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        item = encode(getattr(value, field.name))
        # a record says which stage it is about at its top, where people and `jq` look for it
        content.update(item if field.name == KEY else {field.name: item})
    return content


def decode(value: Any, annotation: Any, path: str = "$") -> Any:
    """The value that `encode` made this JSON value of.

    Args:
        value: as `json.loads` gives it.
        annotation: its type.
        path: JSON path, for the error.

    Raises:
        BadRecord: the value is not of that type.
    """
    if annotation is StageKey:
        return _stage_key(value, path)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return decode_fields(value, annotation, path)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is None:
        return _plain(value, annotation, path)
    if origin is Literal:
        if not isinstance(value, str) or value not in inner:
            raise BadRecord(path, f"{_shown(value)} is none of {', '.join(inner)}")
        return value
    if origin in {tuple, list}:
        return _sequence(value, origin, inner, path)
    return _optional_or_mapping(value, origin, inner, path)


def _optional_or_mapping(value: Any, origin: Any, inner: tuple[Any, ...], path: str) -> Any:
    if origin is dict:
        known = _expect(value, dict, "an object", path)
        return {name: decode(item, inner[1], f"{path}.{name}") for name, item in known.items()}
    kinds = [kind for kind in inner if kind is not type(None)]
    if origin not in {Union, types.UnionType} or len(kinds) != 1:
        raise TypeError(f"{origin} of {inner} has no JSON form here")
    return None if value is None else decode(value, kinds[0], path)


def _plain(value: Any, annotation: Any, path: str) -> Any:
    if annotation is float:
        return _number(value, path)
    wanted = {str: "a string", int: "a whole number", bool: "true or false"}.get(annotation)
    if wanted is None:
        raise TypeError(f"{annotation} has no JSON form here")
    if isinstance(value, bool) and annotation is int:
        raise BadRecord(path, f"{_shown(value)} is not {wanted}")
    known = _expect(value, annotation, wanted, path)
    if annotation is int and not -_WHOLE <= known < _WHOLE:
        raise BadRecord(path, f"{_shown(value)} is beyond the range of 64 bits")
    return known


def decode_fields(value: Any, cls: type[Data], path: str = "$") -> Data:
    """A dataclass from a JSON object that has its fields; those with a default may be left out.

    Raises:
        BadRecord: a field is missing, unknown, of another type, or out of its range in `apr.parity.ranges`.
    """
    known = dict(_expect(value, dict, "an object", path))
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]  # only dataclasses come here
    typed = hints(cls)  # type: ignore[arg-type]  # a class can be hashed
    if KEY in fields and KEY not in known:
        known[KEY] = {name: known.pop(name) for name in StageKey._fields if name in known}
    for name in known:
        if name not in fields:
            raise BadRecord(f"{path}.{name}", "is not part of this record")
    values = {
        name: decode(item, typed[name], path if name == KEY else f"{path}.{name}") for name, item in known.items()
    }
    for name, field in fields.items():
        optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in values and not optional:
            raise BadRecord(f"{path}.{name}", "is missing")
    for name, allowed in RANGES.get(cls.__name__, {}).items():
        if name in values:
            within(values[name], allowed, f"{path}.{name}")
    return cls(**values)


def within(value: Any, allowed: Range, path: str) -> None:
    """Checks a number, or every number of a list or a mapping; None is none.

    Raises:
        BadRecord: a number is out of its range.
    """
    if isinstance(value, tuple | list):
        for index, item in enumerate(value):
            within(item, allowed, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            within(item, allowed, f"{path}.{name}")
    elif value is not None and not allowed.holds(value):
        raise BadRecord(path, f"{_shown(value)} is not {allowed.words}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _expect(value: Any, kind: type, wanted: str, path: str) -> Any:
    if not isinstance(value, kind):
        raise BadRecord(path, f"{_shown(value)} is not {wanted}")
    return value


def _number(value: Any, path: str) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRecord(path, f"{_shown(value)} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadRecord(path, f"{_shown(value)} is beyond the range of float64")
    # a whole number that was written without a point is written so again
    return value if isinstance(value, int) and abs(value) <= _EXACT else number


def _sequence(value: Any, origin: type, inner: tuple[Any, ...], path: str) -> Any:
    items = _expect(value, list, "a list", path)
    if origin is list or inner[-1] is Ellipsis:
        return origin(decode(item, inner[0], f"{path}[{index}]") for index, item in enumerate(items))
    if len(items) != len(inner):
        raise BadRecord(path, f"{len(items)} items where {len(inner)} belong")
    return tuple(
        decode(item, kind, f"{path}[{index}]") for index, (item, kind) in enumerate(zip(items, inner, strict=True))
    )


def _stage_key(value: Any, path: str) -> StageKey:
    known = _expect(value, dict, "an object", path)
    for name in (*StageKey._fields, *known):
        if name not in known or name not in StageKey._fields:
            raise BadRecord(f"{path}.{name}", "is not part of a stage" if name in known else "is missing")
    stage, layer = known["stage"], known["layer"]
    if not isinstance(stage, str) or stage not in CANONICAL:
        raise BadRecord(f"{path}.stage", f"{_shown(stage)} is no stage")
    if layer is not None and (isinstance(layer, bool) or not isinstance(layer, int) or layer < 0):
        raise BadRecord(f"{path}.layer", f"{_shown(layer)} is no layer")
    return StageKey(stage, layer)
