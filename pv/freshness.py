"""Whether a row of the ledger still rests on what is there now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pv.deciders import deciders
from pv.digest import sha256
from pv.expiry import hides_older, untimely
from pv.formal.source import BUILT_IN, digest
from pv.naming import name_of, path_of
from pv.shelltest.source import SHELL
from pv.shelltest.source import digest as shell_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pv.config import Config
    from pv.parse import Claim

# the falsifiers that belong to the harness
_BUILT_IN = {BUILT_IN: digest, SHELL: shell_digest}


class Freshness:
    """Tells which rows still rest on what is there now; every file and folder is hashed once, and the clock is read once."""

    def __init__(self, config: Config, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)
        self._config = config
        self._root = config.root.resolve()
        self._falsifiers = [folder.resolve() for folder in config.falsifiers]
        self._digests: dict[Path, str | OSError] = {}
        self._names: dict[str, str | OSError] = {}
        self._bound: dict[str, bool] = {}
        self._deciders: dict[str, dict[str, str]] = {}

    def stale(self, row: Mapping[str, Any], claim: Claim) -> str:
        """Why a row counts for nothing any more; empty if it is fresh."""
        if row.get("fingerprint") != claim.fingerprint:
            return "the claim has changed since"
        if late := untimely(row, claim, self.now):
            return late
        inputs, falsifier = row.get("inputs"), row.get("falsifier")
        entries = [entry for entry in inputs if isinstance(entry, dict)] if isinstance(inputs, list) else []
        if isinstance(falsifier, dict):
            if not self._is_falsifier(str(falsifier.get("path"))):
                return f"falsifier {falsifier.get('path')} is in no folder of falsifiers"
            entries = [{"kind": "falsifier", **falsifier}, *entries]
        have = {str(entry.get("path")) for entry in entries}
        lacking = [f"{kind} {name}" for name, kind in self._needed(claim).items() if name not in have]
        if lacking:
            return f"{lacking[0]} was not there when it ran"
        return next(filter(None, map(self._differs, entries)), "")

    def hides_older(self, row: Mapping[str, Any], claim: Claim) -> bool:
        """Whether a stale row also keeps those before it from counting: only its time is wrong, and it is newer than they."""
        return hides_older(row, claim, self.now)

    def _needed(self, claim: Claim) -> dict[str, str]:
        """The code that evidence for a claim must rest on, by name."""
        if claim.path not in self._deciders:
            found = deciders(self._config, self._config.root / claim.path)
            self._deciders[claim.path] = {name_of(one, self._root): kind for kind, one in found}
        return self._deciders[claim.path]

    def _differs(self, entry: Mapping[str, Any]) -> str:
        name = str(entry.get("path"))
        what = f"{entry.get('kind')} {name}"
        now = self._named(name)
        if isinstance(now, FileNotFoundError):
            return f"{what} is missing"
        if isinstance(now, OSError):
            return f"{what} cannot be read: {now.strerror or now}"
        return "" if now == entry.get("sha256") else f"{what} has changed since"

    def _named(self, name: str) -> str | OSError:
        """The digest of what a row names; rows name the same few files over and over."""
        if name not in self._names:
            self._names[name] = _BUILT_IN[name]() if name in _BUILT_IN else self._digest(path_of(name, self._root))
        return self._names[name]

    def _digest(self, path: Path) -> str | OSError:
        if path not in self._digests:
            self._digests[path] = self._hashed(path)
        return self._digests[path]

    def _hashed(self, path: Path) -> str | OSError:
        """The digest of a file or of a folder that is ours; what else stands there could be of any size."""
        try:
            absolute = path.resolve()
            ours = absolute in self._falsifiers or (absolute != self._root and absolute.is_relative_to(self._root))
            if absolute.is_dir() and not ours:
                return OSError("a folder that is not below the root of the project")
            return sha256(path)
        except OSError as problem:
            return problem
        except (ValueError, RuntimeError) as problem:  # a name that no file can have; links in a circle
            return OSError(str(problem))

    def _is_falsifier(self, name: str) -> bool:
        if name not in self._bound:
            path = path_of(name, self._root)
            self._bound[name] = name in _BUILT_IN or any(path.is_relative_to(folder) for folder in self._falsifiers)
        return self._bound[name]
