"""One module a type of obligation: what further is drawn for it, and how an example is held against it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pv.formal.property import Property
    from pv.properties.choices import Choices
    from pv.properties.trial import Outcome, Trial


class Builder(Protocol):
    """A module of this package."""

    def further(self, choices: Choices, prop: Property, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is drawn beside the domain, by name."""

    def check(self, trial: Trial) -> Outcome:
        """Hold the property against an example.

        Raises:
            Failed: it does not hold.
        """


# type of obligation to the module that builds it
BUILDERS = {
    "invariant": "predicate",
    "conservation": "predicate",
    "ordering": "predicate",
    "completeness": "predicate",
    "soundness": "predicate",
    "postcondition": "predicate",
    "classification": "predicate",
    "bound": "bound",
    "equivalence": "equivalence",
    "monotonicity": "monotonicity",
    "idempotency": "idempotency",
    "involution": "involution",
    "roundtrip": "roundtrip",
    "associativity": "associativity",
    "linearity": "linearity",
    "symmetry": "symmetry",
    "determinism": "determinism",
    "independence": "independence",
    "frame": "frame",
}


def builder(prop: Property) -> Builder:
    """The builder of a property; an obligation's own `formal` stands for what its type says."""
    name = "predicate" if prop.is_predicate else BUILDERS[prop.type]
    module: Any = import_module(f"pv.properties.builders.{name}")
    found: Builder = module
    return found
