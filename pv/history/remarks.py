"""What the past of a contract gives reason to say of it: entries rewritten, bars lowered, a status raised by hand."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pv.history.transitions import NEVER, cap_until, transitions
from pv.remark import Remark, Topic
from pv.words import rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pv.git import Step
    from pv.history.loosened import Loosening
    from pv.history.transitions import Transition
    from pv.history.versions import Lineage, Past
    from pv.parse import Contract
    from pv.types import Span

    Pasts = Mapping[str, Past]

# An entry may be written some time before it is committed. One that claims to be older than this is not believed.
BACKDATED = timedelta(days=2)
_NOT_YET = "not committed yet"
_WIDTH, _CONTEXT = 40, 12  # characters of a value that a message shows, and how many of them before a difference


def rewritten(contract: Contract, line: Lineage, versions: Sequence[str], pasts: Pasts, now: str) -> Iterator[Remark]:
    """Every entry that was committed and does not stand there unchanged, and a change of their order."""
    entries = transitions(contract)
    left = [one.said for one in entries]
    owed = _owed(line, pasts)
    reported: set[str] = set()
    for blob in versions:
        committed = [said for said in pasts[blob].entries if said in owed]
        lost = [said for said in dict.fromkeys(committed) if committed.count(said) > left.count(said)]
        for said in lost:
            if said not in reported:
                reported.add(said)
                yield _rewritten(contract, said, _when(line, pasts, now, _holds(pasts, said)), entries, line)
        if not lost and not reported and not _in_order(committed, left):
            yield _reordered(contract, committed, line, pasts, now)
            return


def unrecorded(contract: Contract, versions: Sequence[str], pasts: Pasts) -> dict[str, Loosening]:
    """What asks for less than some version did and no entry since that version owns up to, by its key; the oldest bar counts."""
    entries = transitions(contract)
    found: dict[str, Loosening] = {}
    for blob in versions:
        before = set(pasts[blob].entries)
        for loose in pasts[blob].loosened:
            if not any(one.said not in before and one.names(loose.key) for one in entries):
                found[loose.key] = loose
    return found


def lowered(contract: Contract, line: Lineage, versions: Sequence[str], pasts: Pasts, now: str) -> Iterator[Remark]:
    """What asks for less than some version did: gravely where no entry owns up to it, else until newer evidence exists."""
    silent = unrecorded(contract, versions, pasts)
    for loose in silent.values():
        when = _when(line, pasts, now, _asks(pasts, loose.text))
        yield Remark(
            Topic.LOOSENED,
            f"{loose.text}, {_at(when)}, and no entry says so",
            claim=loose.claim,
            grave=True,
            caps=True,
            span=_span(contract, loose.claim),
            help=f"`pv demote {contract.path} --reason …` writes the entry, with loosens: ['{loose.text}']",
        )
    owned: dict[str, tuple[datetime, Remark]] = {}
    for blob in versions:
        before = set(pasts[blob].entries)
        for loose in pasts[blob].loosened:
            owning = [one for one in transitions(contract) if one.said not in before and one.names(loose.key)]
            if owning and loose.key not in silent:
                until, entry = min(((_believed(one, line, pasts), one) for one in owning), key=lambda pair: pair[0])
                if loose.key not in owned or until >= owned[loose.key][0]:
                    owned[loose.key] = (until, _recorded(loose, entry, until))
    yield from (remark for _, remark in owned.values())


def _recorded(loose: Loosening, entry: Transition, until: datetime) -> Remark:
    end = "evidence made since lifts the cap" if until < NEVER else "its date cannot be read, so nothing lifts the cap"
    text = f"{loose.text}, as the entry of {entry.date or 'no date'} says; {end}"
    return Remark(Topic.LOOSENED, text, claim=loose.claim, caps=True, span=entry.span, until=until)


def raised(contract: Contract, line: Lineage, versions: Sequence[str], pasts: Pasts, now: str) -> Iterator[Remark]:
    """A status above the one that some version declared, without an entry since then that leads there."""
    target = rung(contract.status or "")
    if target is None or target.rank <= 0:
        return
    entries = transitions(contract)
    for blob in versions:
        was = _rank(pasts[blob].status)
        before = set(pasts[blob].entries)
        if was < target.rank and not any(one.to_rung is target and one.said not in before for one in entries):
            when = _when(line, pasts, now, lambda one: _rank(pasts[one].status) < target.rank)
            path = ("status",) if "status" in contract.document.data else ("metadata", "status")
            text = f"raised from {pasts[blob].status or 'no status'} to {contract.status} without an entry, {_at(when)}"
            yield Remark(
                Topic.HISTORY,
                text,
                grave=True,
                span=contract.document.value_span(*path),
                help=f"`pv promote {contract.path}` writes the entry, if the evidence supports it",
            )
            return


def _owed(line: Lineage, pasts: Pasts) -> frozenset[str]:
    """The entries that must stand for ever: all but those that only ever came in a step which took others away.

    What was written over an entry is no entry in its own right: the old one can be put back in its place.
    """
    owed: set[str] = set()
    seen = {step.blob for step in line.steps}
    for step in line.steps:
        before = pasts[step.old].entries if step.old in pasts else ()
        if step.old not in seen:  # where the look into the past ends
            owed.update(before)
        after = pasts[step.blob].entries if step.blob in pasts else ()
        if all(after.count(said) >= before.count(said) for said in before):
            owed.update(said for said in after if said not in before)
    return frozenset(owed)


def _reordered(contract: Contract, committed: Sequence[str], line: Lineage, pasts: Pasts, now: str) -> Remark:
    when = _when(line, pasts, now, lambda blob: _in_order(committed, pasts[blob].entries))
    return Remark(
        Topic.HISTORY,
        f"history rewritten: the entries of status_history stand in another order, {_at(when)}",
        grave=True,
        span=contract.document.key_span("status_history"),
        help=_back(when, line),
    )


def _rewritten(contract: Contract, said: str, when: Step | None, now: Sequence[Transition], line: Lineage) -> Remark:
    entry = json.loads(said)
    what, span = _what_became(entry, now, contract.document.key_span("status_history"))
    text = f"history rewritten: the entry '{_title(entry)}' {what}, {_at(when)}"
    return Remark(Topic.HISTORY, text, grave=True, span=span, help=_back(when, line))


def _what_became(entry: Any, now: Sequence[Transition], nowhere: Span) -> tuple[str, Span]:
    """What was done to an entry: told from the one of now that it shares most with."""
    if not isinstance(entry, dict):
        return "was removed or changed", nowhere
    best, share = None, 0
    for one in now:
        other = json.loads(one.said)
        same = sum(other.get(key) == value for key, value in entry.items()) if isinstance(other, dict) else 0
        if same > share:
            best, share = (one, other), same
    if best is None or 2 * share < len(entry):
        return "was removed", nowhere
    one, other = best
    keys = [key for key in dict.fromkeys((*entry, *other)) if entry.get(key) != other.get(key)]
    changes = ", ".join(f"{key} {' -> '.join(_parted(entry.get(key), other.get(key)))}" for key in keys)
    return (f"was changed ({changes})" if keys else "stood there more often"), one.span


def _title(entry: Any) -> str:
    if not isinstance(entry, dict):
        return _shown(entry)
    move = " to ".join(str(entry[key]) for key in ("from", "to") if entry.get(key) is not None)
    return ": ".join(filter(None, (str(entry.get("date") or ""), move or _shown(entry.get("note")))))


def _parted(one: Any, other: Any) -> tuple[str, str]:
    """Two values from a little before the place where their texts part."""
    left, right = _line(one), _line(other)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
    same = max(0, alike - _CONTEXT)
    return _shown(left[same:], cut=same > 0), _shown(right[same:], cut=same > 0)


def _shown(value: Any, *, cut: bool = False) -> str:
    text = f"...{_line(value)}" if cut else _line(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _line(value: Any) -> str:
    return "nothing" if value is None else " ".join(str(value).split())


def _in_order(some: Sequence[str], of: Sequence[str]) -> bool:
    """Whether all of `some` stand in `of` one after the other, whatever stands between."""
    rest = iter(of)
    return all(one in rest for one in some)


def _holds(pasts: Pasts, said: str) -> Callable[[str], bool]:
    return lambda blob: said in pasts[blob].entries


def _asks(pasts: Pasts, text: str) -> Callable[[str], bool]:
    return lambda blob: any(loose.text == text for loose in pasts[blob].loosened)


def _when(line: Lineage, pasts: Pasts, now: str, holds: Callable[[str], bool]) -> Step | None:
    """The newest commit after which something did not hold any more; None if that is not committed yet.

    A merge is named only where no other commit did it: it differs from the side that did not have the change.
    """
    known = {blob: blob in pasts and holds(blob) for blob in {*line.blobs, now}}
    if known.get(line.head) and not known[now]:
        return None
    steps = [step for step in line.steps if known.get(step.old) and not known.get(step.blob)]
    return next((step for step in steps if not step.merge), steps[0] if steps else None)


def _believed(entry: Transition, line: Lineage, pasts: Pasts) -> datetime:
    """Until when an entry caps: as its date says, unless it is much older than the commit that brought it."""
    until = cap_until(entry)
    brought = [
        step.authored
        for step in line.steps
        if step.blob in pasts
        and entry.said in pasts[step.blob].entries
        and not (step.old in pasts and entry.said in pasts[step.old].entries)
    ]
    first = min(brought, default=None)
    return first if first is not None and first - until > BACKDATED else min(until, NEVER)


def _rank(status: str | None) -> int:
    found = rung(status or "")
    return max(0, found.rank) if found else 0


def _span(contract: Contract, claim: str) -> Span:
    blocks = contract.document
    return next((one.span for one in contract.claims if one.id == claim), blocks.key_span("falsification_tests"))


def _at(when: Step | None) -> str:
    return f"in commit {when.commit[:12]} of {when.authored.date()}" if when else _NOT_YET


def _back(when: Step | None, line: Lineage) -> str:
    place = f"{when.commit[:12]}^:{when.old_path}" if when else f"HEAD:{line.steps[0].path}"
    return f"put it back as it was (git show {place}); what stands in its place, and what is to be said now, goes into a new entry"
