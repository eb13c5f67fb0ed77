"""Expressions of contracts, `pv.formal.language`: what is accepted means to Python what it means to us, and runs nothing."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pv.formal.functions import FUNCTIONS
from pv.formal.language import DEEPEST, LARGEST, LONGEST, FormalError, parse
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_ALLOWED = {
    *(
        "Add",
        "Sub",
        "Mult",
        "Div",
        "FloorDiv",
        "Mod",
        "Pow",
        "MatMult",
        "USub",
        "UAdd",
        "Not",
        "And",
        "Or",
        "Lt",
        "LtE",
        "Gt",
    ),
    *(
        "GtE",
        "Eq",
        "NotEq",
        "BinOp",
        "UnaryOp",
        "BoolOp",
        "Compare",
        "IfExp",
        "Name",
        "Constant",
        "Subscript",
        "Slice",
        "Tuple",
    ),
    *("List", "Call", "keyword", "Load"),
}
_SEEDS = (
    *("exp(x - max(x)) / sum(exp(x - max(x)))", "sum(y) - 1 <= 4 * n * u", "x[..., 0] if n > 1 else -x[::2, None]"),
    *(
        "not (a < b <= c) and d != 0 or e == 2 ** -24",
        "[1, 2.5, inf]",
        "(m * n) // 2 % 7 @ w",
        "abs(y - x) <= 1e-6 * abs(x)",
        "1..64",
    ),
)
_TOKENS = (
    *(
        b"__import__('os')",
        b"x.__class__",
        b"lambda: 0",
        b":=",
        b"*",
        b"**",
        b"(",
        b")",
        b"[",
        b"]",
        b"...",
        b"None",
        b"f'{x}'",
        b"@",
    ),
    *(
        b" in ",
        b" is ",
        b"~",
        b"^",
        b"&",
        b"|",
        b"<<",
        b"await x",
        b"yield",
        b" for x in y",
        b"if",
        b"else",
        b"1j",
        b"0x1F",
        b"1_0",
    ),
    *(b"axis=-1", b"#", b"\\\n", b"\x0c", b"''", b"{1}", b"1e999", b"not ", b"- ", b"_x", "ﬁ".encode(), "²".encode()),
    *(name.encode() for name in list(FUNCTIONS)[:12]),
)


def _check(data: bytes, _folder: Path) -> bool:
    try:
        text = data.decode("utf-8", "surrogateescape")
        expression = parse(text)
    except FormalError as problem:
        expect(problem.message, "a refusal without words")
        expect(
            problem.offset is None or 0 <= problem.offset <= len(text),
            f"a refusal outside of the text: {problem.offset}",
        )
        return False
    expect(len(text) <= LONGEST, "longer than allowed")
    kinds = {type(node).__name__ for node in ast.walk(expression.tree)}
    expect(kinds <= _ALLOWED, f"nodes that are not of the language: {kinds - _ALLOWED}")
    expect(_depth(expression.tree) <= DEEPEST + 2, "nested deeper than allowed")
    for node in ast.walk(expression.tree):
        if isinstance(node, ast.Name):
            expect(not node.id.startswith("_"), f"a name that begins with _: {node.id}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            expect(node.value <= LARGEST, f"a number that is not exact: {node.value}")
        elif isinstance(node, ast.Constant):
            expect(
                isinstance(node.value, float) or node.value in (None, ...),
                f"a constant of another type: {node.value!r}",
            )
        elif isinstance(node, ast.Call):
            expect(isinstance(node.func, ast.Name), "a call of something without a name")
    line = " ".join(text.split())
    again = ast.parse(line, mode="eval").body  # a reading of its own, without what was done to the text
    expect(ast.dump(again) == ast.dump(expression.tree), f"understood otherwise than Python does: {line[:100]}")
    return True


def _depth(tree: ast.AST) -> int:
    deepest, level = 0, [tree]
    while level:
        deepest += 1
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return deepest


TARGET = Target(_check, lambda: [text.encode() for text in _SEEDS[:-1]], "text", _TOKENS)
