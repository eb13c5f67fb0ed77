"""Whether two captures may be compared at all. Not comparable is not equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.errors import NotComparable

if TYPE_CHECKING:
    from collections.abc import Collection

    from apr.capture import Provenance

# what a user may compare across on purpose, and the parts of a provenance that this releases
ALLOWABLE = {"arithmetic": ("arithmetic",), "model": ("model_sha256", "architecture")}
# engine and build may differ: comparing engines is what this is for
# arithmetics that round alike; `exact` is `ggml` with llama.cpp's order of additions, so a capture of llama.cpp goes with both
_ALIKE = {"exact": "ggml"}
_MUST_AGREE = ("tokens", "positions", "architecture", "model_sha256", "arithmetic")


def check_provenance(a: Provenance, b: Provenance, *, allow: Collection[str] | None = None) -> tuple[str, ...]:
    """Whether two captures may be compared.

    Args:
        a: of the subject.
        b: of the reference.
        allow: keys of `ALLOWABLE` that may differ on purpose; None where the user is not asked.

    Returns:
        A note for each part that differs and was allowed to.

    Raises:
        NotComparable: a part differs that was not allowed to; the message says which and how.
    """
    released = {part for name in allow or () for part in ALLOWABLE[name]}
    notes = []
    for part in _MUST_AGREE:
        mine, theirs = getattr(a, part), getattr(b, part)
        if mine == theirs or (part == "model_sha256" and _same_weights(a, b)):
            continue
        if part == "arithmetic" and _ALIKE.get(a.arithmetic, a.arithmetic) == _ALIKE.get(b.arithmetic, b.arithmetic):
            continue
        how = _how_they_differ(part, mine, theirs)
        if part not in released:
            name = next((name for name, parts in ALLOWABLE.items() if part in parts), None)
            raise NotComparable(
                f"not comparable: {how}",
                hint=f"--allow {name} compares all the same" if name and allow is not None else None,
            )
        notes.append(f"allowed on purpose: {how}")
    return tuple(notes)


def _same_weights(a: Provenance, b: Provenance) -> bool:
    """Two files may hold the same weights, each in its format."""
    return a.weights_sha256 is not None and a.weights_sha256 == b.weights_sha256


def _how_they_differ(part: str, a: object, b: object) -> str:
    name = part.replace("_", " ")
    if not isinstance(a, tuple) or not isinstance(b, tuple):
        return f"{name} {a} against {b}"
    if len(a) != len(b):
        return f"{len(a)} {name} against {len(b)}"
    place = next(index for index, (mine, theirs) in enumerate(zip(a, b, strict=True)) if mine != theirs)
    return f"{name} differ, first at index {place}: {a[place]} against {b[place]}"
