"""What a chat format of tool calls offers, and what the formats have in common."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from apr.agent.messages import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_DEPTH = 64  # of what a call holds; a trace takes a little more around it
Tool: TypeAlias = "Mapping[str, Any]"  # {"type": "function", "function": {"name", "description", "parameters"}}


class Broken(Exception):
    """What looks like a call and cannot be read; the message is for the model."""


@dataclass(frozen=True)
class Asking:
    """A call that a model wrote; it has no id yet."""

    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class Parsed:
    """What an answer consists of.

    Attributes:
        blocks: in the order of the answer; what cannot be read is text.
        remarks: what was wrong, for the model.
    """

    blocks: tuple[Text | Asking, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A way to write tool calls.

    Attributes:
        name: for people.
        signs: what a chat template of this format spells, all of it.
        opens: what a call begins with; text in front of it is just text.
        parse: takes an answer apart; never fails, whatever a model wrote. The tools say of which type an argument is, where
            the format does not.
        one_at_a_time: its templates take one call a message.
        answers_by_id: its templates refuse a tool's message without the call's id.
        bare: a call may also be all of the answer, without anything in front of it.
    """

    name: str
    signs: tuple[str, ...]
    opens: tuple[str, ...]
    parse: Callable[[str, Sequence[Tool]], Parsed]
    one_at_a_time: bool = False
    answers_by_id: bool = False
    bare: bool = False


def value_at(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins at `start`, and where it ends.

    Raises:
        Broken: it is none, or says what a trace cannot hold: NaN, a number beyond all bounds, a name twice, half a surrogate.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        raise Broken(f"the JSON of the call {'is cut off' if cut else f'is not valid: {error.msg}'}") from None
    except RecursionError:
        raise Broken("the JSON of the call is nested too deep") from None
    except ValueError as error:  # an integer with more digits than Python reads
        raise Broken(f"the JSON of the call is not valid: {error}") from None
    _refuse_depth(value)
    if "\\u" in text[start:end]:
        _refuse_surrogates(value)
    return value, end


def skip_blanks(text: str, start: int) -> int:
    """The place of the first character from `start` on that is no blank of JSON."""
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start


def asking(value: Any, keys: Sequence[str] = ("arguments", "parameters")) -> Asking:
    """The call that a JSON value means.

    Args:
        value: `{"name": …, "arguments": {…}}`.
        keys: under which the arguments may stand; as a JSON string they are read too.

    Raises:
        Broken: it means none.
    """
    if not isinstance(value, dict):
        raise Broken("a call is a JSON object with a name and arguments")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise Broken('the call has no "name", a string')
    found = [key for key in keys if key in value]
    if len(found) > 1:
        raise Broken(f"the call of {name} has both {' and '.join(found)}")
    given = value[found[0]] if found else {}
    if isinstance(given, str):
        given, end = value_at(given, skip_blanks(given, 0))
        if skip_blanks(value[found[0]], end) != len(value[found[0]]):
            raise Broken(f"the arguments of {name} have something behind their JSON")
    if not isinstance(given, dict):
        raise Broken(f"the arguments of {name} are no JSON object")
    return Asking(name, given)


def texts(text: str) -> list[Text | Asking]:
    """A text block of a text without the blanks around it; none of blanks."""
    stripped = text.strip()
    return [Text(stripped)] if stripped else []


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise Broken(f"the JSON of the call has {next(name for name in names if names.count(name) > 1)!r} twice")
    return made


def _constant(text: str) -> Any:
    raise Broken(f"the JSON of the call has {text}, which is no JSON")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Broken(f"the JSON of the call has {text[:40]}, which is too large")
    return number


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise Broken("the JSON of the call is nested too deep")


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Broken("the JSON of the call has half a surrogate pair") from None


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_number)
