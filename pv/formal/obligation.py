"""The types of obligations that can be executed: what each says of a kernel, and with which keys."""

from __future__ import annotations

from typing import NamedTuple

# keys of an obligation that mean something to every type
SHARED = {
    "formal": "what is tested instead of what the type says: an expression that must be true everywhere",
    "let": "names for parts of the expressions, in order",
    "where": "only examples for which this is true",
    "forall": "further things that are drawn, or an input with another domain",
    "alpha": "probability of a false alarm in a whole run; the name `alpha` is that of one example",
}
_TOLERANCE = "how far apart, element by element: a number or an expression; without it, equal in every bit"
KEYS = {
    "between": "[low, high], expressions; null where there is no such bound",
    "to": "the expression that y is held against; default: the equation's `formal`",
    "oracle": "the subject whose function of that name y is held against",
    "tolerance": _TOLERANCE,
    "in": "the input that is meant; default: the first array",
    "direction": "`increasing` (default) or `decreasing`",
    "through": "the way back to the input",
    "under": "permutation, negation, shift, scaling or reversal",
    "axis": "the axis that is permuted or reversed; default: the last",
    "result": "`invariant` (default), `equivariant` or `odd`",
    "along": "the size along which slices are taken",
}
UNDER = ("permutation", "negation", "shift", "scaling", "reversal")
RESULTS = ("invariant", "equivariant", "odd")
DIRECTIONS = ("increasing", "decreasing")


class Kind(NamedTuple):
    """A type of obligation.

    Attributes:
        meaning: what must be true, in one line.
        needs: keys that must be there unless `formal` is; of a tuple among them, one.
        takes: keys beside those that every type takes.
        names: what `tolerance` may speak of beside sizes, inputs, `y` and constants.
    """

    meaning: str
    needs: tuple[str | tuple[str, ...], ...] = ()
    takes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


_PREDICATE = Kind("`formal` is true everywhere", ("formal",))
KINDS: dict[str, Kind] = {
    "invariant": _PREDICATE,
    "conservation": _PREDICATE,
    "ordering": _PREDICATE,
    "completeness": _PREDICATE,
    "soundness": _PREDICATE,
    "postcondition": _PREDICATE,
    "classification": _PREDICATE,
    "bound": Kind("y lies between two bounds", ("between",), ("between",)),
    "equivalence": Kind(
        "y is what `to` says, or what an oracle computes", (), ("to", "oracle", "tolerance"), names=("f",)
    ),
    "monotonicity": Kind("y(x + d) is not below y(x) for d >= 0", (), ("in", "direction", "tolerance"), names=("d",)),
    "idempotency": Kind("y(y(x)) is y(x)", (), ("in", "tolerance")),
    "involution": Kind("y(y(x)) is x", (), ("in", "tolerance")),
    "roundtrip": Kind("`through` leads back to x", ("through",), ("through", "in", "tolerance")),
    "associativity": Kind("y(y(a, b), c) is y(a, y(b, c))", (), ("tolerance",), names=("c",)),
    "linearity": Kind("y(a x + b z) is a y(x) + b y(z)", (), ("in", "tolerance"), names=("a", "b", "z", "f")),
    "symmetry": Kind(
        "y stays, or moves along, when x is moved",
        ("under",),
        ("under", "in", "axis", "result", "tolerance"),
        names=("c", "f"),
    ),
    "determinism": Kind("the same input gives the same bits, however it lies in memory"),
    "independence": Kind(
        "each slice gives what it gives within the whole", ("along",), ("along", "tolerance"), names=("f",)
    ),
    "frame": Kind("the kernel changes none of its inputs"),
}
# keys of an obligation that are not for executing it
PROSE = frozenset(
    {"id", "type", "property", "statement", "verification", "applies_to", "applies_to_phase", "parent_contract", "lean"}
    | {"requires", "na_reason", "na_owner", "notes", "description", "invariants", "references"}
)
