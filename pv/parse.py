"""Contracts as typed values: what a file says, taken as it stands. Whether it makes sense is for the rules to say."""

from __future__ import annotations

import functools
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pv import spelling
from pv.shapes import Shape, shape_of
from pv.words import SUBJECT, Expect, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pv.formal.property import Property
    from pv.load import Document
    from pv.types import Span

Word = TypeVar("Word", Expect, Level)

CLAIMS = "falsification_tests"
# The blocks whose entries are claims, the most explicit first: an id that stands in several is one claim, told by the first.
CLAIM_BLOCKS = (CLAIMS, "falsification_conditions", "invariants")
# Keys of a claim that its fingerprint leaves out: what it waits for, and what it went through, is not what it says.
_SAYS_NOTHING = frozenset({"pending", "status_history"})
_FOR_ALL = ("valid_for",)  # keys of a contract that each of its claims says unless it says them itself
# A file with one of these blocks wants to be a contract, whatever else it lacks.
CONTRACT_BLOCKS = ("equations", "proof_obligations", *CLAIM_BLOCKS[:2], "kani_harnesses")


class Equation(NamedTuple):
    """A named formula of a contract."""

    name: str
    formula: str
    data: Any
    span: Span


class Hypothesis(NamedTuple):
    """An explanation that claims test, and the wider one that it is a case of (empty where it is none)."""

    name: str
    statement: str = ""
    parent: str = ""


@dataclass(frozen=True)
class Mutant:
    """A planted fault, and the stage and layer where a falsifier must find it."""

    id: str
    stage: str
    layer: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Case:
    """One run of a claim's falsifier: with these parameters, on the honest subject or on a mutant of it."""

    params: Mapping[str, Any]
    mutant: Mutant | None = None

    @property
    def key(self) -> str:
        """The parameters as canonical JSON: no two combinations share it."""
        return canonical(dict(self.params))

    @property
    def label(self) -> str:
        """What stands in brackets in the node id; empty for the only case of a claim without parameters."""
        words = [str(value) for value in self.params.values()]
        return "-".join([*words, *([f"mutant-{self.mutant.id}"] if self.mutant else [])])


class Executable(NamedTuple):
    """An obligation of an equation whose domain is a mapping: it can be run as it is written.

    Attributes:
        data: of the whole contract.
        equation: the name of the one that the obligation applies to.
        obligation: its entry.
        subject: whose functions the contract means.
    """

    data: Mapping[str, Any]
    equation: str
    obligation: Mapping[str, Any]
    subject: str


