"""Expressions of contracts: a text that Python's parser reads and of which only listed kinds of nodes are let through.

The text is never compiled or executed. `pv.properties.evaluate` walks the tree; everything that the tree may hold is listed here.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pv.formal.functions import FUNCTIONS
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LONGEST = 2000  # characters of an expression
DEEPEST = 60  # nodes inside one another
LARGEST = 2**53  # of whole numbers; all below are exact in float64
# names that every expression may use; `y`, `f` and `alpha` only where there is such a thing
CONSTANTS = {"pi": "3.14159…", "inf": "infinity", "nan": "not a number", "true": "holds", "false": "does not hold"}
ROUNDING = {
    "u": "unit roundoff of y's dtype, or of a finer one that an input has: 2^-24 for f32, 2^-11 for f16, 2^-8 for bf16, 2^-53 for f64",
    "tiny": "the smallest normal number of y's dtype",
    "smallest": "the smallest subnormal number of y's dtype",
}

_NEVER = "\0\\\"'`;{}"  # signs
_OPERATORS = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult),
    *(ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)
_NODES = (
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Name, ast.Constant, ast.Subscript, ast.Slice),
    *(ast.Tuple, ast.List, ast.Call, ast.keyword),
)
_INSTEAD = {
    ast.Attribute: "has no attributes: write f(x), not x.f()",
    ast.Lambda: "has no functions of its own: name a part under 'let'",
    ast.NamedExpr: "assigns nothing: name a part under 'let'",
    ast.BitXor: "writes powers as **",
    ast.BitAnd: "writes 'and' for &",
    ast.BitOr: "writes 'or' for |",
    ast.Invert: "writes 'not' for ~",
    ast.Starred: "has no starred arguments",
    ast.In: "has no 'in': compare with ==",
    ast.Is: "has no 'is': compare with ==",
}


class FormalError(Exception):
    """Something of a contract is not of the language.

    Attributes:
        message: what, and what to write instead.
        offset: the character of the text that it is about, from 0; None where it is about no single one.
        path: keys below the value that was read, to the part that it is about.
    """

    def __init__(self, message: str, offset: int | None = None, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message, self.offset, self.path = message, offset, path

    def below(self, *path: str | int) -> FormalError:
        """The same, seen from further above."""
        return FormalError(self.message, self.offset, (*path, *self.path))


@dataclass(frozen=True)
class Expression:
    """A text of the language and its tree."""

    text: str
    tree: ast.expr = field(repr=False, compare=False)

    @property
    def names(self) -> frozenset[str]:
        """The names that stand for values."""
        called = {id(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call)}
        return frozenset(
            node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name) and id(node) not in called
        )

    @property
    def calls(self) -> frozenset[str]:
        """The names of what is called."""
        return frozenset(node.func.id for node in _calls(self.tree) if isinstance(node.func, ast.Name))

    def check(self, names: Collection[str], kernels: Collection[str] | None = None) -> None:
        """Refuse names that stand for nothing.

        Args:
            names: what there is beside the constants.
            kernels: functions that may be called beside the language's own; None for any.

        Raises:
            FormalError: a name is none of these.
        """
        known = {*names, *CONSTANTS}
        called = {id(node.func) for node in _calls(self.tree)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and id(node) not in called and node.id not in known:
                if node.id in FUNCTIONS:
                    raise FormalError(f"{node.id!r} is a function: call it", node.col_offset)
                fix = did_you_mean(node.id, known) or f"there is {', '.join(sorted(known - set(CONSTANTS)))}"
                raise FormalError(f"nothing is called {node.id!r}; {fix}", node.col_offset)
        if kernels is None:
            return
        for call in _calls(self.tree):
            name = call.func.id if isinstance(call.func, ast.Name) else ""
            if name not in FUNCTIONS and name not in kernels:
                fix = did_you_mean(name, [*FUNCTIONS, *kernels]) or "see docs/reference/contract-language.md"
                raise FormalError(f"there is no function {name!r}; {fix}", call.col_offset)


def parse(value: object) -> Expression:
    """The expression that a value of a contract is: a text, or a number.

    Raises:
        FormalError: it is neither, or not of the language.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise FormalError("an expression is a text or a number")
    text = value if isinstance(value, str) else repr(value)
    if not text.strip():
        raise FormalError("an expression must not be empty")
    if len(text) > LONGEST:
        raise FormalError(f"an expression of {len(text)} characters; the longest has {LONGEST}: name parts under 'let'")
    if "#" in text:
        raise FormalError("'#' is not of the language: a comment stands in the YAML", text.index("#"))
    for sign in _NEVER:
        if sign in text:
            raise FormalError(f"{sign!r} is not of the language", text.index(sign))
    lead = len(text) - len(text.lstrip())
    line = text[lead:].replace("\n", " ").replace("\r", " ").replace("\t", " ").replace("\f", " ")
    tree = _read(line, lead)
    _refuse_others(tree, 0)
    return Expression(text, tree)


