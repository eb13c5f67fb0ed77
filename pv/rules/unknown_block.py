"""A top-level block that nothing reads (PV102).

Real contracts carry blocks of their own, so an unknown one is a warning. One that is nearly the name of a real block is
an error: what stands in it would never be checked. A top-level `kind` belongs under `metadata`.

Bad:

    equation:
      f: {formula: "f(x) = x"}

Good:

    equations:
      f: {formula: "f(x) = x", domain: x is a vector}
    x-history: []

Fix: `pv fix` renames a near miss, where the real block is not there and what stands in it has the shape of one.

Upstream: SCHEMA-018, SCHEMA-019.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pv.rules._problem import Problem
from pv.rules._schema import blocks
from pv.rules._written import renamed
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Contract
    from pv.types import Fix, Span

CODE = "PV102"
SEVERITY = Severity.WARNING


_TYPES = {"object": dict, "array": list, "string": str}


@functools.lru_cache(maxsize=256)
def _forms(name: str) -> set[str]:
    flat = "".join(character for character in name.lower() if character.isalnum())
    return {flat, flat.removesuffix("s"), flat.removesuffix("es")}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each top-level key that the schema does not know."""
    known = blocks(contract.kind)
    for key in contract.document.data:
        if key in known or key.startswith("x-"):
            continue
        span = contract.document.key_span(key)
        near = next((name for name in known if _forms(name) & _forms(key)), None)
        if key == "kind":
            yield Problem(span, "top-level 'kind'", "it belongs under 'metadata'", Severity.ERROR)
        elif near:
            fix = _fix(contract, key, near, known, span)
            yield Problem(span, f"unknown block {key!r}", f"did you mean {near!r}?", Severity.ERROR, fix)
        elif key in known["metadata"]["properties"]:
            yield Problem(span, f"nothing reads the block {key!r}", f"as {key!r} of 'metadata' it is known")
        else:
            yield Problem(span, f"nothing reads the block {key!r}", "blocks of your own begin with 'x-'")


def _fix(contract: Contract, key: str, near: str, known: Mapping[str, Any], span: Span) -> Fix | None:
    """The new name for `key`, if no other block has it or would get it, and the block can be what it says."""
    data = contract.document.data
    rivals = sum(bool(_forms(other) & _forms(near)) for other in data)
    types = known[near].get("type", list(_TYPES))
    fits = any(
        isinstance(data[key], _TYPES[one]) for one in ([types] if isinstance(types, str) else types) if one in _TYPES
    )
    return renamed(contract.document, span, key, near) if fits and rivals == 1 else None
