"""What evidence must hold before it may be called measured or independent: a level is checked, not believed.

`algorithm` and `authored` say less than any recording could show, so they may always be said. `measured` needs an engine that ran
and the model file that it ran on; `independent` needs two sides that different producers made. What is independent is worth more
than what is measured, so it may be called either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUBJECT, ORACLE, MODEL = "subject", "oracle", "model"

_DIGEST = re.compile(r"sha256:([0-9a-f]{8,64})")

# Who makes the engines that are known by name. Several packages carry the same kernels: they do not become independent by it.
_PRODUCERS = {
    "llama.cpp": "ggml-org",
    "ggml": "ggml-org",
    "llama-cpp-python": "ggml-org",
    "xllamacpp": "ggml-org",
    "transformers": "huggingface",
    "apr": "pv-falsify",
    "numpy": "pv-falsify",  # the reference of this distribution goes by the library that it is written with
}


def producer_of(name: str) -> str:
    """Who makes the engine of that name; of one that is not known, the name itself up to the first space, colon or slash."""
    head = name.strip().replace(":", " ").replace("/", " ").casefold().split()
    return _PRODUCERS.get(head[0], head[0]) if head else ""


def lacks(level: str, engines: Sequence[Mapping[str, Any]], inputs: Sequence[Mapping[str, Any]]) -> str:
    """What keeps evidence from being worth `level`, in words; empty if nothing does.

    Args:
        level: the word that is claimed.
        engines: each with `role`, `name`, `build` and `producer`.
        inputs: each with `kind`.
    """
    if level not in (Level.MEASURED, Level.INDEPENDENT):
        return ""
    apart = _not_apart(engines)
    if not apart:
        return ""
    if level == Level.INDEPENDENT:
        return f"says independent, but {apart}"
    if not engines:
        return "says measured, but no engine was recorded: evidence.engine(role, name, build)"
    if not any(entry.get("kind") == MODEL for entry in inputs):
        return "says measured, but no model file was recorded: evidence.input('model', path)"
    return ""


def _not_apart(engines: Sequence[Mapping[str, Any]]) -> str:
    """Why subject and oracle are not from different producers; empty if they are."""
    sides = {role: [one for one in engines if one.get("role") == role] for role in (SUBJECT, ORACLE)}
    missing = [role for role, found in sides.items() if not found]
    if missing:
        return f"no {' and no '.join(missing)} was recorded: evidence.engine({missing[0]!r}, name, build)"
    makers = {role: {_maker(one) for one in found} for role, found in sides.items()}
    nameless = next((role for role, found in makers.items() if "" in found), None)
    if nameless:
        return f"nobody is said to have made the {nameless}"
    both = sorted(makers[SUBJECT] & makers[ORACLE])
    if both:
        return f"both sides come from {', '.join(both)}"
    twins = sorted(one["name"] for one in sides[ORACLE] if any(_same_build(one, other) for other in sides[SUBJECT]))
    return f"both sides are the same build of {', '.join(twins)}" if twins else ""


def _maker(engine: Mapping[str, Any]) -> str:
    return " ".join(str(engine.get("producer") or "").casefold().split())


def _same_build(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two engines are the same bytes, whatever they are called, or go by one name and one version."""
    digests = [set(_DIGEST.findall(str(engine.get("build")))) for engine in (one, other)]
    return bool(digests[0] & digests[1]) or all(one.get(key) == other.get(key) for key in ("name", "build"))
