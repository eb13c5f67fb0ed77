"""What the units of a prompt are measured with, what they may look at of it, and what somebody who looks closer gets to see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from apr.ops.arithmetic import F64
from apr.parity.null import looks_at
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from apr.capture import Array, Capture
    from apr.models import Model
    from apr.parity.null.base import Null
    from apr.parity.result import Kind
    from apr.parity.sides import Judge
    from apr.parity.work.unit import Plan


@dataclass(frozen=True)
class Closer:
    """What somebody who wants to name a kind of error gets to see; all arrays [positions, width] or [positions, inputs].

    Attributes:
        model: the judge's, in the arithmetic of the side that is judged.
        key: which stage.
        tokens: [T] that were run.
        positions: [T].
        seen: what the accused side has.
        expected: what it is held against: the judge's own, or in the view `isolated` the oracle's, which may be wrong itself.
        null: by how much the two may differ.
        own: what the judge makes of the same inputs.
        given: the stages that its inputs come from.
        rows: which of their rows are compared.
    """

    model: Model
    key: StageKey
    tokens: NDArray[np.intp]
    positions: NDArray[np.intp]
    seen: Array
    expected: Array
    null: Null
    own: Array
    given: Mapping[StageKey, Array]
    rows: slice


class Expected(NamedTuple):
    """What a judge makes of somebody's inputs.

    Attributes:
        stage: [positions, width].
        null: by how much an honest engine may be off that.
        of: what it was made of; held, so that nothing else gets its identity.
    """

    stage: Array
    null: Null
    of: tuple[object, object]


# by capture, weights, the judge's arithmetic, the other one (or "" for the first that was asked about) and stage
Known = dict[tuple[int, int, str, str, StageKey], Expected]


@dataclass
class Setting:
    """What the units of one prompt are measured with.

    Attributes:
        plan: what was decided for all of them.
        ours, theirs: captures of subject and oracle; at least each unit's stage and what it reads, as far as they were captured.
        fed: the subject's model, computed from the oracle's inputs; None where the plan does not feed it.
        judges: of subject and oracle; None for a side without a model file.
        look_closer: names the kind of error of a noticeable difference; None leaves it out.
        known: what judges made of captures before.
        keep: whether `known` outlives a unit, for whoever measures many subjects against one oracle's captures.
    """

    plan: Plan
    ours: Capture
    theirs: Capture
    fed: Model | None
    judges: tuple[Judge | None, Judge | None]
    look_closer: Callable[[Closer], Kind | None] | None
    known: Known = field(default_factory=dict)
    keep: bool = False


def needed(key: StageKey, setting: Setting) -> list[StageKey]:
    """The captured stages that a unit looks at, of both sides: its own, and what that is computed and judged from.

    A worker has no others. What is looked at in passing and not named here would be seen locally and not there.
    """
    judge = setting.judges[0] or setting.judges[1]
    if judge is None:
        return [key]
    return list(dict.fromkeys((key, *judge.model(F64.name).sources(key), *looks_at(key))))
