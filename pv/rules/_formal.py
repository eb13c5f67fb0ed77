"""What rules about executable contracts ask: which equations and obligations can be run, and what is wrong with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from pv.formal.language import FormalError, parse
from pv.formal.obligation import KINDS, SHARED
from pv.formal.property import equation_of, is_executable, property_of
from pv.rules._obligations import BLOCK, DEFAULT_TYPE, is_set_aside
from pv.rules._problem import Problem, entries
from pv.rules._references import names, obligation_ids, place, property_texts, squeezed
from pv.rules._schema import departures

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pv.formal.property import ExecutableEquation, Property
    from pv.load import Document
    from pv.parse import Claim, Contract
    from pv.types import Span

DOMAINS = frozenset({"domain", "forall"})
EXPRESSIONS = frozenset({"formal", "kernel", "let", "to", "tolerance", "where", "between", "through", "plot"})
_OF_A_PLOT = ("curves", "bars")
# several rules ask the same of one document after another
_FOUND: WeakKeyDictionary[Document, Executed] = WeakKeyDictionary()


class Fault(NamedTuple):
    """What keeps an equation or an obligation from being run, with the path to it from the top of the contract."""

    path: tuple[str | int, ...]
    error: FormalError

    @property
    def key(self) -> str:
        """The key of the equation or the obligation that it is about; empty if it is about the whole."""
        return str(self.path[2]) if len(self.path) > 2 else ""


class Executed(NamedTuple):
    """The equations and obligations of a contract that can be run, the latter by index, and what is wrong with others."""

    equations: Mapping[str, ExecutableEquation]
    properties: Mapping[int, Property]
    faults: tuple[Fault, ...]


def executed(contract: Contract) -> Executed:
    """What of a contract can be run. An obligation of an equation that cannot is not looked at."""
    if contract.document not in _FOUND:
        _FOUND[contract.document] = _executed(contract)
    return _FOUND[contract.document]


def about(contract: Contract, entry: Mapping[str, Any]) -> str | None:
    """The executable equation that an obligation is about; None if it is about none."""
    name = entry.get("applies_to")
    found = contract.equations.get(name) if isinstance(name, str) else None
    return found.name if found and is_executable(found.data) and not is_set_aside(entry) else None


def cited(contract: Contract, claim: Claim) -> list[int]:
    """The obligations, by index, that a claim says it tests."""
    ids, texts = obligation_ids(contract), property_texts(contract)
    found = []
    for name in names(claim.data.get("obligation"), split=True):
        at = place(name.text)
        index = ids.get(name.text, texts.get(squeezed(name.text), at[1] if at and at[0] == BLOCK else None))
        if index is not None:
            found.append(index)
    return list(dict.fromkeys(found))


def is_about_keys(contract: Contract, fault: Fault) -> bool:
    """Whether an obligation has an expression that its type does not take; what its text says does not matter then."""
    if fault.path[0] != BLOCK:
        return False
    kind = KINDS.get(type_of(contract.document.data[BLOCK][fault.path[1]]))
    return fault.key not in {*SHARED, *(kind.takes if kind else ())}


def reads_the_result(contract: Contract, name: str) -> bool:
    """Whether `formal` of an executable equation reads `y`."""
    data = contract.equations[name].data
    formal = data.get("formal") if is_executable(data) else None
    try:
        return formal is not None and "y" in parse(formal).names
    except FormalError:  # PV242 says what is wrong with it
        return False


def told(contract: Contract, fault: Fault) -> Problem:
    """A fault as a problem, at the character that it is about where there is one."""
    message, _, remedy = fault.error.message.partition("; ")
    owner = " ".join(str(step) for step in fault.path[:1]).removesuffix("s")
    where = f"{_OWNERS.get(owner, owner)} {_name(fault.path[1])}"
    what = _dotted(fault.path[2:])
    return Problem(_span(contract.document, fault), f"{where}{f', {what}' if what else ''}: {message}", remedy or None)


def type_of(entry: Mapping[str, Any]) -> str:
    """The type of an obligation."""
    return str(entry.get("type") or DEFAULT_TYPE)


_OWNERS = {"proof_obligation": "proof obligation"}


def _name(step: str | int) -> str:
    return str(step + 1) if isinstance(step, int) else repr(step)


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _executed(contract: Contract) -> Executed:
    equations: dict[str, ExecutableEquation] = {}
    properties: dict[int, Property] = {}
    faults: list[Fault] = []
    block = contract.document.data.get("equations")
    for index, entry in enumerate(block if isinstance(block, list) else ()):
        if is_executable(entry):
            error = FormalError("only equations under names are run; write them as a mapping")
            faults.append(Fault(("equations", index), error))
    for name, one in contract.equations.items() if isinstance(block, dict) else ():
        try:
            if is_executable(one.data):
                equations[name] = equation_of(name, one.data)
                _plot(one.data.get("plot"), [part for part, _ in equations[name].let])
            elif isinstance(one.data, dict):
                _shown(one.data)
        except FormalError as error:
            faults.append(Fault(("equations", name, *error.path), error))
    subject = str(contract.document.data.get("subject") or "kernels")
    for index, entry in entries(contract, BLOCK):
        name_of = about(contract, entry)
        if name_of in equations:
            try:
                properties[index] = property_of(equations, name_of, entry, subject)
            except FormalError as error:
                faults.append(Fault((BLOCK, index, *error.path), error))
    return Executed(equations, properties, tuple(one for one in faults if not _is_told(contract, one)))


def _shown(data: Mapping[str, Any]) -> None:
    """Read what an equation whose domain is in words has for its page; nothing evaluates it on inputs.

    Raises:
        FormalError: something is not of the language, or could only be run.
    """
    if data.get("kernel") is not None:
        raise FormalError(
            "nothing calls it, for the domain is in words; write the domain as a mapping", path=("kernel",)
        )
    let = data.get("let")
    parts = let if isinstance(let, dict) else {}
    for path, text in ((("formal",), data.get("formal")), *((("let", name), part) for name, part in parts.items())):
        if text is not None:
            try:
                parse(text)
            except FormalError as error:
                raise error.below(*path) from None
    _plot(data.get("plot"), list(parts))


def _plot(plot: Any, parts: Collection[str]) -> None:
    """Read the expressions of a picture, which are about what its axis names and about nothing that is drawn.

    Raises:
        FormalError: one of them is not of the language.
    """
    given = plot if isinstance(plot, dict) else {}
    axes = {str(key) for key in given if key not in ("title", "caption", "log", *_OF_A_PLOT)}
    for key in _OF_A_PLOT:
        curves = given.get(key)
        for label, text in curves.items() if isinstance(curves, dict) else ():
            try:
                parse(text).check({*axes, *parts})
            except FormalError as error:
                raise error.below("plot", key, label) from None


def _is_told(contract: Contract, fault: Fault) -> bool:
    """Whether PV101 or PV103 speaks of the same value."""
    if fault.key in DOMAINS and len(fault.path) > 3:
        return False  # what stands inside a domain is told by the rule about domains alone
    for one in departures(contract.document):
        if one.keyword == "additionalProperties":
            if one.path == fault.path[: len(one.path)] and len(fault.path) > len(one.path):
                key = fault.path[len(one.path)]
                if key in one.value and key not in one.known:
                    return True
        elif one.path and one.path == fault.path[: len(one.path)] and len(one.path) > 2:
            return True
    return False


def _span(document: Document, fault: Fault) -> Span:
    """The character that a fault is about; the key, if a mapping or a list is meant; the whole entry where a key is missing."""
    value: Any = document.data
    for step in fault.path:
        if isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, (dict, list)) and isinstance(fault.path[-1], str):
        return document.key_span(*fault.path)
    span = document.value_span(*fault.path)
    if not isinstance(value, str) or fault.error.offset is None:
        return span
    return _inside(document, span, value, fault.error.offset)


def _inside(document: Document, span: Span, text: str, offset: int) -> Span:
    """Where the character `offset` of a scalar stands: quotes, folding and indentation are walked over, escapes are not."""
    source = document.source.text
    at = document.source.offset(span)
    if source[at : at + 1] in {"|", ">"}:
        at = source.find("\n", at)
    elif source[at : at + 1] in {"'", '"'}:
        at += 1
    for sign in text[:offset]:
        if sign.isspace():
            continue
        while source[at : at + 1].isspace():
            at += 1
        if source[at : at + 1] != sign:
            return span
        at += 1
    while source[at : at + 1].isspace() and offset < len(text):
        at += 1
    return document.source.locate(at)
