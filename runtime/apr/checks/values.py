"""Check 12: NaN and infinities among values that are stored one by one; quantised ones are check 15's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.checks.verdict import Check, Outcome, judged, not_applicable

if TYPE_CHECKING:
    from apr.checks.scan import Values
    from apr.checks.subject import Subject


def _place(values: Values) -> str:
    index = np.unravel_index(values.first_non_finite or 0, values.shape)
    return f"[{', '.join(str(int(part)) for part in index)}]"


def _run(subject: Subject) -> Outcome:
    plain = [values for values in subject.scan.values() if values.plain]
    if not plain:
        return not_applicable("all tensors are quantised, see check 15")
    found = [
        subject.finding(
            values.name,
            f"{values.non_finite} of {values.count} values are NaN or infinite, first at {_place(values)}",
        )
        for values in plain
        if values.non_finite
    ]
    found += [
        subject.finding(
            values.name, f"is {values.type_name}, which cannot be decoded here: not looked at", warning=True
        )
        for values in plain
        if not values.decoded and values.refusal is None
    ]
    return judged(
        found, f"{sum(values.count for values in plain)} values of {len(plain)} tensors that are not quantised"
    )


CHECKS = (Check(12, "finite", "no value is NaN or infinite", _run, reads_data=True),)
