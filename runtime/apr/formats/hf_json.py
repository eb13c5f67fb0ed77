"""The JSON files of a Hugging Face folder: read strictly, and every refusal names the file and the JSON path."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr.strict_json import MAX_PARTS, parse_object
from apr.formats.files import map_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 64 << 20  # a tokenizer of a quarter of a million tokens has a quarter of that


def read_object(path: Path, max_parts: int = MAX_PARTS) -> dict[str, Any]:
    """Reads a JSON file that holds one object.

    Args:
        path: of the file.
        max_parts: the most objects, arrays and keys.

    Raises:
        UnusableInput: it is not there, too large, or not as `apr.formats.apr.strict_json.parse_object` wants it.
    """
    data = map_file(path, "JSON")
    with data:
        if len(data) > MAX_BYTES:
            raise UnusableInput(f"has {len(data)} bytes, at most {MAX_BYTES} are read", where=str(path))
        return parse_object(data[:], path, "JSON", max_parts=max_parts)


class Json:
    """One object of a JSON file; null counts as absent, as the configuration classes of `transformers` take it.

    Args:
        path: of the file.
        content: of the object.
        defaults: values of keys that may be absent.
        at: JSON path of the object.
    """

    def __init__(
        self, path: Path, content: Mapping[str, Any], defaults: Mapping[str, Any] | None = None, at: str = "$"
    ) -> None:
        self.path, self.content, self.at = path, content, at
        self._defaults = defaults or {}

    def get(self, key: str) -> Any:
        """The value, or its default, or None."""
        value = self.content.get(key)
        return self._defaults.get(key) if value is None else value

    def states(self, key: str) -> bool:
        """Whether the file itself has a value."""
        return self.content.get(key) is not None

    def where(self, key: str) -> str:
        """A key's place, for messages."""
        return f"{self.path}: {self.at}.{key}"

    def size(self, key: str) -> int:
        """A whole number above 0.

        Raises:
            UnusableInput: missing, of another type, or not positive.
        """
        value = self._needed(key)
        if type(value) is not int or not 0 < value < 2**63:
            raise UnusableInput(f"is {_shown(value)}, it must be a whole number above 0", where=self.where(key))
        return value

    def number(self, key: str) -> float:
        """A finite number above 0.

        Raises:
            UnusableInput: missing, of another type, not positive or not finite.
        """
        value = self._needed(key)
        if type(value) not in (int, float) or not 0 < value < math.inf:
            raise UnusableInput(f"is {_shown(value)}, it must be a number above 0", where=self.where(key))
        try:
            return float(value)
        except OverflowError:
            raise UnusableInput("is beyond float64", where=self.where(key)) from None

    def flag(self, key: str) -> bool:
        """True or false.

        Raises:
            UnusableInput: missing, or of another type.
        """
        value = self._needed(key)
        if type(value) is not bool:
            raise UnusableInput(f"is {_shown(value)}, it must be true or false", where=self.where(key))
        return value

    def text(self, key: str) -> str:
        """A string.

        Raises:
            UnusableInput: missing, or of another type.
        """
        value = self._needed(key)
        if type(value) is not str:
            raise UnusableInput(f"is {_shown(value)}, it must be a text", where=self.where(key))
        return value

    def array(self, key: str) -> list[Any]:
        """A list; empty where there is none.

        Raises:
            UnusableInput: of another type.
        """
        value = self.get(key)
        if value is not None and type(value) is not list:
            raise UnusableInput(f"is {_shown(value)}, it must be a list", where=self.where(key))
        return value or []

    def object(self, key: str) -> Json | None:
        """An object within this one; None where there is none.

        Raises:
            UnusableInput: of another type.
        """
        value = self.get(key)
        if value is not None and type(value) is not dict:
            raise UnusableInput(f"is {_shown(value)}, it must be an object", where=self.where(key))
        return None if value is None else Json(self.path, value, at=f"{self.at}.{key}")

    def unsupported(self, key: str, why: str) -> UnsupportedModel:
        """A refusal of a feature that is not built, to be raised."""
        return UnsupportedModel(f"is {_shown(self.get(key))}: {why}", where=self.where(key))

    def _needed(self, key: str) -> Any:
        value = self.get(key)
        if value is None:
            raise UnusableInput("is missing", where=self.where(key), hint="it is not guessed: get the file again")
        return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
