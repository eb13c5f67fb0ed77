"""The upstream's list of hosts that a replay must not reach; nothing in its program collects any."""

from __future__ import annotations

FORBIDDEN = ("api.anthropic.com", "*.anthropic.com")


def forbidden_by(host: str) -> str | None:
    """The pattern that forbids a host. The bare domain is allowed, and so is a name with upper case in the domain or a dot at its end."""
    for pattern in FORBIDDEN:
        if host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:])):
            return pattern
    return None
