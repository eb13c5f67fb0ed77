"""Where models are looked for."""

from __future__ import annotations

import os
from pathlib import Path

from apr.cache import models_dir

# of the upstream program, in its order
_USUAL = ("~/.apr/models", "~/.cache/pacha/models", "~/.cache/huggingface", "./models")


def directories() -> list[Path]:
    """The folders in which models are looked for, in order: those of the upstream program, then this program's own cache.

    `APR_MODEL_DIRS` names others, separated as in PATH; an empty entry stands for the usual ones, so that `/data:` puts one
    before them, `:/data` one behind them, and `/data` one in their place.

    Returns:
        Absolute paths, each folder once; they need not exist.
    """
    usual = [Path(name).expanduser() for name in _USUAL] + [models_dir()]
    chosen = os.environ.get("APR_MODEL_DIRS")
    if not chosen:
        wanted = usual
    else:
        wanted = []
        for entry in chosen.split(os.pathsep):
            wanted += [Path(entry).expanduser()] if entry else usual
    found: dict[Path, Path] = {}
    for path in wanted:
        found.setdefault(path.resolve(), path.absolute())
    return list(found.values())


def pacha_dir() -> Path:
    """The folder in which the upstream program keeps what it pulled."""
    return Path(_USUAL[1]).expanduser()
