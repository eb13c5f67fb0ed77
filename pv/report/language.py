"""The reference of the language of executable contracts as Markdown, out of the tables that the harness works by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.formal.domain import DTYPES
from pv.formal.domain import KEYS as OF_AN_INPUT
from pv.formal.functions import FUNCTIONS
from pv.formal.language import CONSTANTS, DEEPEST, LONGEST, ROUNDING
from pv.formal.obligation import KEYS, KINDS, RESULTS, SHARED, UNDER
from pv.report.language_examples import CONTRACT, EXPRESSIONS, OBLIGATIONS, VALUES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_KINDS_OF_FUNCTIONS = {
    "elementwise": "Element by element",
    "reduction": "Of many elements one; the axis stays, with length 1, so that `x / sum(x)` is row by row",
    "shape": "Elements in another order or shape",
    "number": "Numbers",
    "test": "Tests",
}
_MOVES = {
    "permutation": "elements along `axis` change places",
    "negation": "x becomes -x",
    "shift": "`c` is added; `tolerance` may speak of it",
    "scaling": "multiplied by `c`, a power of two; `tolerance` may speak of it",
    "reversal": "the order along `axis` is turned round",
}
_RESULTS = {
    "invariant": "y stays what it is",
    "equivariant": "y is moved as the input was",
    "odd": "y changes its sign",
}

_HEAD = """\
# The language of executable contracts

