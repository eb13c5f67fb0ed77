"""Which model is meant: what was named by path, else what was named by repository, else the best that is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from apr.cache import resolve_model
from apr.cache.place import stamped
from apr.cache.source import HubFiles, parse_source
from apr.discovery.candidates import Health, look_around
from apr.discovery.directories import directories, pacha_dir
from apr.discovery.order import best
from apr.errors import AprError, UnusableInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULT_QUANT = "q4_k_m"
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_QUANT = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


class Choice(NamedTuple):
    """A model and what it was chosen by: `model_path`, `model_repo` or `discovery`."""

    path: Path
    by: str


def choose(
    *,
    model_path: str | None = None,
    model_repo: str | None = None,
    quant: str = DEFAULT_QUANT,
    folders: Sequence[Path] | None = None,
) -> Choice:
    """The model that is meant; what is named more exactly wins, and is never replaced by something else.

    Args:
        model_path: a path, a folder, an alias or a source, see `apr.cache.resolve_model`.
        model_repo: `ORG/REPO`, for the file that the upstream program or `apr pull` put on this machine.
        quant: the quantisation of that file.
        folders: where to look if neither is given; None takes `directories()`.

    Raises:
        UsageError: no name of a repository or quantisation.
        UnusableInput: what was named is not here, or nothing usable was found.
    """
    named = _named(model_path, model_repo, quant)
    if named is not None:
        return named
    looked = directories() if folders is None else list(folders)
    found = best(look_around(looked).candidates)
    if found is None:
        raise UnusableInput(
            f"no model in {', '.join(map(str, looked))}", hint="give a path or an alias, or run `apr pull smollm2`"
        )
    if found.health is Health.UNUSABLE:
        raise UnusableInput(
            f"no usable model was found; the best one {found.reason}",
            where=str(found.path),
            hint="see `apr find --why`, give a path or an alias, or run `apr pull smollm2`",
        )
    return Choice(found.path, "discovery")


def _named(model_path: str | None, model_repo: str | None, quant: str) -> Choice | None:
    """The model that was named, or None if none was."""
    if model_path is not None:
        return Choice(resolve_model(model_path), "model_path")
    if model_repo is not None:
        return Choice(_of_repo(model_repo, quant), "model_repo")
    return None


def _of_repo(repo: str, quant: str) -> Path:
    if not _REPO.fullmatch(repo):
        raise UsageError(f"{repo!r} is not of the form ORG/REPO")
    if not _QUANT.fullmatch(quant):
        raise UsageError(f"{quant!r} is no quantisation", hint="for example q4_k_m")
    upstream = pacha_dir() / f"{repo.replace('/', '--')}-{quant}.gguf"
    if upstream.is_file():
        return upstream
    word = re.compile(rf"(?<![a-z0-9]){re.escape(quant.lower())}(?![a-z0-9_])")
    for path, stamp in stamped():
        if _repo_of(stamp.get("source")) == repo and word.search(path.name.lower()):
            return path
    raise UnusableInput(
        f"no {quant} model of {repo} is here",
        where=str(upstream),
        hint=f"run `apr pull hf://{repo}:{quant.upper()}`, or give its path",
    )


def _repo_of(source: object) -> str | None:
    """The repository of a source on the Hub that was written down; None for any other."""
    try:
        parsed = parse_source(source) if isinstance(source, str) else None
    except AprError:  # written by another version
        return None
    return parsed.repo if isinstance(parsed, HubFiles) else None
