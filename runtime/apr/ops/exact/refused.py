"""Cases without an exact kernel."""

from __future__ import annotations

from apr.errors import UnsupportedModel


def refused(what: str) -> UnsupportedModel:
    """The refusal of a case by name."""
    return UnsupportedModel(
        f"arithmetic `exact` has no kernel for {what}",
        hint="use --arithmetic ggml, which rounds as llama.cpp does but adds in an order of its own",
    )
