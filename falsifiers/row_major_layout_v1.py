"""Falsifier of `row-major-layout-v1`: where the tensors of real files stand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pv import Evidence

CONTRACT = "row-major-layout-v1"
MODELS = Path(__file__).resolve().parents[1] / "fixtures" / "models"


@falsifies(CONTRACT, "FALSIFY-ROW-MAJOR-013")
def real_files(evidence: Evidence, size_kernels: Any, file_head: Any, model_path: Path) -> None:
    """Each tensor begins where the one before it ends, padded; the last ends with the file, but for padding."""
    evidence.level("independent")
    evidence.input("model", model_path)
    for path in (model_path, *sorted(MODELS.glob("*.gguf"))):
        head = file_head(path)
        at = head.data_start
        for name, tensor in sorted(head.tensors.items(), key=lambda item: item[1].offset):
            columns = tensor.shape[-1]
            size = int(size_kernels.tensor_bytes(tensor.kind, math.prod(tensor.shape) // columns, columns))
            evidence.compared(2, "places and sizes")
            if (at, size) != (tensor.offset, tensor.nbytes):
                raise Refuted(
                    f"{path.name}, {name}: {size} bytes from byte {at} on, in the file {tensor.nbytes} from {tensor.offset} on",
                    stage="in_the_file",
                )
            end = at + size
            at = head.data_start + int(size_kernels.padded(end - head.data_start, head.unit))
        if not end <= head.nbytes <= at:
            raise Refuted(f"{path.name} ends at byte {head.nbytes}, its last tensor at {end}", stage="in_the_file")
