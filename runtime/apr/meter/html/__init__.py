"""A corpus as one HTML file that needs no network, no server and no script."""

from __future__ import annotations

from apr.meter.html.page import page, write_page

__all__ = ["page", "write_page"]
