"""The functions of the language: how each is called and what it gives. What computes them is `pv.properties.functions`."""

from __future__ import annotations

from typing import NamedTuple


class Signature(NamedTuple):
    """How a function is called.

    Attributes:
        usage: as a reader sees it.
        meaning: what it gives, in one line.
        least, most: how many arguments, positional and by keyword; no `most` for any number.
        keywords: arguments that may be given by name.
        kind: elementwise, reduction, shape, number, or test.
    """

    usage: str
    meaning: str
    least: int
    most: int | None
    keywords: tuple[str, ...]
    kind: str

    @property
    def arguments(self) -> str:
        """How many arguments, in words."""
        if self.most is None:
            return f"{self.least} arguments or more"
        span = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        return f"{span} argument{'' if span == '1' else 's'}"


def _one(meaning: str) -> Signature:
    return Signature("", meaning, 1, 1, (), "elementwise")


def _along(meaning: str) -> Signature:
    return Signature("", f"{meaning}, along the last axis unless `axis` names others", 1, 2, ("axis",), "reduction")


_TABLE: dict[str, Signature] = {
    "exp": _one("e to the power of x"),
    "expm1": _one("exp(x) - 1, exact near 0"),
    "log": _one("natural logarithm"),
    "log1p": _one("log(1 + x), exact near 0"),
    "log2": _one("logarithm to base 2"),
    "sqrt": _one("square root"),
    "abs": _one("absolute value"),
    "sign": _one("-1, 0 or 1"),
    "tanh": _one("hyperbolic tangent"),
    "sin": _one("sine, of radians"),
    "cos": _one("cosine, of radians"),
    "erf": _one("error function"),
    "floor": _one("greatest whole number not above x"),
    "ceil": _one("least whole number not below x"),
    "round": _one("nearest whole number, halves to the even one"),
    "trunc": _one("whole part"),
    "isfinite": _one("neither infinite nor NaN"),
    "isnan": _one("not a number"),
    "isinf": _one("infinite"),
    "signbit": _one("whether the sign bit is set, of -0 too"),
    "minimum": Signature("minimum(a, b)", "the smaller of two, element by element", 2, 2, (), "elementwise"),
    "maximum": Signature("maximum(a, b)", "the larger of two, element by element", 2, 2, (), "elementwise"),
    "clip": Signature("clip(x, low, high)", "x, not below low and not above high", 3, 3, (), "elementwise"),
    "where": Signature("where(c, a, b)", "a where c holds, b elsewhere", 3, 3, (), "elementwise"),
    "sum": _along("sum"),
    "mean": _along("mean"),
    "max": _along("greatest element"),
    "min": _along("least element"),
    "prod": _along("product"),
    "any": _along("whether one holds"),
    "all": _along("whether all hold"),
    "norm": _along("Euclidean length"),
    "argmax": _along("place of the first greatest element"),
    "argmin": _along("place of the first least element"),
    "cumsum": Signature("cumsum(x, axis=-1)", "running sums", 1, 2, ("axis",), "shape"),
    "sort": Signature("sort(x, axis=-1)", "in rising order", 1, 2, ("axis",), "shape"),
    "argsort": Signature(
        "argsort(x, axis=-1)", "places in rising order, equals as they stand", 1, 2, ("axis",), "shape"
    ),
    "total": Signature("total(x)", "sum of all elements", 1, 1, (), "reduction"),
    "dot": Signature(
        "dot(a, b)", "sum of products along the last axis, which stays with length 1", 2, 2, (), "reduction"
    ),
    "counts": Signature("counts(ids, n)", "how often each of 0 … n - 1 stands in ids", 2, 2, (), "reduction"),
    "len": Signature("len(x, axis=0)", "length of an axis", 1, 2, ("axis",), "number"),
    "size": Signature("size(x)", "number of elements", 1, 1, (), "number"),
    "gamma": Signature(
        "gamma(n)", "n u / (1 - n u): how far n roundings lead (Higham 2002, lemma 3.1)", 1, 1, (), "number"
    ),
    "transpose": Signature("transpose(x)", "the last two axes exchanged", 1, 1, (), "shape"),
    "permute": Signature("permute(x, [1, 0, 2])", "axes in another order", 2, 2, ("axes",), "shape"),
    "reshape": Signature("reshape(x, [m, n])", "the same elements in another shape", 2, 2, ("shape",), "shape"),
    "flip": Signature("flip(x, axis=-1)", "from last to first", 1, 2, ("axis",), "shape"),
    "repeat": Signature("repeat(x, n, axis=-1)", "each slice n times", 2, 3, ("axis",), "shape"),
    "concat": Signature("concat(a, b, axis=-1)", "one behind the other", 2, None, ("axis",), "shape"),
    "stack": Signature("stack(a, b, axis=-1)", "side by side along a new axis", 1, None, ("axis",), "shape"),
    "take": Signature("take(x, places, axis=0)", "slices at these places", 2, 3, ("axis",), "shape"),
    "gather": Signature("gather(x, places)", "elements at places of the last axis, row by row", 2, 2, (), "shape"),
    "eye": Signature("eye(n)", "the unit matrix", 1, 1, (), "shape"),
    "ones": Signature("ones(m, n)", "ones", 1, None, (), "shape"),
    "zeros": Signature("zeros(m, n)", "zeros", 1, None, (), "shape"),
    "full": Signature("full([m, n], value)", "one value everywhere", 2, 2, (), "shape"),
    "arange": Signature("arange(n)", "0 … n - 1", 1, 1, (), "shape"),
    "f64": _one("cast to float64"),
    "f32": _one("rounded to float32"),
    "f16": _one("rounded to float16"),
    "bf16": _one("rounded to bfloat16"),
    "i32": _one("cast to 32-bit integers"),
    "i64": _one("cast to 64-bit integers"),
    "u8": _one("cast to bytes"),
    "bits": _one("the bits of a float, as an integer"),
    "from_bits_f32": _one("the float32 of these bits"),
    "from_bits_f16": _one("the float16 of these bits"),
    "same": Signature("same(a, b)", "equal in every bit; any NaN is any other", 2, 2, (), "test"),
    "ulps": Signature("ulps(a, b)", "how many numbers of y's dtype apart", 2, 2, (), "test"),
    "implies": Signature("implies(a, b)", "b wherever a holds; nothing else is compared", 2, 2, (), "test"),
    "multinomial_tail": Signature(
        "multinomial_tail(counts, p)",
        "no less than the probability that draws from p give counts as far from it (Agrawal 2020)",
        *(2, 2, (), "test"),
    ),
}
FUNCTIONS: dict[str, Signature] = {
    name: one if one.usage else one._replace(usage=f"{name}(x{', axis=-1' if one.keywords else ''})")
    for name, one in _TABLE.items()
}
