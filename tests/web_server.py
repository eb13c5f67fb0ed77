"""A real HTTP server on this machine, with files that it serves well or badly, as its pages are told to.

It also speaks the two things that pulling from the Hugging Face Hub needs: what a repository holds, and its files by commit.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

COMMIT = "c0ffee" * 6 + "beef"


@dataclass
class Page:
    """A file and how it is served.

    Attributes:
        content: its bytes.
        etag: its validator, with quotes; None for none.
        ranges: whether a part of it can be asked for.
        heeds_if_range: whether a changed file is sent anew; RFC 9110 wants it so, some servers do not.
        length: `plain` for Content-Length, `chunked`, or `none`: the body ends when the connection does.
        headers: beside the usual ones.
        location: where it is now; answers with a redirect.
        plan: what the next answers are, the first first: ("cut", bytes), ("status", code, headers), ("silent", seconds),
            ("wait", event). After them the page is served well.
    """

    content: bytes = b""
    etag: str | None = '"v1"'
    ranges: bool = True
    heeds_if_range: bool = True
    length: str = "plain"
    headers: dict[str, str] = field(default_factory=dict)
    location: str | None = None
    plan: list[tuple[Any, ...]] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that break off are what many tests are about; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class WebServer:
    """Serves `pages` by path on a port of its own and keeps every request in `requests`."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"web": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, path: str, content: bytes = b"", **how: Any) -> str:
        """Serves a page; returns its URL."""
        self.pages[path] = Page(content, **how)
        return self.url + path

    def add_repository(
        self, repo: str, files: dict[str, bytes], *, plain: tuple[str, ...] = (".json", ".txt"), commit: str = COMMIT
    ) -> None:
        """Serves a repository as the Hub does; files that end in `plain` are git blobs, the others in git-lfs."""
        siblings = []
        for name, content in files.items():
            blob = hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()
            entry: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": blob}
            if not name.endswith(plain):
                digest = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"size": len(content), "sha256": digest, "pointerSize": 134}
            siblings.append(entry)
            self.add(f"/{repo}/resolve/{commit}/{name}", content)
        about = json.dumps({"id": repo, "sha": commit, "siblings": siblings}).encode()
        for revision in ("", "/revision/main", f"/revision/{commit}"):
            self.add(f"/api/models/{repo}{revision}", about, etag=None, headers={"Content-Type": "application/json"})

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of every request for a page, with lower-case names."""
        return [headers for asked, headers in self.requests if asked == path]

    def note(self, path: str, headers: dict[str, str]) -> tuple[Any, ...]:
        """Keeps a request; returns how it is to be answered."""
        with self._lock:
            self.requests.append((path, headers))
            page = self.pages.get(path)
            return page.plan.pop(0) if page is not None and page.plan else ("well",)


class _Handler(BaseHTTPRequestHandler):
    web: WebServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        step = self.web.note(path, {name.lower(): value for name, value in self.headers.items()})
        page = self.web.pages.get(path)
        if page is None:
            repo = path.startswith("/api/")
            self._answer(404, {"X-Error-Code": "RepoNotFound"} if repo else {}, b"no such page")
        elif step[0] == "status":
            self._answer(step[1], step[2] if len(step) > 2 else {}, b"")
        elif page.location is not None:
            self._answer(302, {"Location": page.location}, b"")
        else:
            self._serve(page, step)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _serve(self, page: Page, step: tuple[Any, ...]) -> None:
        total, first = len(page.content), 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if wanted and page.ranges and (condition in (None, page.etag) or not page.heeds_if_range):
            first = int(wanted[1])
            if first >= total:
                self._answer(416, {"Content-Range": f"bytes */{total}"}, b"")
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        else:
            self.send_response(200)
        body = page.content[first:]
        if page.etag:
            self.send_header("ETag", page.etag)
        for name, value in page.headers.items():
            self.send_header(name, value)
        if page.length == "plain" and "Content-Length" not in page.headers:
            self.send_header("Content-Length", str(len(body)))
        elif page.length == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        if page.length == "none" or step[0] != "well":
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if step[0] == "silent":
            self.web.stopping.wait(step[1])
            return
        if step[0] == "wait":  # the first half at once, the rest when the test says so
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            step[1].wait(60)
            body = body[len(body) // 2 :]
        self._send(body[: step[1]] if step[0] == "cut" else body, page, whole=step[0] != "cut")

    def _send(self, body: bytes, page: Page, *, whole: bool) -> None:
        if page.length != "chunked":
            self.wfile.write(body)
            return
        for start in range(0, len(body), 4096):
            piece = body[start : start + 4096]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if whole:
            self.wfile.write(b"0\r\n\r\n")
