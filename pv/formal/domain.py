"""What a kernel is given: the sizes and inputs that `domain` of an equation lists, in order."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pv.formal.functions import FUNCTIONS
from pv.formal.language import CONSTANTS, ROUNDING, Expression, FormalError, parse
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# dtype to what it is
DTYPES = {
    "f32": "float32",
    "f64": "float64",
    "f16": "float16",
    "bf16": "bfloat16, as float32 whose low 16 bits are zero",
    "u8": "bytes",
    "i8": "8-bit integers",
    "i32": "32-bit integers",
    "i64": "64-bit integers",
    "bool": "true or false",
}
FLOATS = ("bf16", "f16", "f32", "f64")  # from the coarsest on
# key of an input to what it says
KEYS = {
    "dtype": "one of " + ", ".join(DTYPES),
    "shape": "lengths of the axes: expressions of sizes; a scalar has none",
    "range": "[low, high], both possible",
    "values": "the values to choose from",
    "nonfinite": "whether NaN and the infinities are among them",
    "bits": "`any`: any pattern of bits",
    "distinct": "whether all elements of a row differ",
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED = frozenset({*CONSTANTS, *ROUNDING, "y", "f", "alpha"})
_SPAN = "a size is `1..64`, a list of whole numbers, or one"


@dataclass(frozen=True)
class Size:
    """A whole number: between two bounds, or one of a list."""

    name: str
    low: Expression | None = None
    high: Expression | None = None
    choices: tuple[int, ...] = ()


@dataclass(frozen=True)
class Input:
    """An array, or a scalar where it has no shape."""

    name: str
    dtype: str
    shape: tuple[Expression, ...] | None = None
    low: Expression | None = None
    high: Expression | None = None
    values: tuple[float, ...] = ()
    nonfinite: bool = False
    any_bits: bool = False
    distinct: bool = False


@dataclass(frozen=True)
class Domain:
    """Sizes and inputs, in the order in which they are drawn."""

    entries: tuple[Size | Input, ...]

    @functools.cached_property
    def inputs(self) -> dict[str, Input]:
        """What is no size, in order."""
        return {one.name: one for one in self.entries if isinstance(one, Input)}

    @functools.cached_property
    def sizes(self) -> dict[str, Size]:
        """The sizes, in order."""
        return {one.name: one for one in self.entries if isinstance(one, Size)}

    @property
    def names(self) -> frozenset[str]:
        """The names of all entries."""
        return frozenset(one.name for one in self.entries)

    def with_entries(self, others: Domain) -> Domain:
        """The same with further entries behind; one of a name that is there already takes its place."""
        instead = {one.name: one for one in others.entries}
        kept = tuple(instead.pop(one.name, one) for one in self.entries)
        return Domain((*kept, *instead.values()))


def read(value: Mapping[str, Any], outer: Domain | None = None) -> Domain:
    """The domain that a mapping of a contract says.

    Args:
        value: name to a size or to the keys of an input.
        outer: what was drawn before, and may be spoken of.

    Raises:
        FormalError: it cannot be read; `path` leads to the part that it is about.
    """
    known = dict.fromkeys(outer.names) if outer else {}
    entries: list[Size | Input] = []
    # sizes may stand inside the mapping of the input that is shaped by them; they are drawn before it
    for path, name, entry in _flat(value):
        try:
            _check_name(name)
            entries.append(_input(name, entry, known) if isinstance(entry, dict) else _size(name, entry, known))
        except FormalError as problem:
            raise problem.below(*path) from None
        known[name] = None
    if not entries:
        raise FormalError("a domain names at least one input")
    seen: set[str] = set()
    for one in entries:
        if one.name in seen:
            raise FormalError(f"{one.name!r} is said twice", path=(one.name,))
        seen.add(one.name)
    return Domain(tuple(entries))


def _flat(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    for name, entry in value.items():
        if not isinstance(name, str):
            raise FormalError(f"{name!r} is no name")
        if isinstance(entry, dict):
            inner = {key: below for key, below in entry.items() if key not in KEYS and not str(key).startswith("x-")}
            for key, below in inner.items():
                # a word of more letters is a key that somebody mistyped, not a size
                if not isinstance(key, str) or did_you_mean(key, KEYS, 0.7):
                    fix = did_you_mean(str(key), KEYS) or f"the keys are {', '.join(KEYS)}"
                    raise FormalError(f"unknown key {key!r}; {fix}", path=(name, str(key)))
                yield (name, key), key, below
            yield (name,), name, {key: below for key, below in entry.items() if key in KEYS}
        else:
            yield (name,), name, entry


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise FormalError(f"{name!r} is no name: letters, digits and _, a letter first")
    if name in _RESERVED or name in FUNCTIONS:
        raise FormalError(f"{name!r} means something in the language; take another name")


def _size(name: str, entry: Any, known: Mapping[str, None]) -> Size:
    if isinstance(entry, int) and not isinstance(entry, bool):
        entry = [entry]
    if isinstance(entry, list):
        if not entry or not all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in entry):
            raise FormalError(_SPAN)
        return Size(name, choices=tuple(entry))
    if not isinstance(entry, str) or entry.count("..") != 1:
        raise FormalError(_SPAN)
    low, high = entry.split("..")
    bounds = []
    for text, lead in ((low, 0), (high, len(low) + 2)):
        try:
            bounds.append(_expression(text, known))
        except FormalError as problem:
            offset = None if problem.offset is None else problem.offset + lead
            raise FormalError(problem.message, offset) from None
    first, last = (_literal(one) for one in bounds)
    if first is not None and last is not None and not 0 <= first <= last:
        raise FormalError(f"no size lies in {entry}")
    return Size(name, bounds[0], bounds[1])


def _input(name: str, entry: Mapping[str, Any], known: Mapping[str, None]) -> Input:
    dtype = entry.get("dtype")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        fix = did_you_mean(str(dtype), DTYPES) or f"one of {', '.join(DTYPES)}"
        said = f"there is no dtype {dtype!r}" if "dtype" in entry else f"{name} needs a dtype"
        raise FormalError(f"{said}; {fix}", path=("dtype",) if "dtype" in entry else ())
    shape = entry.get("shape")
    if shape is not None and not isinstance(shape, list):
        raise FormalError("a shape is a list, as [m, n]", path=("shape",))
    axes = None if shape is None else tuple(_at(("shape", i), axis, known) for i, axis in enumerate(shape))
    flags = {key: entry.get(key, False) for key in ("nonfinite", "distinct")}
    for key, flag in flags.items():
        if not isinstance(flag, bool):
            raise FormalError(f"{key} is true or false", path=(key,))
    any_bits = entry.get("bits")
    if any_bits not in (None, "any"):
        raise FormalError("bits can only be `any`", path=("bits",))
    low, high = _range(entry, known)
    values = _values(entry)
    ways = [key for key in ("range", "values", "bits") if key in entry]
    if len(ways) > 1:
        raise FormalError(f"{' and '.join(ways)} exclude each other", path=(ways[1],))
    if not ways and dtype not in ("u8", "bool"):
        raise FormalError(f"{name} needs a range, values, or bits: any")
    if flags["nonfinite"] and dtype not in FLOATS:
        raise FormalError("only floats can be nonfinite", path=("nonfinite",))
    if any_bits and axes is None:
        raise FormalError("bits: any needs a shape", path=("bits",))
    return Input(name, dtype, axes, low, high, values, flags["nonfinite"], any_bits == "any", flags["distinct"])


def _range(entry: Mapping[str, Any], known: Mapping[str, None]) -> tuple[Expression | None, Expression | None]:
    bounds = entry.get("range")
    if bounds is None:
        return None, None
    if not isinstance(bounds, list) or len(bounds) != 2:
        raise FormalError("a range is a list of two, as [-1e3, 1e3]", path=("range",))
    low, high = (_at(("range", place), bound, known) for place, bound in enumerate(bounds))
    first, last = _literal(low), _literal(high)
    if first is not None and last is not None and not first <= last:
        raise FormalError(f"nothing lies between {first:g} and {last:g}", path=("range",))
    return low, high


def _values(entry: Mapping[str, Any]) -> tuple[float, ...]:
    if "values" not in entry:
        return ()
    values = entry["values"]
    fine = isinstance(values, list) and values and all(_number(one) is not None for one in values)
    if not fine:
        raise FormalError("values are a list of numbers", path=("values",))
    return tuple(one if isinstance(one, (int, float)) else float(one) for one in values)


def _number(value: Any) -> float | None:
    """A number; YAML 1.1 reads 1e3 as text."""
    try:
        return None if isinstance(value, (dict, list)) or value is None else float(value)
    except (ValueError, OverflowError):
        return None


def _at(path: tuple[str | int, ...], value: Any, known: Mapping[str, None]) -> Expression:
    try:
        return _expression(value, known)
    except FormalError as problem:
        raise problem.below(*path) from None


def _expression(value: Any, known: Mapping[str, None]) -> Expression:
    expression = parse(value)
    expression.check(known, ())
    return expression


def _literal(expression: Expression) -> float | None:
    """The number that an expression writes out; None if it has to be computed."""
    return _number(expression.text.replace(" ", ""))
