"""One pass over all tensors, in pieces of bounded size: what the checks of values want to know of each."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from apr.checks.blocks import bad_scales
from apr.checks.decode import bare_type, is_plain, matrices, pieces
from apr.console import Progress
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.errors import AprError
    from apr.formats.model_file import ModelFile, Tensor
    from apr.quant.dequantise import Dequantiser

PROBES = (10, 50, 90)  # per cent of the rows: where one is looked at alone
_RELEASE = 64 << 20  # bytes read before their pages are let go


@dataclass
class Values:
    """What was seen of a tensor.

    Attributes:
        name: GGUF's.
        type_name: as the model file has it.
        shape: outermost dimension first.
        decoded: whether the values could be looked at; otherwise only the bytes were.
        refusal: why the bytes could not be read.
        count: values.
        non_finite, first_non_finite: how many are NaN or infinite, and which is the first, counted in C order.
        zeros: how many are 0.
        minimum, maximum: of the finite ones.
        sum_squares: of the finite ones.
        alive: [rows] which rows hold anything but 0.
        bad_blocks, first_bad_block: how many blocks have a scale that is NaN or infinite, and which is the first.
        digest: of the encoded bytes.
    """

    name: str
    type_name: str
    shape: tuple[int, ...]
    decoded: bool = True
    refusal: AprError | None = None
    count: int = 0
    non_finite: int = 0
    first_non_finite: int | None = None
    zeros: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    sum_squares: float = 0.0
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    bad_blocks: int = 0
    first_bad_block: int | None = None
    digest: bytes = b""

    @property
    def plain(self) -> bool:
        """Whether every value stands for itself, without a scale that it shares with others."""
        return is_plain(self.type_name)

    @property
    def is_matrix(self) -> bool:
        """Whether it has rows and columns; several matrices packed together count, too."""
        return len(self.shape) >= 2

    @property
    def l2(self) -> float:
        """The Euclidean norm of the finite values."""
        return math.sqrt(self.sum_squares)

    @property
    def dead_rows(self) -> int:
        """Rows of zeros."""
        return int(self.alive.size - np.count_nonzero(self.alive))

    def dead_probes(self) -> list[int]:
        """Which of `PROBES` hit a row of zeros."""
        return [percent for percent in PROBES if not self.alive[len(self.alive) * percent // 100]]

    def add(self, values: NDArray[np.float32]) -> None:
        """Counts the next values, in C order: [values] float32, not none."""
        start, self.count = self.count, self.count + values.size
        low, high = float(values.min()), float(values.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            finite = np.isfinite(values)
            if self.first_non_finite is None:
                self.first_non_finite = start + int(np.argmin(finite))
            self.non_finite += values.size - int(np.count_nonzero(finite))
            values = np.where(finite, values, np.float32(0))
            kept = values[finite]
            low, high = (float(kept.min()), float(kept.max())) if kept.size else (math.inf, -math.inf)
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self.sum_squares += float(np.dot(values, values))
        nonzero = values != 0
        self.zeros += values.size - int(np.count_nonzero(nonzero))
        columns = self.shape[-1] if self.shape else 1
        first, last = start // columns, -(-self.count // columns)
        if start % columns == 0 and values.size % columns == 0:
            alive = nonzero.reshape(-1, columns).any(axis=1)
        else:
            starts = np.maximum(np.arange(first, last) * columns - start, 0)
            alive = np.logical_or.reduceat(nonzero, starts)
        self.alive[first:last] |= alive


def scan_tensors(file: ModelFile, dequantise: Dequantiser) -> dict[str, Values]:
    """Reads all tensors once.

    Args:
        file: the model.
        dequantise: decodes rows of GGML's types.

    Returns:
        What was seen of each, by GGUF name, in file order.
    """
    total = sum(tensor.nbytes for tensor in file.tensors.values())
    scan: dict[str, Values] = {}
    with Progress("reading tensors", total, unit="bytes") as progress:
        for name, tensor in file.tensors.items():
            values = Values(
                name, bare_type(tensor), tensor.shape, alive=np.zeros(math.prod(tensor.shape[:-1]), np.bool_)
            )
            try:
                _read(file, tensor, dequantise, values, progress)
            except UnusableInput as refusal:
                values.refusal, values.decoded = refusal, False
            scan[name] = values
            file.release(name)
    return scan


def _read(file: ModelFile, tensor: Tensor, dequantise: Dequantiser, values: Values, progress: Progress) -> None:
    digest, unreleased, blocks = hashlib.sha256(), 0, 0
    for matrix in matrices(file, tensor):
        if not values.plain:
            bad = bad_scales(matrix, values.type_name)
            values.bad_blocks += bad.found
            if bad.first is not None and values.first_bad_block is None:
                values.first_bad_block = blocks + bad.first
            blocks += bad.blocks
        try:
            with np.errstate(all="ignore"):
                for encoded, decoded in pieces(matrix, tensor, dequantise):
                    digest.update(np.ascontiguousarray(encoded).data)
                    values.add(decoded)
                    progress.advance(encoded.size)
                    unreleased += encoded.size
                    if unreleased >= _RELEASE:
                        file.release(tensor.name)
                        unreleased = 0
        except NotImplementedError:
            values.decoded = False
            digest.update(np.ascontiguousarray(matrix).data)
            progress.advance(matrix.size)
    values.digest = digest.digest()
