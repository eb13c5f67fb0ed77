"""Cross-entropy of logits and right classes, and the logarithms of probabilities that it reads."""

from __future__ import annotations

from apr.ops.losses import cross_entropy, log_softmax

__all__ = ["cross_entropy", "log_softmax"]
