"""torch's functions under the names of the library of kernels; see docs/how-to/other-kernels.md.

pytest -m falsify contracts/softmax-v1.yaml contracts/silu-v1.yaml --subject kernels=examples.torch_kernels
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

xp = torch  # inputs come as torch's tensors
BUILD = f"torch {torch.__version__}"


def softmax(x: Tensor) -> Tensor:
    """Weights along the last axis."""
    return functional.softmax(x, dim=-1)


def log_softmax(x: Tensor) -> Tensor:
    """Logarithms of these weights."""
    return functional.log_softmax(x, dim=-1)


def silu(x: Tensor) -> Tensor:
    """Element by element."""
    return functional.silu(x)


def gelu(x: Tensor) -> Tensor:
    """The exact form."""
    return functional.gelu(x)


def gelu_tanh(x: Tensor) -> Tensor:
    """The approximation."""
    return functional.gelu(x, approximate="tanh")


if hasattr(functional, "rms_norm"):  # from torch 2.4 on; what is not there is not judged

    def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        """Over the last axis."""
        return functional.rms_norm(x, weight.shape, weight, epsilon)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """Over the last axis."""
    return functional.layer_norm(x, weight.shape, weight, bias, epsilon)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """The loss of each row."""
    return functional.cross_entropy(logits, targets.long(), reduction="none")


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """X times the transposed weights."""
    return functional.linear(x, weight)


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """A times b."""
    return a @ b
