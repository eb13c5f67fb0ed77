"""Pins: of which file, at which commit of which repository, a mirrored contract is a copy."""

from __future__ import annotations

from pv.pins.remarks import pin_remarks

__all__ = ["pin_remarks"]
