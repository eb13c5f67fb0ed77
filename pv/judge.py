"""The verdict of one run: from what the falsifier raised or returned, and from what it recorded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pv.evidence import plain
from pv.signals import Inconclusive, Refuted
from pv.types import UsageProblem
from pv.words import Expect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Mutant


class Word(StrEnum):
    """How one run came out. The last three are for runs on a mutant."""

    DISCHARGED = "discharged"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    KILLED = "killed"
    SURVIVED = "survived"
    MISLOCALISED = "mislocalised"


@dataclass(frozen=True)
class Verdict:
    """How one run came out, whether that is as it should be, and what is known about why."""

    word: Word
    ok: bool
    reason: str = ""
    message: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)
    distance: float | str | None = None
    bound: float | str | None = None
    refuted: bool = False  # whether the falsifier refuted, whatever was expected of it

    @property
    def fails(self) -> bool:
        """Whether this turns a run red: neither as it should be nor inconclusive."""
        return not self.ok and self.word is not Word.INCONCLUSIVE


VACUOUS = "vacuous"


def judge(
    raised: BaseException | None,
    *,
    compared: int,
    expect: Expect = Expect.DISCHARGED,
    mutant: Mutant | None = None,
    beyond: str = "",
    overstated: str = "",
    left_out: str = "",
) -> Verdict:
    """Judge one call of a falsifier that returned, or raised `raised`, having compared that many values.

    `beyond` is a distance that it recorded beyond its own bound: a falsifier that does so must not just return. A claim that is
    expected to be refuted is proved able to come out the other way: its mutants make it true, and it must not be refuted then.
    `overstated` is in what the level that it gave says more than it recorded, `left_out` what it skipped. A refutation that nobody
    expected stands, whatever the level: it counts for nothing but the fault that it found.
    """
    refutation = _refutation(raised)
    turned = mutant is not None and expect is Expect.REFUTED
    if turned and mutant is not None and (refutation is not None or raised is None):
        return _on_a_mutant_that_makes_it_true(refutation, mutant, compared)
    if refutation is not None:
        found = _refuted(refutation, expect, mutant)
        return _overstating(overstated) if overstated and found.word is Word.REFUTED and found.ok else found
    if raised is not None:
        return judge_fixture(raised)
    if mutant is not None:
        return Verdict(Word.SURVIVED, ok=False, message=f"the falsifier lets the fault {mutant.id!r} through")
    return _returned(compared, expect, beyond, overstated, left_out)


def _on_a_mutant_that_makes_it_true(
    refutation: AssertionError | Refuted | None, mutant: Mutant, compared: int
) -> Verdict:
    if refutation is not None:
        message = f"the claim is refuted although the fault {mutant.id!r} makes it true: {refutation}"
        return replace(_refuted(refutation, Expect.DISCHARGED, None), word=Word.SURVIVED, message=message)
    if compared == 0:
        return Verdict(Word.SURVIVED, ok=False, message=f"nothing was compared on the fault {mutant.id!r}")
    return Verdict(Word.KILLED, ok=True)


def judge_fixture(raised: BaseException) -> Verdict:
    """Judge what a fixture raised: the claim was not reached, so nothing is refuted."""
    if isinstance(raised, Inconclusive):
        return Verdict(Word.INCONCLUSIVE, ok=False, reason=raised.reason, message=raised.text)
    return error(raised)


def error(raised: BaseException) -> Verdict:
    """The verdict on a run that broke."""
    text = str(raised).strip()
    if text and isinstance(raised, UsageProblem):  # a whole sentence
        return Verdict(Word.ERROR, ok=False, message=text)
    return Verdict(Word.ERROR, ok=False, message=f"{type(raised).__name__}: {text}" if text else type(raised).__name__)


def judge_change(verdict: Verdict, changed: list[str]) -> Verdict:
    """What is left of a verdict when these files are no longer what they were: nothing, unless the run broke anyway."""
    if not changed or verdict.word is Word.ERROR:
        return verdict
    message = f"{', '.join(changed)}: not what was there when this process began; run it again"
    return Verdict(Word.INCONCLUSIVE, ok=False, reason="source changed", message=message)


def _overstating(how: str) -> Verdict:
    return Verdict(Word.ERROR, ok=False, message=f"the falsifier {how}")


def _returned(compared: int, expect: Expect, beyond: str, overstated: str, left_out: str) -> Verdict:
    if beyond:
        message = f"recorded a distance beyond its bound but returned: {beyond}; raise Refuted or assert"
        return Verdict(Word.ERROR, ok=False, message=message)
    if compared == 0:
        message = "nothing was compared" + (f"; skipped: {left_out}" if left_out else "")
        return Verdict(Word.INCONCLUSIVE, ok=False, reason=VACUOUS, message=message)
    if overstated:
        return _overstating(overstated)
    if expect is Expect.REFUTED:
        return Verdict(Word.DISCHARGED, ok=False, message="expected to be refuted, and was not")
    return Verdict(Word.DISCHARGED, ok=True)


def _refuted(raised: AssertionError | Refuted, expect: Expect, mutant: Mutant | None) -> Verdict:
    found = raised if isinstance(raised, Refuted) else Refuted(str(raised).strip() or "assertion failed")
    where = {name: plain(value) for name, value in found.where.items()}
    word, ok, message = Word.REFUTED, expect is Expect.REFUTED, found.message
    if mutant is not None:
        ok = where.get("stage") == mutant.stage and (mutant.layer is None or where.get("layer") == mutant.layer)
        word = Word.KILLED if ok else Word.MISLOCALISED
        if not ok:
            message = f"expected at {_place(mutant.stage, mutant.layer)}, found at "
            message += f"{_place(where.get('stage'), where.get('layer'))}: {found.message}"
    return Verdict(word, ok, "", message, where, plain(found.distance), plain(found.bound), refuted=True)


def _place(stage: object, layer: object) -> str:
    if stage is None and layer is None:
        return "no stage at all"
    return f"stage {stage}" if layer is None else f"stage {stage}, layer {layer}"


def _refutation(raised: BaseException | None) -> AssertionError | Refuted | None:
    """The refutation in `raised`: itself, or the first of a group that holds nothing else."""
    leaves = list(_leaves(raised))
    refutations = [leaf for leaf in leaves if isinstance(leaf, (AssertionError, Refuted))]
    return refutations[0] if refutations and len(refutations) == len(leaves) else None


def _leaves(raised: BaseException | None) -> Iterator[BaseException | None]:
    if isinstance(raised, BaseExceptionGroup):
        for inner in raised.exceptions:
            yield from _leaves(inner)
    else:
        yield raised
