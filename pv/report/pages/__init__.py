"""A page a contract, and an index of them: HTML that is made of the YAML and of the evidence that promotions keep."""

from __future__ import annotations

from pv.report.pages.folder import made, outdated, write_all

__all__ = ["made", "outdated", "write_all"]