An equation whose `domain` is a mapping is *executable*: its inputs are drawn, the subject's function is called, and each obligation that
applies to the equation is held against what came out. A claim that names such an obligation needs no Python. How to begin:
[kernel contracts](../how-to/kernel-contracts.md). What is wrong with one, and at which character, `pv validate` says
([PV241 to PV247](rules.md#pv241)).

Expressions are read by Python's parser, of which listed kinds of nodes are let through; they are never executed as Python. What is in
words (`formula`, `property`, `codomain`, `invariants`, a domain that is a text) is for people and decides nothing."""

_EQUATION = {
    "domain": "what is drawn; a mapping makes the equation executable",
    "kernel": "how the subject is called, as `rms_norm(x, w, eps)`; default: the equation's name with the inputs of the domain in their order",
    "formal": "what is right, by the inputs; it is computed in float64 and does not speak of `y`",
    "let": "names for parts of expressions, in order; obligations may use them",
    "plot": "a picture for the contract's page: `{x: [-6, 6], curves: {label: expression}}`, with `title`, `caption`, `log: [y]`; or `bars`",
}

_DOMAIN = """\
A domain lists sizes and inputs in the order in which they are drawn; what is drawn may speak of what stands above it.

* A **size** is `1..64` (both possible, expressions allowed: `k..2 * k`), a list of choices (`[32, 64]`), or a number. It may stand inside
  the mapping of the input that it shapes.
* An **input** is a mapping with a `dtype`. With a `shape` it is an array; without, a scalar, which the kernel gets as a number of Python.
  It needs one of `range`, `values` and `bits`, unless it is of `u8` or `bool`."""

_DRAWN = """\
Of a range there are drawn: small whole numbers, numbers spread evenly and by exponent, ties, one outlier among small ones, the ends, both
zeros, subnormal numbers and the neighbours of 1. A counterexample is made smaller until it shows little else than what is wrong.
`forall` of an obligation is a domain as well: it adds to that of the equation, or takes the place of entries of the same name. `where`
leaves out examples; one that leaves out nearly all makes a claim slow, or inconclusive."""

_EXPRESSIONS = f"""\
An expression is a text of at most {LONGEST} characters, nested no deeper than {DEEPEST}, or a number. There are:

* `+ - * / // % **` and `@`, the product of matrices; comparisons, also in chains (`0 <= y <= 1`); `and`, `or`, `not` and
  `a if c else b`, all element by element;
* indices and slices: `x[i]`, `x[:k]`, `x[..., None, 0]`;
* the functions below, with arguments by name where they have some;
* calls of the subject's functions by their names: `softmax(x + c)`. What was computed is rounded to the dtype that the domain of
  the equation of that kernel gives the parameter; inputs, slices of them and results of kernels are handed on as they are.

Inputs and results keep their dtype until something is computed with them; all computing is done in float64, of whole numbers in int64.
There are no attributes, texts, lambdas, comprehensions or assignments; `let` names parts.

| name | value |
| --- | --- |
| names of the domain, of `let`, of `forall` | what was drawn or computed |
| `y` | what the kernel gave, in obligations only; a tuple is indexed: `y[0]` |
| `f` | in `tolerance`: the value that y is held against |
| `alpha` | `alpha` of the obligation, divided by the number of examples |"""

_CLAIMS = """\
A claim is executable if its `obligation` is the id of one obligation of an executable equation, and no falsifier in Python is bound to
it. `binds_to` names the equation; so does the `stage` of its mutants. The default profile tries 1,000 examples a claim
(`--hypothesis-profile=ci` always the same ones, `nightly` 20,000). A kernel that raises is refuted.

`subject` at the top of the contract says whose functions are meant, `kernels` where it says nothing. `[tool.pv.subjects]` of pyproject.toml
gives the name a module and one with planted faults:

```toml
[tool.pv.subjects]
kernels = { module = "mypackage.kernels", mutants = "mypackage.faults" }
scipy = "mypackage.scipy_kernels"
```

`MUTANTS` of the latter maps each mutant's name to something with a `function`, the name of the one that it stands in for, and a `call`.
`pytest -m falsify --subject kernels=other.module` judges another module instead. An obligation with `oracle: scipy` holds y against that subject's
function of the same name; where the producers of the two differ, the evidence is *independent*."""


def language_page(made: str) -> str:
    """The whole page; `made` is the comment that says where it comes from."""
    parts = [made, _HEAD, "## Equations", table(("key", "what it says"), _coded(_EQUATION))]
    parts += ["## Domains", _DOMAIN, table(("key of an input", "what it says"), _coded(OF_AN_INPUT))]
    parts += [table(("dtype", "elements"), _coded(DTYPES)), _DRAWN]
    parts += ["## Expressions", "\n".join([_EXPRESSIONS, *_constants()])]
    for kind, heading in _KINDS_OF_FUNCTIONS.items():
        rows = [(f"`{one.usage}`", one.meaning) for one in FUNCTIONS.values() if one.kind == kind]
        parts += [f"### {heading}", table(("function", "what it gives"), rows)]
    parts += [_examples(), "## Obligations", "Every type takes", table(("key", "what it says"), _coded(SHARED))]
    types = [
        (f"`{name}`", kind.meaning, _words(kind.needs), _words(kind.takes), _words(kind.names))
        for name, kind in KINDS.items()
    ]
    parts += ["and is true if", table(("type", "true if", "needs", "takes", "`tolerance` may speak of"), types)]
    parts += [
        "An obligation of another type can be run by its `formal`; so can one of these, and then what its type says is not looked at."
    ]
    parts += [table(("key", "what it says"), _coded(KEYS))]
    parts += [table(("`under`", "what is done"), _coded({word: _MOVES[word] for word in UNDER}))]
    parts += [table(("`result`", "what becomes of y"), _coded({word: _RESULTS[word] for word in RESULTS}))]
    parts += [
        "### One of each type",
        "Of these equations",
        _yaml(CONTRACT),
        "all of these are true:",
        _yaml(OBLIGATIONS),
    ]
    parts += ["## Claims and subjects", _CLAIMS]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _examples() -> str:
    said = ", ".join(f"`{name} = {value}`" for name, value in VALUES.items())
    rows = [(f"`{text}`", f"`{value}`") for text, value in EXPRESSIONS.items()]
    return "\n\n".join(("### Examples", f"With {said}:", table(("expression", "value"), rows)))


def _constants() -> Iterator[str]:
    for name, meaning in {**ROUNDING, **CONSTANTS}.items():
        yield f"| `{name}` | {meaning} |"


def _coded(rows: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"`{name}`", text) for name, text in rows.items()]


def _words(names: Iterable[str | tuple[str, ...]]) -> str:
    return ", ".join(
        f"`{name}`" if isinstance(name, str) else " or ".join(f"`{one}`" for one in name) for name in names
    )


def _yaml(text: str) -> str:
    return f"```yaml\n{text.strip()}\n```"
