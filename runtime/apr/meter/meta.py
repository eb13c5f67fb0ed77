"""What `meta.toml` says about a pair."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from apr.actions.inputs import read_small
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

META = "meta.toml"
_SOURCES = ("authored", "run")
_NO_SCORE = ("vacuous", "incomparable")


@dataclass(frozen=True)
class Expectation:
    """What a comparison has to say of a pair.

    Attributes:
        score: or the verdict of a pair that has none.
        drifts: as `apr.meter.drift.Drift.short` writes them, in order; None where nobody says.
    """

    score: float | str
    drifts: tuple[str, ...] | None


@dataclass(frozen=True)
class Meta:
    """What `meta.toml` says.

    Attributes:
        about: in one sentence.
        covers: capabilities that the pair stands for.
        cwd: side -> the folder that it worked in.
        source: side -> `authored` or `run`.
        expect: of the default meter.
        expect_upstream: of the upstream's.
    """

    about: str
    covers: tuple[str, ...]
    cwd: Mapping[str, PurePosixPath]
    source: Mapping[str, str]
    expect: Expectation | None
    expect_upstream: Expectation | None


def read_meta(path: Path, name: str) -> Meta:
    """What a `meta.toml` says; nothing where there is none.

    Args:
        path: of the file.
        name: of the pair's folder.

    Raises:
        UnusableInput: it cannot be read, or says what it must not.
    """
    if not os.path.lexists(path):
        return Meta("", (), {}, {}, None, None)
    try:
        content = tomllib.loads(read_small(path))
    except (ValueError, RecursionError) as error:  # ValueError: no TOML, or a number of thousands of digits
        raise UnusableInput(f"is no TOML: {error}", where=str(path)) from error
    return _Reader(path, name).meta(content)


class _Reader:
    """Reads `meta.toml`, and says at which key something is wrong.

    Args:
        path: of the file.
        name: of the pair's folder.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name

    def meta(self, content: Mapping[str, Any]) -> Meta:
        self._only(content, "", ("fixture", "teacher", "student", "expect"))
        fixture = self._table(content, "fixture")
        self._only(fixture, "fixture.", ("id", "about", "covers"))
        if fixture.get("id", self._name) != self._name:
            raise self._wrong("fixture.id", "is not the folder's name")
        about = fixture.get("about", "")
        if not isinstance(about, str):
            raise self._wrong("fixture.about", "is no text")
        cwd, source = {}, {}
        for side in ("teacher", "student"):
            table = self._table(content, side)
            self._only(table, f"{side}.", ("cwd", "source"))
            if "cwd" in table:
                cwd[side] = self._folder(table["cwd"], f"{side}.cwd")
            if "source" in table:
                if table["source"] not in _SOURCES:
                    raise self._wrong(f"{side}.source", f"is none of {', '.join(_SOURCES)}")
                source[side] = table["source"]
        expect = self._table(content, "expect")
        self._only(expect, "expect.", ("score", "drifts", "upstream"))
        upstream = self._table(expect, "upstream", "expect.")
        self._only(upstream, "expect.upstream.", ("score", "drifts"))
        return Meta(
            about,
            self._texts(fixture, "covers", "fixture.") or (),
            cwd,
            source,
            self._expectation(expect, "expect."),
            self._expectation(upstream, "expect.upstream."),
        )

    def _wrong(self, key: str, problem: str) -> UnusableInput:
        return UnusableInput(f"{key} {problem}", where=str(self._path), hint="see docs/reference/ccpa-diff-v1.md")

    def _only(self, table: Mapping[str, Any], prefix: str, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                raise self._wrong(f"{prefix}{key}", f"is no key of {META}; known here: {', '.join(known)}")

    def _table(self, content: Mapping[str, Any], key: str, prefix: str = "") -> Mapping[str, Any]:
        found = content.get(key, {})
        if not isinstance(found, dict):
            raise self._wrong(f"{prefix}{key}", "is no table")
        return found

    def _texts(self, table: Mapping[str, Any], key: str, prefix: str) -> tuple[str, ...] | None:
        found = table.get(key)
        if found is None:
            return None
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise self._wrong(f"{prefix}{key}", "is no list of texts")
        return tuple(found)

    def _folder(self, value: Any, key: str) -> PurePosixPath:
        if not isinstance(value, str) or not value.startswith("/"):
            raise self._wrong(key, "is no absolute path")
        return PurePosixPath(value)

    def _expectation(self, table: Mapping[str, Any], prefix: str) -> Expectation | None:
        drifts, score = self._texts(table, "drifts", prefix), table.get("score")
        if score is None:
            if drifts is not None:
                raise self._wrong(f"{prefix}score", "is missing beside drifts")
            return None
        number = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
        if not number and score not in _NO_SCORE:
            raise self._wrong(f"{prefix}score", f"is no number from 0 to 1, and none of {', '.join(_NO_SCORE)}")
        return Expectation(score if isinstance(score, str) else float(score), drifts)
