"""The examples in the reference of the language; a test computes each."""

from __future__ import annotations

# `x` and `y` are float32
VALUES = {"x": "[[1, 2, 4], [8, 8, 0]]", "y": "[[0.5, 1, 2], [4, 4, 0]]", "n": "3"}
EXPRESSIONS = {
    "sum(x)": "[[7], [16]]",
    "sum(x, axis=0)": "[[9, 10, 4]]",
    "total(x)": "23",
    "x - max(x)": "[[-3, -2, 0], [0, 0, -8]]",
    "x[..., 0]": "[1, 8]",
    "x[:, 1:n]": "[[2, 4], [8, 0]]",
    "argmax(x)": "[[2], [0]]",
    "gather(x, argsort(x))": "[[1, 2, 4], [0, 8, 8]]",
    "dot(x, y)": "[[10.5], [64]]",
    "x @ transpose(x)": "[[21, 24], [24, 128]]",
    "reshape(x, [n, 2])": "[[1, 2], [4, 8], [8, 0]]",
    "concat(x, -x, axis=0)[2]": "[-1, -2, -4]",
    "x if x > 2 else 0": "[[0, 0, 4], [8, 8, 0]]",
    "1 <= x <= 4": "[[true, true, true], [false, false, false]]",
    "all(implies(x > 4, y == 4))": "[[true], [true]]",
    "-7 // 2": "-4",
    "-7 % 3": "2",
    "2 ** -1": "0.5",
    "round(2.5)": "2",
    "f16(2049)": "2048",
    "f32(0.1) == 0.1": "false",
    "ulps(1, 1 + 2 * u)": "1",
    "nan == nan": "false",
    "same(nan, nan)": "true",
    "same(0.0, -0.0)": "false",
    "counts(arange(n), 4)": "[1, 1, 1, 0]",
    "gamma(n) >= n * u": "true",
    "size(x) == 2 * len(x, 1)": "true",
}
CONTRACT = """\
equations:
  double: {formula: y = 2 x, formal: 2 * x, domain: {n: 1..8, x: {dtype: f32, shape: [n], range: [-100, 100]}}}
  relu: {formula: "y = max(x, 0)", formal: "maximum(x, 0)", domain: {n: 1..8, x: {dtype: f32, shape: [n], range: [-100, 100]}}}
  negate: {formula: y = -x, domain: {x: {dtype: f16, shape: [n], n: 1..8, bits: any}}}
  larger:
    formula: y = max(a, b)
    kernel: larger(a, b)
    domain:
      n: 1..8
      a: {dtype: i32, shape: [n], range: [-100, 100]}
      b: {dtype: i32, shape: [n], range: [-100, 100]}
"""
OBLIGATIONS = """\
proof_obligations:
  - {id: sign, type: invariant, property: the sign stays, applies_to: double, formal: y * x >= 0}
  - {id: parts, type: conservation, property: "the parts make the whole", applies_to: relu, formal: y - relu(-x) == x}
  - {id: order, type: ordering, property: order is kept, applies_to: relu, let: {s: "relu(sort(x))"}, formal: "s[1:] >= s[:-1]"}
  - {id: finite, type: completeness, property: each x has a y, applies_to: relu, formal: isfinite(y)}
  - {id: its-own, type: soundness, property: what is positive is x, applies_to: relu, formal: "implies(y > 0, y == x)"}
  - {id: as-long, type: postcondition, property: y is as long as x, applies_to: relu, formal: len(y) == n}
  - {id: zeros, type: classification, property: zero where x is not positive, applies_to: relu, formal: (y == 0) == (x <= 0)}
  - {id: above, type: bound, property: nothing is negative, applies_to: relu, between: [0, null]}
  - {id: exact, type: equivalence, property: each bit is that of 2 x, applies_to: double}
  - {id: close, type: equivalence, property: two ways to say it, applies_to: double, to: x + x, tolerance: u * abs(f)}
  - {id: rises, type: monotonicity, property: never falls, applies_to: relu, in: x, direction: increasing}
  - {id: again, type: idempotency, property: twice is once, applies_to: relu}
  - {id: back, type: involution, property: twice is not at all, applies_to: negate}
  - {id: half, type: roundtrip, property: half of it is x, applies_to: double, through: y / 2}
  - {id: any-order, type: associativity, property: pairs in any order, applies_to: larger}
  - {id: linear, type: linearity, property: sums go through, applies_to: double, in: x, tolerance: u * abs(f) + 2 * smallest}
  - {id: odd, type: symmetry, property: of -x the opposite, applies_to: double, under: negation, in: x, result: odd}
  - {id: places, type: symmetry, property: places do not matter, applies_to: relu, under: permutation, result: equivariant}
  - {id: scaled, type: symmetry, property: scales go through, applies_to: relu, under: scaling, result: equivariant, tolerance: smallest}
  - {id: same, type: determinism, property: the same bits each time, applies_to: double}
  - {id: alone, type: independence, property: elements know nothing of each other, applies_to: double, along: n}
  - {id: untouched, type: frame, property: x is not written to, applies_to: double}
"""