@dataclass(frozen=True)
class Claim:
    """One entry of `falsification_tests`, or of an older block of claims, its fields under their present names."""

    contract: str
    id: str
    rule: str
    prediction: str
    if_fails: str
    test: str
    equation: str | None
    expect: Expect
    level: Level
    mutants: tuple[Mutant, ...]
    params: Mapping[str, tuple[Any, ...]]
    tolerance: Any
    domain: Any
    path: str
    index: int
    span: Span
    signed: tuple[Any, ...] = field(repr=False)  # what the fingerprint is taken over
    data: Mapping[str, Any] = field(repr=False)
    pending: tuple[Mapping[str, Any], ...] = ()
    valid_for: str | None = None
    hypothesis: str = ""
    parent: str = ""
    block: str = CLAIMS
    executable: Executable | None = field(default=None, repr=False, compare=False)

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells evidence whether the claim still says the same."""
        return fingerprint(*self.signed)

    @property
    def at(self) -> tuple[str, int]:
        """Where the entry stands in its document."""
        return self.block, self.index

    @property
    def said(self) -> Mapping[str, Any]:
        """The entry under the present names: a field that is only spelt anew says the same."""
        return spelling.present(self.data) if self.block == CLAIMS else spelling.present_of_old(self.data)

    def key(self, field: str) -> str:
        """The key under which the entry gives a field, which may be an older spelling of its name."""
        return spelling.key(self.data, field, old=self.block != CLAIMS)

    def cases(self) -> list[Case]:
        """Every run that the claim asks for: all its parameters, then each mutant at the first of them."""
        names = list(self.params)
        plain = [Case(dict(zip(names, values, strict=True))) for values in itertools.product(*self.params.values())]
        return plain + [Case(plain[0].params, mutant) for mutant in self.mutants if plain]

    @functools.cached_property
    def property(self) -> Property | None:
        """What the contract says in its language, so that no Python is needed to refute it; None if it says nothing usable.

        What keeps an obligation from being executed is for the rules to say.
        """
        if self.executable is None:
            return None
        from pv.formal.language import FormalError  # noqa: PLC0415  most contracts are prose
        from pv.formal.property import equations_of, property_of  # noqa: PLC0415  as above

        data, name, obligation, subject = self.executable
        try:
            return property_of(equations_of(data), name, obligation, subject)
        except FormalError:
            return None


@dataclass(frozen=True)
class Contract:
    """One contract file."""

    document: Document = field(repr=False)
    path: str
    name: str
    metadata: Mapping[str, Any]
    equations: Mapping[str, Equation]
    claims: tuple[Claim, ...]
    status: str | None
    status_history: tuple[Mapping[str, Any], ...]
    hypotheses: Mapping[str, Hypothesis] = field(default_factory=dict)

    @functools.cached_property
    def kind(self) -> str:
        """The kind of contract; `kernel` where the file names none, and `registry` where that is marked as one."""
        kind = _text(self.metadata.get("kind")).strip() or "kernel"
        return "registry" if kind == "kernel" and self.metadata.get("registry") is True else kind


def is_contract(document: Document) -> bool:
    """Whether the file is a contract at all: a mapping with `metadata`."""
    return shape_of(document.data) is Shape.CONTRACT


def parse(document: Document, stem: str) -> Contract:
    """Take a document that `is_contract` apart; a part of the wrong shape is left out, the rules report it."""
    data = document.data
    metadata = _mapping(data.get("metadata"))
    equations = _equations(document)
    claims = tuple(_claims(document, stem, equations))
    status = data["status"] if "status" in data else metadata.get("status")
    return Contract(
        document=document,
        path=document.source.name,
        name=stem,
        metadata=metadata,
        equations=equations,
        claims=claims,
        status=None if status is None else _text(status),
        status_history=tuple(entry for entry in _sequence(data.get("status_history")) if isinstance(entry, dict)),
        hypotheses=_hypotheses(data, claims),
    )


def canonical(value: Any) -> str:
    """`value` as JSON that does not depend on layout or on the order of keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def fingerprint(
    claim: Mapping[str, Any], equation: Any, tolerances: Sequence[Any] = (), executed: Mapping[str, Any] | None = None
) -> str:
    """The sha256 over what a claim says, over the equation it binds to, and over the tolerances that obligations give that one.

    `executed` is what is run as it stands: the obligation, and the equations whose kernels it may call.
    """
    said = {"claim": claim, "equation": equation, **({"tolerances": list(tolerances)} if tolerances else {})}
    if executed is not None:
        said["executed"] = executed
    import hashlib  # noqa: PLC0415  slow to import, and reading a contract does not need it

    return hashlib.sha256(canonical(said).encode()).hexdigest()


def _equations(document: Document) -> dict[str, Equation]:
    block = document.data.get("equations")
    entries: list[tuple[str, str | int, Any]] = []
    if isinstance(block, dict):
        entries = [(name, name, entry) for name, entry in block.items()]
    elif isinstance(block, list):
        for index, entry in enumerate(block):
            name = _text(_mapping(entry).get("id")) or f"equation_{index}"
            entries.append((name, index, entry))
    span = document.key_span if isinstance(block, dict) else document.value_span
    return {
        name: Equation(name, _text(_mapping(entry).get("formula")), entry, span("equations", step))
        for name, step, entry in entries
    }


def _claims(document: Document, contract: str, equations: Mapping[str, Equation]) -> Iterator[Claim]:
    """The claims of every block; of an older block only those that have an id, and that no block before it tells of."""
    told: set[str] = set()
    for block in CLAIM_BLOCKS:
        found = []
        for index, entry in enumerate(_sequence(document.data.get(block))):
            if isinstance(entry, dict) and (block == CLAIMS or (_text(entry.get("id")) not in {"", *told})):
                found.append(_claim(document, contract, equations, (block, index), entry))
        told.update(claim.id for claim in found)
        yield from found


