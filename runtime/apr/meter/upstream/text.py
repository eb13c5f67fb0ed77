"""Text as Rust's standard library and serde_json see it, where Python differs."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

# Unicode's White_Space; Python's str.split() also takes U+001C to U+001F for blanks
_WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_BLANKS = re.compile(f"[{_WHITE}]+")
_AROUND = re.compile(f"^[{_WHITE}]+|[{_WHITE}]+$")
_WIDEST = 16  # digits in front of the point, before an exponent is written
_SMALLEST = -5  # zeros behind the point and before the digits, before an exponent is written


def trimmed(text: str) -> str:
    """Without Unicode white space at its ends: `str::trim`."""
    return _AROUND.sub("", text)


def words(text: str) -> list[str]:
    """What stands between runs of Unicode white space: `str::split_whitespace`."""
    return [word for word in _BLANKS.split(text) if word]


def number(value: float) -> str:
    """A float as serde_json writes it: shortest digits that read back, an exponent only where many zeros would stand."""
    if not math.isfinite(value):
        return "null"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, minus = "".join(map(str, digits)), "-" if sign else ""
    if text == "0":
        return f"{minus}0.0"
    assert isinstance(exponent, int)  # noqa: S101 - only infinities and NaN have letters there, and they are gone
    point = len(text) + exponent  # digits before the decimal point
    if exponent >= 0 and point <= _WIDEST:
        return f"{minus}{text}{'0' * exponent}.0"
    if 0 < point <= _WIDEST:
        return f"{minus}{text[:point]}.{text[point:]}"
    if _SMALLEST < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{point - 1}"


def pretty(value: Any, indent: str = "") -> str:
    """JSON as `serde_json::to_string_pretty` writes it: two blanks a level, keys in alphabetical order."""
    inner = f"{indent}  "
    if isinstance(value, dict) and value:
        rows = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {pretty(value[key], inner)}" for key in sorted(value)]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + pretty(one, inner) for one in value) + f"\n{indent}]"
    if isinstance(value, float):
        return number(value)
    return json.dumps(value, ensure_ascii=False)
