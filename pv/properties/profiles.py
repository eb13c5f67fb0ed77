"""How many examples a property is given: Hypothesis's profiles `dev`, `ci` and `nightly`."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = 1_000
NIGHTLY = 20
TOGETHER = 16  # examples a test of Hypothesis
PROFILES = ("dev", "ci", "nightly")
# Hypothesis's own of that name, and what it falls back to, say nothing about how many examples a kernel wants
_UNSAID = 100


def register() -> None:
    """Make the profiles known: `--hypothesis-profile=nightly` then means twenty times as many examples."""
    quiet = settings(database=None, deadline=None, derandomize=False)
    settings.register_profile("dev", quiet, max_examples=EXAMPLES)
    settings.register_profile("ci", quiet, max_examples=EXAMPLES, derandomize=True, print_blob=True)
    settings.register_profile("nightly", quiet, max_examples=NIGHTLY * EXAMPLES)


def examples() -> int:
    """How many examples a property is given: what the loaded profile says, a thousand where it says nothing of its own."""
    chosen = settings().max_examples
    return EXAMPLES if chosen == _UNSAID else chosen


def of_property(*, on_a_mutant: bool, each: int = 1) -> settings:
    """The settings of a property of which every test holds nearly `each` examples, rounded up.

    On a mutant, what is found is not shrunk: that it is found is all that counts.
    """
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(
        max_examples=_tests(each),
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=phases if on_a_mutant else [*phases, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )


def _tests(each: int) -> int:
    """How many tests it takes: the first holds one example, and one in eight fewer than `each`."""
    return examples() if each == 1 else 1 + math.ceil(examples() / (0.88 * each))


def most_drawn(each: int) -> int:
    """More examples than a run can come to: it ends once it has had as many as are wanted, after whole rounds of tests."""
    return examples() + _tests(each) * each
