"""Falsifiers to be written, as Python: one function a claim, bound to it, that says it is not written yet."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from keyword import iskeyword
from typing import TYPE_CHECKING

from pv.report.console import escape
from pv.words import Expect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pv.parse import Claim, Mutant

_COLUMNS = 110
_WORDS = 7  # of a rule, in the name of a function
_LEADING = frozenset(
    [
        "a",
        "an",
        "and",
        "as",
        "at",
        "by",
        "for",
        "from",
        "if",
        "in",
        "is",
        "its",
        "no",
        "of",
        "on",
        "or",
        "that",
        "the",
        "to",
        "with",
    ]
)  # no name ends so
_NAMES = ("Evidence", "Inconclusive", "Mutant", "falsifies")
_TAKEN = frozenset({*_NAMES, "evidence", "mutant"})


def names_needed(claims: Sequence[Claim]) -> tuple[str, ...]:
    """What the functions of these claims import from `pv`."""
    return tuple(name for name in _NAMES if name != "Mutant" or any(claim.mutants for claim in claims))


def function(claim: Claim, name: str, known: Mapping[str, str]) -> str:
    """The falsifier of a claim under this name; `known` says what the module calls the names of `pv`.

    It raises `Inconclusive`: a claim whose falsifier is not written is never discharged, nor refuted.
    """
    place = escape(f"{claim.path}:{claim.span.line}:{claim.span.col}")
    arguments = [f"evidence: {known['Evidence']}"]
    arguments += [f"mutant: {known['Mutant']} | None"] if claim.mutants else []
    arguments += [f"{one}: {_type(values)}" for one, values in claim.params.items()]
    reason = literal(f"the falsifier of {claim.id} is not written")
    return "\n".join(
        [
            f"# {place}",
            f"@{known['falsifies']}({literal(claim.contract)}, {literal(claim.id)})",
            f"def {name}({', '.join(arguments)}) -> None:",
            *_docstring(claim),
            f"    raise {known['Inconclusive']}({literal('not written')}, {reason})",
            "",
        ]
    )


def function_name(claim: Claim, taken: set[str]) -> str:
    """A name for the falsifier of a claim, from the words of its rule, that nothing in `taken` has; it is put there."""
    rule = "" if claim.rule.startswith("FILL IN") else claim.rule
    found = _slug(rule, _WORDS) or _slug(claim.id, 20) or "claim"
    for name in (found, f"{found}_{_slug(claim.id, 20) or 'claim'}"):
        if name not in taken | _TAKEN:
            taken.add(name)
            return name
    number = next(number for number in range(2, len(taken) + 3) if f"{found}_{number}" not in taken)
    taken.add(f"{found}_{number}")
    return f"{found}_{number}"


def literal(text: str) -> str:
    """`text` as a literal of Python, in double quotes where it holds none."""
    return '"' + repr("'" + text)[2:] if '"' not in text else repr(text)


def _docstring(claim: Claim) -> list[str]:
    """What the claim says, in lines that end no string and say nothing to Python."""
    told = [("Prediction", claim.prediction), ("If it fails", claim.if_fails)]
    told += [("Expected", "to be refuted; a mutant makes it true")] if claim.expect is Expect.REFUTED else []
    told += [("Mutants", "; ".join(_mutant(one) for one in claim.mutants))] if claim.mutants else []
    lines: list[str] = []
    first = claim.rule or claim.prediction or claim.id
    for head, text in [("", first), *((f"{head}: ", text) for head, text in told if text.strip())]:
        plain = escape(" ".join(text.split())).replace("\\", "\\\\").replace('"', '\\"')
        wrapped = textwrap.wrap(head + plain, _COLUMNS, break_long_words=False, break_on_hyphens=False)
        lines += ([""] if lines else []) + wrapped
    lines[0] = f'"""{lines[0]}'
    return [f"    {line}".rstrip() for line in ([*lines, '"""'] if len(lines) > 1 else [f'{lines[0]}"""'])]


def _mutant(one: Mutant) -> str:
    stage = f" at {one.stage}" if one.stage else ""
    return f"{one.id}{stage}" + ("" if one.layer is None else f", layer {one.layer}")


def _type(values: Sequence[object]) -> str:
    kinds = {type(value) for value in values}
    if kinds <= {int, float} and float in kinds:
        return "float"
    return kinds.pop().__name__ if len(kinds) == 1 and kinds <= {bool, int, str} else "object"


def _slug(text: str, most: int) -> str:
    """The first words of a text as a name of Python; empty if it has none that can begin one."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)[:most]
    while len(words) > 1 and words[-1] in _LEADING:
        words.pop()
    name = "_".join(words)
    # pytest would take a function called test_… for one of its own where falsifiers stand beside tests
    name = f"claim_{name}" if name[:1].isdigit() or name.startswith("test") else name
    return f"{name}_" if iskeyword(name) else name
