"""Softmax, which makes weights that sum to one out of logits."""

from __future__ import annotations

from apr.ops.softmax import softmax

__all__ = ["softmax"]
