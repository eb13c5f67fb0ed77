"""The equations of a transformer as the runtime computes them, one function each: arrays in, arrays out.

The contracts of the library speak about functions of these names; any other module that has them can stand in for this one.
"""

from __future__ import annotations

__all__: list[str] = []
