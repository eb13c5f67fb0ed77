"""The shape of a ledger's row: what a line must hold before anything is computed from it."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pv.judge import Word
from pv.levels import lacks
from pv.words import Expect, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Every key that the row of a case may have. One that is added here is checked below, and stands in schema/ledger.schema.json.
KEYS = frozenset(
    {
        *("schema", "kind", "run", "contract", "claim", "params", "mutant", "label", "node", "fingerprint", "expect"),
        *("expected", "verdict", "ok", "refuted", "reason", "message", "where", "distance", "bound", "worst"),
        *("level", "compared", "skipped", "inputs", "engines", "falsifier", "reported", "counterexample", "seed"),
        *("examples", "environment", "started", "duration_s", "commit", "dirty"),
    }
)

_TEXTS = ("contract", "claim", "params", "mutant", "verdict", "fingerprint")
_OPTIONAL_TEXTS = ("label", "node", "reason", "message")
_TRUTHS = ("ok", "refuted")
_WORDS, _LEVELS, _EXPECTS = tuple(Word), tuple(Level), tuple(Expect)
_OF_BOTH = {Word.INCONCLUSIVE, Word.ERROR}
_OF_MUTANTS = _OF_BOTH | {Word.KILLED, Word.SURVIVED, Word.MISLOCALISED}
_OF_NONE = _OF_BOTH | {Word.DISCHARGED, Word.REFUTED}
_INPUT, _FALSIFIER = frozenset({"kind", "path", "sha256"}), frozenset({"path", "sha256", "line", "qualname"})
_SKIPPED, _ENGINE = frozenset({"n", "what", "why"}), frozenset({"role", "name", "build", "producer"})
_EXAMPLES, _PROPERTY = frozenset({"kept", "properties"}), frozenset({"seed", "first"})
_WORST, _EXPECTED = frozenset({"distance", "bound", "where"}), frozenset({"refuted", "stage", "layer"})

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")


def fault(row: Mapping[str, Any]) -> str:
    """What keeps a row from being evidence, in words; empty if nothing does."""
    for check in _CHECKS:
        wrong = check(row)
        if wrong:
            return wrong
    return ""


def _keys(row: Mapping[str, Any]) -> str:
    if row.keys() <= KEYS:
        return ""
    return f"the key {min(row.keys() - KEYS)!r} is unknown"


def _names(row: Mapping[str, Any]) -> str:
    for name in _TEXTS:
        if not isinstance(row.get(name), str):
            return f"names no {name}"
    for name in _OPTIONAL_TEXTS:
        if not isinstance(row.get(name, ""), str):
            return f"{name} is no text"
    for name in _TRUTHS:
        if not isinstance(row.get(name, False), bool):
            return f"{name} is no truth value"
    if not is_hex(row["fingerprint"], 64):
        return "its fingerprint is no sha256"
    return "" if row.get("expect", Expect.DISCHARGED) in _EXPECTS else "what it expects is no known word"


def _verdict(row: Mapping[str, Any]) -> str:
    word = row["verdict"]
    if word not in _WORDS:
        return "its verdict is no known word"
    allowed = _OF_MUTANTS if row["mutant"] else _OF_NONE
    return "" if word in allowed else f"{word} is no verdict of {'a' if row['mutant'] else 'no'} mutant"


def _compared(row: Mapping[str, Any]) -> str:
    compared = row.get("compared")
    if not isinstance(compared, dict) or not all(is_count(count) for count in compared.values()):
        return "compared holds no counts"
    if row["verdict"] == Word.DISCHARGED and sum(compared.values()) == 0:
        return "discharged, and nothing was compared"
    return "" if row.get("level") in _LEVELS else "its level is no known word"


def _inputs(row: Mapping[str, Any]) -> str:
    inputs, falsifier = row.get("inputs"), row.get("falsifier")
    if not isinstance(inputs, list) or not all(_is_file(entry, _INPUT, "kind") for entry in inputs):
        return "inputs are no list of kind, path and sha256"
    if falsifier is None and row["verdict"] in _OF_BOTH:
        return ""
    return "" if _is_falsifier(falsifier) else "names no falsifier with path and sha256"


def _skipped(row: Mapping[str, Any]) -> str:
    skipped = row.get("skipped", [])
    if isinstance(skipped, list) and all(
        _has_texts(one, "what", "why") and one.keys() <= _SKIPPED and is_count(one.get("n")) for one in skipped
    ):
        return ""
    return "skipped is no list of counts with what and why"


def _level(row: Mapping[str, Any]) -> str:
    """What counts as settled must hold what its level asks for, whoever wrote the row."""
    engines = row.get("engines", [])
    if not isinstance(engines, list) or not all(map(_is_engine, engines)):
        return "engines are no list of role, name and build"
    settled = row["verdict"] == Word.DISCHARGED or (
        row["verdict"] == Word.REFUTED and row.get("expect") == Expect.REFUTED
    )
    return lacks(str(row.get("level")), engines, row["inputs"]) if settled and not row["mutant"] else ""


def _place(row: Mapping[str, Any]) -> str:
    worst = row.get("worst")
    if worst is not None and not (
        isinstance(worst, dict) and worst.keys() <= _WORST and _is_distance(worst) and _is_where(worst.get("where"))
    ):
        return "worst is no distance with a place"
    return "" if _is_distance(row) and _is_where(row.get("where")) else "no distance with a place"


def _kill(row: Mapping[str, Any]) -> str:
    """What a row says of a mutant must agree with itself."""
    if "expected" not in row:
        return ""
    expected = row["expected"]
    if not _is_expected(expected) or not row["mutant"]:
        return "expected is no place of a mutant"
    where = row.get("where") or {}
    layer = expected.get("layer")
    there = where.get("stage") == expected.get("stage") and layer in (None, where.get("layer"))
    if row["verdict"] == Word.KILLED and expected["refuted"] and not there:
        return "killed, and found elsewhere than expected"
    return ""


def _told(row: Mapping[str, Any]) -> str:
    """Figures that are not judged, and how the run can be had once more."""
    if not isinstance(row.get("reported", {}), dict):
        return "what it reports has no names"
    return "" if row.get("seed") is None or _is_whole(row["seed"]) else "its seed is no whole number"


def _when(row: Mapping[str, Any]) -> str:
    """Where, when and at which state of the sources it ran."""
    if not is_hex(row.get("environment", "0" * 16), 16):
        return "its environment is no name of one"
    if "started" in row and not is_time(row["started"]):
        return "started is no time of RFC 3339"
    duration = row.get("duration_s", 0)
    if isinstance(duration, bool) or not isinstance(duration, (int, float)) or not (duration >= 0 and _sane(duration)):
        return "duration_s is no number of seconds"
    return sources(row)


def _examples(row: Mapping[str, Any]) -> str:
    """How Hypothesis was run: the seed of each property, and the examples that were tried first, as base64."""
    found = row.get("examples")
    if found is None:
        return ""
    properties = found.get("properties") if isinstance(found, dict) and found.keys() == _EXAMPLES else None
    if not isinstance(properties, list) or not all(map(_is_property, properties)):
        return "examples are no list of properties with seed and examples"
    return "" if found["kept"] is None or isinstance(found["kept"], str) else "examples are kept in no place"


def sources(row: Mapping[str, Any]) -> str:
    """What is wrong with the commit that a row names, and whether the tree was dirty; empty if nothing is."""
    commit, dirty = row.get("commit"), row.get("dirty")
    if commit is not None and not is_hex(commit, 40) and not is_hex(commit, 64):
        return "its commit is no hash"
    return "" if dirty is None or isinstance(dirty, bool) else "dirty is no truth value"


_CHECKS: tuple[Callable[[Mapping[str, Any]], str], ...] = (
    _keys,
    _names,
    _verdict,
    _compared,
    _skipped,
    _inputs,
    _level,
    _place,
    _kill,
    _told,
    _when,
    _examples,
)


def _has_texts(value: object, *names: str) -> bool:
    if not isinstance(value, dict):
        return False
    for name in names:  # noqa: SIM110  it is asked of every row, and `all` with a generator takes twice as long
        if not isinstance(value.get(name), str):
            return False
    return True


def _is_file(value: Any, keys: frozenset[str], *names: str) -> bool:
    return _has_texts(value, "path", *names) and value.keys() <= keys and is_hex(value.get("sha256"), 64)


def _is_falsifier(value: Any) -> bool:
    return _is_file(value, _FALSIFIER) and is_count(value.get("line", 1)) and isinstance(value.get("qualname", ""), str)


def _is_engine(value: Any) -> bool:
    return (
        _has_texts(value, "role", "name", "build")
        and value.keys() <= _ENGINE
        and isinstance(value.get("producer", ""), str)
    )


def _is_property(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _PROPERTY
        and (isinstance(value["seed"], str) or _is_whole(value["seed"]))
        and isinstance(value["first"], list)
        and all(isinstance(one, str) for one in value["first"])
    )


def _is_expected(value: Any) -> bool:
    """Where a mutant was planted: its stage, its layer or null for any, and whether it must be refuted there."""
    return (
        _has_texts(value, "stage")
        and value.keys() == _EXPECTED
        and isinstance(value["refuted"], bool)
        and (value["layer"] is None or is_count(value["layer"]))
    )


def _is_where(value: object) -> bool:
    return value is None or (isinstance(value, dict) and all(_is_part(one) for one in value.values()))


def _is_distance(value: Mapping[str, Any]) -> bool:
    return _is_figure_or_none(value.get("distance")) and _is_figure_or_none(value.get("bound"))


def _is_figure_or_none(value: object) -> bool:
    return value is None or _is_figure(value)


def _is_figure(value: object) -> bool:
    """A number, or the text that stands for one which JSON lacks (`nan`, `inf`)."""
    return isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool) and _sane(value))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and _sane(value)


def _is_part(value: object) -> bool:
    return not isinstance(value, (int, float)) or _sane(value)


def is_count(value: object) -> bool:
    """Whether it is a whole number from 0 that fits into 63 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def is_hex(value: object, digits: int) -> bool:
    """Whether it is a text of that many hex digits, in small letters."""
    return isinstance(value, str) and len(value) == digits and not value.strip("0123456789abcdef")


def is_time(value: object) -> bool:
    """Whether it is a date and a time with an offset (RFC 3339, section 5.6)."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _sane(value: float) -> bool:
    """Whether reports can count with it; integers of any length are compared, never converted."""
    return abs(value) <= sys.float_info.max
