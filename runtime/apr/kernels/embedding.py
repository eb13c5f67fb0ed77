"""The embedding: a row of the table for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.quant.encoded import take_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def embedding(tokens: NDArray[np.integer[Any]], table: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Rows of a table (Bengio et al. 2003, section 2), copied bit by bit.

    Args:
        tokens: [m], each at least 0 and below the vocabulary; one may come several times.
        table: [vocabulary, h].

    Returns:
        [m, h] in the dtype of the table.

    Raises:
        IndexError: a token that the table has no row for; a negative one is none.
    """
    return take_rows(table, tokens)
