"""Questions about proof obligations: which are set aside, which are tested, which hold a field of another type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.rules._problem import Problem, entries, is_blank
from pv.rules._references import names, obligation_ids, place, property_texts, squeezed
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pv.parse import Contract

BLOCK = "proof_obligations"
NA_FIELDS = ("na_reason", "na_owner")
DEFAULT_TYPE = "invariant"


def is_set_aside(entry: Mapping[str, Any]) -> bool:
    """Whether the obligation says of itself that it does not apply."""
    return entry.get("applies_to") == "not_applicable"


def is_open(entry: Mapping[str, Any]) -> bool:
    """Whether a claim has to test the obligation: it applies, and does not name itself what discharges it."""
    return not is_set_aside(entry) and not entry.get("discharged_by")


def tested(contract: Contract) -> set[int] | None:
    """The obligations, by index, that claims say they test, by id, by property or by place; None if no claim says it."""
    told = [name for claim in contract.claims for name in names(claim.data.get("obligation"), split=True)]
    bound = [name.text for claim in contract.claims for name in names(claim.data.get("binds_to"), split=True)]
    ids = obligation_ids(contract)
    found = {ids[name] for name in bound if name in ids}
    if not told:
        return found or None
    texts = property_texts(contract)
    for name in told:
        at = place(name.text)
        if name.text in ids:
            found.add(ids[name.text])
        elif squeezed(name.text) in texts:
            found.add(texts[squeezed(name.text)])
        elif at and at[0] == BLOCK:
            found.add(at[1])
    return found


def misplaced(contract: Contract, field: str, types: Sequence[str]) -> Iterator[Problem]:
    """Each obligation that has `field` and is of none of the types that it belongs to; of a misspelt type PV103 speaks."""
    for index, entry in entries(contract, BLOCK):
        kind = entry.get("type", DEFAULT_TYPE)
        if is_blank(entry.get(field)) or kind in types or (isinstance(kind, str) and did_you_mean(kind, types, 0.85)):
            continue
        span = contract.document.key_span(BLOCK, index, field)
        wanted = " or ".join(types)
        message = f"{field} belongs to a {wanted}; proof obligation {index + 1} is of type {kind!r}"
        yield Problem(span, message, f"make it a {wanted}, or take {field} out")
