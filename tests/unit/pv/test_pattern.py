"""Patterns that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

from pv import pattern
from pv.pattern import lazy


def test_it_is_compiled_once_and_not_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Re:
        @staticmethod
        def compile(text: str, flags: int) -> re.Pattern[str]:
            asked.append(text)
            return re.compile(text, flags)

    monkeypatch.setattr(pattern, "re", Re)
    word = lazy("[a-z]+", re.IGNORECASE)
    assert asked == []
    for _ in range(3):
        assert word.fullmatch("Abc")
    assert asked == ["[a-z]+"]


@pytest.mark.parametrize("name", [name for name in dir(re.Pattern) if not name.startswith("_") and name != "scanner"])
def test_it_has_what_a_pattern_has(name: str) -> None:
    assert getattr(lazy("a(?P<x>b)"), name) is not None
    assert repr(getattr(lazy("a(?P<x>b)"), name)) == repr(getattr(re.compile("a(?P<x>b)"), name)) or callable(
        getattr(re.compile("a"), name)
    )


def test_what_is_no_pattern_is_told_at_its_first_use() -> None:
    broken = lazy("(")
    with pytest.raises(re.error, match="unterminated"):
        broken.search("a")


def test_every_pattern_of_ours_is_one() -> None:
    import importlib
    import pkgutil

    import pv

    names = [one.name for one in pkgutil.walk_packages(pv.__path__, "pv.") if not one.name.endswith("__main__")]
    modules = [importlib.import_module(name) for name in names]
    found = {
        id(value): value for module in modules for value in vars(module).values() if isinstance(value, pattern._Pattern)
    }
    assert len(found) > 50
    for one in found.values():
        assert re.compile(one.pattern, one.flags).pattern == one.pattern
