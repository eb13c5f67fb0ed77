"""In what a contract asks for less than it did: compared with an older version of itself."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pv.durations import duration
from pv.history.figures import looser_figures, looser_tolerance, shown
from pv.history.formulas import equation_asks_less, is_executable, obligation_asks_less
from pv.parse import canonical
from pv.words import Effective, Expect, rung

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Claim, Contract, Mutant

_SCOPES = ("out_of_scope", "oos_rows")
# Keys of a claim that are compared by themselves, or whose figures are inputs and not bars.
_NOT_FIGURES = frozenset({"tolerance", "mutants", "params", "domain", "pending", "valid_for", "input", *_SCOPES})


class Kind(StrEnum):
    """What was made to ask for less."""

    TOLERANCE = "tolerance"
    FIGURE = "figure"
    BOUND = "bound"
    LEVEL = "level"
    EXPECT = "expect"
    CLAIM = "claim"
    MUTANT = "mutant"
    PARAMS = "params"
    DOMAIN = "domain"
    VALID_FOR = "valid_for"
    SCOPE = "scope"
    OBLIGATION = "obligation"
    FORMULA = "formula"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Loosening:
    """One way in which less is asked for.

    `key` is what an entry's `loosens` must name, alone or with words behind it; `text` is the key with such words, which say what
    was and what is; `claim` is the id of the claim, empty where it concerns the whole contract.
    """

    key: str
    text: str
    claim: str
    kind: Kind


def compare(old: Contract, new: Contract) -> tuple[Loosening, ...]:
    """In what `new` asks for less than `old` did, in the order of the old file; nothing if it asks for as much or more.

    What is added, made tighter, said in other words or laid out anew is no loosening. Where two versions cannot be compared, as
    a domain in prose, the change counts as one. Formulas, domains and faults of claims that
    are executed are not compared with those of a draft.
    """
    found = [*_claims(old, new), *_contract(old, new)]
    return tuple(dict.fromkeys(found))


def _claims(old: Contract, new: Contract) -> Iterator[Loosening]:
    left, right = _by_id(old), _by_id(new)
    shared_term = old.document.data.get("valid_for") != new.document.data.get("valid_for")
    for name, claims in left.items():
        pairs = itertools.zip_longest(claims, right.get(name, [])[: len(claims)])
        for was, now in pairs:
            if was is not None and now is not None:
                being_written = was.executable is not None and _is_draft(old)
                found = _claim(was, now, shared_term=shared_term)
                yield from (one for one in found if one.kind is not Kind.MUTANT or not being_written)
                named = [_plain(one.data.get("obligation")) for one in (was, now)]
                if was.executable is not None and named[0] != named[1] and not being_written:
                    text = _move("obligation", was.data.get("obligation"), now.data.get("obligation"))
                    yield _of(was, "obligation", text, Kind.FORMULA)
            elif was is not None:
                renamed = _renamed(was, left, right)
                text = f"removed (renamed to {renamed})" if renamed else "removed"
                yield Loosening(f"{name}: removed", f"{name}: {text}", name, Kind.CLAIM)


def _by_id(contract: Contract) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for claim in contract.claims:
        found.setdefault(claim.id, []).append(claim)
    return found


def _renamed(was: Claim, left: Mapping[str, list[Claim]], right: Mapping[str, list[Claim]]) -> str:
    """The id under which a claim goes on unchanged; empty if there is none."""
    said = {**was.said, "id": ""}
    fresh = (claim for name, claims in right.items() if name not in left for claim in claims)
    return next((claim.id for claim in fresh if {**claim.said, "id": ""} == said), "")


def _claim(was: Claim, now: Claim, *, shared_term: bool) -> Iterator[Loosening]:
    yield from _bars(was, now)
    yield from _reach(was, now)
    if _longer(was.valid_for, now.valid_for):
        shared = shared_term and "valid_for" not in was.data and "valid_for" not in now.data
        text = _move("valid_for", was.valid_for, now.valid_for)
        yield (
            Loosening("valid_for", text, "", Kind.VALID_FOR) if shared else _of(was, "valid_for", text, Kind.VALID_FOR)
        )


def _bars(was: Claim, now: Claim) -> Iterator[Loosening]:
    """Where the claim asks for less of what it looks at."""
    if looser_tolerance(was.tolerance, now.tolerance):
        yield _of(was, "tolerance", _move("tolerance", was.tolerance, now.tolerance), Kind.TOLERANCE)
    figures = [{key: value for key, value in claim.said.items() if key not in _NOT_FIGURES} for claim in (was, now)]
    for path, before, after in looser_figures(*figures):
        yield _of(was, path, _move(path, before, after), Kind.FIGURE)
    if now.level.rank < was.level.rank:
        yield _of(was, "level", _move("level", was.level, now.level), Kind.LEVEL)
    if now.expect is not was.expect:
        yield _of(was, "expect", _move("expect", was.expect, now.expect), Kind.EXPECT)
    for mutant in was.mutants:
        text = _vaguer(mutant, now)
        if text:
            yield _of(was, f"mutant {mutant.id}", f"mutant {mutant.id} {text}", Kind.MUTANT)


def _reach(was: Claim, now: Claim) -> Iterator[Loosening]:
    """Where the claim looks at less; a claim that names no domain is about everything."""
    for param, values in was.params.items():
        lost = _lost(values, now.params.get(param))
        if lost:
            yield _of(was, f"params {param}", f"params {param} without {', '.join(lost)}", Kind.PARAMS)
    if now.domain is not None and _plain(was.domain) != _plain(now.domain):
        yield _of(was, "domain", _move("domain", was.domain, now.domain), Kind.DOMAIN)
    for item in _added(_scope(was.data), _scope(now.data)):
        yield _of(was, f"out_of_scope {item}", f"out_of_scope {item} added", Kind.SCOPE)


def _of(claim: Claim, key: str, text: str, kind: Kind) -> Loosening:
    return Loosening(f"{claim.id}: {key}", f"{claim.id}: {text}", claim.id, kind)


def _vaguer(mutant: Mutant, now: Claim) -> str:
    """What became of a mutant, if it need not be refuted any more where it had to be; a place that moved is none the vaguer."""
    same = [one for one in now.mutants if one.id == mutant.id]
    if not same:
        return "removed"
    # a claim that is expected to be refuted has mutants that make it true, and those have no place
    if now.expect is Expect.REFUTED:
        return ""
    if mutant.layer is not None and all(one.layer is None for one in same):
        return f"may be found in any layer, not only in {mutant.layer}"
    return f"need not be found at {mutant.stage}" if mutant.stage and not any(one.stage for one in same) else ""


def _lost(values: tuple[Any, ...], now: tuple[Any, ...] | None) -> list[str]:
    left = {canonical(value) for value in now or ()}
    return [shown(value) for value in values if canonical(value) not in left]


def _contract(old: Contract, new: Contract) -> Iterator[Loosening]:
    for item in _added(_scopes(old), _scopes(new)):
        yield Loosening(f"out_of_scope: {item}", f"out_of_scope: {item} added", "", Kind.SCOPE)
    yield from _executed(old, new)
    for name, equation in old.equations.items():
        now = new.equations.get(name)
        if isinstance(equation.data, dict) and now is not None and isinstance(now.data, dict):
            for key in ("float_tolerance", "tolerance"):
                if looser_tolerance(equation.data.get(key), now.data.get(key)):
                    text = _move(f"equation {name}: {key}", equation.data.get(key), now.data.get(key))
                    yield Loosening(f"equation {name}: {key}", text, "", Kind.TOLERANCE)
    yield from _obligations(old, new)


def _executed(old: Contract, new: Contract) -> Iterator[Loosening]:
    """What is run as it is written: whose functions, and each equation."""
    if _is_draft(old):
        return
    executable = {name: one.data for name, one in old.equations.items() if is_executable(one.data)}
    was_of, now_of = (one.document.data.get("subject") for one in (old, new))
    if was_of != now_of and executable:
        yield Loosening("subject", _move("subject", was_of, now_of), "", Kind.FORMULA)
    for name, was in executable.items():
        now = new.equations.get(name)
        for path, before, after in equation_asks_less(was, now.data if now else None):
            key = f"equation {name}: {path}"
            kind = Kind.DOMAIN if path.startswith("domain") else Kind.FORMULA
            yield Loosening(key, _move(key, before, after), "", kind)


def _is_draft(contract: Contract) -> bool:
    """Whether a version declares that nothing of it was seen to hold yet: its formulas are being written, and nobody rests on them."""
    return contract.status is not None and rung(contract.status) is Effective.PROPOSED


def _obligations(old: Contract, new: Contract) -> Iterator[Loosening]:
    left, right = _obligations_of(old), _obligations_of(new)
    fresh = [entry for name, entry in right.items() if name not in left]
    for name, was in left.items():
        now = right.get(name) or next((entry for entry in fresh if _same_but_words(was, entry)), None)
        if now is None:
            key = f"obligation {name}: removed"
            yield Loosening(key, key, "", Kind.OBLIGATION)
        elif is_executable(equation := _about(old, was)):
            for path, before, after in obligation_asks_less(was, now, equation) if not _is_draft(old) else ():
                key = f"obligation {name}: {path}"
                kind = Kind.TOLERANCE if path == "tolerance" else Kind.FORMULA
                yield Loosening(key, _move(key, before, after), "", kind)
        elif looser_tolerance(was.get("tolerance"), now.get("tolerance")):
            key = f"obligation {name}: tolerance"
            yield Loosening(key, _move(key, was.get("tolerance"), now.get("tolerance")), "", Kind.TOLERANCE)


def _about(contract: Contract, obligation: Mapping[str, Any]) -> Any:
    """What the contract says of the equation that an obligation applies to."""
    named = obligation.get("applies_to")
    found = contract.equations.get(named) if isinstance(named, str) else None
    return found.data if found else None


def _obligations_of(contract: Contract) -> dict[str, Mapping[str, Any]]:
    """The proof obligations by what names them: their id, or else what they say must hold."""
    entries = contract.document.data.get("proof_obligations")
    found: dict[str, Mapping[str, Any]] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            words = next((entry[key] for key in ("id", "property", "statement") if entry.get(key) is not None), "")
            name = " ".join(str(words).split())
            same = sum(1 for other in found if other == name or other.startswith(f"{name} #"))
            found[f"{name} #{same + 1}" if same else name] = entry
    return found


def _same_but_words(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two obligations without an id differ only in how they are said."""
    words = ("property", "statement", "formal", "notes")
    left, right = ({key: value for key, value in entry.items() if key not in words} for entry in (one, other))
    return "id" not in one and left == right


