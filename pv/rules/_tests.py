"""What rules about tests ask: which texts of a contract say how something is tested, and where in them a word stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from pv.commandline import TestKind, kind_of
from pv.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.load import Document
    from pv.parse import Contract

# of an entry that is a claim, what else may hold a command; of the last one the output is read, not the exit status
_BESIDE = ("test", "command", "test_harness", "cross_check_command")
_READ = frozenset(("cross_check_command",))
# many rules ask the same of one document after another
_FOUND: WeakKeyDictionary[Document, tuple[Tested, ...]] = WeakKeyDictionary()


class Tested(NamedTuple):
    """A text that says how something is tested, where it stands, and whose it is."""

    path: tuple[str | int, ...]
    text: str
    kind: TestKind
    owner: str
    by_output: bool = False

    @property
    def name(self) -> str:
        """How a message names it: the key, and the claim whose it is."""
        return f"'{self.path[-1]}' of {self.owner!r}"


def tests(contract: Contract) -> tuple[Tested, ...]:
    """Every text of the contract that says how a claim is tested, or how a rule of `enforcement` is checked."""
    if contract.document not in _FOUND:
        _FOUND[contract.document] = tuple(_tests(contract))
    return _FOUND[contract.document]


def _tests(contract: Contract) -> Iterator[Tested]:
    for claim in contract.claims:
        keys = dict.fromkeys((claim.key("test"), *(key for key in _BESIDE if key in claim.data)))  # each once
        yield from _texts(claim.data, claim.at, tuple(keys), claim.id)
    enforcement = contract.document.data.get("enforcement")
    for name, entry in enforcement.items() if isinstance(enforcement, dict) else ():
        if isinstance(entry, dict):
            yield from _texts(entry, ("enforcement", name), ("check",), name)


def commands(contract: Contract) -> Iterator[Tested]:
    """Those of them that a shell could be given, and whose exit status says how they went."""
    return (one for one in tests(contract) if one.kind.is_command and not one.by_output)


def place(document: Document, one: Tested, at: int, width: int = 1) -> Span:
    """Where the character `at` of a text stands; where the text begins, if it runs over several lines or is escaped."""
    span = document.value_span(*one.path)
    line = document.source.line(span.line)
    for start in (span.col - 1, span.col):
        if one.text and "\n" not in one.text and line.startswith(one.text, start):
            return Span(span.line, start + at + 1, max(1, width))
    return span


def _texts(
    entry: Mapping[str, Any], path: tuple[str | int, ...], keys: tuple[str, ...], owner: str
) -> Iterator[Tested]:
    for key in keys:
        text = entry.get(key)
        if isinstance(text, str) and text.strip():
            yield Tested((*path, key), text, kind_of(text), owner, key in _READ)
