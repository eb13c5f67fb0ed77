"""Bugs that can be planted into parsers, to see how long fuzzing needs to find them: `run.py --plant`."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Bug(NamedTuple):
    """A bug.

    Attributes:
        target: that should find it.
        what: is wrong, for people.
        where: module and attribute (`module:Class.name`) that is replaced.
        instead: makes the replacement of what was there.
    """

    target: str
    what: str
    where: str
    instead: Callable[[Any], Any]


def _nothing(_old: Any) -> Any:
    return lambda *_given, **_named: None


def _everything(old: Any) -> Any:
    return _Everything(old)


def _with_places(old: Any) -> Any:
    """The check of a tensor's place without the one against the file's end: what is said of the alignment stays."""

    def check(cursor: Any, entry: Any, info: Any, alignment: int) -> None:
        cursor.size, size = 2**63, cursor.size
        try:
            old(cursor, entry, info, alignment)
        finally:
            cursor.size = size

    return check


PLANTED = {
    "yaml-duplicate-keys": Bug(
        "contract_yaml", "the last of two equal keys wins", "pv.load:_refuse_duplicate", _nothing
    ),
    "yaml-depth": Bug("contract_yaml", "no limit of nesting", "pv.load:MAX_DEPTH", lambda _old: 10**9),
    "yaml-digits": Bug("contract_yaml", "no limit of digits", "pv.load:_MAX_DIGITS", lambda _old: 10**9),
    "formal-nodes": Bug(
        "formal", "any expression of Python is let through", "pv.formal.language:_refuse_others", _nothing
    ),
    "formal-depth": Bug("formal", "no limit of nesting", "pv.formal.language:DEEPEST", lambda _old: 10**9),
    "config-toml": Bug("config", "keys that are unknown are let through", "pv.config:KEYS", _everything),
    "pins-tree": Bug(
        "pins", "paths may leave their tree", "pv.pins.lock:_FAULTS", lambda old: {**old, "path": lambda _value: ""}
    ),
    "gguf-end": Bug("gguf", "tensors may end behind the file", "apr.formats.gguf:_refuse_misplaced", _with_places),
    "gguf-overlap": Bug("gguf", "tensors may overlap", "apr.formats.gguf:_refuse_overlaps", _nothing),
    "gguf-count": Bug("gguf", "announced counts are believed", "apr.formats.gguf:_Cursor.need_count", _nothing),
    "gguf-need": Bug("gguf", "no check that a number is there", "apr.formats.gguf:_Cursor.need", _nothing),
    "apr-duplicate-keys": Bug(
        "apr", "the last of two equal keys wins", "apr.formats.apr.strict_json:_unique", lambda _old: dict
    ),
    "apr-constants": Bug("apr", "NaN is a number", "apr.formats.apr.strict_json:_constant", lambda _old: float),
    "apr-overlap": Bug("apr", "tensors may overlap", "apr.formats.apr.index:_IndexReader.refuse_overlaps", _nothing),
    "manifest-folder": Bug(
        "apr_manifest",
        "a shard may lie elsewhere",
        "apr.formats.apr.manifest:re",
        lambda _old: SimpleNamespace(search=lambda *_given: None),
    ),
    "capture-path": Bug(
        "capture", "a stage file may lie elsewhere", "apr.formats.aprt:stage_path", lambda _old: _Anything
    ),
    "safetensors-twice": Bug("safetensors", "a name may stand twice", "apr.formats.safetensors_file:_twice", _nothing),
    "index-check": Bug(
        "hf_index", "the index is not held against the files", "apr.formats.hf_folder:_check_index", _nothing
    ),
    "trace-duplicate-keys": Bug(
        "action_trace",
        "the last of two equal keys wins",
        "apr.actions.lines:_SCAN",
        lambda _old: json.JSONDecoder().scan_once,  # type: ignore[attr-defined]  # typeshed leaves it out
    ),
    "trace-surrogates": Bug(
        "action_trace", "half a surrogate pair is text", "apr.actions.lines:_refuse_surrogates", _nothing
    ),
    "ledger-written": Bug(
        "ledger", "a line may be written in any way", "pv.ledger.verify:_is_as_written", lambda _old: lambda *_: True
    ),
    "aliases-twice": Bug("aliases", "an alias may stand twice", "apr.yaml_text:_repeated", _nothing),
}


class _Everything(dict[str, Any]):
    """A mapping that has every key."""

    def __contains__(self, _key: object) -> bool:
        return True


class _Anything(str):
    """Text that is equal to any other."""

    __slots__ = ()

    def __ne__(self, _other: object) -> bool:
        return False

    __hash__ = str.__hash__


def place(bug: Bug) -> tuple[Any, str]:
    """What the bug is planted into, a module or a class, and the name there that it takes.

    Raises:
        LookupError: there is no such place any more.
    """
    module, _, path = bug.where.partition(":")
    owner: Any = importlib.import_module(module)
    *above, last = path.split(".")
    for step in above:
        owner = getattr(owner, step, None)
    if not hasattr(owner, last):
        raise LookupError(f"{bug.where}: there is nothing of this name")
    return owner, last


def plant(name: str) -> None:
    """Puts a bug into this process.

    Raises:
        LookupError: there is no such bug, or no such place any more.
    """
    bug = PLANTED[name]
    owner, last = place(bug)
    setattr(owner, last, bug.instead(getattr(owner, last)))
