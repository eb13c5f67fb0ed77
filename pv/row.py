"""The shape of a ledger's row: what a line must hold before anything is computed from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pv.judge import Word
from pv.levels import lacks
from pv.words import Expect, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TEXTS = ("contract", "claim", "params", "mutant", "verdict", "fingerprint")
_OPTIONAL_TEXTS = ("label", "node", "reason", "message", "expect", "run")
_OF_MUTANTS = {Word.KILLED, Word.SURVIVED, Word.MISLOCALISED}
_OF_BOTH = {Word.INCONCLUSIVE, Word.ERROR}


def fault(row: Mapping[str, Any]) -> str:
    """What keeps a row from being evidence, in words; empty if nothing does."""
    return next(filter(None, (check(row) for check in _CHECKS)), "")


def begin_is_over(row: Mapping[str, Any], ended: set[tuple[Any, ...]]) -> bool:
    """Whether `row` only says that a run began, and one of `ended` says how it ended."""
    return row.get("begun") is True and key(row) in ended


def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The run and the case that a row is about."""
    return (row.get("run"), *(row[name] for name in ("contract", "claim", "params", "mutant")))


def _names(row: Mapping[str, Any]) -> str:
    for name in _TEXTS:
        if not isinstance(row.get(name), str):
            return f"names no {name}"
    wrong = next((name for name in _OPTIONAL_TEXTS if not isinstance(row.get(name, ""), str)), None)
    return f"{wrong} is no text" if wrong else ""


def _verdict(row: Mapping[str, Any]) -> str:
    word = row["verdict"]
    if word not in list(Word):
        return "its verdict is no known word"
    allowed = _OF_BOTH | (_OF_MUTANTS if row["mutant"] else set(Word) - _OF_MUTANTS)
    return "" if word in allowed else f"{word} is no verdict of {'a' if row['mutant'] else 'no'} mutant"


def _compared(row: Mapping[str, Any]) -> str:
    compared = row.get("compared")
    if not isinstance(compared, dict) or not all(_is_count(count) for count in compared.values()):
        return "compared holds no counts"
    if row["verdict"] == Word.DISCHARGED and sum(compared.values()) == 0:
        return "discharged, and nothing was compared"
    return "" if row.get("level") in list(Level) else "its level is no known word"


def _inputs(row: Mapping[str, Any]) -> str:
    inputs, falsifier = row.get("inputs"), row.get("falsifier")
    if not isinstance(inputs, list) or not all(_has_texts(entry, "kind", "path", "sha256") for entry in inputs):
        return "inputs are no list of kind, path and sha256"
    if falsifier is None and row["verdict"] in _OF_BOTH:
        return ""
    return "" if _has_texts(falsifier, "path", "sha256") else "names no falsifier with path and sha256"


def _skipped(row: Mapping[str, Any]) -> str:
    skipped = row.get("skipped", [])
    if isinstance(skipped, list) and all(_has_texts(one, "what", "why") and _is_count(one.get("n")) for one in skipped):
        return ""
    return "skipped is no list of counts with what and why"


def _level(row: Mapping[str, Any]) -> str:
    """What counts as settled must hold what its level asks for, whoever wrote the row."""
    engines = row.get("engines", [])
    if not isinstance(engines, list) or not all(_has_texts(one, "role", "name", "build") for one in engines):
        return "engines are no list of role, name and build"
    settled = row["verdict"] == Word.DISCHARGED or (
        row["verdict"] == Word.REFUTED and row.get("expect") == Expect.REFUTED
    )
    return lacks(str(row.get("level")), engines, row["inputs"]) if settled and not row["mutant"] else ""


def _place(row: Mapping[str, Any]) -> str:
    worst = row.get("worst")
    if worst is not None and not (isinstance(worst, dict) and _is_distance(worst) and _is_where(worst.get("where"))):
        return "worst is no distance with a place"
    return "" if _is_distance(row) and _is_where(row.get("where")) else "no distance with a place"


def _kill(row: Mapping[str, Any]) -> str:
    """What a row says of a mutant must agree with itself; rows of older versions do not say what was expected."""
    if not isinstance(row.get("refuted", False), bool):
        return "refuted is no truth value"
    expected = row.get("expected")
    if expected is None:
        return ""
    if not isinstance(expected, dict) or not isinstance(expected.get("refuted"), bool) or not row["mutant"]:
        return "expected is no place of a mutant"
    where = row.get("where") or {}
    layer = expected.get("layer")
    there = where.get("stage") == expected.get("stage") and layer in (None, where.get("layer"))
    if row["verdict"] == Word.KILLED and expected["refuted"] and not there:
        return "killed, and found elsewhere than expected"
    return ""


_CHECKS: tuple[Callable[[Mapping[str, Any]], str], ...] = (
    _names,
    _verdict,
    _compared,
    _skipped,
    _inputs,
    _level,
    _place,
    _kill,
)


def _has_texts(value: object, *names: str) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in names)


def _is_where(value: object) -> bool:
    return value is None or (isinstance(value, dict) and all(_is_part(one) for one in value.values()))


def _is_distance(value: Mapping[str, Any]) -> bool:
    return all(value.get(name) is None or _is_figure(value[name]) for name in ("distance", "bound"))


def _is_figure(value: object) -> bool:
    """A number, or the text that stands for one which JSON lacks (`nan`, `inf`)."""
    return isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool) and _sane(value))


def _is_part(value: object) -> bool:
    return not isinstance(value, (int, float)) or _sane(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _sane(value: float) -> bool:
    """Whether reports can count with it; integers of any length are compared, never converted."""
    return abs(value) <= sys.float_info.max
