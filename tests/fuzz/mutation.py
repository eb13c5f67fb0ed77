"""Changes of a file: of its bytes, of its text, and of what the text means. All chance comes from the `Random` given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.fuzz.jsonlike import Pairs, read_loosely, write_loosely

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from tests.fuzz.target import Target

LARGEST = 1 << 20  # bytes of a mutant
_NUMBERS = (0, 1, 2, 3, 4, 7, 8, 31, 32, 63, 64, 65, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**16, 2**31 - 1, 2**31)
_LARGE = (2**32 - 1, 2**32, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64 - 64, 2**64 - 8, 2**64 - 1)
_TEXTS: tuple[bytes, ...] = (
    *(b"\0", b"\n", b"\r\n", b"\t", b" ", b"\x1b[2J", b"\x7f", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
    *(
        "\x85".encode(),
        "\u2028".encode(),
        "\u202e".encode(),
        "é".encode(),
        "\U0001f642".encode(),
        b"\\ud800",
        b"\\u0000",
    ),
    *(
        b"null",
        b"true",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-0",
        b"0x10",
        b"1_0",
        b"9" * 400,
        b"9" * 5000,
        b"1e-6",
        b"1.5",
    ),
    *(
        b"2026-02-30",
        b"25:61:61",
        b"../..",
        b"/etc/passwd",
        b"a/b",
        b"{}",
        b"[]",
        b'""',
        b"''",
        b"'",
        b'"',
        b"\\",
        b"#",
    ),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 10**400, 0.5, -0.0, 1e308, float("nan")),
    *(float("inf"), "", "a", "..", "../x", "/etc/passwd", "\0", "\n", "\x1b[2J", "\ud800", "é", "x" * 300, "x" * 5000),
    *([], {}, [[]], [{}], [None], {"": None}, [1, 2, 3], "0" * 64, "1e3", "nan", "2026-02-30"),
)


def mutate(target: Target, data: bytes, random: Random, others: Sequence[bytes], most: int = LARGEST) -> bytes:
    """One to four changes of a file.

    Args:
        target: whose file it is.
        data: the file.
        random: all chance.
        others: files of which parts may be taken.
        most: bytes that the mutant may have.
    """
    changes = _CHANGES[target.form]
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        if target.own is not None and random.randrange(2):
            data = target.own(data, random)
        else:
            data = random.choice(changes)(data, random, others, target.tokens)
        data = data[:LARGEST]
    if target.repair is not None and random.randrange(8):
        data = target.repair(data)
    return data[:most]


def number(random: Random) -> int:
    """A number that is an end of something, or near one."""
    return max(0, random.choice(_NUMBERS + _LARGE) + random.choice((0, 0, 0, 1, -1)))


def _at(data: bytes, random: Random) -> int:
    return random.randrange(len(data) + 1)


def _word(random: Random, tokens: Sequence[bytes]) -> bytes:
    return random.choice(tokens) if tokens and random.randrange(3) else random.choice(_TEXTS)


def _flip(data: bytes, random: Random, _others: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    if not data:
        return b"\0"
    changed, at = bytearray(data), random.randrange(len(data))
    changed[at] = changed[at] ^ (1 << random.randrange(8)) if random.randrange(2) else random.randrange(256)
    return bytes(changed)


def _insert(data: bytes, random: Random, _others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    at = _at(data, random)
    return data[:at] + _word(random, tokens) + data[at:]


def _overwrite(data: bytes, random: Random, _others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    at, word = _at(data, random), _word(random, tokens)
    return data[:at] + word + data[at + len(word) :]


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = _at(data, random)
    return start, min(len(data), start + random.choice((1, 2, 4, 8, 16, 40, 100, 1000)))


def _drop(data: bytes, random: Random, _others: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[end:]


def _repeat(data: bytes, random: Random, _others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """A part again and again: seldom so often that it costs time."""
    start, end = _span(data, random)
    part = _word(random, tokens) if random.randrange(3) == 0 else data[start:end]
    times = random.choice((1, 1, 2, 2, 3, 30, 300)) if random.randrange(40) else random.choice((3_000, 30_000, 300_000))
    return data[:end] + part * min(times, LARGEST // max(1, len(part))) + data[end:]


def _nest(data: bytes, random: Random, _others: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    """A part within brackets within brackets, about as deep as parsers allow, or far deeper."""
    start, end = _span(data, random)
    opening, closing = random.choice(_BRACKETS)
    deep = random.choice(_DEPTHS)
    return data[:start] + opening * deep + data[start:end] + closing * deep + data[end:]


def _cut(data: bytes, random: Random, _others: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    return data[: _at(data, random)]


def _splice(data: bytes, random: Random, others: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    other = random.choice(others) if others else data
    start, end = _span(other, random)
    at = _at(data, random)
    return data[:at] + other[start:end] + data[at + (end - start if random.randrange(2) else 0) :]


def _set_number(data: bytes, random: Random, _others: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    width = random.choice((1, 2, 4, 8))
    at = _at(data, random)
    value = int.from_bytes(data[at : at + width], "little")
    value = value + random.choice((-1, 1)) if random.randrange(2) else number(random)
    return data[:at] + int.to_bytes(value % 2 ** (8 * width), width, "little") + data[at + width :]


def _line(data: bytes, random: Random, _others: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    """One line dropped, repeated, moved, indented or joined with the next."""
    lines = data.splitlines(keepends=True) or [b""]
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.randrange(6)
    if kind == 0:
        del lines[one]
    elif kind == 1:
        lines.insert(other, lines[one])
    elif kind == 2:
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == 3:
        lines[one] = random.choice((b" ", b"  ", b"\t", b"- ")) + lines[one]
    elif kind == 4:
        lines[one] = lines[one][1:]
    else:
        lines[one] = lines[one].rstrip(b"\r\n")
    return b"".join(lines)


def _encode(data: bytes, random: Random, _others: Sequence[bytes], _tokens: Sequence[bytes]) -> bytes:
    """The same text in another encoding, or with other ends of lines."""
    kind = random.randrange(5)
    if kind == 0:
        return data.replace(b"\n", b"\r\n")
    if kind == 1:
        return b"\xef\xbb\xbf" + data
    return data.decode("utf-8", "replace").encode(("utf-16", "utf-16-le", "utf-32")[kind - 2], "replace")


def _scalar(data: bytes, random: Random, _others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """What stands behind a `:` or `=` of some line, replaced."""
    lines = data.splitlines(keepends=True)
    places = [place for place, line in enumerate(lines) if b":" in line or b"=" in line]
    if not places:
        return data
    place = random.choice(places)
    sign = b"=" if b"=" in lines[place] else b":"
    head, _, _ = lines[place].partition(sign)
    said = random.choice(_VALUES)
    value = _word(random, tokens) if random.randrange(2) else json.dumps(said).encode("utf-8", "replace")
    if random.randrange(6) == 0:
        opening, closing = random.choice(_BRACKETS[:3])
        deep = random.choice(_DEPTHS)
        value = opening * deep + closing * deep
    lines[place] = head + sign + b" " + value + b"\n"
    return b"".join(lines)


def json_value(value: Any, random: Random, tokens: Sequence[bytes]) -> Any:
    """One change of data that a JSON text holds; objects are `Pairs`, so that a key can stand twice."""
    places = list(_places(value))
    if not places:
        return random.choice(_VALUES)
    owner, at = random.choice(places)
    other, other_at = random.choice(places)
    elsewhere = other[other_at][1] if isinstance(other, Pairs) else other[other_at]
    if isinstance(owner, Pairs):
        _change_pair(owner, at, elsewhere, random, tokens)
    else:
        _change_element(owner, at, elsewhere, random, tokens)
    return value


def _change_pair(owner: Pairs, at: int, elsewhere: Any, random: Random, tokens: Sequence[bytes]) -> None:
    key, held = owner[at]
    kind = random.randrange(8)
    if kind == 0:
        del owner[at]
    elif kind == 1:
        owner.insert(random.randrange(len(owner) + 1), (key, random.choice(_VALUES)))  # the key stands twice
    elif kind == 2:
        owner[at] = (random.choice(tokens).decode("utf-8", "replace") if tokens else f"{key}x", held)
    elif kind == 3:
        owner[at] = (key, [held])
    else:
        owner[at] = (key, _copy(elsewhere) if kind == 4 else _near(held, random, tokens))


def _change_element(owner: list[Any], at: int, elsewhere: Any, random: Random, tokens: Sequence[bytes]) -> None:
    kind = random.randrange(8)
    if kind == 0:
        del owner[at]
    elif kind == 1:
        owner.insert(random.randrange(len(owner) + 1), _copy(owner[at]))
    elif kind == 2:
        owner[at] = [owner[at]]
    else:
        owner[at] = _copy(elsewhere) if kind == 3 else _near(owner[at], random, tokens)


def _near(value: Any, random: Random, tokens: Sequence[bytes]) -> Any:
    """A value of any kind, or one that is nearly this one."""
    kind = random.randrange(3)
    if kind == 0 and isinstance(value, int | float) and not isinstance(value, bool):
        return value + random.choice((-1, 1)) if random.randrange(2) else number(random)
    if kind == 0 and isinstance(value, str):
        at = random.randrange(len(value) + 1)
        return value[:at] + random.choice(("", "/", "..", "\0", "\ud800", "é", "A", "0")) + value[at + 1 :]
    if kind == 1 and random.randrange(8) == 0:
        for _ in range(random.choice(_DEPTHS[:-2])):
            value = [value]
        return value
    if kind == 1 and tokens:
        return random.choice(tokens).decode("utf-8", "replace")
    return random.choice(_VALUES)


def _copy(value: Any) -> Any:
    return read_loosely(write_loosely(value))


def _places(value: Any) -> Any:
    waiting = [value]
    while waiting:
        owner = waiting.pop()
        if isinstance(owner, list):
            for at, held in enumerate(owner):
                yield owner, at
                inner = held[1] if isinstance(owner, Pairs) else held
                if isinstance(inner, list):
                    waiting.append(inner)


def _json(data: bytes, random: Random, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    value = read_loosely(data)
    if value is None:
        return _flip(data, random, others, tokens)
    return write_loosely(json_value(value, random, tokens), ascii_=bool(random.randrange(4)))


def _json_line(data: bytes, random: Random, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    lines[at] = _json(lines[at], random, others, tokens)
    return b"\n".join(lines)


_BRACKETS = (
    (b"[", b"]"),
    (b"(", b")"),
    (b"{a: ", b"}"),
    (b'{"a":', b"}"),
    (b"- ", b""),
    (b"-", b""),
    (b"not ", b""),
    (b"a.", b""),
)
_DEPTHS = (2, 10, 60, 61, 64, 65, 70, 100, 127, 128, 130, 1000, 3000)
_BYTES = (_flip, _insert, _overwrite, _drop, _repeat, _cut, _splice)
_TEXT = (*_BYTES, _line, _line, _line, _encode, _nest)
_CHANGES: dict[str, tuple[Callable[[bytes, Random, Sequence[bytes], Sequence[bytes]], bytes], ...]] = {
    "binary": (*_BYTES, _set_number, _set_number, _set_number),
    "text": _TEXT,
    "json": (*_BYTES, _encode, _nest, *[_json] * 12),
    "lines": (*_TEXT, *[_json_line] * 12),
    "yaml": (*_TEXT, *[_scalar] * 5),
    "toml": (*_TEXT, *[_scalar] * 5),
}