def _read(line: str, lead: int) -> ast.expr:
    if not line.isascii():
        at = next(place for place, sign in enumerate(line) if not sign.isascii())
        raise FormalError(f"{line[at]!r} is not of the language, which is ASCII", lead + at)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of texts that are refused below anyway
            tree = ast.parse(line, mode="eval").body
    except SyntaxError as problem:
        at = problem.offset - 1 if problem.offset else len(line)  # 0 where the text ends too early
        raise FormalError(f"not an expression: {problem.msg}", lead + min(at, len(line))) from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as problem:
        raise FormalError(f"not a usable expression: {str(problem) or 'nested too deep'}") from None
    if lead:
        for node in ast.walk(tree):
            if isinstance(node, (ast.expr, ast.keyword)):
                node.col_offset += lead
    return tree


def _refuse_others(node: ast.AST, depth: int, index: bool = False) -> None:
    offset = getattr(node, "col_offset", None)
    if depth > DEEPEST:
        raise FormalError("nested too deep: name parts under 'let'", offset)
    if not isinstance(node, _NODES):
        raise FormalError(f"the language {_other(node)}", offset)
    if isinstance(node, ast.Constant):
        _constant(node, index=index)
    if isinstance(node, ast.Call):
        _call(node)
    if isinstance(node, ast.Name) and node.id.startswith("_"):
        raise FormalError(f"{node.id!r}: a name begins with a letter", offset)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.operator, ast.unaryop, ast.boolop, ast.cmpop)):
            if not isinstance(child, _OPERATORS):
                raise FormalError(f"the language {_other(child)}", offset)
        elif not isinstance(child, ast.expr_context) and not (isinstance(node, ast.Call) and child is node.func):
            within = isinstance(node, ast.Subscript) and child is node.slice
            _refuse_others(child, depth + 1, within or (index and isinstance(node, ast.Tuple)))


def _other(node: ast.AST) -> str:
    return _INSTEAD.get(type(node), f"has nothing like {type(node).__name__}")


def _constant(node: ast.Constant, *, index: bool) -> None:
    value = node.value
    if isinstance(value, bool) or (index and (value is Ellipsis or value is None)):
        return
    if value is Ellipsis or value is None:
        raise FormalError(
            f"{'...' if value is Ellipsis else 'None'} stands in an index only, as x[..., 0]", node.col_offset
        )
    if isinstance(value, complex) or not isinstance(value, (int, float)):
        raise FormalError(f"{type(value).__name__} values are not of the language", node.col_offset)
    if isinstance(value, int) and value > LARGEST:
        raise FormalError(
            "a whole number beyond 2^53 is not exact; write it with an exponent, as 1e17", node.col_offset
        )
    if value == float("inf"):
        raise FormalError("a number beyond what float64 holds; write inf", node.col_offset)


def _call(node: ast.Call) -> None:
    if not isinstance(node.func, ast.Name):
        raise FormalError("the language calls functions by their names only", node.col_offset)
    if node.func.id.startswith("_"):
        raise FormalError(f"{node.func.id!r}: a name begins with a letter", node.col_offset)
    if any(keyword.arg is None for keyword in node.keywords):
        raise FormalError("the language has no ** arguments", node.col_offset)
    named = [keyword.arg for keyword in node.keywords]
    if len(named) > len(set(named)):
        raise FormalError(f"{node.func.id} is given an argument twice", node.col_offset)
    signature = FUNCTIONS.get(node.func.id)
    if signature is None:
        return
    given = len(node.args) + len(node.keywords)
    if not signature.least <= given or (signature.most is not None and given > signature.most):
        raise FormalError(f"{node.func.id} takes {signature.arguments}: {signature.usage}", node.col_offset)
    for keyword in node.keywords:
        if keyword.arg not in signature.keywords:
            raise FormalError(f"{node.func.id} has no argument {keyword.arg!r}: {signature.usage}", keyword.col_offset)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))
