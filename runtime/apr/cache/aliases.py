"""The alias table: short names of models, each with its source and, unless it says `unverified`, the file's hash and size."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.cache.source import SHA256, HubFiles, Source, parse_source
from apr.errors import UnusableInput, UsageError
from apr.yaml_text import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

_PINNED = {"source": str, "sha256": str, "size": int, "licence": str, "description": str}
_UNVERIFIED = {"source": str, "unverified": bool, "licence": str, "description": str}


@dataclass(frozen=True)
class Alias:
    """One entry of the alias table.

    Attributes:
        name: what the user types.
        source: where the model comes from, see `apr.cache.source`.
        sha256: of the model file, 64 lower-case hex digits; None for an unverified alias.
        size: of the model file in bytes; None for an unverified alias.
        licence: SPDX identifier.
        description: one line.
    """

    name: str
    source: str
    sha256: str | None
    size: int | None
    licence: str
    description: str

    @property
    def parsed(self) -> Source:
        """The source, taken apart."""
        return parse_source(self.source, f"alias {self.name!r}")

    @property
    def filename(self) -> str:
        """The model's name in the cache; the table holds no source that has none."""
        return self.parsed.filename or ""


def load_aliases(own: Path | None = None) -> dict[str, Alias]:
    """The alias table: what comes with the package, then the user's own entries, which win.

    Args:
        own: a YAML file laid out like `aliases.yaml`; None takes the path in `APR_ALIASES`, if there is one.

    Raises:
        UnusableInput: a table cannot be read or an entry is not as it should be.
    """
    packaged = resources.files("apr").joinpath("aliases.yaml")
    table = _parse_aliases(packaged.read_text(encoding="utf-8"), str(packaged))
    own = own or (Path(os.environ["APR_ALIASES"]) if os.environ.get("APR_ALIASES") else None)
    if own is not None:
        try:
            table = _merged(table, _parse_aliases(own.read_text(encoding="utf-8"), str(own)))
        except OSError as error:
            raise UnusableInput(
                f"cannot be read: {error.strerror}", where=str(own), hint="correct APR_ALIASES"
            ) from error
        except UnicodeDecodeError as error:
            raise UnusableInput("is not UTF-8", where=str(own), hint="correct APR_ALIASES") from error
    taken: dict[str, Alias] = {}
    for alias in table.values():
        other = taken.setdefault(alias.filename, alias)
        same = other.sha256 == alias.sha256 if alias.sha256 else other.source == alias.source
        if not same:
            raise UnusableInput(
                f"aliases {other.name!r} and {alias.name!r} are different files of one name, {alias.filename!r}",
                where=str(own or packaged),
            )
    return table


def _merged(packaged: dict[str, Alias], own: dict[str, Alias]) -> dict[str, Alias]:
    return packaged | own


def _parse_aliases(text: str, where: str) -> dict[str, Alias]:
    content = parse_yaml(text, where)
    if not isinstance(content, dict):
        raise UnusableInput("should map aliases to their entries", where=where)
    named = {str(name): _parse_alias(str(name), entry, f"{where}: alias {name!r}") for name, entry in content.items()}
    if len(named) < len(content):
        raise UnusableInput("two aliases have one name, once as text and once as something else", where=where)
    return named


def _parse_alias(name: str, entry: Any, where: str) -> Alias:
    kinds = _UNVERIFIED if isinstance(entry, dict) and "unverified" in entry else _PINNED
    if not isinstance(entry, dict) or set(entry) != set(kinds):
        raise UnusableInput(
            f"should have exactly the keys {', '.join(_PINNED)}",
            where=where,
            hint="an alias that nobody can vouch for has `unverified: true` in place of sha256 and size",
        )
    for key, kind in kinds.items():
        if type(entry[key]) is not kind:
            wanted = {int: "a whole number", str: "text", bool: "true"}[kind]
            raise UnusableInput(f"{key} should be {wanted}", where=where)
    if entry.get("unverified") is False:
        raise UnusableInput("unverified should be true, or sha256 and size be given", where=where)
    alias = Alias(name, entry["source"], entry.get("sha256"), entry.get("size"), entry["licence"], entry["description"])
    if alias.sha256 is not None and not SHA256.fullmatch(alias.sha256):
        raise UnusableInput("sha256 should be 64 lower-case hex digits", where=where)
    source = parse_source(alias.source, where)
    if source.sha256:
        raise UnusableInput("the hash belongs into the key sha256, not into the source", where=where)
    if source.filename is None:
        raise UnusableInput(
            f"source {alias.source!r} names no file",
            where=where,
            hint="write the file's name in place of the quantisation",
        )
    if isinstance(source, HubFiles) and source.file is None and alias.sha256 is not None:
        raise UnusableInput(f"source {alias.source!r} is a whole repository, which has no sha256", where=where)
    return alias


def find_alias(name: str, table: Mapping[str, Alias]) -> Alias:
    """The entry of an alias.

    Raises:
        UsageError: there is none; the message offers the nearest and lists all.
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, 1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(f"unknown alias {name!r}", hint=f"{guess}aliases: {', '.join(sorted(table))}")
