"""What became of claims since another commit."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ClaimRef:
    """A claim by name, where it stands, and how it came out.

    `before` and `now` are an outcome or `stale`; empty where the claim was, or is, not there. `text` says why.
    """

    contract: str
    claim: str
    path: str
    line: int = 1
    text: str = ""
    before: str = ""
    now: str = ""


@dataclass(frozen=True, slots=True)
class StatusMove:
    """A contract whose effective or declared status moved."""

    contract: str
    path: str
    what: str  # "effective" or "declared"
    before: str
    now: str


@dataclass(frozen=True)
class Since:
    """What changed since `ref`; where nothing had been measured there, `why_not` says so and nothing can be called new."""

    ref: str
    commit: str
    measured: bool = True
    why_not: str = ""
    newly_refuted: tuple[ClaimRef, ...] = ()
    newly_discharged: tuple[ClaimRef, ...] = ()
    newly_stale: tuple[ClaimRef, ...] = ()
    newly_inconclusive: tuple[ClaimRef, ...] = ()
    newly_in_error: tuple[ClaimRef, ...] = ()
    added: tuple[ClaimRef, ...] = ()
    removed: tuple[ClaimRef, ...] = ()
    moved: tuple[StatusMove, ...] = field(default=())
