"""The manual page of a rule, taken apart: a rule's docstring is that page, and this is what reports quote of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pv.rules import all_rules

if TYPE_CHECKING:
    from pv.rules import Rule


def title(rule: Rule) -> str:
    """What a rule finds, in a few words: the first line of its page without the code."""
    return (rule.__doc__ or "").splitlines()[0].removesuffix(f" ({rule.CODE}).")


def body(rule: Rule) -> str:
    """The rest of its page: why, examples, and what upstream says."""
    return "\n".join((rule.__doc__ or "").splitlines()[1:]).strip()


@functools.cache
def titles() -> dict[str, str]:
    """The title of every code."""
    return {rule.CODE: title(rule) for rule in all_rules()}
