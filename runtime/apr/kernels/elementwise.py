"""Sums element by element: a bias to every row, a branch to the residual stream."""

from __future__ import annotations

from apr.ops.elementwise import bias_add, residual_add

__all__ = ["bias_add", "residual_add"]
