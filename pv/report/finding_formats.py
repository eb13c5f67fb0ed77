"""The formats of findings, by name: which module writes each."""

from __future__ import annotations

FINDING_FORMATS = ("text", "json", "sarif", "github", "junit", "checkstyle")
