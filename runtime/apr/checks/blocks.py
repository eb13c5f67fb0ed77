"""Check 15: whether the scales of quantised blocks are numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.checks.verdict import Check, Finding, Outcome, judged, not_applicable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.checks.subject import Subject


class Layout(NamedTuple):
    """Where a block keeps its scales.

    Attributes:
        nbytes: of a block.
        at: of each scale, from the start of the block.
        kind: how it is encoded; `u1` is E8M0, an exponent alone, of which 255 is NaN.
    """

    nbytes: int
    at: tuple[int, ...]
    kind: str = "<f2"


# ggml-common.h, `block_q4_0` and on; AprQ4: see apr.quant.apr_blocks. IQ1_M scatters its scale over the nibbles of other
# fields and NVFP4 has scales of a type that numpy lacks: their values are looked at instead, where they can be decoded.
LAYOUTS = {
    "Q4_0": Layout(18, (0,)),
    "Q4_1": Layout(20, (0, 2)),
    "Q5_0": Layout(22, (0,)),
    "Q5_1": Layout(24, (0, 2)),
    "Q8_0": Layout(34, (0,)),
    "Q2_K": Layout(84, (80, 82)),
    "Q3_K": Layout(110, (108,)),
    "Q4_K": Layout(144, (0, 2)),
    "Q5_K": Layout(176, (0, 2)),
    "Q6_K": Layout(210, (208,)),
    "IQ2_XXS": Layout(66, (0,)),
    "IQ2_XS": Layout(74, (0,)),
    "IQ2_S": Layout(82, (0,)),
    "IQ3_XXS": Layout(98, (0,)),
    "IQ3_S": Layout(110, (0,)),
    "IQ1_S": Layout(50, (0,)),
    "IQ4_NL": Layout(18, (0,)),
    "IQ4_XS": Layout(136, (0,)),
    "TQ1_0": Layout(54, (52,)),
    "TQ2_0": Layout(66, (64,)),
    "MXFP4": Layout(17, (0,), "u1"),
    "AprQ4": Layout(18, (0,)),
}


class Bad(NamedTuple):
    """Blocks whose scales are no numbers.

    Attributes:
        found: how many.
        first: which is the first.
        blocks: how many there are.
    """

    found: int
    first: int | None
    blocks: int


def bad_scales(raw: NDArray[np.uint8], type_name: str) -> Bad:
    """Looks at the scales of all blocks.

    Args:
        raw: encoded rows, whole blocks.
        type_name: of a type without blocks, or one that `LAYOUTS` lacks, nothing is looked at.
    """
    if type_name == "AprQ8":  # one scale in front of all values
        scales = raw.reshape(-1)[:4].copy().view("<f4")[None]
    elif type_name in LAYOUTS:
        layout = LAYOUTS[type_name]
        blocks = raw.reshape(-1, layout.nbytes)
        width = np.dtype(layout.kind).itemsize
        fields = [np.ascontiguousarray(blocks[:, at : at + width]).view(layout.kind) for at in layout.at]
        scales = np.concatenate(fields, axis=1)
    else:
        return Bad(0, None, 0)
    wrong = (scales == 255) if scales.dtype == np.uint8 else ~np.isfinite(scales)
    at = np.flatnonzero(wrong.any(axis=1))
    return Bad(at.size, int(at[0]) if at.size else None, len(scales))


def _run(subject: Subject) -> Outcome:
    quantised = [values for values in subject.scan.values() if not values.plain]
    if not quantised:
        return not_applicable("no tensor is quantised")
    found: list[Finding] = []
    for values in quantised:
        if values.bad_blocks:
            problem = (
                f"the scales of {values.bad_blocks} blocks are NaN or infinite, first of block {values.first_bad_block}"
            )
            found.append(subject.finding(values.name, problem))
        elif values.non_finite:
            problem = f"{values.non_finite} values decode to NaN or infinity, first value {values.first_non_finite}"
            found.append(subject.finding(values.name, problem))
        elif not values.decoded and values.type_name not in LAYOUTS:
            problem = f"is {values.type_name}, whose blocks are not known here: they were not looked at"
            found.append(subject.finding(values.name, problem, warning=True))
    types = ", ".join(sorted({values.type_name for values in quantised}))
    return judged(found, f"{len(quantised)} quantised tensors: {types}")


CHECKS = (Check(15, "blocks", "the scales of quantised blocks are numbers", _run, reads_data=True),)
