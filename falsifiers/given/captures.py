"""Captures of sound engines, taken once a session whatever worker asks, and removed when the session ends.

They never outlive it: what a session holds against a subject, it has seen an engine make (`docs/decisions/0034`).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.watched import first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.cache.captures import CaptureKey, CaptureStore
    from apr.capture import Capture
    from given.oracle import Oracle

RUNTIME = Path(__file__).resolve().parents[2] / "runtime" / "apr"
NAME = "captures"  # of the folder, beside the temporary folders of the session's tests


class SoundCaptures:
    """llama.cpp's captures, without any fault: each is made by the first worker that asks for it."""

    def __init__(self, store: CaptureStore) -> None:
        self._store = store

    def take(self, oracle: Oracle, tokens: Sequence[int]) -> Capture:
        """All stages of a pass over the tokens.

        Raises:
            Inconclusive: see `given.oracle.Oracle`; nothing is kept then.
        """
        return self._store.take(key_of(oracle, tokens), lambda: oracle.capture(list(tokens)))


def key_of(oracle: Oracle, tokens: Sequence[int]) -> CaptureKey:
    """What decides about a capture of a sound engine: the bytes of model, library and runtime as they were when this process began."""
    from apr.cache.captures import CaptureKey

    engine = oracle.engine()
    return CaptureKey(
        model=engine.provenance(tokens).model_sha256,
        tokens=tuple(tokens),
        engine=engine.name,
        build=engine.build,
        library=first(engine.provider.library),
        arithmetic=engine.arithmetic,
        options=tuple(sorted(engine.instructions)),
        stages="all",
        source=first(RUNTIME),
        fault="",
    )


def folder_of(config: Any) -> Path | None:
    """The folder of this session, the same for all of its workers; None where pytest has not made any."""
    made = getattr(config, "_tmp_path_factory", None)  # where `tmp_path_factory` comes from; a hook has no fixtures
    if made is None or made._basetemp is None:  # noqa: SLF001  asking for it would make it
        return None
    base: Path = made.getbasetemp()
    # xdist puts the folder of each worker into that of the session
    return (base.parent if _shares(config) else base) / NAME


def _shares(config: Any) -> bool:
    """Whether this is a worker of xdist, whose session has a folder that ends with it; other schedulers' workers only look like one."""
    worker = getattr(config, "workerinput", {}).get("workerid")
    return worker is not None and worker == os.environ.get("PYTEST_XDIST_WORKER")


@pytest.fixture(scope="session")
def taken_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SoundCaptures:
    """Captures that all workers of the session share."""
    from apr.cache.captures import CaptureStore

    tmp_path_factory.getbasetemp()  # from here on there is a folder
    folder = folder_of(request.config)
    assert folder is not None
    return SoundCaptures(CaptureStore(folder, _remark))


def _remark(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes them when all workers are done."""
    folder = folder_of(config)
    if folder is not None and not _shares(config):
        shutil.rmtree(folder, ignore_errors=True)  # what is left of it goes with pytest's old folders