def _scopes(contract: Contract) -> list[str]:
    """What a contract leaves out: at the top, in its metadata, or in its scope."""
    data = contract.document.data
    blocks = (data, contract.metadata, data.get("scope"))
    return [item for block in blocks if isinstance(block, dict) for item in _scope(block)]


def _scope(block: Mapping[str, Any]) -> list[str]:
    return [item for key in _SCOPES for item in _items(block.get(key))]


def _items(value: Any) -> list[str]:
    """The names of the things that a list, a mapping or a text leaves out."""
    if isinstance(value, dict):
        return [str(key) for key in value]
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return [_item(entry) for entry in listed if entry not in ("", None)]


def _item(entry: Any) -> str:
    if isinstance(entry, dict):
        named = next((entry[key] for key in ("id", "name", "row") if entry.get(key) is not None), canonical(entry))
        return " ".join(str(named).split())
    return " ".join(str(entry).split())


def _added(old: list[str], new: list[str]) -> list[str]:
    known = {item.casefold() for item in old}
    return [item for item in new if item.casefold() not in known]


def _longer(was: str | None, now: str | None) -> bool:
    """Whether evidence counts for longer; a span that cannot be read counts for ever."""
    before = None if was is None else duration(was)
    after = None if now is None else duration(now)
    return before is not None and (after is None or after > before)


def _plain(value: Any) -> str:
    return "" if value is None else " ".join(canonical(value).casefold().replace("\\n", " ").split())


def _move(what: str, was: Any, now: Any) -> str:
    return f"{what} {'none' if was is None else shown(was)} -> {'none' if now is None else shown(now)}"
