"""The harness: contracts are read, bound to falsifiers, judged, and their status is computed.

What a falsifier needs is exported here and loaded on first use, so that `import pv` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pv.bind import falsifies
    from pv.evidence import Evidence
    from pv.parse import Claim, Contract, Mutant
    from pv.signals import Inconclusive, Refuted
    from pv.watched import watch

__version__ = "0.1.0"
__all__ = ["Claim", "Contract", "Evidence", "Inconclusive", "Mutant", "Refuted", "__version__", "falsifies", "watch"]

_HOMES = {
    "Claim": "pv.parse",
    "Contract": "pv.parse",
    "Evidence": "pv.evidence",
    "Inconclusive": "pv.signals",
    "Mutant": "pv.parse",
    "Refuted": "pv.signals",
    "falsifies": "pv.bind",
    "watch": "pv.watched",
}


def __getattr__(name: str) -> object:
    """Load an exported name from the module that defines it.

    Raises:
        AttributeError: `pv` exports no such name.
    """
    import importlib  # noqa: PLC0415  only needed when a name is asked for

    if name not in _HOMES:
        raise AttributeError(f"module 'pv' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
