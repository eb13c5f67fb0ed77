"""A parity run as one HTML file that needs no network and no server."""

from __future__ import annotations

from apr.parity.html.page import page, write_report

__all__ = ["page", "write_report"]
