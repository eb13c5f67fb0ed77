"""The status of contracts as one HTML file that needs no network and no server."""

from __future__ import annotations

from pv.report.html.page import as_html

__all__ = ["as_html"]
