"""One file over HTTP: bounded patience, taken up again where it broke off, checked against whatever is known of it.

What has come stays in a partial file beside a note of the server's validator (its ETag), so that the next attempt, of this
process or of a later one, asks for the rest only (RFC 9110, sections 13.1.5 If-Range and 14 Range requests). A server that
has another file by now sends all of it anew.
"""

from __future__ import annotations

import errno
import netrc
import os
import re
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apr import __version__
from apr.cache.base import Patience, PullError
from apr.cache.partial import Partial
from apr.cache.source import may_be_asked
from apr.console import human_size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import FileIO
    from pathlib import Path

    import httpx2

    from apr.cache.base import Talk

_MAX_REDIRECTS = 10
# a connection that brings less than this before it breaks counts as one that brought nothing
_PROGRESS_BYTES = 1 << 20
# of a file of which neither the server nor anybody else says how long it is; one that says it is held against the free space
_UNANNOUNCED_BYTES = 64 << 30
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # what may pass by itself
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-(?P<last>\d+)/(?P<total>\d+|\*)", re.ASCII)
_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 200, 206, 416
_REFUSED = frozenset({401, 403})


@dataclass(frozen=True)
class Remote:
    """A file behind a URL, and what is known of it beforehand.

    Attributes:
        url: https, or http to this very machine.
        name: its name, for messages.
        size: in bytes, if anybody says so.
        sha256: if anybody says so.
        git_sha1: of the file as a git blob, if that is what is known.
        headers: for the first server that is asked, for example its token; not passed on to another one.
        help_refused: what to do when the server refuses.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    help_refused: str = "put a user name and password for this host into ~/.netrc"

    @property
    def shown(self) -> str:
        """The URL without its query, which may hold a secret."""
        return self.url.partition("?")[0]


class _Lost(Exception):
    """The connection broke, or the server asked to come back later; another attempt may do better."""

    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def fetch(remote: Remote, partial: Path, talk: Talk, patience: Patience | None = None) -> str:
    """Downloads a file into `partial`; after a failure what has come stays there for the next call.

    Args:
        remote: the file.
        partial: where to; its folder exists. Nobody else writes there meanwhile.
        talk: progress, and a line about every further attempt.
        patience: how long to wait and how often to try again.

    Returns:
        sha256 of the file, which is whole and as long and of the hash that was expected.

    Raises:
        PullError: the server cannot be reached, has no such file, refuses, or sends something else than expected; no space.
        OSError: the partial file cannot be written for another reason.
    """
    return _Download(remote, partial, talk, patience or Patience()).run()


class _Download:
    def __init__(self, remote: Remote, path: Path, talk: Talk, patience: Patience) -> None:
        self.remote, self.talk, self.patience = remote, talk, patience
        self.partial = Partial(path, remote.url, remote.size)
        self.reached = False

    def run(self) -> str:
        self.partial.take_up(self.remote.name, self.talk, hash_is_known=self.remote.sha256 is not None)
        with self._client() as client:
            failures = 0
            while not self.partial.is_whole:
                before = self.partial.have
                try:
                    self._attempt(client)
                    break
                except _Lost as lost:
                    failures = failures + 1 if self.partial.have - before < _PROGRESS_BYTES else 1
                    self._wait(lost, failures)
        return self._checked()

    def _client(self) -> httpx2.Client:
        import httpx2  # noqa: PLC0415 - only a download pays for it

        is_secure = self.remote.url.lower().startswith("https:")

        def check(request: httpx2.Request) -> None:
            """Redirects included: never from https to something that anybody on the way can change."""
            url = request.url
            if not may_be_asked(str(url)) or (is_secure and url.scheme != "https"):
                raise self._refusal(f"the server leads to {url.scheme}://{url.host}, which is not https")

        return httpx2.Client(
            auth=self._netrc(),
            timeout=httpx2.Timeout(self.patience.silence, connect=self.patience.connect),
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
            headers={"User-Agent": f"apr/{__version__}", "Accept-Encoding": "identity"},
            event_hooks={"request": [check]},
        )

    def _netrc(self) -> httpx2.Auth | None:
        """User name and password for the host, if `NETRC` or ~/.netrc has them and there is no token."""
        import httpx2  # noqa: PLC0415 - only a download pays for it

        if self.remote.headers:
            return None
        try:
            return httpx2.NetRCAuth(os.environ.get("NETRC"))
        except FileNotFoundError:
            return None
        except netrc.NetrcParseError as error:
            raise PullError(f"cannot be read: {error.msg}", where=f"{error.filename}:{error.lineno}") from error

    def _attempt(self, client: httpx2.Client) -> None:
        """Asks for what is missing and writes it down.

        Raises:
            _Lost: it may be worth another attempt.
            PullError: it is not.
        """
        import httpx2  # noqa: PLC0415 - only a download pays for it

        headers = dict(self.remote.headers)
        if self.partial.have:
            headers["Range"] = f"bytes={self.partial.have}-"
            if self.partial.validator:
                headers["If-Range"] = self.partial.validator
        try:
            with client.stream("GET", self.remote.url, headers=headers) as response:
                self.reached = True
                self._look_at(response)
                self._receive(response)
        except httpx2.TooManyRedirects as error:
            raise self._refusal(f"more than {_MAX_REDIRECTS} redirects") from error
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise self._refusal(f"the server leads to no URL: {error}") from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            reason = str(error) or f"no connection within {self.patience.connect:g} seconds"
            if not self.reached:  # no network, no such host, no such port, no valid certificate: waiting does not help
                hint = _CERTIFICATES if "CERTIFICATE" in reason else _OFFLINE
                raise self._refusal(f"cannot be reached: {reason}", hint=hint) from error
            raise _Lost(f"cannot be reached any more: {reason}") from error
        except httpx2.ProxyError as error:
            raise self._refusal(f"the proxy refuses: {error}", hint="correct HTTPS_PROXY") from error
        except httpx2.TimeoutException as error:
            raise _Lost("the server is silent") from error
        except httpx2.TransportError as error:
            raise _Lost(f"the connection was lost: {error}") from error

    def _look_at(self, response: httpx2.Response) -> None:
        """The answer's head: its body goes on from here, or is the file anew, or must not be written down.

        Raises:
            _Lost, PullError: it must not.
        """
        status, headers, partial = response.status_code, response.headers, self.partial
        if status == _RANGE_NOT_SATISFIABLE and partial.have:  # another file by now
            partial.start_over()
            raise _Lost("the server has nothing beyond what is here", wait=0)
        if status not in (_OK, _PARTIAL_CONTENT):
            raise self._status(response)
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._refusal("the server sends it compressed, so nothing can be said about its length")
        if status == _PARTIAL_CONTENT:
            self._goes_on(headers)
        else:
            partial.start_over()
            self._learn_total(headers)
            etag = headers.get("ETag")
            partial.validator = (
                etag if etag and not etag.startswith("W/") else None
            )  # a weak one promises no equal bytes
        self._require_space()

    def _goes_on(self, headers: httpx2.Headers) -> None:
        partial = self.partial
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        etag = headers.get("ETag")
        other = partial.validator and etag and etag != partial.validator
        if not partial.have or found is None or int(found["first"]) != partial.have or other:
            partial.start_over()
            raise _Lost("the server sent another part than it was asked for", wait=0)
        if found["total"] != "*":
            total = int(found["total"])
            if partial.total is not None and total != partial.total:
                partial.start_over()
                raise _Lost("the file has another length by now", wait=0)
            partial.total = total

    def _learn_total(self, headers: httpx2.Headers) -> None:
        length, partial = headers.get("Content-Length", ""), self.partial
        total = int(length) if length.isascii() and length.isdigit() else None
        ends_visibly = "chunked" in headers.get("Transfer-Encoding", "").lower()
        if total is None and partial.total is None and not self.remote.sha256 and not ends_visibly:
            raise self._refusal("the server does not say how long it is, so a part of it would look like all of it")
        if total is not None and partial.total is not None and total != partial.total:
            raise self._refusal(f"has {total} bytes, expected {partial.total}; it was not kept")
        partial.total = total if total is not None else partial.total

    def _require_space(self) -> None:
        if self.partial.total is None:
            return
        free, needed = shutil.disk_usage(self.partial.path.parent).free, self.partial.total - self.partial.have
        if free < needed:
            raise self._no_space(f"{human_size(needed)} are needed, {human_size(free)} are free")

    def _receive(self, response: httpx2.Response) -> None:
        """Writes the answer's body behind what is here."""
        partial = self.partial
        partial.write_note()
        with (
            self.talk.make_meter(f"downloading {self.remote.name}", partial.total, unit="bytes") as meter,
            partial.path.open("r+b" if partial.have else "wb", buffering=0) as file,
        ):
            file.seek(partial.have)
            meter.advance(partial.have)
            most = _UNANNOUNCED_BYTES if partial.total is None else partial.total
            for chunk in response.iter_raw():
                if partial.have + len(chunk) > most:
                    partial.throw_away()
                    may = "may" if partial.total is None else "should"
                    raise self._refusal(f"is longer than the {most} bytes it {may} have; it was not kept")
                self._write(file, chunk)
                partial.count(chunk, meter)
            os.fsync(file.fileno())
        if partial.total is not None and partial.have < partial.total:
            raise _Lost("the connection ended early")

    def _write(self, file: FileIO, chunk: bytes) -> None:
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:  # what was written before is right, and counts for the next call
            if error.errno not in _NO_SPACE:
                raise
            raise self._no_space(f"{error.strerror} after {human_size(self.partial.have)}") from error

    def _wait(self, lost: _Lost, failures: int) -> None:
        """Waits before the next attempt.

        Raises:
            PullError: patience is at its end.
        """
        kept = f"the {human_size(self.partial.have)} that came are kept: " if self.partial.have else ""
        again = f"{kept}check the network and pull again"
        if failures >= self.patience.attempts:
            raise self._refusal(f"{lost}; gave up after {failures} attempts", hint=again)
        wait = lost.wait if lost.wait is not None else self.patience.wait(failures)
        if wait > self.patience.longest_wait:
            raise self._refusal(f"{lost}; it asks to come back in {wait:.0f} seconds", hint=again)
        if wait or failures > 1:
            self.talk.say(
                f"{self.remote.name}: {lost}; attempt {failures + 1} of {self.patience.attempts} in {wait:.1f} s"
            )
        time.sleep(wait)

    def _checked(self) -> str:
        """The hash of what is here, if it is what it should be; else it is thrown away."""
        partial, remote, problem = self.partial, self.remote, None
        if partial.path.stat().st_size != partial.have:
            problem = "was written to by another process, although it is locked"
        elif remote.sha256 and partial.sha256 != remote.sha256:
            problem = f"has sha256 {partial.sha256}, expected {remote.sha256}"
        elif remote.git_sha1 and partial.git_sha1 != remote.git_sha1:
            problem = f"is not the git blob {remote.git_sha1} that was announced"
        if problem is None:
            partial.note.unlink(missing_ok=True)
            return partial.sha256
        partial.throw_away()
        raise self._refusal(
            f"{problem}; it was not kept",
            hint="the file at the source is not the one that is meant, or was damaged on its way",
        )

    def _status(self, response: httpx2.Response) -> Exception:
        """What an error of the server means."""
        status = f"{response.status_code} {response.reason_phrase}".strip()
        if response.status_code in _AGAIN:
            after = response.headers.get("Retry-After", "")
            return _Lost(
                f"the server answers {status}", wait=float(after) if after.isascii() and after.isdigit() else None
            )
        if response.status_code in _REFUSED:
            return self._refusal(f"the server refuses: {status}", hint=self.remote.help_refused)
        return self._refusal(f"the server answers {status}", hint="correct the source")

    def _no_space(self, facts: str) -> PullError:
        return self._refusal(
            f"there is no space for it in {self.partial.path.parent}: {facts}",
            hint="make space, or set APR_CACHE_DIR to a folder on another disk, and pull again",
        )

    def _refusal(self, problem: str, *, hint: str | None = None) -> PullError:
        return PullError(problem, where=self.remote.shown, hint=hint)


_CERTIFICATES = "SSL_CERT_FILE can name the certificates that are to be trusted"
_OFFLINE = "check the network; a model that is on this machine already needs no pull: give its path"
