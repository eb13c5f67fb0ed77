"""Reading what names something else: lists of names, places in a list, ids, and claims of other contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pv.pattern import lazy
from pv.rules._problem import entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Contract

_ID = lazy(r"[A-Z][A-Z0-9]*(?:[-_.][A-Za-z0-9]+)*-[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")
_PLACE = lazy(r"(\w+)\[(-?\d{1,9})\]")
_FOREIGN = lazy(r"([A-Za-z0-9][\w.-]*?)(?:\.ya?ml)?(?:#|::|:)([A-Za-z][\w.-]*)")
_VERSIONED = lazy(r".+-v\d+(?:\.\d+)*")
_LONGEST = 1_000  # of a text that lists ids; prose is longer
_SEPARATOR = lazy(r"\s*(?:[,;&+]|\band\b)\s*")


class Name(NamedTuple):
    """One name in a field: its text, and the path of the value that holds it."""

    text: str
    path: tuple[str | int, ...]


def names(value: Any, *path: str | int, split: bool = False) -> Iterator[Name]:
    """Every name that a text or a list of texts holds; with `split`, one text may hold several ids."""
    listed = enumerate(value) if isinstance(value, list) else [(None, value)]
    for index, item in listed:
        if isinstance(item, str) and item.strip():
            at = path if index is None else (*path, index)
            parts = [part for part in _SEPARATOR.split(item.strip()) if part] if split and len(item) <= _LONGEST else []
            several = len(parts) > 1 and all(is_id(part) for part in parts)
            yield from (Name(part, at) for part in (parts if several else [item.strip()]))


def is_id(text: str) -> bool:
    """Whether a text has the shape of an id, as in `FALSIFY-A-001`, `SM-INV-001`, `AC-7`; fields of prose hold more than that."""
    return len(text) <= 200 and _ID.fullmatch(text) is not None


def place(text: str) -> tuple[str, int] | None:
    """The block and the index that `falsification_tests[0]` names; None if the text is no place in a list."""
    found = _PLACE.fullmatch(text)
    return (found[1], int(found[2])) if found else None


def foreign(text: str) -> tuple[str, str] | None:
    """The contract and the id that `contract-v1:ID`, `contract-v1#ID` or `contract-v1.yaml::ID` names; None if it is none."""
    found = _FOREIGN.fullmatch(text) if len(text) <= 300 else None
    if found and (_VERSIONED.fullmatch(found[1]) or ".y" in text) and is_id(found[2]):
        return found[1], found[2]
    return None


def stem(text: str) -> str:
    """The name of a contract out of its name, its file's name or its path."""
    return text.strip().rpartition("/")[2].removesuffix(".yaml").removesuffix(".yml")


def obligations(contract: Contract) -> list[tuple[int, Mapping[str, Any]]]:
    """The proof obligations with their index."""
    return list(entries(contract, "proof_obligations"))


def obligation_ids(contract: Contract) -> dict[str, int]:
    """The index of each obligation that has an id, by that id."""
    found: dict[str, int] = {}
    for index, entry in obligations(contract):
        if isinstance(entry.get("id"), (str, int, float)) and not isinstance(entry["id"], bool):
            found.setdefault(str(entry["id"]).strip(), index)
    return found


def property_texts(contract: Contract) -> dict[str, int]:
    """The index of each obligation by what it states, blanks and case left out of account."""
    found: dict[str, int] = {}
    for index, entry in obligations(contract):
        for key in ("property", "statement"):
            if isinstance(entry.get(key), str):
                found.setdefault(squeezed(entry[key]), index)
    return found


def squeezed(text: str) -> str:
    """A text with its case and its runs of blanks evened out, for comparison."""
    return " ".join(text.split()).casefold()
