"""What a conversion may be asked to do with numbers; unless it is asked it leaves every byte as it is."""

from __future__ import annotations

from enum import StrEnum


class Quantise(StrEnum):
    """What matrices are encoded as on the way into an .apr file; the names are upstream's."""

    FP16 = "fp16"
    INT8 = "int8"
    INT4 = "int4"


class Floats(StrEnum):
    """What types that the target does not have are decoded to, where that is asked for."""

    F32 = "F32"
    F16 = "F16"
