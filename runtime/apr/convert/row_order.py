"""The order of the rows of query and key projections: which numbers of a head rotate together.

Hugging Face's checkpoints keep the two halves of a head apart (`neox`: i and i + d/2). GGUF's converter weaves them together for
llama (`norm`: 2i and 2i + 1), so that a file's rows and its architecture have to fit. Rows are moved whole, in whatever type they
are encoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.formats.model_file import RopeKind


def reordered(rows: NDArray[np.uint8], heads: int, kind: RopeKind) -> NDArray[np.uint8]:
    """Rows of a projection in the other order.

    Args:
        rows: [heads * head_dim, bytes a row].
        heads: that the rows belong to.
        kind: the order wanted; the rows have the other one.

    Returns:
        The same rows, row 2i of each head from row i and row 2i + 1 from row i + d/2 where `norm` is wanted, else back.
    """
    width = rows.shape[1]
    inner = (2, -1) if kind == "norm" else (-1, 2)
    return np.ascontiguousarray(rows.reshape(heads, *inner, width).swapaxes(1, 2)).reshape(-1, width)