def _claim(
    document: Document, contract: str, equations: Mapping[str, Equation], at: tuple[str, int], data: Mapping[str, Any]
) -> Claim:
    block, index = at
    entry = spelling.present(data) if block == CLAIMS else spelling.present_of_old(data)
    bound = _bound(equations, entry.get("binds_to"))
    # what the contract says for all its claims is said by each, so that a longer time revives no evidence
    said = {**{key: document.data[key] for key in _FOR_ALL if key in document.data}, **entry}
    executable = _executable(document.data, equations, entry.get("obligation"))
    return Claim(
        contract=contract,
        id=_text(entry.get("id")),
        rule=_text(entry.get("rule")),
        prediction=_text(entry.get("prediction")),
        if_fails=_text(entry.get("if_fails")),
        test=_text(entry.get("test")),
        equation=next(iter(bound), None),
        expect=_word(Expect, entry.get("expect"), Expect.DISCHARGED),
        level=_word(Level, entry.get("level"), Level.ALGORITHM),
        mutants=tuple(_mutant(item) for item in _sequence(entry.get("mutants")) if isinstance(item, dict)),
        params={name: tuple(_sequence(values)) for name, values in _mapping(entry.get("params")).items()},
        tolerance=entry.get("tolerance"),
        domain=entry.get("domain"),
        path=document.source.name,
        index=index,
        span=document.value_span(block, index, "id"),
        signed=(
            {key: value for key, value in said.items() if key not in _SAYS_NOTHING},
            {name: equation.data for name, equation in bound.items()} or None,
            _tolerances(document, bound),
            *([_executed(equations, executable)] if executable else []),
        ),
        data=data,
        pending=tuple(item for item in _sequence(entry.get("pending")) if isinstance(item, dict)),
        valid_for=_optional(said.get("valid_for")),
        hypothesis=_text(entry.get("hypothesis")).strip(),
        parent=_text(entry.get("parent")).strip(),
        block=block,
        executable=executable,
    )


def _hypotheses(data: Mapping[str, Any], claims: Sequence[Claim]) -> dict[str, Hypothesis]:
    """The hypotheses of the block, in its order, then those that only claims name; the first parent named counts."""
    found = {
        name: Hypothesis(name, _text(_mapping(entry).get("statement")), _text(_mapping(entry).get("parent")).strip())
        for name, entry in _mapping(data.get("hypotheses")).items()
    }
    for claim in claims:
        if claim.hypothesis:
            before = found.get(claim.hypothesis, Hypothesis(claim.hypothesis))
            found[claim.hypothesis] = before._replace(parent=before.parent or claim.parent)
    return found


def _bound(equations: Mapping[str, Equation], binds_to: Any) -> dict[str, Equation]:
    """The equations that `binds_to`, a name or a list of names, speaks of; it may name criteria as well."""
    named = [name.strip() for name in (binds_to if isinstance(binds_to, list) else [binds_to]) if isinstance(name, str)]
    return {name: equations[name] for name in named if name in equations}


def _tolerances(document: Document, bound: Mapping[str, Equation]) -> list[Any]:
    """The tolerances of the proof obligations that apply to one of the equations, in the order of the file."""
    obligations = [_mapping(entry) for entry in _sequence(document.data.get("proof_obligations"))]
    return [
        entry["tolerance"]
        for entry in obligations
        if isinstance(entry.get("applies_to"), str)
        and entry["applies_to"] in bound
        and entry.get("tolerance") is not None
    ]


def _executable(data: Mapping[str, Any], equations: Mapping[str, Equation], named: Any) -> Executable | None:
    """The one obligation that a claim names by its id, if its equation can be executed."""
    if not isinstance(named, str):
        return None
    for entry in _sequence(data.get("proof_obligations")):
        if isinstance(entry, dict) and entry.get("id") == named.strip():
            name = _text(entry.get("applies_to"))
            domain = _mapping(equations[name].data).get("domain") if name in equations else None
            if not isinstance(domain, dict):
                return None
            return Executable(data, name, entry, _text(data.get("subject")) or SUBJECT)
    return None


def _executed(equations: Mapping[str, Equation], executable: Executable) -> dict[str, Any]:
    """What decides about a claim that is run as it stands: words that only people read are left out."""
    prose = ("formula", "codomain", "invariants", "description", "plot", "property", "statement", "notes")
    parts = {name: one.data for name, one in equations.items() if isinstance(_mapping(one.data).get("domain"), dict)}
    return {
        "subject": executable.subject,
        "equation": executable.equation,
        "obligation": {key: value for key, value in executable.obligation.items() if key not in prose},
        "equations": {name: {k: v for k, v in data.items() if k not in prose} for name, data in parts.items()},
    }


def _mutant(entry: Mapping[str, Any]) -> Mutant:
    layer = entry.get("layer")
    whole = isinstance(layer, int) and not isinstance(layer, bool)
    return Mutant(_text(entry.get("id")), _text(entry.get("stage")), layer if whole else None, _text(entry.get("note")))


def _word(vocabulary: type[Word], value: Any, default: Word) -> Word:
    return vocabulary(value) if value in list(vocabulary) else default


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
