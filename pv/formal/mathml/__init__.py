"""Expressions of contracts as MathML, which browsers draw without a script."""

from __future__ import annotations

from pv.formal.mathml.draw import math, named, rows
from pv.formal.mathml.signs import Sign
from pv.formal.mathml.space import Space, last_axis

__all__ = ["Sign", "Space", "last_axis", "math", "named", "rows"]
