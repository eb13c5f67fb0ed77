"""The manual page of a rule, taken apart: a rule's docstring is that page, and this is what reports quote of it."""

from __future__ import annotations

import functools
import re
import textwrap
from typing import TYPE_CHECKING

from pv.policy import Policy
from pv.rules import all_rules
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pv.rules import Rule

# what the rules are about, by the beginning of their codes; the longest counts
FAMILIES = {
    "PV0": "reading a file",
    "PV1": "keys and spelling",
    "PV2": "structure",
    "PV24": "predictions, and what is executable",
    "PV3": "references, words, history and dates",
    "PV4": "the command of a test",
    "PV5": "kinds of contract",
    "PV6": "binding registries",
    "PV9": "ignores",
}


def title(rule: Rule) -> str:
    """What a rule finds, in a few words: the first line of its page without the code."""
    return next(iter((rule.__doc__ or "").splitlines()), "").removesuffix(f" ({rule.CODE}).")


def body(rule: Rule) -> str:
    """The rest of its page: why, examples, and what upstream says."""
    return "\n".join((rule.__doc__ or "").splitlines()[1:]).strip()


def mends(rule: Rule) -> bool:
    """Whether `pv fix` mends what the rule finds, or some of it."""
    return re.search(r"^Fix:", rule.__doc__ or "", re.MULTILINE) is not None


def ignorable(rule: Rule) -> bool:
    """Whether a project can leave the rule out."""
    return not Policy(ignore=(rule.CODE,)).allows(rule.CODE)


@functools.cache
def titles() -> dict[str, str]:
    """The title of every code."""
    return {rule.CODE: title(rule) for rule in all_rules()}


def family(code: str) -> str:
    """What the rules beside this one are about."""
    return next((FAMILIES[code[:length]] for length in range(len(code), 0, -1) if code[:length] in FAMILIES), "others")


def families(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """The rules by what they are about, in the order of their codes."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(family(rule.CODE), []).append(rule)
    return found


def page(rule: Rule, columns: int) -> str:
    """The whole page: what stands in the rule, as wide as asked for, and what is to be done about such a finding."""
    parts = [f"{title(rule)} ({rule.CODE}).", *_wrapped(body(rule), columns), *_wrapped(_remedy(rule), columns)]
    return "\n\n".join(parts)


def _remedy(rule: Rule) -> str:
    severity = f"Severity: {rule.SEVERITY}" + (", mended by `pv fix`." if mends(rule) else ".")
    if not ignorable(rule):
        return f"{severity} It cannot be ignored: a file that cannot be read says nothing about its contract."
    ignored = f"  # pv: ignore[{rule.CODE}] why it may stand"
    other = "warning" if rule.SEVERITY is Severity.NOTE else "note"
    project = f'[tool.pv.validate]\n    ignore = ["{rule.CODE}"]\n    severity = {{{rule.CODE} = "{other}"}}'
    return (
        f"{severity} To let one finding stand, end its line with a comment; for the whole project, take one of two lines "
        f"in pyproject.toml:\n\n  {ignored}\n\n    {project}"
    )


def _wrapped(text: str, columns: int) -> Iterator[str]:
    """The paragraphs of a text; examples, which are indented, and lists stay as they are."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        as_it_is = paragraph.startswith((" ", "- ", "* "))
        yield (
            paragraph
            if as_it_is
            else textwrap.fill(paragraph, max(columns, 40), break_long_words=False, break_on_hyphens=False)
        )
